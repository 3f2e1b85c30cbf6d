"""What is begun ahead: each once, told whole or as what was raised, and only what will be asked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from drivers import wait
from drivers.floe import Floe
from foundation.progress import NotWantedError
from reports import evidence
from steps.ahead import PATIENT, Ahead

pytest_plugins = ("pytester",)

FEATURE = """
Feature: Ahead
  Scenario Outline: A row
    Given a product with <mistake>
    Then it is told

    Examples:
      | mistake |
      | a tab   |
      | a quote |

  Scenario: Another
    Given a product with a picture
    Then the platform is told
"""
BINDING = """
import pytest
from pytest_bdd import given, parsers, scenarios, then
from steps import ahead

scenarios("ahead.feature")

@pytest.fixture
def platform():
    return None

@given(parsers.parse("a product with {mistake}"))
def product(mistake): ...

@then("it is told")
def told(): ...

@then("the platform is told")
def platform_told(platform): ...

@pytest.fixture(scope="module", autouse=True)
def seen(request):
    scenarios = ahead.scenarios_of(request, request.module)
    print("ASKED", list(ahead.arguments(scenarios, product)))
    print("NEEDED", ahead.is_needed(scenarios, "platform"), ahead.is_needed(scenarios, "cluster"))
"""


def test_what_will_be_asked_is_begun_before_it_is_asked() -> None:
    begun = threading.Event()
    answers = Ahead(lambda _: begun.set(), [("one",)])
    assert begun.wait(timeout=10)
    answers.close()


def test_each_question_is_answered_once() -> None:
    asked: Counter[str] = Counter()
    answers = Ahead(lambda question: asked.update([question]), [("one",), ("one",), ("two",)])
    for question in ("one", "two", "one", "three"):
        answers(question)
    answers.close()
    assert asked == {"one": 1, "two": 1, "three": 1}


def test_what_is_raised_on_the_way_reaches_whoever_asks() -> None:
    def broken(question: str) -> None:
        raise ValueError(question)

    answers = Ahead(broken, [("one",)])
    with pytest.raises(ValueError, match="one"):
        answers("one")
    answers.close()


def test_what_is_touched_on_the_way_is_no_evidence_of_the_scenario_that_runs() -> None:
    with evidence.scenario() as touched:
        answers = Ahead(lambda: evidence.touched("minio"), [()])
        answers()
        evidence.touched("catalog")
        answers.close()
    assert touched == {"catalog"}


def test_what_has_time_comes_last_for_a_processor_and_nothing_else_does() -> None:
    def niceness() -> int:
        code = "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"
        return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)

    before = niceness()
    answers = Ahead(niceness, [()], patient=True)
    # Elsewhere than on Linux a thread has no niceness of its own.
    assert answers() == (max(before, PATIENT) if sys.platform == "linux" else before)
    answers.close()
    assert niceness() == before


GROUP = Path("/proc/self/autogroup")
"""Where Linux says which group of a session's programs this one is in, if it has such groups."""


@pytest.mark.parametrize("patient", [True, False])
def test_what_has_time_comes_after_a_cluster_too(*, patient: bool) -> None:
    """Linux weighs sessions, then programs within them: what is only nice in this one takes half of all."""

    def group(text: str) -> tuple[str, str]:
        name, _, nice = text.strip().partition(" nice ")
        return name, nice

    def weighed() -> tuple[str, str]:
        code = (
            f"from pathlib import Path as P; print(P('{GROUP}').exists() and P('{GROUP}').read_text() or '')"
        )
        return group(Floe(Path(sys.prefix), completed=False).run(["python", "-c", code]).out)

    ours = group(GROUP.read_text() if GROUP.exists() else "")
    answers = Ahead(weighed, [()], patient=patient)
    name, nice = answers()
    answers.close()
    niceness = max(os.getpriority(os.PRIO_PROCESS, 0), PATIENT if patient else 0)
    its_own = niceness > 0 and GROUP.exists()
    assert (name != ours[0], nice) == (its_own, str(niceness) if its_own else ours[1])


def test_a_wait_that_nobody_wants_any_more_ends() -> None:
    begun = threading.Event()
    seen: list[str] = []

    def waits_long() -> None:
        try:
            wait.until(begun.set, lambda _: False, what="the impossible", within=60, every=0.05)
        except NotWantedError as ended:
            seen.append(str(ended))
            raise

    answers = Ahead(waits_long, [()])
    assert begun.wait(timeout=10)
    answers.close()
    assert seen == ["the impossible"]


@pytest.mark.parametrize(
    ("selected", "asked", "needed"),
    [
        ("row or another", "[('a tab',), ('a quote',), ('a picture',)]", "True False"),
        ("quote", "[('a quote',)]", "False False"),
    ],
)
def test_only_what_the_selected_scenarios_say_is_asked(
    pytester: pytest.Pytester, selected: str, asked: str, needed: str
) -> None:
    pytester.makefile(".feature", ahead=FEATURE)
    file: Path = pytester.makepyfile(BINDING)
    done = pytester.runpytest_inprocess(file, "-s", "-q", "-k", selected)
    done.stdout.fnmatch_lines([f"*ASKED {asked.replace('[', '[[]', 1)}", f"*NEEDED {needed}"])


@pytest.mark.parametrize(
    ("selected", "lead", "soon"),
    [
        ("row or another", 2, "True True True"),
        ("row or another", 1, "False True True"),
        ("another", 1, "True"),
        ("row", 2, "False False"),
    ],
)
def test_a_step_is_soon_when_one_of_the_next_scenarios_has_it(
    pytester: pytest.Pytester, selected: str, lead: int, soon: str
) -> None:
    pytester.makefile(".feature", ahead=FEATURE)
    looks = f"""
@pytest.fixture(autouse=True)
def looks(request):
    with open("soon", "a") as file:
        file.write(f"{{ahead.is_soon(request, platform_told, {lead})}} ")
"""
    file: Path = pytester.makepyfile(BINDING + looks)
    pytester.runpytest_inprocess(file, "-q", "-k", selected)
    assert (pytester.path / "soon").read_text().strip() == soon
