"""Running a story under a fault: a process of its own, on a copy of the system that has the fault."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from controls import leftovers
from controls.catalogue import Fault
from controls.grouping import Group, groups
from controls.judging import Judgement, brief, judge
from controls.planting import plant
from foundation import process
from foundation.cache import ROOT, SYSTEM_VARIABLE
from foundation.errors import PlatformError, UserError
from foundation.progress import phase, say
from reports import facts, results, seen_red
from reports.seen_red import Ledger, Sighting

OUT = results.OUT / "controls"
"""One folder a run: its evidence, and what it printed."""

RUN_SECONDS = 1800.0
"""How long a story may take under a fault, the building of its image included."""

NOT_THEIRS = ("STORY", "REQ", "EDGE", "TAGS", "FAILED_FIRST_FROM", "N", "KEEP")
"""What a person may have set for other commands; the run under a fault chooses for itself."""

_SAID = 200
"""Characters of a failure's message that the ledger keeps."""


def run(faults: Sequence[Fault], *, out: Path = OUT) -> list[Judgement]:
    """Run every fault, those that can be told apart together, and keep what was seen red for its reason."""
    planted = groups(faults)
    judgements = []
    for number, group in enumerate(planted, 1):
        names = ", ".join(fault.id for fault in group.faults)
        with phase(f"run {number} of {len(planted)}: {names} ({group.story})"):
            judged = run_one(group, out / group.name)
        _tell(judged, out / group.name)
        for judgement in judged:
            if judgement.holds:
                seen_red.write(with_sightings(seen_red.read(), judgement, _revision()))
        judgements += judged
    return judgements


def run_one(group: Group, out: Path) -> list[Judgement]:
    """Plant the faults of a group, run their story in a fresh namespace, judge what came of each."""
    copy = plant(group.name, group.faults)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    log = out / "output.txt"
    try:
        process.supervise(
            _command(group, out), timeout=RUN_SECONDS, log=log, cwd=ROOT, env=_variables(group, copy, out)
        )
        return judge(group.faults, results.read(out))
    except (PlatformError, UserError) as failed:
        return [
            Judgement(one, {}, [], [f"the run did not end: {brief(str(failed))}"]) for one in group.faults
        ]
    finally:
        leftovers.sweep()
        shutil.rmtree(copy, ignore_errors=True)


def _command(group: Group, out: Path) -> list[str | Path]:
    stop = [word for fault in group.faults if fault.plant.stop for word in ("--stop", fault.plant.stop)]
    words: list[str | Path] = [sys.executable, "-m", "pytest", "-p", "controls.stopping", *stop, "features"]
    return [*words, "--story", group.story, "--evidence", out]


def _variables(group: Group, copy: Path, out: Path) -> dict[str, str]:
    plant_of = group.faults[0].plant
    return {
        SYSTEM_VARIABLE: str(copy),
        "ADDITIONS": plant_of.additions or "",
        "PLATFORM_READY_SECONDS": str(plant_of.ready_seconds or ""),
        "FLOE_PHASES_FILE": str(out / "phases.jsonl"),
        **dict.fromkeys(NOT_THEIRS, ""),
        "CI": "true",
    }


def with_sightings(ledger: Ledger, judgement: Judgement, revision: str | None) -> Ledger:
    """The ledger with what this run saw, in the place of what the same fault showed earlier."""
    fault = judgement.fault
    kept = {
        name: [one for one in sightings if one.fault != fault.id]
        for name, sightings in ledger.sightings.items()
    }
    for name in sorted({name for record in judgement.caught.values() for name in record.ids}):
        said = {
            title: brief(record.failure or "", _SAID)
            for title, record in sorted(judgement.caught.items())
            if name in record.ids
        }
        sighting = Sighting(
            fault=fault.id,
            title=fault.title,
            seen=datetime.now(UTC).date(),
            revision=revision,
            scenarios=said,
        )
        kept[name] = [sighting, *kept.get(name, [])]
    return Ledger(sightings={name: sightings for name, sightings in kept.items() if sightings})


def _revision() -> str | None:
    return facts.revision(ROOT).commit


def _tell(judged: Sequence[Judgement], evidence: Path) -> None:
    for judgement in judged:
        say(f"  {judgement.fault.id}")
        for title, record in judgement.caught.items():
            say(f"    red as it must be: {', '.join(record.ids)}: {title}")
        for complaint in judgement.wrong:
            say(f"    WRONG: {complaint}")
    for complaint in judged[0].nobodys:
        say(f"  WRONG, of none of them: {complaint}")
    if not all(judgement.holds for judgement in judged):
        say(f"  evidence: {evidence.relative_to(ROOT) if evidence.is_relative_to(ROOT) else evidence}")
