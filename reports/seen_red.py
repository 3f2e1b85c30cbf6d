"""When and by which planted fault each requirement was last seen red (docs/evidence/seen-red.json).

Written by `make controls`, read by the matrix. A check that has never failed has no known value.
"""

from __future__ import annotations

import re
import tempfile
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from foundation.cache import ROOT
from foundation.errors import UserError
from reports.results import replace

LEDGER = Path("docs") / "evidence" / "seen-red.json"
"""Below the checkout; committed, so that a report can say it without planting the faults again."""


_PLACES = "|".join(re.escape(str(place)) for place in (ROOT, Path.home(), tempfile.gettempdir()))
_HERE = re.compile(rf"(?:{_PLACES})/(?:[^\s/]+/)*")
"""A folder that only the machine has on which something failed: no part of what was seen."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sighting(_Record):
    """One fault under which a requirement's scenarios failed for the reason the fault states.

    Attributes:
        fault: its id in controls/faults.
        title: the fault in a sentence.
        seen: the day (UTC).
        revision: commit of the checkout the fault was planted in, None where there was no git.
        scenarios: the scenarios that failed, each with the first lines of what was said.
    """

    fault: str
    title: str
    seen: date
    revision: str | None
    scenarios: dict[str, str]

    @field_validator("scenarios")
    @classmethod
    def _anywhere(cls, said: dict[str, str]) -> dict[str, str]:
        return {scenario: _HERE.sub(".../", words) for scenario, words in said.items()}


class Ledger(_Record):
    """Every requirement that has been seen red, by id, the latest sighting first."""

    sightings: dict[str, list[Sighting]] = Field(default_factory=dict)

    def of(self, name: str) -> list[Sighting]:
        """The sightings of one id; none when it was never seen red."""
        return self.sightings.get(name, [])


def read(root: Path = ROOT) -> Ledger:
    """The ledger of the checkout `root`; an empty one where nothing was seen red yet.

    Raises:
        UserError: the file is not a ledger of this version.
    """
    file = root / LEDGER
    if not file.exists():
        return Ledger()
    try:
        return Ledger.model_validate_json(file.read_text(encoding="utf-8"))
    except ValueError as refused:
        raise UserError(f"{LEDGER}: not a ledger of this version", remedy="make controls") from refused


def write(ledger: Ledger, root: Path = ROOT) -> None:
    """Keep the ledger, sorted, in one move."""
    ordered = Ledger(sightings={name: ledger.sightings[name] for name in sorted(ledger.sightings)})
    replace(root / LEDGER, ordered.model_dump_json(indent=1) + "\n")
