"""The trace of a run: the run, its steps, and below a step each model, seed and test.

A test is told after its model is done, so it is a child of the step, as the model is, and has a link to the
model: every child then lies within its parent's time. The run itself follows the launch as a consumer
follows a producer, and is not within its time. No span ever carries SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from opentelemetry.trace import Link, SpanKind, Status, StatusCode, set_span_in_context

from floe_additions.observability import telemetry
from floe_additions.observability.context import Place

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from floe_additions.observability.context import Losses

Value = str | int | float | bool

CUT_OFF = "the run ended before it did"
"""Why a span has an error that nobody reported: its run was interrupted, or lost its engine."""


class RunTrace:
    """Spans of one run, by the keys of its steps and the unique ids of its nodes.

    All moments are nanoseconds since 1970.

    Args:
        tracer: of the product.
        losses: is told of every span made.
        name: of the run's span.
        traceparent: the W3C context of the launch; None where nobody handed one over.
        at: when the run began.
        attributes: of the run's span.
    """

    def __init__(
        self,
        tracer: Tracer,
        losses: Losses,
        name: str,
        *,
        traceparent: str | None,
        at: int,
        attributes: Mapping[str, Value],
    ) -> None:
        self._tracer = tracer
        self._losses = losses
        self._run = tracer.start_span(
            name,
            context=telemetry.parent(traceparent),
            kind=SpanKind.CONSUMER if traceparent else SpanKind.INTERNAL,
            start_time=at,
            attributes=dict(attributes),
        )
        self._steps: dict[str, Span] = {}
        self._nodes: dict[str, Span] = {}
        self._open: dict[str, Span] = {}

    @property
    def traceparent(self) -> str:
        """The W3C context of the run's span."""
        return telemetry.traceparent_of(self._run)

    @property
    def place(self) -> Place:
        """Where the run is in its trace."""
        return _place(self._run)

    def place_of(self, part: str) -> Place:
        """Where a node or a step is; the run's own place where there is no such part."""
        return _place(self._nodes.get(part) or self._steps.get(part) or self._run)

    def step_began(self, key: str, at: int) -> None:
        """A step of Dagster began."""
        self._steps[key] = self._tracer.start_span(
            key, context=set_span_in_context(self._run), start_time=at, attributes={"dagster.step_key": key}
        )

    def step_ended(self, key: str, at: int, error: str | None) -> None:
        """A step ended; with an error where it failed."""
        step = self._steps.get(key)
        if step and step.is_recording():
            self._end(step, at, {}, error)

    def began(
        self,
        step: str,
        node: str,
        name: str,
        at: int,
        *,
        attributes: Mapping[str, Value],
        tested: str | None,
    ) -> None:
        """A node began; one that begins again, after an outage of the catalog, goes on.

        Args:
            step: the step that it is part of.
            node: its unique id.
            name: of its span.
            at: when.
            attributes: what is known of it.
            tested: the node that it tests.
        """
        if node in self._open:
            self._open[node].add_event("begun again", timestamp=at)
            return
        model = self._nodes.get(tested or "")
        self._open[node] = self._nodes[node] = self._tracer.start_span(
            name,
            context=set_span_in_context(self._steps.get(step, self._run)),
            start_time=at,
            attributes=dict(attributes),
            links=[Link(model.get_span_context(), {"floe.link": "tests"})] if model else [],
        )

    def ended(self, node: str, at: int, attributes: Mapping[str, Value], error: str | None) -> None:
        """A node ended; with an error where it failed."""
        if span := self._open.pop(node, None):
            self._end(span, at, attributes, error)

    def close(self, at: int, attributes: Mapping[str, Value], error: str | None) -> None:
        """The run ended; what of it is not ended yet was cut off."""
        for span in (*self._open.values(), *self._steps.values()):
            if span.is_recording():
                self._end(span, at, {}, CUT_OFF)
        self._open.clear()
        self._end(self._run, at, attributes, error)

    def _end(self, span: Span, at: int, attributes: Mapping[str, Value], error: str | None) -> None:
        span.set_attributes(dict(attributes))
        if error is not None:
            span.add_event("exception", {"exception.message": error}, timestamp=at)
            span.set_status(Status(StatusCode.ERROR, error))
        self._losses.made("spans")
        span.end(end_time=at)


def _place(span: Span) -> Place:
    context = span.get_span_context()
    return Place(f"{context.trace_id:032x}", f"{context.span_id:016x}")
