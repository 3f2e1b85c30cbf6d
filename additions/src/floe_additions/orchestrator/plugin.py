"""The orchestrator plugin `dagster-iceberg`: floe's Dagster plugin with definitions of our own.

Only the code generation differs. Everything else (Helm values, validation of the artifacts,
schedules) is floe's own and is inherited.
"""

from __future__ import annotations

import re
from pathlib import Path

from floe_core.plugin_metadata import HealthState, HealthStatus
from floe_orchestrator_dagster import DagsterOrchestratorPlugin

HEALTH_SECONDS = 5.0
"""What floe gives a health check unless it is told."""

_PRODUCT_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")

_DEFINITIONS = '''"""Dagster definitions of the data product {product}.

Written when the product is compiled; compile again instead of editing.
"""

from pathlib import Path

from floe_additions.orchestrator.loader import load_product_definitions

defs = load_product_definitions("{product}", Path(__file__).resolve().parent)
'''


class DagsterIcebergOrchestratorPlugin(DagsterOrchestratorPlugin):
    """Dagster, with one asset per dbt model and nothing copied after dbt has run."""

    @property
    def name(self) -> str:
        """The name manifest.yaml selects it by."""
        return "dagster-iceberg"

    @property
    def version(self) -> str:
        """Version of this plugin."""
        return "0.1.0"

    @property
    def floe_api_version(self) -> str:
        """The plugin API it was written against."""
        return "1.0"

    @property
    def description(self) -> str:
        """One line for `floe`'s lists."""
        return "Dagster; dbt writes Iceberg itself, every asset carries its table's figures"

    def health_check(self, timeout: float | None = None) -> HealthStatus:
        """Ask Dagster's web server at DAGSTER_URL; floe's own plugin says healthy and asks nobody."""
        found = self.validate_connection(timeout=timeout or HEALTH_SECONDS)
        state = HealthState.HEALTHY if found.success else HealthState.UNHEALTHY
        return HealthStatus(state=state, message=found.message)

    def generate_entry_point_code(
        self,
        product_name: str,
        output_dir: str,
        *,
        lineage_enabled: bool = False,  # noqa: ARG002 - read from the artifact when it is loaded
        iceberg_enabled: bool = False,
    ) -> str:
        """Write definitions.py beside the artifact and return its path.

        Raises:
            ValueError: the name is no product name, or there is no catalog to write to.
        """
        if not _PRODUCT_NAME.fullmatch(product_name):
            raise ValueError(f"{product_name!r} is not a product name ({_PRODUCT_NAME.pattern})")
        if not iceberg_enabled:
            raise ValueError(
                "orchestrator 'dagster-iceberg' needs plugins.catalog and plugins.storage in manifest.yaml"
            )
        file = Path(output_dir) / "definitions.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_DEFINITIONS.format(product=product_name))
        return str(file)
