"""Whether plugins honour their contracts: what each class lacks, and what a configuration came to."""

from __future__ import annotations

import types
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from floe_compute_duckdb import DuckDBComputePlugin  # type: ignore[import-untyped]
from floe_core.plugins.compute import ComputePlugin
from pydantic import BaseModel, ConfigDict

from floe_complete import conformance
from floe_complete.conformance import Verdict, missing
from floe_complete.plugins import Plugin, Type


class Half(DuckDBComputePlugin):  # type: ignore[misc]
    """One method short."""

    validate_connection = ComputePlugin.validate_connection


class Renames(DuckDBComputePlugin):  # type: ignore[misc]
    def get_resource_requirements(self, size: str) -> Any:
        return super().get_resource_requirements(size)


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    team: str


class Configurable(DuckDBComputePlugin):  # type: ignore[misc]
    def get_config_schema(self) -> type[BaseModel]:
        return Settings


class Alone:
    """No plugin at all."""


Checked = Callable[..., Verdict]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Checked:
    """The verdict on a class as a compute plugin; `configuration` is what it is configured with."""

    def verdict(made: type, configuration: dict[str, Any] | None = None) -> Verdict:
        module = types.ModuleType("made_here")
        vars(module)["Made"] = made
        monkeypatch.setitem(__import__("sys").modules, "made_here", module)
        points = EntryPoints([EntryPoint("made", "made_here:Made", "floe.computes")])
        monkeypatch.setattr(conformance, "entry_points", lambda **_: points)
        plugin = Plugin("made", "made-here", "1.0")
        kind = Type("compute", "floe.computes", "ComputePlugin", (plugin,))

        class Registry:
            def discover_all(self) -> None: ...

            def get(self, *_: object) -> Any:
                self.made = getattr(self, "made", None) or made()
                return self.made

            def configure(self, _kind: object, _name: str, given: dict[str, Any]) -> None:
                self.get().configure(Settings.model_validate(given))

        monkeypatch.setattr(conformance, "PluginRegistry", Registry)
        given = {} if configuration is None else {"compute made": configuration}
        (found,) = conformance.check([kind], given)
        return found

    return verdict


def test_a_class_that_is_whole_lacks_nothing() -> None:
    assert missing(ComputePlugin, DuckDBComputePlugin) == ""


def test_a_method_that_is_not_there_is_named() -> None:
    assert missing(ComputePlugin, Half) == "does not implement validate_connection"


def test_a_class_of_another_kind_is_named() -> None:
    assert missing(ComputePlugin, Alone) == "Alone is no ComputePlugin"


def test_a_plugin_that_is_whole_has_no_problem_and_every_method_was_compared(checked: Checked) -> None:
    found = checked(Configurable, {"team": "acme"})
    assert (found.problems, found.api, found.configured) == ((), "1.0", True)
    assert frozenset(found.methods) == ComputePlugin.__abstractmethods__


def test_a_plugin_that_lacks_a_method_is_not_tried(checked: Checked) -> None:
    found = checked(Half)
    assert (found.problems, found.methods) == (("does not implement validate_connection",), ())


def test_a_signature_that_differs_is_a_problem(checked: Checked) -> None:
    problem = "get_resource_requirements: workload_size of the contract is called size"
    assert checked(Renames).problems == (problem,)


def test_a_configuration_that_is_refused_is_a_problem(checked: Checked) -> None:
    (problem,) = checked(Configurable, {"tema": "acme"}).problems
    assert problem.startswith("takes no configuration: ValidationError: 2 validation errors for Settings")


def test_a_plugin_with_settings_that_was_given_none_is_told(checked: Checked) -> None:
    problem = "was not configured: no valid configuration was given"
    assert checked(Configurable).problems == (problem,)
