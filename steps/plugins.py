"""Words of those who write plugins: what is found, what fits, what is refused and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers import contracts, plugins
from drivers.floe import Floe, Outcome, Project
from drivers.plugins import Installation, Shown, Verdict

Checked = dict[str, Verdict]
MadeFor = dict[str, str]
Table = list[list[str]]


@pytest.fixture
def bench(tmp_path: Path) -> Installation:
    """The floe under test."""
    return Installation(Floe.installed(), tmp_path / "made")


@pytest.fixture
def contract_files(bench: Installation, tmp_path: Path) -> Path:
    """The files of the installed floe-core that hold its contracts."""
    return contracts.copied(bench.core, tmp_path / "copy")


@pytest.fixture
def acme(tmp_path: Path) -> Project:
    """The example's platform and its product."""
    return plugins.a_product(tmp_path / "team")


@pytest.fixture
def made_for() -> MadeFor:
    """For which version of the plugin API the idle plugin of a type was made."""
    return {}


@given(parse("a floe with {what}"), target_fixture="bench")
def floe_with(bench: Installation, what: str) -> Installation:
    api, of_acme = "plugin API ", "a third party's compute plugin that "
    if what.startswith(api):
        return bench.with_plugin_api(what.removeprefix(api))
    return bench.with_plugins(bench.third_party(what.removeprefix(of_acme)))


@given(parse("a floe in whose contracts {change}"))
def with_changed_contracts(contract_files: Path, change: str) -> None:
    contracts.change(contract_files, change)


@given(parse("a manifest in which one line is changed to select {name}"))
def one_line_selects(acme: Project, name: str) -> None:
    acme.edit(plugins.MANIFEST, "type: duckdb\n", f"type: {name}\n")


@given(
    "a manifest that selects idle plugins made for these versions of the plugin API:",
    target_fixture="bench",
)
def idle_plugins_are_selected(
    bench: Installation, acme: Project, made_for: MadeFor, datatable: Table
) -> Installation:
    made_for |= dict(datatable[1:])
    plugins.select_idle(acme, made_for)
    return bench.with_plugins(bench.idle(made_for))


@when("the plugins of floe are shown", target_fixture="shown")
def plugins_are_shown(bench: Installation) -> dict[str, Shown]:
    return bench.shown()


@when(parse("{which} is checked against its contract"), target_fixture="checked")
def plugins_are_checked(bench: Installation, which: str) -> Checked:
    return bench.checked(*([] if which == "every plugin" else [which]))


@when("acme compiles its product", target_fixture="outcome")
def product_is_compiled(bench: Installation, acme: Project) -> Outcome:
    return bench.compile(acme, plugins.PRODUCT)


@then(parse("the plugins of {maker} are these:"))
def plugins_are_these(shown: dict[str, Shown], maker: str, datatable: Table) -> None:
    expected = {row[0]: tuple(row[1:]) for row in datatable[1:]}
    assert plugins.table_of(shown, maker, datatable[0][1:]) == expected


@then("they are those that the installed packages declare, and every contract of floe has its type")
def shown_is_installed(bench: Installation, shown: dict[str, Shown]) -> None:
    found = bench.search()
    assert {one.group: one.plugins for one in shown.values() if one.plugins} == found.plugins
    assert found.groups - {one.group for one in shown.values()} == frozenset()
    assert frozenset(one.contract for one in shown.values()) == frozenset(found.contracts)


@then("all that the contracts demand was compared, and what takes a configuration took one")
def all_was_compared(checked: Checked) -> None:
    known = contracts.recorded()
    assert {name: one.methods for name, one in checked.items()} == {
        name: known.must_have(one.contract) for name, one in checked.items()
    }
    assert frozenset(name for name, one in checked.items() if one.configured) == plugins.configurable()


@then("this alone is wrong:")
def this_alone_is_wrong(checked: Checked, datatable: Table) -> None:
    wrong = {name: "; ".join(sorted(one.problems)) for name, one in checked.items() if one.problems}
    assert wrong == dict(datatable[1:])


@then(parse('dbt computes {model} for "{team}"'))
def dbt_computes_for(bench: Installation, acme: Project, outcome: Outcome, model: str, team: str) -> None:
    rows = bench.ask(acme, plugins.profile_of(outcome), model)
    assert [row["user_agent"].split()[-1] for row in rows] == [team]


@then(parse("{name} is told as the reason, and nothing is made"))
def plugin_is_refused(outcome: Outcome, name: str) -> None:
    assert plugins.refusal(outcome) == {"refused": "yes", "named": [name], "made": []}


@then(parse("those made for {versions} are refused, each with its name, its version and the version of floe"))
def those_are_refused(bench: Installation, outcome: Outcome, made_for: MadeFor, versions: str) -> None:
    taken_by_floe, wrong = bench.plugin_api, versions.split(", ")
    assert plugins.refused(outcome) == {
        kind: plugins.made_for_another(plugins.idle_name(kind), version, taken_by_floe)
        for kind, version in made_for.items()
        if version in wrong
    }
    assert (outcome.code, dict(outcome.made)) == (2, {})


@then(parse("what breaks a plugin is: {difference}"))
def what_breaks(contract_files: Path, difference: str) -> None:
    expected = frozenset() if difference == "nothing" else frozenset([difference])
    assert contracts.recorded().breaks(contracts.read(contract_files)) == expected
