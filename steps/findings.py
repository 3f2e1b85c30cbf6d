"""What is to be seen of a platform that stands, as texts: pods, workloads, events, logs, Dagster's runs.

Nothing here can fail or take long: what cannot be read is told in the text that would have held it,
what does not answer in time is left out and named, and no Secret can be read meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from drivers import traffic
from drivers.dagster import Orchestrator, Recorded, causes_of, line_of
from drivers.errors import ServiceError
from drivers.inspection import PodState
from drivers.platform import Platform
from foundation import secrecy
from foundation.errors import PlatformError
from reports import evidence

Answer = TypeVar("Answer")

SECONDS = 20.0
"""Until looking ends, whatever is still to be seen; a tunnel that must begin anew comes on top."""

LOG_LENGTH, ALL_LOGS_LENGTH = 100_000, 1_200_000
"""Characters that are kept of one container's log, and of all of them."""

TEXT_LENGTH = 200_000
"""Characters that are kept of any other text."""

_HANDS = 4
"""Questions that are asked at the same time."""


@dataclass(frozen=True)
class Finding:
    """A text and what it shows."""

    name: str
    text: str


def of(platform: Platform, since: datetime, within: float = SECONDS) -> list[Finding]:
    """All that is to be seen of a platform, as far as it answers.

    Args:
        platform: it may be half installed, or ill.
        since: events, logs and runs from this moment on.
        within: seconds this may take.
    """
    with secrecy.locked(), traffic.paused(), evidence.apart():
        return _Look(platform, since, time.monotonic() + within).findings()


class _Look:
    """One look at a platform: Kubernetes is asked by several hands, Dagster by this one.

    A tunnel ends with the thread that began it, so no other thread may begin one.
    """

    def __init__(self, platform: Platform, since: datetime, deadline: float) -> None:
        self._platform = platform
        self._namespace = platform.namespace
        self._cluster = platform.place.cluster
        self._since = since
        self._deadline = deadline
        self._hands = ThreadPoolExecutor(_HANDS, thread_name_prefix="evidence")

    def findings(self) -> list[Finding]:
        try:
            pods = self._hands.submit(partial(self._cluster.pod_states, self._namespace))
            workloads = self._hands.submit(self._workloads)
            events = self._hands.submit(self._events)
            states = self._states(pods)
            logs = list(self._asked_for_logs(states))
            runs = _seen(self._runs)
            found = {
                "pods": self._text(pods, lambda seen: "\n".join(one.told() for one in seen)),
                "workloads": self._text(workloads, str),
                "events": self._text(events, str),
                "Dagster runs": runs,
                "logs": self._logs(logs),
            }
        finally:
            self._hands.shutdown(wait=False, cancel_futures=True)
        return [Finding(f"{what} of {self._namespace}", text) for what, text in found.items() if text]

    @property
    def _left(self) -> float:
        return max(0.1, self._deadline - time.monotonic())

    def _states(self, pods: Future[list[PodState]]) -> list[PodState]:
        """The pods, the troubled ones first: theirs are the logs that must not be left out."""
        try:
            states = pods.result(self._left)
        except Exception:  # noqa: BLE001 - why is told where the pods would have been
            return []
        return sorted(states, key=lambda one: (not one.troubled, one.name))

    def _workloads(self) -> str:
        workloads = self._cluster.workloads(self._namespace)
        lines = [
            f"{work.kind} {name}: {work.ready} of {work.wanted} ready"
            f"{f', {work.failed}' if work.failed else ''}, image {', '.join(work.images)}"
            for name, work in sorted(workloads.items())
        ]
        claims = self._cluster.volume_claims(self._namespace)
        return "\n".join(
            [*lines, *(f"volume claim {name}: {state}" for name, state in sorted(claims.items()))]
        )

    def _events(self) -> str:
        return "\n".join(self._cluster.events(self._namespace, since=self._since))

    def _asked_for_logs(self, pods: Iterable[PodState]) -> Iterator[tuple[str, Future[str]]]:
        """Each container's log and, when it was restarted, that of the instance before."""
        for pod in pods:
            for one in pod.containers:
                for previous in (True, False) if one.restarts else (False,):
                    if one.begun:
                        name = f"{pod.name} {one.name}{' before its restart' if previous else ''}"
                        yield name, self._hands.submit(self._log, pod.name, one.name, previous=previous)

    def _log(self, pod: str, container: str, *, previous: bool) -> str:
        return self._cluster.log(
            self._namespace, pod, container, since=self._since, previous=previous, within=self._left
        )

    def _logs(self, asked: list[tuple[str, Future[str]]]) -> str:
        parts: list[str] = []
        silent: list[str] = []
        left = ALL_LOGS_LENGTH
        for name, future in asked:
            text = bounded(self._text(future, str).rstrip(), min(left, LOG_LENGTH))
            left = max(0, left - len(text))
            if text:
                parts.append(f"===== {name}\n{text}")
            else:
                silent.append(name)
        if silent:
            parts.append(f"===== nothing since {self._since:%H:%M:%S} from\n" + "\n".join(silent))
        return "\n\n".join(parts)

    def _runs(self) -> str:
        orchestrator = self._platform.orchestrator
        with orchestrator.hurried(self._left):
            runs = orchestrator.recent_runs()
            active = [one for one in runs if one.ended is None or one.ended >= self._since.timestamp()]
        parts = [self._run(orchestrator, one) for one in active]
        others = [_heading(one) for one in runs if one not in active]
        if others:
            parts.append("\n".join(["===== ended before", *others]))
        return bounded("\n\n".join(parts), TEXT_LENGTH)

    def _run(self, orchestrator: Orchestrator, run: Recorded) -> str:
        if time.monotonic() >= self._deadline:
            return f"===== {_heading(run)}\n(its events are left out: no time was left)"
        try:
            with orchestrator.hurried(self._left):
                events = orchestrator.events(run.run_id)
        except ServiceError as silent:
            return f"===== {_heading(run)}\n(its events could not be read: {silent.answer})"
        failures = [
            "\n".join([f"----- {event['stepKey'] or 'the run'}: {event['message']}", *causes_of(event)])
            for event in events
            if event.get("error")
        ]
        return "\n".join([f"===== {_heading(run)}", *failures, "-----", *map(line_of, events)])

    def _text(self, future: Future[Answer], words: Callable[[Answer], str]) -> str:
        return _seen(lambda: bounded(words(future.result(self._left)), TEXT_LENGTH))


def _seen(look: Callable[[], str]) -> str:
    """What is seen, or why it is not."""
    try:
        return look()
    except TimeoutError:
        return "(left out: no answer in time)"
    except PlatformError as unseen:
        return f"(could not be read: {unseen})"
    except Exception as broken:  # noqa: BLE001 - evidence never hides the failure that it is taken for
        return f"(could not be read: {type(broken).__name__}: {broken})"


def bounded(text: str, limit: int) -> str:
    """The end of a text, with a word on how much is left out."""
    if len(text) <= limit:
        return text
    kept = text[len(text) - limit :].partition("\n")[2] if limit > 0 else ""
    return f"(the first {len(text) - len(kept)} of {len(text)} characters are left out)\n{kept}".rstrip()


def _heading(run: Recorded) -> str:
    began, ended = _clock(run.began or run.created), _clock(run.ended) if run.ended else "now"
    return f"run {run.run_id} of {run.job}: {run.status}, {began} to {ended}"


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"
