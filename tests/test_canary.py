"""A secret in the evidence is found in every file and form, blanked, and makes the session red."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from foundation import secrecy
from foundation.cache import ROOT
from foundation.errors import PlatformError
from reports import canary, results
from tests import sample_run

pytest_plugins = ("pytester",)

VALUE = 'canary<0123456789abcdef>"0123+456/89abcdef'
"""With what each encoding changes."""
NAME = "floe-us1/floe-acceptance-canary canary"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_needles", "_names", "_met"):
        monkeypatch.setattr(secrecy, name, {})
    monkeypatch.setattr(secrecy, "_locks", [])


@pytest.fixture
def known() -> str:
    secrecy.register(NAME, SecretStr(VALUE))
    return VALUE


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "JSON": lambda text: json.dumps({"log": text}),
    "HTML": html.escape,
    "percent-encoded": lambda text: f"?token={quote(text, safe='')}&x=1",
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 one behind": lambda text: base64.b64encode(f"x{text}xy".encode()).decode(),
    "base64 two behind": lambda text: base64.b64encode(f"xy{text}x".encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}

FILES = (
    "allure-results/1-attachment.txt",
    "allure-results/1-result.json",
    "allure-results/environment.properties",
    "results.json",
    "matrix.json",
    "matrix.html",
    "matrix.md",
    "allure/index.html",
    "report.yaml",
)


@pytest.mark.parametrize("form", FORMS)
def test_a_leak_is_found_in_every_form_and_blanked(tmp_path: Path, known: str, form: str) -> None:
    file = tmp_path / "log.txt"
    file.write_text(f"before {FORMS[form](known)} behind")
    [leak] = canary.search([tmp_path]).leaks
    assert (leak.file, leak.name, leak.times) == (file, NAME, 1)
    assert leak.form == form.partition(" ")[0]
    text = file.read_text()
    assert text.startswith("before ")
    assert text.endswith(" behind")
    assert not any(needle in text for needle in secrecy.forms(known))
    assert canary.search([tmp_path]).leaks == ()


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_evidence_is_searched(tmp_path: Path, known: str, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"a line\n{known}\n")
    assert [leak.file for leak in canary.search([tmp_path]).leaks] == [file]
    assert known not in file.read_text()


def test_a_leak_is_found_in_what_is_packed(tmp_path: Path, known: str) -> None:
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(f"a log with {known} in it".encode()))
    page = tmp_path / "index.html"
    attachment = json.dumps({"logs": ["a" * 100, base64.b64encode(known.encode()).decode()]})
    page.write_text(f'd("data/1.json","{base64.b64encode(attachment.encode()).decode()}")')
    found = {leak.file.name: leak.form for leak in canary.search([tmp_path]).leaks}
    assert found == {"log.gz": "plain", "index.html": "base64"}
    assert gzip.decompress(packed.read_bytes()) == f"a log with {'*' * len(known)} in it".encode()
    inside = re.search(r'","(.*)"\)', page.read_text())
    assert inside
    assert json.loads(base64.b64decode(inside[1]))["logs"][0] == "a" * 100
    assert canary.search([tmp_path]).leaks == ()


def test_clean_evidence_is_left_as_it_is(tmp_path: Path, known: str) -> None:
    files = {
        "log.gz": gzip.compress(b"a log"),
        "index.html": b'd("1.json","' + base64.b64encode(b'{"name": "canary"}' * 20) + b'")',
        "picture.png": bytes(range(256)) * 20,
        "near.txt": known[:-1].encode(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = canary.search([tmp_path])
    assert (found.leaks, found.files, found.values) == ((), 4, 1)
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    assert str(found).startswith("1 secret values, 1 of them planted, looked for in 4 files")


def test_what_is_short_is_not_looked_for(tmp_path: Path) -> None:
    secrecy.register("floe-us1/minio-credentials root-user", SecretStr("root"))
    (tmp_path / "log.txt").write_text("started as root")
    assert secrecy.names() == ()
    assert canary.search([tmp_path]).leaks == ()
    assert (tmp_path / "log.txt").read_text() == "started as root"


def test_a_message_never_holds_the_value(tmp_path: Path, known: str) -> None:
    (tmp_path / "a.txt").write_text(known)
    with pytest.raises(PlatformError, match=re.escape(NAME)) as refused:
        canary.refuse_leaks(tmp_path)
    assert str(refused.value) == f"{tmp_path / 'a.txt'} held {NAME} (plain, 1 times): blanked"
    canary.refuse_leaks(tmp_path)


def test_what_is_shown_is_blanked_at_once_and_remembered(known: str) -> None:
    assert secrecy.blank("rows: 12", "a log") == "rows: 12"
    assert secrecy.met() == ()
    assert secrecy.blank(f"key is {known}.", "a log") == "key is ***."
    assert secrecy.met() == (f"a log held {NAME} (plain)",)


class FakeCluster:
    def __init__(self) -> None:
        self.made: dict[tuple[str, str], Mapping[str, SecretStr]] = {}

    def create_secret(self, namespace: str, name: str, values: Mapping[str, SecretStr]) -> None:
        self.made[namespace, name] = values


def test_a_canary_is_planted_fresh_and_looked_for(tmp_path: Path) -> None:
    cluster = FakeCluster()
    for namespace in ("floe-us1", "floe-us3"):
        canary.plant(cluster, namespace)  # type: ignore[arg-type]
    values = [values[canary.KEY].get_secret_value() for values in cluster.made.values()]
    assert list(cluster.made) == [("floe-us1", canary.SECRET), ("floe-us3", canary.SECRET)]
    assert [len(value) for value in values] == [40, 40]
    assert values[0] != values[1]
    (tmp_path / "a.txt").write_text(values[1])
    assert [leak.name for leak in canary.search([tmp_path]).leaks] == [f"floe-us3/{canary.SECRET} canary"]


# ---- whole sessions

FEATURE = """\
@US1
Feature: Platform bootstrap
  @FR-001
  Scenario Outline: A careless step
    Given a platform with a canary
    When somebody is careless in <way>
    Then it shows

    Examples:
      | way |
"""

STEPS = """\
import allure
import base64
import pytest
from pydantic import SecretStr
from pytest_bdd import given, parsers, then, when
from foundation import secrecy

VALUE = "canary" + "0f" * 17

@given("a platform with a canary")
def _():
    secrecy.register("floe-us1/floe-acceptance-canary canary", SecretStr(VALUE))

WAYS = {
    "nothing": lambda: None,
    "an attachment": lambda: allure.attach(VALUE, "settings"),
    "a parameter": lambda: allure.dynamic.parameter("key", VALUE),
    "base64": lambda: allure.attach(base64.b64encode(VALUE.encode()), "pod"),
    "print": lambda: print("key:", VALUE),
    "an assertion": lambda: unequal(VALUE),
    "an error": lambda: refused(VALUE),
    "a failure": lambda: pytest.fail(VALUE),
}

def unequal(value):
    assert value == "another"

def refused(value):
    try:
        raise OSError(value)
    except OSError as broken:
        raise RuntimeError("login refused for " + value) from broken

@when(parsers.parse("somebody is careless in {way}"))
def _(way):
    WAYS[way]()

@then("it shows")
def _(): pass
"""

SESSION_VALUE = "canary" + "0f" * 17
SESSION_NAME = "floe-us1/floe-acceptance-canary canary"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CLUSTER", raising=False)
    return pytester


def run(project: pytest.Pytester, *ways: str) -> pytest.RunResult:
    rows = "".join(f"      | {way} |\n" for way in ways)
    sample_run.lay(project.path, us1_bootstrap=FEATURE + rows)
    (project.path / "steps_of_the_sample.py").write_text(STEPS)
    others = "FR-002, FR-005, FR-020, FR-021, FR-022, FR-023, EDGE-01"
    (project.path / "features" / "planned.yaml").write_text(f"at_most: 9\nplanned: [{others}]\n")
    plugins = ("reports.plugin", "reports.canary", "steps_of_the_sample")
    (project.path / "conftest.py").write_text(f"pytest_plugins = {plugins}\n")
    return project.runpytest_subprocess(timeout=120)


def evidence(project: pytest.Pytester) -> str:
    files = [file for file in (project.path / "reports" / "out").rglob("*") if file.is_file()]
    assert len(files) > 4
    return "\n".join(file.read_text() for file in files)


def test_a_careful_session_is_green_and_says_what_was_looked_for(project: pytest.Pytester) -> None:
    result = run(project, "nothing")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["1 secret values, 1 of them planted, looked for in * files *: none found"])


def test_careless_steps_make_the_session_red(project: pytest.Pytester) -> None:
    result = run(project, "an attachment", "a parameter", "base64", "print")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    said = result.stdout.str()
    assert SESSION_VALUE not in said + result.stderr.str()
    for held in (
        f"*reports/out/allure-results/*-attachment.attach held {SESSION_NAME} (plain, 1 times): blanked",
        f"*reports/out/allure-results/*-result.json held {SESSION_NAME} (plain, 1 times): blanked",
        f"*reports/out/allure-results/*-attachment.attach held {SESSION_NAME} (base64, 1 times): blanked",
        f"captured stdout call of *print* held {SESSION_NAME} (plain): blanked",
    ):
        result.stdout.fnmatch_lines_random([held])
    text = evidence(project)
    assert not any(needle in text for needle in secrecy.forms(SESSION_VALUE))
    kept = results.read(project.path / "reports" / "out")
    assert {record.result for record in kept.scenarios} == {"passed"}
    assert kept.exit_code == pytest.ExitCode.TESTS_FAILED
    assert [SESSION_NAME in error for error in kept.errors] == [True] * 4


def test_a_failure_that_quotes_a_secret_is_kept_without_it(project: pytest.Pytester) -> None:
    result = run(project, "an assertion", "an error", "a failure")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert SESSION_VALUE not in result.stdout.str() + result.stderr.str() + evidence(project)
    failures = [record.failure or "" for record in results.read(project.path / "reports" / "out").scenarios]
    assert ["***" in failure for failure in failures] == [True] * 3
