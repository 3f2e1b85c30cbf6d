"""The upkeep of a table, watched: what it was before and after, and what a reader saw meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drivers.dagster import Run
from drivers.errors import ServiceError
from drivers.lakehouse import Lakehouse
from drivers.rows import Rows

HOUR = timedelta(hours=1)


@dataclass
class Reading:
    """What a reader saw who read a table again and again.

    Attributes:
        seen: each state of the table, once.
        failures: the reads that failed, in the words of the driver.
        count: how often it read.
    """

    seen: list[Rows] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    count: int = 0


@dataclass(frozen=True)
class State:
    """A table at a moment.

    Attributes:
        at: the moment, UTC.
        rows: its rows.
        snapshots: those that it keeps.
        objects: what lies under its place, by address, with the size in bytes.
        unused: those of them that it does not refer to.
    """

    at: datetime
    rows: Rows
    snapshots: frozenset[int]
    objects: Mapping[str, int]
    unused: frozenset[str]

    @property
    def size(self) -> int:
        """Bytes of all its objects."""
        return sum(self.objects.values())


@dataclass(frozen=True)
class Upkeep:
    """An upkeep that has ended.

    Attributes:
        run: as Dagster recorded it.
        before: the table before it.
        after: the table after it.
        late: the rows before it, as a reader gets them after it who began before it.
        reading: what a reader saw while it ran.
    """

    run: Run
    before: State
    after: State
    late: Rows
    reading: Reading

    @property
    def noticed(self) -> Sequence[str]:
        """What readers could notice of it: reads that failed, and rows that were never in the table."""
        states = (self.before.rows, self.after.rows)
        torn = [
            f"{len(rows)} rows, neither those before nor those after"
            for rows in self.reading.seen
            if rows not in states
        ]
        late = [] if self.late == self.before.rows else ["a reader that began before it lost rows"]
        return [*self.reading.failures, *torn, *late, *([] if self.reading.count else ["nobody read"])]

    @property
    def left(self) -> dict[str, object]:
        """What there is of the table after it."""
        was, now = self.before.size, self.after.size
        return {
            "the run": self.run.verdict,
            "tables kept up": [made.metadata.get("tables") for made in self.run.materializations.values()],
            "snapshots": len(self.after.snapshots),
            "objects without a use": self.after.unused,
            "what a reader noticed": list(self.noticed),
            "bytes": "fewer" if now < was else f"{now}, and {was} before",
        }

    def left_by_age(self, column: str) -> dict[str, object]:
        """The rows after it: how many are older than an hour, and those that are younger."""
        return {
            "the run": self.run.verdict,
            "readings older than an hour": len(self.old(self.after, column)),
            "readings of the last hour": self.fresh(self.after, column),
        }

    def fresh(self, state: State, column: str) -> Rows:
        """The rows that are younger than an hour, whenever within the upkeep one counts from."""
        return _where(state.rows, column, lambda moment: self.after.at - moment < HOUR)

    def old(self, state: State, column: str) -> Rows:
        """The rows that are older than an hour, whenever within the upkeep one counts from."""
        return _where(state.rows, column, lambda moment: self.before.at - moment > HOUR)


@contextmanager
def reading(lakehouse: Lakehouse, table: str) -> Iterator[Reading]:
    """Read a table again and again meanwhile, as another client does."""
    found, over = Reading(), threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                rows = lakehouse.rows(table)
            except ServiceError as failed:
                found.failures.append(str(failed))
            else:
                if rows not in found.seen:
                    found.seen.append(rows)
            found.count += 1

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield found
    finally:
        over.set()
        reader.join()
        lakehouse.close()


def _where(rows: Rows, column: str, holds: Callable[[datetime], bool]) -> Rows:
    kept = tuple(row for row in rows.rows if holds(datetime.fromisoformat(dict(row)[column])))
    return Rows(rows.table, kept)
