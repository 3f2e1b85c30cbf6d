"""What Kubernetes says of pods in full, for evidence: states and reasons, and nothing that was configured.

A pod's specification may hold what somebody wrote into it, environment values above all, so no more
than its node and the names of its containers is taken from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drivers.errors import brief

_MESSAGE = 600


@dataclass(frozen=True)
class ContainerState:
    """One container.

    Attributes:
        state: what it does now, in words; with reason and exit code when it ended.
        last: how its previous instance ended; empty when there was none.
        begun: whether any instance ever ran, so that there is a log.
    """

    name: str
    image: str
    ready: bool
    restarts: int
    state: str
    last: str
    begun: bool


@dataclass(frozen=True)
class PodState:
    """One pod.

    Attributes:
        node: empty while none was found.
        owner: as kind/name; empty when nobody looks after it.
        age: seconds since it was created.
        conditions: those that are not met, with their reasons.
        containers: init containers first.
    """

    name: str
    phase: str
    node: str
    owner: str
    age: float
    deleted: bool
    conditions: tuple[str, ...]
    containers: tuple[ContainerState, ...]

    @property
    def troubled(self) -> bool:
        """Whether its logs are the more interesting ones."""
        unready = self.phase != "Succeeded" and bool(self.conditions)
        return unready or any(one.restarts for one in self.containers)

    def told(self) -> str:
        """Everything, a line for the pod and one for each container."""
        ready = sum(one.ready for one in self.containers)
        deleted = ", being deleted" if self.deleted else ""
        place = f"on {self.node}" if self.node else "on no node"
        owner = f", of {self.owner}" if self.owner else ""
        standing = f"{ready}/{len(self.containers)} ready, {self.age:.0f} s old, {place}{owner}"
        lines = [f"{self.name}: {self.phase}{deleted}, {standing}"]
        lines += [f"    {condition}" for condition in self.conditions]
        for one in self.containers:
            lines.append(
                f"  {one.name}: {'ready' if one.ready else 'not ready'}, {one.state}, "
                f"{one.restarts} restarts, image {one.image}"
            )
            if one.last:
                lines.append(f"    before that: {one.last}")
        return "\n".join(lines)


def pod_state(item: Any, now: datetime | None = None) -> PodState:
    """The state in what the API server says of a pod."""
    moment = now or datetime.now(UTC)
    status = item.status
    statuses = [*(status.init_container_statuses or ()), *(status.container_statuses or ())]
    owners = item.metadata.owner_references or ()
    created = item.metadata.creation_timestamp
    return PodState(
        name=item.metadata.name,
        phase=status.phase + (f" ({status.reason})" if status.reason else ""),
        node=(item.spec.node_name if item.spec else "") or "",
        owner=next((f"{owner.kind}/{owner.name}" for owner in owners), ""),
        age=(moment - created).total_seconds() if created else 0.0,
        deleted=item.metadata.deletion_timestamp is not None,
        conditions=tuple(_unmet(one) for one in status.conditions or () if one.status != "True"),
        containers=tuple(_container(one) for one in statuses),
    )


def _unmet(condition: Any) -> str:
    why = ": ".join(part for part in (condition.reason, brief(condition.message or "", _MESSAGE)) if part)
    return f"not {condition.type}{f' ({why})' if why else ''}"


def _container(status: Any) -> ContainerState:
    last = status.last_state
    ended_before = bool(last and last.terminated)
    return ContainerState(
        name=status.name,
        image=status.image,
        ready=bool(status.ready),
        restarts=int(status.restart_count or 0),
        state=_state(status.state),
        last=_state(last) if ended_before else "",
        begun=ended_before or bool(status.state and (status.state.running or status.state.terminated)),
    )


def _state(state: Any) -> str:
    if state is None:
        return "unknown"
    if state.waiting:
        return _joined("waiting", state.waiting.reason, state.waiting.message)
    if state.terminated:
        end = state.terminated
        killed = f", signal {end.signal}" if end.signal else ""
        times = f"{_clock(end.started_at)} to {_clock(end.finished_at)}"
        return _joined(f"ended {times} with code {end.exit_code}{killed}", end.reason, end.message)
    if state.running:
        return f"running since {_clock(state.running.started_at)}"
    return "unknown"


def _joined(words: str, reason: str | None, message: str | None) -> str:
    return ": ".join(part for part in (words, reason, brief(message or "", _MESSAGE)) if part)


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S}" if moment else "?"
