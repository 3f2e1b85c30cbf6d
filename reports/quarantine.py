"""Flaky scenarios that are being mended, features/quarantine.yaml: each with an owner and a last day.

A quarantine is a debt with a date. Its scenario goes on running and proves nothing; when the
date has passed, `make test` and every run of that scenario are red until it is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gate.features import ScenarioSource
from gate.finding import Finding
from reports import catalogue
from reports.catalogue import FEATURES, Text

QUARANTINE = FEATURES / "quarantine.yaml"
LONGEST = timedelta(days=30)
"""A quarantine that needs longer is a scenario nobody mends."""

Key = tuple[str, str]
"""A scenario as it is written: its feature file below the checkout, and its name."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Part):
    """One scenario in quarantine.

    Attributes:
        scenario: "features/us1_bootstrap.feature: Every pod is Ready in time"; an outline with all its rows.
        owner: who mends it.
        reason: what is known of why it flakes.
        since: the day it was put in.
        expires: the last day it holds.
    """

    scenario: Annotated[str, StringConstraints(pattern=r"^features/\S+\.feature: \S.*$")]
    owner: Text
    reason: Text
    since: date
    expires: date

    @property
    def key(self) -> Key:
        """File and name."""
        file, _, name = self.scenario.partition(": ")
        return file, name

    @property
    def too_long(self) -> bool:
        """Whether it was ever meant to hold longer than a quarantine may."""
        return self.expires - self.since > LONGEST

    def holds(self, today: date) -> bool:
        """Whether it excuses a failure of its scenario on this day."""
        return self.since <= today <= self.expires and not self.too_long


class Quarantine(_Part):
    """Everything in features/quarantine.yaml."""

    quarantined: list[Entry] = Field(default_factory=list)

    def active(self, today: date) -> Mapping[Key, Entry]:
        """The entries that hold on this day, by their scenario."""
        return {entry.key: entry for entry in self.quarantined if entry.holds(today)}

    def expired(self, today: date) -> Mapping[Key, Entry]:
        """The entries whose last day has passed, by their scenario."""
        return {entry.key: entry for entry in self.quarantined if entry.expires < today}


def load(file: Path = QUARANTINE) -> Quarantine:
    """Read features/quarantine.yaml; a project without it has nothing in quarantine.

    Raises:
        UserError: it cannot be read; names the file, the field and what to do.
    """
    return catalogue.read(file, Quarantine) if file.exists() else Quarantine()


def reasons(active: Mapping[Key, Entry]) -> dict[Key, str]:
    """For the matrix: why each scenario in quarantine proves nothing, and until when."""
    return {
        key: f"in quarantine until {entry.expires} ({entry.owner}): {entry.reason}"
        for key, entry in active.items()
    }


def findings(
    quarantine: Quarantine, today: date, scenarios: Iterable[ScenarioSource], file: str
) -> list[Finding]:
    """What is wrong with the file on this day; for the gate.

    Args:
        quarantine: what it says.
        today: the day it is judged on.
        scenarios: every scenario as it is written.
        file: how the file is called in a message.
    """
    known = {(scenario.file, scenario.name) for scenario in scenarios}
    found = [
        Finding(file, f'"{entry.scenario}" {problem}', remedy)
        for entry in quarantine.quarantined
        for problem, remedy in _problems(entry, today, known)
    ]
    listed = [entry.scenario for entry in quarantine.quarantined]
    twice = sorted({one for one in listed if listed.count(one) > 1})
    return found + [Finding(file, f'"{one}" is listed twice', "keep one entry of it") for one in twice]


def _problems(entry: Entry, today: date, known: set[Key]) -> Iterator[tuple[str, str]]:
    if entry.key not in known:
        yield "is no scenario", "write file and name as they are in the feature, or remove the entry"
    if entry.expires < entry.since:
        yield f"expires ({entry.expires}) before it begins ({entry.since})", "correct the dates"
    elif entry.too_long:
        days = (entry.expires - entry.since).days
        yield f"is to hold {days} days, at most {LONGEST.days} are allowed", "set an earlier `expires`"
    if entry.since > today:
        yield f"begins on {entry.since}, which is to come", "set `since` to the day it was put in"
    elif entry.expires < today:
        yield (
            f"was in quarantine until {entry.expires}: {entry.reason}",
            f"{entry.owner} mends it, or removes the scenario; then take the entry out",
        )
