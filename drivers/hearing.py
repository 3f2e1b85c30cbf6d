"""Runs of a platform that are listened to: what each told is asked of whom it told, right after its end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import inf

from drivers import seeds, wait
from drivers.dagster import Orchestrator, Recorded, Run
from drivers.kubernetes import RUN_LABEL
from drivers.lineage import Event
from drivers.platform import Platform
from drivers.product import Product
from drivers.senders import Sent
from drivers.spans import Span
from drivers.telemetry import failures, lineage_checks, log_checks, metric_checks, trace_checks
from drivers.telemetry.told import LAUNCHER, Line, Told, Value
from foundation.errors import DeadlineError

LISTEN_SECONDS = 15.0
"""How long a trace, or the metrics of a run, are waited for before they count as not told."""

RECORDED_SECONDS = 10.0
"""Until Dagster must have noted when a run ended: a moment after it says that it has."""

RUN_LINES = 10_000
"""Lines of a run's log that are read: all of them, of a run of a few hundred."""

READ_SECONDS = 20.0
"""Until what was sent by the suite must be readable: two rounds of scraping, and what is held back."""

BREAKS = {"stg_transactions": ("raw_transactions", {"quantity": "2147483647", "unit_price": "99999999.99"})}
"""What makes a model fail: a row, by the table of the seed it arrives in."""

_ENDED = {"SUCCESS": "success", "FAILURE": "failure", "CANCELED": "canceled"}


class Hearing:
    """The runs of one platform that were listened to; each kind is launched once.

    Args:
        platform: whose runs.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._good: dict[str, Told] = {}
        self._failed: dict[tuple[str, str], Told] = {}

    def of(self, product: str) -> Told:
        """What the full run of a product told; it is launched when there was none."""
        if product not in self._good:
            self._good[product] = self._listen(self._platform.last_run(product))
        return self._good[product]

    def of_failure(self, product: Product, model: str) -> Told:
        """What a run of the models of a product told in which one of them failed; launched once."""
        key = product.name, model
        if key not in self._failed:
            self.of(product.name)  # what is there before it
            with self._broken(product, model):
                models = self._platform.graph(product.name).models
                run = self._platform.orchestrator.launch(product.name, models).finished()
            self._failed[key] = self._listen(run)
        return self._failed[key]

    def of_lost(self, run: Run) -> Told:
        """What was told of a run that could not tell its own end, as far as it had come."""
        events = wait.settled(
            lambda: self._platform.lineage.events(run.run_id),
            lambda seen: bool(failures.of_the_run(seen, run.run_id)),
            what=f"the end of run {run.run_id[:8]} in lineage",
            within=LISTEN_SECONDS,
            last=lambda seen: f"has {len(seen)} events of it",
        )
        spans = self._with_the_loss(events, run)
        seconds, over = self._took(run)
        return Told(
            run=run,
            seconds=seconds,
            over=over,
            spans=spans,
            found={},
            events=events,
            lines=[],
            values={},
            at=datetime.now(UTC),
            ended={},
        )

    def ended(self, product: str) -> dict[str, int]:
        """How many runs of a product's job ended so, by status as metrics name it."""
        job = Product(product).job
        found = dict.fromkeys(_ENDED.values(), 0)
        for one in self._platform.orchestrator.recent_runs():
            if one.job == job and one.status in _ENDED:
                found[_ENDED[one.status]] += 1
        return found

    def lines(self, run: Run) -> list[Line]:
        """The lines of a run's log that are JSON."""
        cluster, namespace = self._platform.place.cluster, self._platform.namespace
        pods = cluster.pods(namespace, f"{RUN_LABEL}={run.run_id}")
        whole = [cluster.log(namespace, pod, lines=RUN_LINES) for pod in pods]
        return [line for log in whole for line in log_checks.lines_of(log)]

    def seconds(self, run: Run) -> float:
        """What a run took, as Dagster recorded it."""
        return self._took(run)[0]

    def traces_of(self, trace_ids: frozenset[str]) -> dict[str, list[Span]]:
        """What Jaeger has under these ids."""
        return {one: self._platform.traces.trace(one) for one in sorted(trace_ids)}

    def read_back(self, reader: str, sent: Sent) -> str:
        """What a service has under the key of something that was sent, as soon as it has anything."""
        ways = {
            "Jaeger": lambda: " ".join(one.name for one in self._platform.traces.trace(sent.key)),
            "Prometheus": lambda: " ".join(
                f"{one.value:g}" for one in self._platform.metrics.query(sent.key)
            ),
            "Marquez": lambda: " ".join(
                name for one in self._platform.lineage.events(sent.key) for name in sorted(one.outputs)
            ),
        }
        seen = wait.settled(ways[reader], bool, what=f"{sent.key} in {reader}", within=READ_SECONDS)
        return seen or "nothing"

    # --- own ------------------------------------------------------------------------------

    def _listen(self, run: Run) -> Told:
        found, spans = self._trace(run)
        seconds, over = self._took(run)
        return Told(
            run=run,
            seconds=seconds,
            over=over,
            spans=spans,
            found=found,
            events=self._platform.lineage.events(run.run_id),
            lines=self.lines(run),
            values=self._values(run),
            at=datetime.now(UTC),
            ended=self.ended(run.product),
        )

    def _with_the_loss(self, events: Sequence[Event], run: Run) -> list[Span]:
        """The spans of the traces that events name, once those are among them at which the loss was told."""
        traces = frozenset(trace for trace, _ in lineage_checks.places(events))
        due = {(one.trace, one.span) for one in failures.of_the_run(events, run.run_id)}

        def look() -> list[Span]:
            return [span for trace in self.traces_of(traces).values() for span in trace]

        return wait.settled(
            look,
            lambda seen: due <= {(one.trace, one.id) for one in seen},
            what=f"the span at which run {run.run_id[:8]} is lost",
            within=LISTEN_SECONDS,
            last=lambda seen: f"is not among {len(seen)} spans",
        )

    def _trace(self, run: Run) -> tuple[dict[str, float], list[Span]]:
        """By service, seconds from now until the whole trace was found by that name; and its spans."""
        over, since = time.monotonic(), datetime.now(UTC) - timedelta(minutes=15)
        found: dict[str, float] = {}
        spans: list[Span] = []
        for service in (run.product, LAUNCHER):
            try:
                whole = wait.until(
                    lambda service=service: self._of_service(service, since, run),  # type: ignore[misc]
                    bool,
                    what=f"the trace of run {run.run_id[:8]} under {service}",
                    within=LISTEN_SECONDS,
                    every=0.2,
                )
            except DeadlineError:
                found[service] = inf
            else:
                found[service] = time.monotonic() - over
                spans = whole
        return found, spans

    def _took(self, run: Run) -> tuple[float, float]:
        """How many seconds a run took, and when it ended."""
        recorded = self._recorded(run)
        over = recorded.ended or inf
        return over - (recorded.began or 0), over

    def _of_service(self, service: str, since: datetime, run: Run) -> list[Span]:
        traces = self._platform.traces.of_service(service, since, {"dagster.run_id": run.run_id})
        return next((spans for spans in traces.values() if trace_checks.run_span(spans, run.run_id)), [])

    def _values(self, run: Run) -> Mapping[Value, float]:
        """The metrics of the run's product, once those of this run are among them."""
        status, recorded = _ENDED[run.status], self._recorded(run)
        expression = f'{{__name__=~"floe_.*",product="{run.product}"}}'

        def look() -> dict[Value, float]:
            return metric_checks.values_of(self._platform.metrics.query(expression))

        return wait.settled(
            look,
            lambda seen: seen.get(("floe_run_ended_timestamp_seconds", status), 0) >= (recorded.began or inf),
            what=f"the metrics of run {run.run_id[:8]}",
            within=LISTEN_SECONDS,
            last=lambda seen: f"has {len(seen)} series of an earlier run",
        )

    def _recorded(self, run: Run) -> Recorded:
        orchestrator: Orchestrator = self._platform.orchestrator
        (found,) = wait.until(
            lambda: [one for one in orchestrator.recent_runs() if one.run_id == run.run_id],
            lambda seen: bool(seen and seen[0].ended),
            what=f"run {run.run_id[:8]} of {run.product}",
            within=RECORDED_SECONDS,
            last=lambda _: "has no end yet",
        )
        return found

    @contextmanager
    def _broken(self, product: Product, model: str) -> Iterator[None]:
        """Have a row among a seed's that a model cannot take, meanwhile."""
        table, texts = BREAKS[model]
        pipeline, name = self._platform.pipeline, f"{product.namespace}.{table}"
        before = pipeline.snapshot(name)
        row = product.another_row(table, {column: seeds.value_of(text) for column, text in texts.items()})
        pipeline.append(name, [row])
        try:
            yield
        finally:
            pipeline.restore(name, before)
