"""A compute plugin for floe, written from floe's public contract alone.

DuckDB computes in memory, and every connection says for whom: its user agent is `acme/<team>`, so that
Acme's operators see in DuckDB's own log whose work it was.
"""

from __future__ import annotations

from typing import Any

from floe_core.compute_config import (
    WORKLOAD_PRESETS,
    ComputeConfig,
    ConnectionResult,
    ConnectionStatus,
    ResourceSpec,
)
from floe_core.plugins.compute import ComputePlugin


class AcmeDuckDB(ComputePlugin):
    """DuckDB as Acme runs it."""

    @property
    def name(self) -> str:
        """As in the entry point: what manifest.yaml selects it by."""
        return "acme-duckdb"

    @property
    def version(self) -> str:
        """Version of the plugin."""
        return "1.2.0"

    @property
    def floe_api_version(self) -> str:
        """The version of floe's plugin API that it was written for; floe refuses another major version."""
        return "1.0"

    @property
    def is_self_hosted(self) -> bool:
        """It computes where dbt runs."""
        return True

    def generate_dbt_profile(self, config: ComputeConfig) -> dict[str, Any]:
        """The target of dbt's profile.

        `config.connection` is what manifest.yaml says under `plugins.compute.config`, less `threads`.
        """
        return {
            "type": "duckdb",
            "path": ":memory:",
            "threads": config.threads,
            "config_options": {"custom_user_agent": f"acme/{config.connection.get('team', 'nobody')}"},
        }

    def get_required_dbt_packages(self) -> list[str]:
        """What must be installed beside it for dbt to use the profile."""
        return ["dbt-duckdb>=1.9"]

    def validate_connection(self, config: ComputeConfig) -> ConnectionResult:  # noqa: ARG002
        """Nothing to reach: the engine is a library."""
        return ConnectionResult(status=ConnectionStatus.HEALTHY, latency_ms=0.0)

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        """What a run may use.

        Raises:
            ValueError: floe has no workload of that size.
        """
        if workload_size not in WORKLOAD_PRESETS:
            raise ValueError(f"{workload_size!r} is none of {', '.join(WORKLOAD_PRESETS)}")
        return WORKLOAD_PRESETS[workload_size]
