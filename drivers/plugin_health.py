"""What floe says of the health of its plugins, in the words of its own check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from drivers.errors import ServiceError, brief

MANIFEST = "/opt/floe/products/manifest.yaml"

HEALTHY = "healthy"

_AS_RELEASED = f"""
import json, structlog, yaml
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
from floe_core.plugin_registry import get_registry
from floe_core.plugin_types import PluginType
registry, plugins = get_registry(), yaml.safe_load(open("{MANIFEST}"))["plugins"]
for kind, chosen in plugins.items():
    registry.configure(PluginType[kind.upper()], chosen["type"], chosen.get("config") or {{}})
    registry.get(PluginType[kind.upper()], chosen["type"])
found = {{key.partition(":")[0].lower(): status for key, status in registry.health_check_all().items()}}
told = [(kind, chosen["type"], found[kind]) for kind, chosen in plugins.items() if kind != "compute"]
print(json.dumps([
    {{"type": kind, "name": name, "address": "", "state": status.state.value, "reason": status.message}}
    for kind, name, status in told
]))
raise SystemExit(any(status.state.value != "{HEALTHY}" for _, _, status in told))
"""
"""What floe as released offers: its registry's check of every loaded plugin. No command of it asks for it."""

_HEALTHY_ROW = re.compile(rf"^(\w+) +\S+ +\S+ +{HEALTHY}\b", re.MULTILINE)

_WITH_CODE = '"$@"; echo "exit code $?"'


class _Health(BaseModel):
    """One plugin's health as the command tells it."""

    model_config = ConfigDict(extra="forbid")

    type: str
    name: str
    address: str
    state: Literal["healthy", "unhealthy", "no service", "unknown"]
    reason: str


_REPORT = TypeAdapter(list[_Health])


def command(additions: str) -> list[str]:
    """The command that tells it, in a pod of a product."""
    completed = ["floe-complete", "health", "--manifest", MANIFEST, "--json"]
    return [
        "sh",
        "-c",
        _WITH_CODE,
        "health",
        *(completed if additions == "on" else ["python", "-c", _AS_RELEASED]),
    ]


def read(said: str) -> dict[str, str]:
    """Of each plugin that has a service: `healthy`, or why not; by the plugin's type.

    Raises:
        ServiceError: the report cannot be read, or its exit code says otherwise.
    """
    report, _, code = said.rpartition("exit code ")
    try:
        found = _REPORT.validate_json(report[report.index("[") :])
    except (ValueError, ValidationError) as broken:
        raise ServiceError("tell the health of the plugins", of="floe", answer=brief(said)) from broken
    health = {one.type: _told(one) for one in found if one.state != "no service"}
    return health | ({} if _agrees(health, code.strip()) else {"exit code": code.strip()})


def healthy_in(table: str) -> list[str]:
    """The types of plugins that a table of the command, as a person reads it, calls healthy; in its order."""
    return _HEALTHY_ROW.findall(table)


def all_healthy(health: Mapping[str, str]) -> bool:
    """Whether nothing is wrong."""
    return set(health.values()) == {HEALTHY}


def _told(one: _Health) -> str:
    """The state, and why where it is not healthy; what a socket said is left out."""
    return one.state if one.state == HEALTHY else one.reason.partition(" (")[0]


def _agrees(health: Mapping[str, str], code: str) -> bool:
    return code == ("0" if all_healthy(health) else "1")
