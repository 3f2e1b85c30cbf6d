"""Several writers of one table at once, and what became of each of their commits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from drivers.dagster import Run
from drivers.errors import ServiceError
from drivers.lakehouse import Commit, Lakehouse
from drivers.rows import Rows

REFUSALS = 40
"""How many commits of one writer the catalog may refuse before something else must be wrong."""

ROOMS = ("dairy", "fish", "fruit", "meat")
"""The rooms that a run of cold-chain reads the thermometers of."""

CONFLICT = ("409", "conflict", "CommitFailed", ".metadata.json")
"""Words of a run that lost against another writer; one of them is in its cause.

The last is of DuckDB when a table moves on while it is loaded: it asks for the metadata file of the other
writer's commit without the credentials, and not at the address, that the catalog gave it.
"""


@dataclass(frozen=True)
class Written:
    """What one writer was told.

    Attributes:
        accepted: each commit that the catalog accepted, by its name, with its row.
        bases: the snapshot that each of them began with.
        refused: the names of the commits that it refused.
    """

    accepted: Mapping[str, Mapping[str, object]]
    bases: Mapping[str, int | None]
    refused: frozenset[str]


@dataclass(frozen=True)
class Race:
    """A table that writers of the suite and runs of its product wrote at once.

    Attributes:
        written: what the writers were told, all of them together.
        runs: of the product, whatever became of them.
        before: the rows of the table at the beginning.
        after: its rows at the end.
        history: its commits at the end.
        kept: its snapshots at the end, in its history or not.
    """

    written: Written
    runs: Sequence[Run]
    before: Rows
    after: Rows
    history: Sequence[Commit]
    kept: frozenset[int]

    @property
    def due(self) -> dict[str, object]:
        """What there must be, by what the writers and the runs were told."""
        # A run may lose a later table to another writer, and has read this one all the same.
        made = sum(self.before.table in run.materializations for run in self.runs)
        return {
            "commits in the history": Counter(list(self.written.accepted)),
            "rows that are lost": [],
            "rooms that the runs read": [list(ROOMS)] * made,
            "snapshots outside the history": frozenset(),
            "runs that failed without having met another writer": [],
            "commits that had to be tried again": "some",
        }

    @property
    def found(self) -> dict[str, object]:
        """The same, by what the table says."""
        named = [one.made_as for one in self.history if one.made_as in self._names]
        promised = Counter((*self.before.rows, *Rows.of("", self.written.accepted.values()).rows))
        there = Counter(self.after.rows)
        again = [
            one for one in self.history if one.parent != self.written.bases.get(one.made_as or "", one.parent)
        ]
        return {
            "commits in the history": Counter(named),
            "rows that are lost": sorted((promised - there).elements()),
            "rooms that the runs read": sorted(_rooms((there - promised).elements())),
            "snapshots outside the history": self.kept - {one.snapshot for one in self.history},
            "runs that failed without having met another writer": [
                run.verdict for run in self.runs if run.status != "SUCCESS" and not _met_another(run)
            ],
            "commits that had to be tried again": "some" if again else "none: nobody wrote at the same time",
        }

    @property
    def _names(self) -> frozenset[str]:
        return self.written.refused | frozenset(self.written.accepted)


def write(lakehouses: Sequence[Callable[[], Lakehouse]], table: str, count: int, hours: int) -> Written:
    """Have as many writers as there are ways to the catalog commit at once, until so many are accepted.

    Args:
        lakehouses: each opens the way of one writer.
        table: which.
        count: of commits that must be accepted in all; each adds one reading.
        hours: the readings are from the last so many hours, evenly.

    Raises:
        ServiceError: the catalog failed, or refused one writer all the time.
    """
    now, writers = datetime.now(UTC).replace(tzinfo=None), len(lakehouses)
    ages = [timedelta(hours=hours) * at / count for at in range(count)]

    def one(at: int) -> Written:
        lakehouse = lakehouses[at]()
        try:
            return _write(lakehouse, table, f"writer {at + 1}", [now - age for age in ages[at::writers]])
        finally:
            lakehouse.close()

    with ThreadPoolExecutor(writers) as all_at_once:
        told = list(all_at_once.map(one, range(writers)))
    return Written(
        {name: row for each in told for name, row in each.accepted.items()},
        {name: base for each in told for name, base in each.bases.items()},
        frozenset(name for each in told for name in each.refused),
    )


def _write(lakehouse: Lakehouse, table: str, writer: str, moments: Sequence[datetime]) -> Written:
    accepted: dict[str, Mapping[str, object]] = {}
    bases: dict[str, int | None] = {}
    refused: list[str] = []
    for moment in moments:
        while True:
            name = f"{writer}, commit {len(accepted) + len(refused) + 1}"
            row = {"room": name, "celsius": Decimal("3.0"), "measured_at": moment}
            made, base = lakehouse.commit(table, row, name)
            if made:
                accepted[name], bases[name] = row, base
                break
            refused.append(name)
            if len(refused) > REFUSALS:
                raise ServiceError(
                    f"take a commit of {writer}", of="the catalog", answer=f"{REFUSALS} refusals"
                )
    return Written(accepted, bases, frozenset(refused))


def _rooms(rows: Iterator[tuple[tuple[str, str], ...]]) -> list[list[str]]:
    """The rooms of the readings of each moment."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in map(dict, rows):
        found[row["measured_at"]].append(row["room"])
    return [sorted(rooms) for rooms in found.values()]


def _met_another(run: Run) -> bool:
    return any(word in cause for cause in run.causes for word in CONFLICT)
