"""Whether the plugins that a product's files select fit the floe that is installed.

floe 0.1.0a1 loads compute, storage and catalog when it compiles, calls one that it cannot use "not found",
and leaves the others to the run. Here every plugin that is selected is loaded and looked at.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution

from floe_core.plugin_errors import PluginIncompatibleError
from floe_core.plugin_registry import PluginRegistry
from floe_core.plugin_types import PluginType
from floe_core.schemas.plugins import PluginsConfig
from floe_core.version_compat import FLOE_PLUGIN_API_MIN_VERSION, FLOE_PLUGIN_API_VERSION, is_compatible

from floe_additions.imports import dbt_left_out
from floe_complete.conformance import missing
from floe_complete.plugins import Plugin, contract, types
from floe_complete.problems import Problem
from floe_complete.reading import Sources

STAGE = "RESOLVE"
"""Where a compilation looks up its plugins."""


@dataclass(frozen=True)
class Selection:
    """One plugin that a file selects."""

    file: str
    field: str
    kind: PluginType
    name: str


def problems(sources: Sources) -> list[Problem]:
    """What is wrong with the selected plugins.

    A name that nothing is installed for is told before any plugin is imported. Of the computes that
    transforms select only those that are installed are looked at: `checks` knows the others.
    """
    installed = {kind.group: kind.plugins for kind in types()}
    computes = {plugin.name for plugin in installed[PluginType.COMPUTE.entry_point_group]}
    chosen = [*_by_the_manifest(sources), *(one for one in _by_transforms(sources) if one.name in computes)]
    unknown = [
        problem
        for selection in chosen
        for problem in _not_installed(selection, installed[selection.kind.entry_point_group])
    ]
    if unknown:
        return unknown
    registry = PluginRegistry()
    registry.discover_all()
    with dbt_left_out():
        found = [_of_one(selection, _package(installed, selection), registry) for selection in chosen]
    return [problem for problem in found if problem is not None]


def supported() -> str:
    """The plugin API versions this floe takes, in words."""
    oldest, newest = FLOE_PLUGIN_API_MIN_VERSION, FLOE_PLUGIN_API_VERSION
    return newest if oldest == newest else f"{oldest} to {newest}"


def _by_the_manifest(sources: Sources) -> Iterator[Selection]:
    for name in PluginsConfig.model_fields:
        selection = getattr(sources.manifest.plugins, name)
        if selection is not None:
            key = "provider" if name == "quality" else "type"
            kind = PluginType[name.upper()]
            yield Selection(
                str(sources.manifest_file), f"plugins.{name}.{key}", kind, getattr(selection, key)
            )


def _by_transforms(sources: Sources) -> Iterator[Selection]:
    for place, transform in enumerate(sources.spec.transforms):
        if transform.compute:
            yield Selection(
                str(sources.spec_file), f"transforms[{place}].compute", PluginType.COMPUTE, transform.compute
            )


def _not_installed(selection: Selection, plugins: Sequence[Plugin]) -> Iterator[Problem]:
    found = [plugin.distribution for plugin in plugins if plugin.name == selection.name]
    names = [plugin.name for plugin in plugins]
    if not found:
        near = difflib.get_close_matches(selection.name, names, n=1)
        yield _problem(
            selection,
            f"no {_words(selection.kind)} plugin {selection.name!r} is installed",
            expected=f"one of {', '.join(names)}" if names else "none is installed for this type",
            remedy=f"did you mean {near[0]}?"
            if near
            else f"install the package that brings {selection.name}",
        )
    elif len(found) > 1:
        yield _problem(
            selection,
            f"{' and '.join(found)} both bring a plugin {selection.name}",
            expected="one package that brings it",
            remedy="uninstall the other",
        )


def _of_one(selection: Selection, plugin: Plugin, registry: PluginRegistry) -> Problem | None:
    promised = contract(selection.kind.entry_point_group)
    shown = f"plugin {selection.name} ({plugin.distribution} {plugin.version})"
    try:
        loaded = registry.get(selection.kind, selection.name)
    except PluginIncompatibleError as refused:
        return _incompatible(selection, plugin, refused.required_version)
    except Exception as failed:  # noqa: BLE001 - whatever a plugin raises is its problem
        reason = f"cannot be used: {type(failed).__name__}: {failed}"
        return _unusable(selection, plugin, f"{shown} {reason}", promised)
    if lacks := missing(promised, type(loaded)):
        return _unusable(selection, plugin, f"{shown}: {lacks}", promised)
    if not is_compatible(FLOE_PLUGIN_API_MIN_VERSION, loaded.floe_api_version):
        return _incompatible(selection, plugin, loaded.floe_api_version)
    return None


def _incompatible(selection: Selection, plugin: Plugin, declared: str) -> Problem:
    return _problem(
        selection,
        f"plugin {selection.name} ({plugin.distribution} {plugin.version}) declares plugin API {declared}",
        expected=f"plugin API {supported()}, which floe-core {distribution('floe-core').version} has",
        remedy=f"install {plugin.distribution} made for it, or a floe of plugin API {declared}",
    )


def _unusable(selection: Selection, plugin: Plugin, found: str, promised: type) -> Problem:
    return _problem(
        selection,
        found,
        expected=f"a complete {promised.__name__} for plugin API {supported()}",
        remedy=f"`floe-complete plugins --check` says more; ask its makers to mend {plugin.distribution}",
    )


def _package(installed: dict[str, tuple[Plugin, ...]], selection: Selection) -> Plugin:
    group = selection.kind.entry_point_group
    return next(plugin for plugin in installed[group] if plugin.name == selection.name)


def _problem(selection: Selection, found: str, expected: str, remedy: str) -> Problem:
    return Problem(selection.file, selection.field, found, expected, remedy, stage=STAGE)


def _words(kind: PluginType) -> str:
    return kind.name.lower().replace("_", " ")
