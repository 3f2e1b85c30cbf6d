"""The vocabulary gate: steps and features say the same, in few phrases and short scenarios."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from foundation.errors import UserError
from gate import code, features, vocabulary
from gate.code import Module
from gate.features import ScenarioSource
from gate.vocabulary import Definition

HEAD = "from pytest_bdd import given, parsers, step, then, when\nfrom pytest_bdd.parsers import parse\n"


def modules(root: Path, text: str, file: str = "steps/words.py") -> tuple[Module, ...]:
    path = root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + textwrap.dedent(text))
    return code.read(root, [path])


def known(root: Path, text: str) -> list[Definition]:
    found, unread = vocabulary.definitions(modules(root, text))
    assert unread == []
    return found


def scenarios(root: Path, steps: str) -> tuple[ScenarioSource, ...]:
    file = root / "some.feature"
    file.write_text("Feature: f\n  Scenario: s\n" + textwrap.indent(textwrap.dedent(steps), "    "))
    return features.read_file(file, root=root).scenarios


STEPS = """\
@given("a platform")
def a(): ...

@when(parse("{product} runs"))
def b(): ...

@then(parsers.re(r"(?P<count>\\d+) rows are there"))
def c(): ...

@then(parsers.cfparse("{number:d} are there"))
def d(): ...
"""
SAID = """\
Given a platform
When iot runs
Then 5 rows are there
And 2 are there
"""


# ---- what is a phrase


def test_phrases_are_read_with_the_parsers_of_pytest_bdd(tmp_path: Path) -> None:
    read = [(one.place, one.kind, one.phrase, type(one.parser).__name__) for one in known(tmp_path, STEPS)]
    assert read == [
        ("steps/words.py:3", "given", "a platform", "string"),
        ("steps/words.py:6", "when", "{product} runs", "parse"),
        ("steps/words.py:9", "then", r"(?P<count>\d+) rows are there", "re"),
        ("steps/words.py:12", "then", "{number:d} are there", "cfparse"),
    ]


def test_names_are_followed_to_where_they_come_from(tmp_path: Path) -> None:
    text = """\
    import pytest_bdd
    import pytest_bdd.parsers as p
    from pytest_bdd import given as g

    @g("a")
    @pytest_bdd.when(p.parse("b {c}"))
    @step(name="d", target_fixture="e")
    def f(): ...

    @other.given("not a step")
    def h(): ...
    """
    assert [(one.kind, one.phrase) for one in known(tmp_path, text)] == [
        ("given", "a"),
        ("when", "b {c}"),
        (None, "d"),
    ]


@pytest.mark.parametrize(
    ("decorator", "problem"),
    [
        ("given(PHRASE)", "the phrase of a step is no literal"),
        ('given(f"a {x}")', "the phrase of a step is no literal"),
        ("given(parse(PHRASE))", "the phrase of a step is no literal"),
        ('given(made("a"))', "the phrase of a step is no literal"),
        ("given()", "the phrase of a step is no literal"),
        ('given(parse("a {b:C}", extra_types=TYPES))', "the parser of a step has more than its phrase"),
        ('given(parsers.cfparse("{b:d+}"))', '"{b:d+}" is no pattern: '),
        ('given(parsers.re("a (b"))', '"a (b" is no pattern: '),
    ],
)
def test_a_phrase_that_cannot_be_read_is_found(tmp_path: Path, decorator: str, problem: str) -> None:
    _, [finding] = vocabulary.definitions(modules(tmp_path, f"@{decorator}\ndef a(): ...\n"))
    assert finding.place == "steps/words.py:3"
    assert finding.problem.startswith(problem)


def test_what_is_not_python_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"steps/words\.py:3: not Python"):
        modules(tmp_path, "def\n")


# ---- unused


def test_an_unused_step_is_found(tmp_path: Path) -> None:
    text = STEPS + '@when("nobody says this")\ndef e(): ...\n'
    [finding] = vocabulary.every_phrase_is_used(modules(tmp_path, text), scenarios(tmp_path, SAID))
    assert finding.line == 'steps/words.py:14: step "nobody says this" is used by no feature — remove it'


def test_a_phrase_said_only_as_another_kind_of_step_is_unused(tmp_path: Path) -> None:
    text = '@then("a platform")\ndef a(): ...\n'
    [finding] = vocabulary.every_phrase_is_used(
        modules(tmp_path, text), scenarios(tmp_path, "Given a platform\n")
    )
    assert finding.place == "steps/words.py:3"


def test_steps_that_are_all_used_are_right(tmp_path: Path) -> None:
    assert vocabulary.every_phrase_is_used(modules(tmp_path, STEPS), scenarios(tmp_path, SAID)) == []


# ---- duplicate


@pytest.mark.parametrize(
    "text",
    [
        '@given("a")\ndef a(): ...\n\n@given("a")\ndef b(): ...\n',
        '@given("a")\ndef a(): ...\n\n@then("a")\ndef b(): ...\n',
        '@given(parse("a {b}"))\ndef a(): ...\n\n@given(parse("a {c:d}"))\ndef b(): ...\n',
        '@given("a")\n@given("a")\ndef a(): ...\n',
    ],
)
def test_a_phrase_defined_twice_is_found(tmp_path: Path, text: str) -> None:
    [finding] = vocabulary.no_phrase_twice(known(tmp_path, text))
    assert "is already defined at steps/words.py:3" in finding.problem


def test_one_act_as_a_state_and_an_event_is_right(tmp_path: Path) -> None:
    text = '@given("a")\n@when("a")\ndef a(): ...\n\n@given(parse("b {c}"))\ndef b(): ...\n'
    assert vocabulary.no_phrase_twice(known(tmp_path, text)) == []


# ---- unbound and ambiguous


def meanings(root: Path, definitions: str, steps: str) -> list[tuple[str, str]]:
    found = vocabulary.every_step_has_one_meaning(known(root, definitions), scenarios(root, steps))
    return [(finding.place, finding.problem) for finding in found]


def test_steps_with_one_meaning_are_right(tmp_path: Path) -> None:
    assert meanings(tmp_path, STEPS, SAID) == []


@pytest.mark.parametrize(
    ("steps", "place", "said"),
    [
        ("Given a plattform\n", "some.feature:3", 'given "a plattform"'),
        ("Given a platform\nWhen iot stops\n", "some.feature:4", 'when "iot stops"'),
        ("When iot runs\nAnd a platform\n", "some.feature:4", 'when "a platform"'),
    ],
)
def test_a_step_that_means_nothing_is_found(tmp_path: Path, steps: str, place: str, said: str) -> None:
    assert meanings(tmp_path, STEPS, steps) == [(place, f"no step is defined for {said}")]


OUTLINE = """\
Then <count> rows are there

Examples:
  | count |
  | 5     |
  | {row} |
"""


def test_every_row_of_an_outline_is_filled_in(tmp_path: Path) -> None:
    assert meanings(tmp_path, STEPS, OUTLINE.format(row=6)) == []
    assert meanings(tmp_path, STEPS, OUTLINE.format(row="many")) == [
        ("some.feature:3", 'no step is defined for then "many rows are there"')
    ]


def test_a_step_of_the_background_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "some.feature"
    file.write_text(
        "Feature: f\n  Background:\n    Given b\n"
        "  Scenario: s\n    Given a platform\n  Scenario: t\n    Given a platform\n"
    )
    read = features.read_file(file, root=tmp_path).scenarios
    found = vocabulary.every_step_has_one_meaning(known(tmp_path, STEPS), read)
    assert [finding.place for finding in found] == ["some.feature:3"]


def test_a_step_with_two_meanings_is_found(tmp_path: Path) -> None:
    text = STEPS + '@when(parse("{a} {b}"))\ndef e(): ...\n'
    first, second = '"{product} runs" (steps/words.py:6)', '"{a} {b}" (steps/words.py:14)'
    assert meanings(tmp_path, text, "When iot runs\n") == [
        ("some.feature:3", f'when "iot runs" is matched by {first} and {second}')
    ]


def test_a_first_step_that_follows_nothing_is_found(tmp_path: Path) -> None:
    assert meanings(tmp_path, STEPS, "And a platform\n") == [
        ("some.feature:3", '"And" follows no other step')
    ]


# ---- how much


def test_too_many_phrases_are_found(tmp_path: Path) -> None:
    text = "".join(f'@given("a{number}")\ndef a{number}(): ...\n\n' for number in range(121))
    [finding] = vocabulary.vocabulary_is_small(known(tmp_path, text))
    assert finding.problem == "121 step phrases, 120 are allowed"
    assert vocabulary.vocabulary_is_small(known(tmp_path, text)[1:]) == []


def test_a_scenario_that_is_too_long_is_found(tmp_path: Path) -> None:
    [finding] = vocabulary.scenarios_are_short(scenarios(tmp_path, "Given a\n" * 7))
    assert (finding.place, finding.problem) == (
        "some.feature:2",
        'scenario "s" has 7 steps, 6 are allowed',
    )
    assert vocabulary.scenarios_are_short(scenarios(tmp_path, "Given a\n" * 6)) == []


def test_the_background_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "some.feature"
    file.write_text(
        "Feature: f\n  Background:\n    Given b\n  Scenario: s\n" + "    Given a\n" * 6,
    )
    assert vocabulary.scenarios_are_short(features.read_file(file, root=tmp_path).scenarios) == []


# ---- what makes them run


def test_a_feature_that_no_module_binds_is_found(tmp_path: Path) -> None:
    text = "from pytest_bdd import scenarios\nscenarios('a.feature')\n"
    bindings = modules(tmp_path, text, "features/test_a.py")
    [finding] = vocabulary.every_feature_is_bound(["features/a.feature", "features/b.feature"], bindings)
    assert finding.place == "features/b.feature:1"


def test_steps_that_no_plugin_loads_are_found(tmp_path: Path) -> None:
    steps = modules(tmp_path, STEPS) + modules(tmp_path, "X = 1\n", "steps/helpers.py")
    loading = modules(tmp_path, "pytest_plugins = ('steps.words',)\n", "conftest.py")
    assert vocabulary.every_step_is_loaded(steps, loading) == []
    not_loading = modules(tmp_path, "pytest_plugins = ('steps.other',)\n", "conftest.py")
    [finding] = vocabulary.every_step_is_loaded(steps, not_loading)
    assert finding.line == (
        "steps/words.py:1: conftest.py does not load steps.words — name it in pytest_plugins"
    )
