"""The test-quality rules: each fires on a bad step or driver and is quiet on a good one."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from gate import features, quality
from gate.code import Module
from gate.finding import Finding

Rule = Callable[[Module], Iterable[Finding]]


def module(text: str) -> Module:
    text = textwrap.dedent(text)
    return Module("steps/words.py", text, ast.parse(text))


def told(rule: Rule, text: str) -> list[tuple[str, str]]:
    return [(finding.place, finding.problem) for finding in rule(module(text))]


def numbers(rule: Rule, text: str) -> list[str]:
    return [problem.partition(":")[0] for _, problem in told(rule, text)]


# ---- TQR-001, TQR-002


@pytest.mark.parametrize(
    ("assertion", "number"),
    [
        ("assert store.exists(name)", "TQR-001"),
        ("assert store.has_bucket(name) == True", "TQR-001"),
        ("assert {one: here.is_present(one) for one in names} == expected", "TQR-001"),
        ("assert hasattr(run, 'status')", "TQR-001"),
        ("assert catalog.table_exists(name)", "TQR-002"),
        ("assert lakehouse.exists(table)", "TQR-002"),
    ],
)
def test_asking_whether_something_exists_is_found(assertion: str, number: str) -> None:
    assert numbers(quality.existence_is_no_proof, assertion) == [number]


def test_asking_what_is_there_is_right() -> None:
    text = "assert store.get(name) == content\nif store.exists(name):\n    store.delete(name)\n"
    assert told(quality.existence_is_no_proof, text) == []


STEPS = "from pytest_bdd import given, then, when\nimport pytest\n"


def then_steps(text: str) -> list[str]:
    steps = [module(STEPS + textwrap.dedent(text))]
    found = quality.check(steps, [], [], [], [])
    return [finding.line for finding in found]


def test_a_then_that_asserts_nothing_is_found() -> None:
    assert then_steps('@then("it is so")\ndef so(run):\n    print(run.status)\n') == [
        "steps/words.py:3: TQR-001: a Then that asserts nothing cannot fail — assert what anyone could check"
    ]


@pytest.mark.parametrize(
    "text",
    [
        '@then("it is so")\ndef so(run):\n    assert run.status == "SUCCESS"\n',
        '@then("it is so")\ndef so(run):\n    same(run)\n\ndef same(run):\n    assert run.rows == {}\n',
        '@then("it is refused")\ndef refused(run):\n    with pytest.raises(OSError):\n        run.again()\n',
        '@given("it was so")\ndef was(run):\n    run.begin()\n',
    ],
)
def test_a_then_that_can_fail_is_right(text: str) -> None:
    assert then_steps(text) == []


# ---- TQR-003


@pytest.mark.parametrize(
    "text",
    [
        "assert frozenset(repository.asset_keys) == expected",
        "assert location.definitions == {}",
        "from dagster import materialize",
        "import dagster",
    ],
)
def test_asking_what_is_defined_is_found(text: str) -> None:
    assert numbers(quality.orchestration_executed, text) == ["TQR-003"]


def test_asking_what_was_executed_is_right() -> None:
    text = "from drivers.dagster import Run\nassert frozenset(run.materializations) == graph.tables\n"
    assert told(quality.orchestration_executed, text) == []


# ---- TQR-004


@pytest.mark.parametrize(
    "text",
    [
        "CompiledArtifacts(version='0.5.0', models=[])",
        "schemas.CompiledArtifacts.model_validate({'version': '0.5.0'})",
        "from floe_core import CompiledArtifacts as Made\nMade(**parts)",
        "CompiledArtifacts.model_construct(**parts)",
        "def make(folder):\n    (folder / 'compiled_artifacts.json').write_text('{}')\n",
    ],
)
def test_artifacts_made_by_hand_are_found(text: str) -> None:
    assert numbers(quality.artifacts_are_compiled, text) == ["TQR-004"]


def test_artifacts_that_were_compiled_are_right() -> None:
    text = """\
    def compiled(folder):
        floe.compile(folder)
        return CompiledArtifacts.model_validate_json((folder / "compiled_artifacts.json").read_text())
    """
    assert told(quality.artifacts_are_compiled, text) == []


# ---- TQR-010


@pytest.mark.parametrize(
    "text",
    [
        "helm.install(dry_run=True)",
        "run(['kubectl', 'apply', '--dry-run=server'])",
        "create(dryRun='All')",
        "promoter.dry_run(version)",
        "create(pod, query={'dryRun': 'All'})",
    ],
)
def test_a_dry_run_is_found(text: str) -> None:
    assert set(numbers(quality.nothing_is_a_dry_run, text)) == {"TQR-010"}


def test_a_real_run_is_right() -> None:
    assert told(quality.nothing_is_a_dry_run, '"""Never a dry run."""\nhelm.install(values)\n') == []


# ---- TQR-011


@pytest.mark.parametrize(
    ("assertion", "weakness"),
    [
        ("x is not None", "only whether there is anything"),
        ("None is not x", "only whether there is anything"),
        ("x != None", "only whether there is anything"),
        ("not x == {}", "only whether there is anything"),
        ("not (x is None)", "only whether there is anything"),
        ("x != []", "only whether there is anything"),
        ("x != {}", "only whether there is anything"),
        ("x != set()", "only whether there is anything"),
        ("x != ''", "only whether there is anything"),
        ("len(x) > 0", "only whether there is anything"),
        ("len(x) >= 1", "only whether there is anything"),
        ("len(x) != 0", "only whether there is anything"),
        ("0 < len(x)", "only whether there is anything"),
        ("1 <= x.count", "only whether there is anything"),
        ("x", "only whether it is true"),
        ("len(x)", "only whether it is true"),
        ("run.success", "only whether it is true"),
        ("run.success is True", "only whether it is true"),
        ("run.success == True", "only whether it is true"),
        ("bool(x)", "only whether it is true"),
        ("not x.failed", "only whether it is true"),
        ("isinstance(x, Run)", "only whether it is true"),
        ("all(one.ready for one in pods)", "only whether it is true"),
        ("True", "only whether it is true"),
        ("'a' in text", "only whether it is among others"),
        ("x.status == x.status", "compares a thing with itself"),
    ],
)
def test_a_bare_assertion_is_found(assertion: str, weakness: str) -> None:
    [(place, problem)] = told(quality.every_assertion_says_what_it_expects, f"\nassert {assertion}\n")
    assert place == "steps/words.py:2"
    assert problem.startswith(f"TQR-011: {weakness}: assert ")


def test_every_part_of_an_assertion_counts() -> None:
    text = "assert run.status == 'SUCCESS' and run.id is not None\n"
    assert told(quality.every_assertion_says_what_it_expects, text) == [
        ("steps/words.py:1", "TQR-011: only whether there is anything: assert run.id is not None")
    ]


@pytest.mark.parametrize(
    "assertion",
    [
        "run.status == 'SUCCESS'",
        "missing == {}",
        "x is None",
        "len(x) == 3",
        "seconds <= 120",
        "seconds > 5",
        "'canary' not in text",
        "after != before",
        "(run.status, run.failed) == ('FAILURE', frozenset({name}))",
        "0 < x < 5 and x != 3",
    ],
)
def test_a_comparison_is_right(assertion: str) -> None:
    assert told(quality.every_assertion_says_what_it_expects, f"assert {assertion}\n") == []


# ---- TQR-012


@pytest.mark.parametrize("comment", ["# TODO: later", "x = 1  # FIXME", "# XXX", "# TBD", "# HACK around it"])
def test_what_is_left_to_do_is_found(comment: str) -> None:
    assert numbers(quality.nothing_is_left_to_do, f"{comment}\n") == ["TQR-012"]


def test_other_comments_are_right() -> None:
    assert told(quality.nothing_is_left_to_do, 'x = "TODO"  # the status is todo\n') == []


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("# TODO: rows", ["TQR-012: TODO in a comment"]),
        ("#  @FR-001\n  #  Scenario: later", ["TQR-012: a scenario that is commented out"]),
        ("# The scenario of a person", []),
    ],
)
def test_what_a_feature_leaves_to_do_is_found(tmp_path: Path, comment: str, found: list[str]) -> None:
    file = tmp_path / "some.feature"
    file.write_text(f"@US1\nFeature: f\n  {comment}\n  Scenario: s\n    Given a TODO\n")
    read = features.read_file(file, root=tmp_path)
    assert [finding.problem for finding in quality.nothing_of_a_feature_is_left_to_do(read)] == found


@pytest.mark.parametrize("body", ["pass", "...", '"""Does it."""', "raise NotImplementedError('later')"])
def test_a_placeholder_is_found(body: str) -> None:
    assert told(quality.nothing_is_a_placeholder, f"def step():\n    {body}\n") == [
        ("steps/words.py:1", "TQR-012: step is a placeholder, it does nothing")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def step(platform):\n    platform.stop()\n",
        "class Refused(Exception):\n    pass\n",
        "from abc import abstractmethod\n\n@abstractmethod\ndef step(): ...\n",
        "def step():\n    try:\n        stop()\n    except OSError:\n        pass\n",
    ],
)
def test_what_does_something_is_right(text: str) -> None:
    assert told(quality.nothing_is_a_placeholder, text) == []


# ---- TQR-013


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\npytest.skip('no cluster')",
        "from pytest import skip as leave\nleave('no cluster')",
        "import pytest\n@pytest.mark.skipif(True)\ndef test(): run()",
        "import pytest\n@pytest.mark.xfail\ndef test(): run()",
        "from pytest import mark\npytestmark = mark.skip",
        "import pytest\npytest.importorskip('docker')",
        "import pytest\nraise pytest.skip.Exception('no')",
        "import pytest\n@pytest.mark.flaky(reruns=3)\ndef test(): run()",
        "import unittest\nraise unittest.SkipTest",
        "item.add_marker('skip')",
        "main(['--reruns', '3'])",
    ],
)
def test_a_skip_is_found(text: str) -> None:
    assert numbers(quality.nothing_is_skipped, text) == ["TQR-013"]


def test_what_runs_is_right() -> None:
    text = "import pytest\n@pytest.mark.parametrize('x', [1])\ndef test(x): rows.skip(x)\n"
    assert told(quality.nothing_is_skipped, text) == []


@pytest.mark.parametrize(("tag", "found"), [("skip", ["some.feature:1"]), ("slow", [])])
def test_a_tag_that_would_skip_is_found(tmp_path: Path, tag: str, found: list[str]) -> None:
    file = tmp_path / "some.feature"
    file.write_text(f"@US1 @{tag}\nFeature: f\n")
    read = features.read_file(file, root=tmp_path)
    assert [finding.place for finding in quality.no_tag_skips(read)] == found


# ---- TQR-014


@pytest.mark.parametrize(
    "text",
    ["import duckdb", "from duckdb import connect", "open('target/dev.duckdb')", "run('duckdb_tables()')"],
)
def test_reading_the_engine_is_found(text: str) -> None:
    assert numbers(quality.the_promised_technology_is_read, text) == ["TQR-014"]


def test_reading_through_the_catalog_is_right() -> None:
    text = '"""Never a .duckdb file."""\nfrom pyiceberg.catalog import load_catalog\nrows = table.scan()\n'
    assert told(quality.the_promised_technology_is_read, text) == []


# ---- sleeps and asserts


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(5)",
        "import time as clock\nclock.sleep(5)",
        "from time import sleep as nap\nnap(5)",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)\n",
        "__import__('time').sleep(5)",
        "import threading\nthreading.Event().wait(5)",
    ],
)
def test_a_sleep_is_found(text: str) -> None:
    [(place, problem)] = told(quality.nothing_sleeps, text)
    assert problem.startswith("no sleep: ")
    assert place in {"steps/words.py:2", "steps/words.py:3", "steps/words.py:1"}


def test_waiting_for_something_is_right() -> None:
    text = "from drivers import wait\nwait.until(look, done, what='a run', within=5)\nprocess.wait(5)\n"
    assert told(quality.nothing_sleeps, text) == []


@pytest.mark.parametrize("text", ["assert x == 1", "raise AssertionError('no')", "raise AssertionError"])
def test_an_assert_outside_of_steps_is_found(text: str) -> None:
    assert [place for place, _ in told(quality.only_steps_assert, text)] == ["steps/words.py:1"]


def test_an_error_of_a_driver_is_right() -> None:
    text = "raise ServiceError('list the buckets', of='MinIO', answer='refused')"
    assert told(quality.only_steps_assert, text) == []


# ---- which code is asked what


def asked(
    steps: Iterable[Module] = (),
    drivers: Iterable[Module] = (),
    bindings: Iterable[Module] = (),
    tests: Iterable[Module] = (),
) -> list[str]:
    found = quality.check(steps, drivers, bindings, tests, [])
    return sorted(finding.problem.partition(":")[0] for finding in found)


def test_each_kind_of_code_is_asked_its_own_rules() -> None:
    bad = [module("import time\nassert x\ntime.sleep(1)  # TODO\nimport duckdb\n")]
    assert asked(steps=bad) == ["TQR-011", "TQR-012", "TQR-014", "no sleep"]
    assert asked(drivers=bad) == ["TQR-012", "TQR-014", "an assert outside of steps/", "no sleep"]
    assert asked(bindings=bad) == ["TQR-012", "an assert outside of steps/", "no sleep"]
    assert asked(tests=bad) == ["TQR-012", "no sleep"]
