"""All rules in their order, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gate import index, quality, review, traceability, vocabulary, words
from gate.finding import Finding
from gate.index import FILE
from gate.project import Project

Rule = Callable[[Project], Iterable[Finding]]


def unknown_ids(suite: Project) -> list[Finding]:
    """Tags that are no id."""
    return traceability.every_id_is_known(suite.scenarios, suite.catalogue)


def lost_scenarios(suite: Project) -> list[Finding]:
    """What was reviewed and is gone."""
    lines = index.lines_of(suite.root / FILE)
    return traceability.what_was_reviewed_is_there(suite.scenarios, suite.catalogue, suite.index, lines)


def coverage(suite: Project) -> list[Finding]:
    """Every id has its scenarios, every scenario its ids, and every phrase its use."""
    scenarios, known, file = suite.scenarios, suite.catalogue, suite.planned_file
    proved = traceability.ids_of_the_evidence(suite.root / traceability.EVIDENCE)
    return [
        *traceability.every_scenario_proves_something(scenarios, known),
        *traceability.what_is_not_covered_is_planned(scenarios, known, suite.planned, file),
        *traceability.planned_list_shrinks(suite.planned, file),
        *traceability.what_was_proved_is_not_planned(suite.planned, file, proved - suite.carried),
        *vocabulary.every_phrase_is_used(suite.steps, scenarios),
    ]


def reviews(suite: Project) -> list[Finding]:
    """Every scenario was read against the text it proves; when it was, the index says so too."""
    stale = review.what_changed_was_reviewed(suite.features, review.hashes(suite.catalogue))
    return stale or traceability.what_is_there_was_reviewed(suite.scenarios, suite.catalogue, suite.index)


def scenarios(suite: Project) -> list[Finding]:
    """What holds for each scenario alone."""
    return [
        *traceability.every_scenario_has_its_story(suite.scenarios, suite.catalogue),
        *traceability.every_scenario_does_something(suite.scenarios),
        *traceability.scenarios_have_names_of_their_own(suite.scenarios),
    ]


def language(suite: Project) -> list[Finding]:
    """Phrases, their number, their use, and the words of the features."""
    files = [feature.file for feature in suite.features]
    return [
        *vocabulary.check(suite.steps, suite.scenarios),
        *vocabulary.every_feature_is_bound(files, suite.bindings),
        *vocabulary.every_step_is_loaded(suite.steps, suite.bindings),
        *words.features_speak_plainly(suite.features),
    ]


def quality_rules(suite: Project) -> list[Finding]:
    """TQR-001 to TQR-014."""
    return quality.check(suite.steps, suite.drivers, suite.bindings, suite.tests, suite.features)


CAUSES: tuple[Rule, ...] = (unknown_ids, lost_scenarios)
"""The first of these that finds anything speaks alone ..."""
CONSEQUENCES: tuple[Rule, ...] = (coverage, reviews)
"""... and these are silent then: they would only tell in other words what follows from it."""
ALWAYS: tuple[Rule, ...] = (scenarios, language, quality_rules)
"""These do not depend on which scenarios there are."""


def findings(suite: Project) -> list[Finding]:
    """What all rules find, causes first."""
    causes: Iterable[Finding] = next((found for rule in CAUSES if (found := list(rule(suite)))), [])
    following = [] if causes else [finding for rule in CONSEQUENCES for finding in rule(suite)]
    return [*causes, *following, *(finding for rule in ALWAYS for finding in rule(suite))]


def summary(suite: Project) -> str:
    """The figures of a suite without findings, in one line."""
    phrases = vocabulary.phrases(vocabulary.definitions(suite.steps)[0])
    ids = traceability.owed(suite.catalogue)
    return (
        f"gate: {len(suite.scenarios)} scenarios, {phrases} of {vocabulary.PHRASES} step phrases, "
        f"{len(ids & suite.carried)} ids covered, {len(suite.planned.planned)} planned"
    )
