"""The spans of a run: what they must be, and where they are something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from drivers.dagster import Run
from drivers.dbt_graph import Graph
from drivers.spans import Span
from drivers.telemetry.told import LAUNCHER, NOTED_SECONDS, RUN_SECONDS, SAME_SECONDS, TABLES


def run_span(spans: Iterable[Span], run_id: str) -> Span | None:
    """The span of a run itself; None when the trace has none, or more than one."""
    found = [one for one in spans if one.name.startswith("run ") and _run_of(one) == run_id]
    return found[0] if len(found) == 1 else None


def nodes(spans: Iterable[Span]) -> dict[str, list[str]]:
    """The names of the spans of dbt's nodes, by kind, in alphabetical order."""
    found: dict[str, list[str]] = {"tables": [], "tests": []}
    for one in spans:
        if kind := one.attributes.get("dbt.resource_type"):
            found["tables" if kind in TABLES else "tests"].append(one.name)
    return {kind: sorted(names) for kind, names in found.items()}


def parents(spans: Sequence[Span]) -> frozenset[str]:
    """What the spans of dbt's nodes are below of, each parent by the names from the root down to it."""
    by_id = {one.id: one for one in spans}

    def above(span: Span | None) -> list[str]:
        return [] if span is None else [*above(by_id.get(span.parent)), span.name]

    return frozenset(
        " / ".join(above(by_id.get(one.parent))) for one in spans if "dbt.resource_type" in one.attributes
    )


def misplaced(spans: Sequence[Span]) -> dict[str, str]:
    """Each span that is an orphan or not within its parent's time, and how.

    A launch does not wait for what it launches: what is below it begins no sooner, and ends when it likes.
    """
    by_id = {one.id: one for one in spans}
    found: dict[str, str] = {}
    roots = [one.name for one in spans if not one.parent]
    if len(roots) != 1:
        found["roots"] = ", ".join(roots) or "none"
    for one in spans:
        above = by_id.get(one.parent)
        if one.parent and above is None:
            found[one.name] = "its parent is not in the trace"
        elif above is not None and (early := above.began - one.began) > SAME_SECONDS:
            found[one.name] = f"began {early:.3f} s before {above.name}"
        elif above is not None and above.service != LAUNCHER and one.ended - above.ended > SAME_SECONDS:
            found[one.name] = f"ended {one.ended - above.ended:.3f} s after {above.name}"
    return found


def figures_astray(spans: Sequence[Span], run: Run) -> dict[str, str]:
    """Each table of a run whose span has other rows, or another time, than Dagster recorded; and any SQL."""
    by_name = {one.name: one for one in spans if one.attributes.get("dbt.resource_type") in TABLES}
    found: dict[str, str] = {}
    for name, made in run.materializations.items():
        span = by_name.get(name)
        if span is None:
            found[name] = "has no span"
            continue
        rows = span.attributes.get("floe.row_count")
        if rows != made.rows:
            found[name] = f"has {rows} rows in its span and {made.rows} in Dagster"
        elif max(abs(span.began - made.started), abs(span.ended - made.completed)) > SAME_SECONDS:
            found[name] = (
                f"took {span.ended - span.began:.3f} s in its span, "
                f"{made.completed - made.started:.3f} s in Dagster"
            )
    for one in spans:
        if one.failed and run.status == "SUCCESS":
            found[one.name] = "failed, in a run that did not"
        if any("select " in str(value).lower() for value in one.attributes.values()):
            found[one.name] = "has SQL in its span"
    return found


def tests_astray(spans: Sequence[Span], run: Run, graph: Graph) -> dict[str, str]:
    """Each test or expectation whose span is missing, refers to no table of its own, or has another time."""
    by_id = {one.id: one for one in spans}
    attached = {name: frozenset({table}) for (_, table, _), name in graph.generic.items()}
    tests = [one for one in spans if one.attributes.get("dbt.resource_type") not in {None, *TABLES}]
    expected = [one for one in spans if "floe.expectation" in one.attributes]
    found: dict[str, str] = {}
    for one in (*tests, *expected):
        tables = [by_id[beside] for beside in one.beside if beside in by_id]
        names = frozenset(table.name for table in tables)
        about = attached.get(one.name) or graph.tests.get(one.name) or frozenset({_expected_of(one)})
        if len(names) != 1 or not names <= about:
            found[one.name] = f"refers to {_words(names)}, and is of {_words(about)}"
        elif one.began - max(table.ended for table in tables) < -SAME_SECONDS:
            found[one.name] = "began before its table was complete"
        elif (lasted := one.ended - one.began) <= 0:
            found[one.name] = f"lasted {lasted:.6f} s"
        elif (at := run.checked_at.get(one.name)) and one.ended - at > NOTED_SECONDS:
            found[one.name] = f"ended {one.ended - at:.3f} s after Dagster had its result"
    told, due = sorted(one.name for one in expected), sorted(one.name for one in run.expectations)
    if told != due:
        found["expectations"] = f"{_words(told)}, not {_words(due)}"
    return found


def lasting_astray(spans: Sequence[Span], run_id: str, seconds: float) -> dict[str, str]:
    """The span of a run, where it lasted otherwise than the run did."""
    span = run_span(spans, run_id)
    lasted = span.ended - span.began if span else -1.0
    return (
        {} if abs(lasted - seconds) <= RUN_SECONDS else {"run": f"lasted {lasted:.3f} s, not {seconds:.3f} s"}
    )


def runs_opened(spans: Mapping[str, Sequence[Span]]) -> dict[str, str]:
    """By trace id, the run whose trace it is, as its spans say; every run where they tell of several."""
    return {
        trace: ", ".join(sorted({run for one in found if (run := _run_of(one))})) or "no run"
        for trace, found in spans.items()
    }


def _expected_of(span: Span) -> str:
    return str(span.attributes.get("floe.tested", ""))


def _words(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _run_of(span: Span) -> str:
    return str(span.attributes.get("dagster.run_id", ""))
