"""`floe-complete plugins`: every type of floe with its contract and what is installed; what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from floe_core.plugin_types import PluginType

from floe_complete import conformance, plugins
from floe_complete.problems import RefusedError

INSTALLED = EntryPoints(
    [
        EntryPoint("duckdb", "floe_compute_duckdb:DuckDBComputePlugin", "floe.computes"),
        EntryPoint("acme", "acme:Acme", "floe.computes"),
        EntryPoint("wand", "acme:Wand", "floe.magic"),
        EntryPoint("other", "acme:Other", "somebody.else"),
    ]
)

Shown = Callable[..., Result]


@pytest.fixture(autouse=True)
def floes_log_as_it_was() -> Iterator[None]:
    """The command silences floe's log, which is the process's."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(**wanted: Any) -> EntryPoints:
        return INSTALLED.select(**wanted) if wanted else INSTALLED

    monkeypatch.setattr(plugins, "entry_points", found)
    monkeypatch.setattr(conformance, "entry_points", found)


def shown(*words: str) -> Result:
    return CliRunner().invoke(plugins.plugins, list(words))


def test_every_type_that_floe_knows_is_there_with_a_contract_that_exists() -> None:
    found = {kind.group: kind for kind in plugins.types()}
    assert {kind.entry_point_group for kind in PluginType} <= found.keys()
    assert {group: plugins.contract(group).__name__ for group in plugins.CONTRACTS} == {
        group: found[group].contract for group in plugins.CONTRACTS
    }


@pytest.mark.usefixtures("installed")
def test_what_is_installed_is_told_by_type_and_in_order_of_its_names() -> None:
    names = {kind.name: [one.name for one in kind.plugins] for kind in plugins.types() if kind.plugins}
    assert names == {"compute": ["acme", "duckdb"], "magic": ["wand"]}


@pytest.mark.usefixtures("installed")
def test_a_group_that_this_floe_has_no_contract_for_is_told_as_such() -> None:
    (magic,) = [kind for kind in plugins.types() if kind.name == "magic"]
    assert (magic.group, magic.contract) == ("floe.magic", "")
    (verdict,) = conformance.check([magic], {})
    assert verdict.problems == ("this floe has no contract for floe.magic",)


@pytest.mark.usefixtures("installed")
def test_a_name_leaves_its_plugin_and_type_only() -> None:
    told = json.loads(shown("--json", "acme").output)["types"]
    assert [(kind["name"], [one["name"] for one in kind["plugins"]]) for kind in told] == [
        ("compute", ["acme"])
    ]


@pytest.mark.parametrize(
    ("name", "hint"), [("duckdbb", "did you mean duckdb?"), ("xyz", "there are acme, duckdb, wand")]
)
@pytest.mark.usefixtures("installed")
def test_a_name_that_is_not_installed_is_refused_with_what_may_be_meant(name: str, hint: str) -> None:
    refused = shown(name)
    assert refused.exit_code == 2
    assert f"no plugin '{name}' is installed; {hint}" in refused.output


@pytest.mark.usefixtures("installed")
def test_the_table_counts_what_it_shows() -> None:
    lines = shown().output.splitlines()
    assert lines[1].endswith("with plugins: 2; plugins: 3")
    assert [line.split()[0] for line in lines[3:]] == ["type", *(kind.name for kind in plugins.types())]


@pytest.mark.usefixtures("installed")
def test_a_plugin_that_cannot_be_imported_is_a_problem_and_the_exit_code_says_so() -> None:
    checked = shown("--check", "acme")
    assert checked.exit_code == 1
    assert "cannot be imported: ModuleNotFoundError: No module named 'acme'" in checked.output


def test_a_file_of_configurations_is_read_by_type_and_name(tmp_path: Path) -> None:
    file = tmp_path / "configurations.yaml"
    file.write_text("catalog polaris: {uri: there}\n")
    assert conformance.read(file) == {"catalog polaris": {"uri": "there"}}
    assert conformance.read(None) == {}


@pytest.mark.parametrize("text", ["- a list\n", "catalog polaris: there\n", "catalog: [\n", ""])
def test_a_file_that_holds_no_configurations_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "configurations.yaml"
    file.write_text(text)
    with pytest.raises(RefusedError, match=r"configurations\.yaml"):
        conformance.read(file)
