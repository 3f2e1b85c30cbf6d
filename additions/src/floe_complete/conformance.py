"""Whether each plugin that is installed does what its contract promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType

from floe_complete.document import Kind, load
from floe_complete.plugins import CONTRACTS, Plugin, Type, contract
from floe_complete.problems import RefusedError
from floe_complete.signatures import differences

Configurations = Mapping[str, Mapping[str, Any]]
"""By type and name, `catalog polaris`: what the plugin is configured with."""


_FILE = Kind(
    "configurations.yaml",
    "configurations by type and name, such as `catalog polaris: {uri: ...}`",
    "name the file: --configurations FILE",
)


@dataclass(frozen=True)
class Verdict:
    """What was found of one plugin.

    Attributes:
        api: the plugin API version it declares; empty where it cannot be loaded.
        methods: those of the contract that were compared, by name.
        configured: whether it took a configuration that its own schema checked.
        problems: in words; none where it honours its contract.
    """

    type: str
    name: str
    distribution: str
    version: str
    contract: str
    api: str = ""
    methods: tuple[str, ...] = ()
    configured: bool = False
    problems: tuple[str, ...] = ()


def read(file: Path | None) -> Configurations:
    """The valid configurations of a file, by type and name; none without a file.

    Raises:
        RefusedError: it cannot be read, or holds something else; with file, field and what belongs there.
    """
    if file is None:
        return {}
    document = load(file, _FILE)
    wrong = [
        document.problem((name,), found="is no group of fields", expected="the plugin's `field: value` lines")
        for name, one in document.content.items()
        if not isinstance(one, dict)
    ]
    if wrong:
        raise RefusedError(wrong)
    return document.content


def check(kinds: Iterable[Type], configurations: Configurations) -> list[Verdict]:
    """Load every plugin of these types, compare it with its contract and configure it."""
    registry = PluginRegistry()
    registry.discover_all()
    return [
        _verdict(registry, kind, plugin, configurations.get(f"{kind.name} {plugin.name}"))
        for kind in kinds
        for plugin in kind.plugins
    ]


def missing(contract_class: type, plugin: type) -> str:
    """What of its contract a class lacks, in words; empty where it is complete."""
    if not issubclass(plugin, contract_class):
        return f"{plugin.__name__} is no {contract_class.__name__}"
    lacking = ", ".join(sorted(getattr(plugin, "__abstractmethods__", ())))
    return f"does not implement {lacking}" if lacking else ""


def _verdict(
    registry: PluginRegistry, kind: Type, plugin: Plugin, configuration: Mapping[str, Any] | None
) -> Verdict:
    known = (kind.name, plugin.name, plugin.distribution, plugin.version, kind.contract)
    if kind.group not in CONTRACTS:
        return Verdict(*known, problems=(f"this floe has no contract for {kind.group}",))
    promised = contract(kind.group)
    point = next(one for one in entry_points(group=kind.group, name=plugin.name) if _brings(plugin, one))
    try:
        made = point.load()
    except Exception as failed:  # noqa: BLE001 - whatever a plugin's import raises is its problem
        return Verdict(*known, problems=(f"cannot be imported: {type(failed).__name__}: {failed}",))
    if lacks := missing(promised, made):
        return Verdict(*known, problems=(lacks,))
    names = tuple(sorted(getattr(promised, "__abstractmethods__", ())))
    problems = [problem for name in names for problem in differences(promised, made, name)]
    try:
        instance = _configured(registry, kind, point, configuration)
    except Exception as failed:  # noqa: BLE001 - whatever a plugin raises is its problem
        problems.append(f"takes no configuration: {type(failed).__name__}: {failed}")
        return Verdict(*known, methods=names, problems=tuple(problems))
    if instance.get_config_schema() and configuration is None:
        problems.append("was not configured: no valid configuration was given")
    return Verdict(
        *known,
        api=instance.floe_api_version,
        methods=names,
        configured=instance.is_configured,
        problems=tuple(problems),
    )


def _configured(
    registry: PluginRegistry, kind: Type, point: EntryPoint, configuration: Mapping[str, Any] | None
) -> PluginMetadata:
    """The plugin with its configuration, by floe's registry; types beside it have none of their own."""
    registered = {one.entry_point_group: one for one in PluginType}
    if kind.group in registered:
        plugin = registry.get(registered[kind.group], point.name)
        if configuration is not None:
            registry.configure(registered[kind.group], point.name, dict(configuration))
        return plugin
    make: Callable[[], PluginMetadata] = point.load()
    plugin = make()
    schema = plugin.get_config_schema()
    if schema is not None and configuration is not None:
        plugin.configure(schema.model_validate(configuration))
    return plugin


def _brings(plugin: Plugin, point: EntryPoint) -> bool:
    return point.dist is None or point.dist.name == plugin.distribution
