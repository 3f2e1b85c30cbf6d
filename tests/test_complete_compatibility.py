"""The plugins that a product's files select, held against the floe that is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from floe_compute_duckdb import DuckDBComputePlugin  # type: ignore[import-untyped]
from floe_core.plugin_errors import PluginIncompatibleError
from floe_core.plugin_types import PluginType
from floe_core.schemas.floe_spec import TransformSpec
from floe_core.schemas.plugins import PluginsConfig

from floe_complete import compatibility
from floe_complete.plugins import Plugin, Type
from floe_complete.problems import Problem
from floe_complete.reading import Sources

MADE = Plugin("made", "acme-floe", "1.2.0")
OTHER = Plugin("other", "other-floe", "3.0.0")
FIELD = "plugins.compute.type"


class Alone:
    """No compute plugin at all."""


class Later(DuckDBComputePlugin):  # type: ignore[misc]
    """Made for a later floe, which the registry has let pass."""

    floe_api_version = "9.0"


class Files:
    """A product's files as they were read: what selects plugins, and nothing else."""

    def __init__(self, folder: Path, selected: str, transforms: list[str]) -> None:
        self.spec_file = folder / "floe.yaml"
        self.manifest_file = folder / "manifest.yaml"
        compute = PluginsConfig.model_validate({"compute": {"type": selected}})
        self.manifest = type("Manifest", (), {"plugins": compute.model_copy(update={"dbt": None})})
        self.spec = type(
            "Spec",
            (),
            {
                "transforms": [
                    TransformSpec.model_validate({"name": f"model_{place}", "compute": compute})
                    for place, compute in enumerate(transforms)
                ]
            },
        )


Found = Callable[..., list[Problem]]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Found:
    """The problems of files that select one compute, where these plugins are installed and load like this."""

    def problems(
        selected: str = "made",
        *,
        plugins: tuple[Plugin, ...] = (MADE,),
        loads: Mapping[str, Any] | None = None,
        transforms: tuple[str, ...] = (),
    ) -> list[Problem]:
        class Registry:
            def discover_all(self) -> None: ...

            def get(self, _kind: PluginType, name: str) -> Any:
                loaded = (loads or {}).get(name, DuckDBComputePlugin)
                if isinstance(loaded, Exception):
                    raise loaded
                return loaded()

        monkeypatch.setattr(compatibility, "PluginRegistry", Registry)
        kind = Type("compute", PluginType.COMPUTE.entry_point_group, "ComputePlugin", plugins)
        monkeypatch.setattr(compatibility, "types", lambda: [kind])
        files: Any = Files(tmp_path, selected, list(transforms))
        sources: Sources = files
        return compatibility.problems(sources)

    return problems


def told(problems: list[Problem]) -> list[tuple[str, str, str, str]]:
    assert {problem.stage for problem in problems} <= {"RESOLVE"}
    return [(one.field, one.found, one.expected, one.remedy) for one in problems]


def test_a_plugin_that_fits_is_no_problem(found: Found) -> None:
    assert found() == []


def test_a_name_close_to_one_that_is_installed_is_guessed(found: Found) -> None:
    assert told(found("mode")) == [
        (FIELD, "no compute plugin 'mode' is installed", "one of made", "did you mean made?")
    ]


def test_a_name_like_no_other_asks_for_its_package(found: Found) -> None:
    assert told(found("snowflake")) == [
        (
            FIELD,
            "no compute plugin 'snowflake' is installed",
            "one of made",
            "install the package that brings snowflake",
        )
    ]


def test_a_type_without_any_plugin_says_so(found: Found) -> None:
    ((_, _, expected, _),) = told(found(plugins=()))
    assert expected == "none is installed for this type"


def test_a_name_that_two_packages_bring_is_refused(found: Found) -> None:
    twin = Plugin("made", "twin-floe", "0.1.0")
    assert told(found(plugins=(MADE, twin))) == [
        (
            FIELD,
            "acme-floe and twin-floe both bring a plugin made",
            "one package that brings it",
            "uninstall the other",
        )
    ]


@pytest.mark.parametrize("loaded", [PluginIncompatibleError("made", "9.0", "1.0"), Later])
def test_a_plugin_for_another_floe_is_told_with_both_versions(found: Found, loaded: object) -> None:
    assert told(found(loads={"made": loaded})) == [
        (
            FIELD,
            "plugin made (acme-floe 1.2.0) declares plugin API 9.0",
            "plugin API 1.0, which floe-core 0.1.0a1 has",
            "install acme-floe made for it, or a floe of plugin API 9.0",
        )
    ]


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        (TypeError("no key"), " cannot be used: TypeError: no key"),
        (Alone, ": Alone is no ComputePlugin"),
    ],
)
def test_a_plugin_that_cannot_be_used_says_why(found: Found, loaded: object, reason: str) -> None:
    assert told(found(loads={"made": loaded})) == [
        (
            FIELD,
            f"plugin made (acme-floe 1.2.0){reason}",
            "a complete ComputePlugin for plugin API 1.0",
            "`floe-complete plugins --check` says more; ask its makers to mend acme-floe",
        )
    ]


def test_the_compute_of_a_transform_is_looked_at_too(found: Found) -> None:
    problems = found(plugins=(MADE, OTHER), transforms=("made", "other"), loads={"other": Alone})
    assert [(one.field, one.found) for one in problems] == [
        ("transforms[1].compute", "plugin other (other-floe 3.0.0): Alone is no ComputePlugin")
    ]


def test_the_compute_of_a_transform_that_is_not_installed_is_left_to_its_own_check(found: Found) -> None:
    assert found(transforms=("nowhere",)) == []


def test_the_versions_this_floe_takes_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compatibility.supported() == "1.0"
    monkeypatch.setattr(compatibility, "FLOE_PLUGIN_API_VERSION", "1.2")
    assert compatibility.supported() == "1.0 to 1.2"
