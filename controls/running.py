"""Running a story under a fault: a process of its own, on a copy of the system that has the fault."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from controls import leftovers
from controls.catalogue import Fault
from controls.judging import Judgement, brief, judge
from controls.planting import plant
from foundation import process
from foundation.cache import ROOT
from foundation.errors import PlatformError
from foundation.progress import phase, say
from reports import facts, results, seen_red
from reports.seen_red import Ledger, Sighting

OUT = results.OUT / "controls"
"""One folder a fault: the evidence of the run under it, and what it printed."""

RUN_SECONDS = 1200.0
"""How long a story may take under a fault, the building of its image included."""

NOT_THEIRS = ("STORY", "REQ", "EDGE", "TAGS", "FAILED_FIRST_FROM", "N", "KEEP")
"""What a person may have set for other commands; the run under a fault chooses for itself."""

_SAID = 200
"""Characters of a failure's message that the ledger keeps."""


def run(faults: Sequence[Fault], *, out: Path = OUT) -> list[Judgement]:
    """Run every fault in turn and keep in the ledger what was seen red for the right reason."""
    judgements = []
    for number, fault in enumerate(faults, 1):
        with phase(f"fault {number} of {len(faults)}: {fault.id} ({fault.story})"):
            judgement = run_one(fault, out / fault.id)
        _tell(judgement)
        if judgement.holds:
            seen_red.write(with_sightings(seen_red.read(), judgement, _revision()))
        judgements.append(judgement)
    return judgements


def run_one(fault: Fault, out: Path) -> Judgement:
    """Plant the fault, run its story in a fresh namespace, judge what came of it."""
    copy = plant(fault)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    log = out / "output.txt"
    try:
        process.supervise(
            _command(fault, out), timeout=RUN_SECONDS, log=log, cwd=ROOT, env=_variables(fault, copy, out)
        )
        return judge(fault, results.read(out))
    except PlatformError as failed:
        return Judgement(fault, {}, [f"the run did not end: {brief(str(failed))}"])
    finally:
        leftovers.sweep()
        shutil.rmtree(copy, ignore_errors=True)


def _command(fault: Fault, out: Path) -> list[str | Path]:
    stop: list[str | Path] = ["--stop", fault.plant.stop] if fault.plant.stop else []
    words: list[str | Path] = [sys.executable, "-m", "pytest", "-p", "controls.stopping", *stop, "features"]
    return [*words, "--story", fault.story, "--evidence", out]


def _variables(fault: Fault, copy: Path, out: Path) -> dict[str, str]:
    plant_of = fault.plant
    return {
        "FLOE_E2E_SYSTEM": str(copy),
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


def _tell(judgement: Judgement) -> None:
    for title, record in judgement.caught.items():
        say(f"    red as it must be: {', '.join(record.ids)}: {title}")
    for complaint in judgement.wrong:
        say(f"    WRONG: {complaint}")


def shown(fault: Fault) -> str:
    """Where the evidence of the run under a fault lies, as a person in the checkout types it."""
    return str((OUT / fault.id).relative_to(ROOT))
