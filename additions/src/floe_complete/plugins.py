"""The plugin types of the installed floe: their contracts, and what is installed for them.

floe 0.1.0a1 knows 14 types (`PluginType`) and finds two more by groups of their own; nothing in it says which
contract belongs to which group. That table is here.
"""

from __future__ import annotations

import difflib
import importlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import EntryPoint, distribution, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import click
from floe_core.plugin_types import PluginType
from floe_core.version_compat import FLOE_PLUGIN_API_VERSION

if TYPE_CHECKING:
    from floe_complete.conformance import Verdict

APART = {"network_security": "floe.network_security", "secret_scanner": "floe.secret_scanners"}
"""Types that floe looks up beside its registry; no `PluginType` names them."""

CONTRACTS = {
    "floe.computes": "floe_core.plugins.compute:ComputePlugin",
    "floe.orchestrators": "floe_core.plugins.orchestrator:OrchestratorPlugin",
    "floe.catalogs": "floe_core.plugins.catalog:CatalogPlugin",
    "floe.storage": "floe_core.plugins.storage:StoragePlugin",
    "floe.telemetry_backends": "floe_core.plugins.telemetry:TelemetryBackendPlugin",
    "floe.lineage_backends": "floe_core.plugins.lineage:LineageBackendPlugin",
    "floe.dbt": "floe_core.plugins.dbt:DBTPlugin",
    "floe.semantic_layers": "floe_core.plugins.semantic:SemanticLayerPlugin",
    "floe.ingestion": "floe_core.plugins.ingestion:IngestionPlugin",
    "floe.secrets": "floe_core.plugins.secrets:SecretsPlugin",
    "floe.identity": "floe_core.plugins.identity:IdentityPlugin",
    "floe.quality": "floe_core.plugins.quality:QualityPlugin",
    "floe.rbac": "floe_core.plugins.rbac:RBACPlugin",
    "floe.alert_channels": "floe_core.plugins.alert_channel:AlertChannelPlugin",
    "floe.network_security": "floe_core.plugins.network_security:NetworkSecurityPlugin",
    "floe.secret_scanners": "floe_core.plugins.secret_scanner:SecretScannerPlugin",
}
"""The abstract class that plugins of a group implement."""

_FLOE = "floe."


@dataclass(frozen=True)
class Plugin:
    """A plugin that is installed, as its package declares it; nothing of it was imported."""

    name: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Type:
    """A type of plugin.

    Attributes:
        name: what manifest.yaml calls it.
        group: of the entry points by which floe finds its plugins.
        contract: name of the abstract class; empty where this release has none for the group.
        plugins: those installed, by name.
    """

    name: str
    group: str
    contract: str
    plugins: tuple[Plugin, ...]


def types() -> list[Type]:
    """Every type that floe knows or a package that is installed brings a plugin for."""
    known = {kind.name.lower(): kind.entry_point_group for kind in PluginType} | APART
    others = sorted(entry_points().groups - set(known.values()))
    known |= {group.removeprefix(_FLOE): group for group in others if group.startswith(_FLOE)}
    return [Type(name, group, _contract_name(group), _installed(group)) for name, group in known.items()]


def contract(group: str) -> type:
    """The abstract class of a group.

    Raises:
        KeyError: this release has none.
    """
    module, _, name = CONTRACTS[group].partition(":")
    found: type = getattr(importlib.import_module(module), name)
    return found


def _contract_name(group: str) -> str:
    return CONTRACTS.get(group, "").partition(":")[2]


def _installed(group: str) -> tuple[Plugin, ...]:
    found = sorted(entry_points(group=group), key=lambda point: point.name)
    return tuple(Plugin(point.name, *_from(point)) for point in found)


def _from(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("", "")


# ---- the command


@click.command()
@click.option("--check", is_flag=True, help="Load every plugin and compare it with its contract.")
@click.option(
    "--configurations",
    type=click.Path(path_type=Path),
    help="With --check: a file of valid configurations, by type and name; plugins are configured by them.",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Tell it for machines.")
def plugins(names: tuple[str, ...], *, check: bool, configurations: Path | None, as_json: bool) -> None:
    """Show the plugin types of this floe, their contracts and the plugins installed for them.

    With NAMEs only the plugins of those names, and their types.
    """
    found = _only(names, types()) if names else types()
    if not check:
        click.echo(json.dumps(_document(found), indent=2) if as_json else _table(found))
        return
    from floe_complete import conformance  # noqa: PLC0415 - it imports every plugin

    quiet()
    verdicts = conformance.check(found, conformance.read(configurations))
    click.echo(json.dumps([asdict(one) for one in verdicts], indent=2) if as_json else _told(verdicts))
    if any(one.problems for one in verdicts):
        raise click.exceptions.Exit(1)


def _only(names: tuple[str, ...], found: list[Type]) -> list[Type]:
    known = {plugin.name for kind in found for plugin in kind.plugins}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            raise click.BadParameter(f"no plugin {name!r} is installed; {hint}", param_hint="NAME")
    kept = (replace(kind, plugins=tuple(one for one in kind.plugins if one.name in names)) for kind in found)
    return [kind for kind in kept if kind.plugins]


def quiet() -> None:
    """Keep what floe logs while it loads plugins out of what a command prints."""
    import structlog  # noqa: PLC0415 - only where plugins are loaded

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _document(found: Iterable[Type]) -> dict[str, object]:
    return {
        "floe_core": distribution("floe-core").version,
        "plugin_api": FLOE_PLUGIN_API_VERSION,
        "types": [asdict(one) for one in found],
    }


def _table(found: list[Type]) -> str:
    rows = [(one.name, one.contract or "no contract", _names(one)) for one in found]
    with_plugins = sum(1 for one in found if one.plugins)
    total = sum(len(one.plugins) for one in found)
    head = f"floe-core {distribution('floe-core').version}, plugin API {FLOE_PLUGIN_API_VERSION}"
    counts = f"plugin types: {len(found)}, with plugins: {with_plugins}; plugins: {total}"
    return "\n".join([head, counts, "", *_aligned([("type", "contract", "plugins"), *rows])])


def _names(kind: Type) -> str:
    return ", ".join(f"{one.name} ({one.distribution} {one.version})" for one in kind.plugins) or "none"


def _told(verdicts: Iterable[Verdict]) -> str:
    lines = []
    for one in verdicts:
        said = f"honours {one.contract}" if not one.problems else f"does not honour {one.contract}:"
        lines.append(f"{one.type} {one.name} ({one.distribution} {one.version}) {said}")
        lines += [f"  {problem}" for problem in one.problems]
    return "\n".join(lines)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
