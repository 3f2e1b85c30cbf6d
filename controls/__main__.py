"""`make controls`: plant each fault, run its story, demand that the suite notices it, and nothing else."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from cluster.provider import choose
from console import preconditions, settings
from controls import catalogue, leftovers, running
from controls.judging import Judgement
from foundation.errors import PlatformError, UserError
from foundation.process import die_with_parent
from foundation.progress import console, say
from reports import seen_red

INTERRUPTED = 130


def main() -> int:
    """Run the faults that FAULT and REQ choose; 1 when any is not noticed as it must be."""
    die_with_parent()
    try:
        _refuse_what_chooses_nothing_here(os.environ)
        chosen = catalogue.choose(
            catalogue.load(),
            fault=os.environ.get("FAULT") or None,
            requirement=os.environ.get("REQ") or None,
        )
        settings.load({name: value for name, value in os.environ.items() if name not in running.NOT_THEIRS})
        local = [preconditions.root] if choose() == "local" else []
        preconditions.check([*local, preconditions.go, preconditions.java, preconditions.disk])
        leftovers.sweep()
        judgements = running.run(chosen)
    except (UserError, PlatformError) as error:
        say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted: what was seen red so far is kept; `make controls` begins anew")
        return INTERRUPTED
    _summary(judgements)
    return 0 if all(judgement.holds for judgement in judgements) else 1


def _refuse_what_chooses_nothing_here(environment: Mapping[str, str]) -> None:
    """Say so before every fault is planted, for hours, where a person meant a few."""
    for name in ("STORY", "EDGE", "TAGS"):
        if environment.get(name):
            raise UserError(
                f"{name}={environment[name]} chooses no fault",
                remedy="FAULT=name,name plants these alone, REQ=FR-022 those of a requirement",
            )


def _complaints(judgement: Judgement) -> list[str]:
    return [*(f"{judgement.fault.id}: {complaint}" for complaint in judgement.wrong), *judgement.nobodys]


def _summary(judgements: Sequence[Judgement]) -> None:
    table = Table(title="Controls", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("fault", "story", "must turn red", "scenarios", ""):
        table.add_column(column, header_style="dim", overflow="fold")
    for judgement in judgements:
        fault = judgement.fault
        said = Text("noticed", "green") if judgement.holds else Text("NOT AS IT MUST BE", "bold red")
        count = f"{len(judgement.caught)} of {len(fault.expected())}"
        table.add_row(fault.id, fault.story, ", ".join(sorted(fault.ids)), count, said)
    console.print(table)
    for complaint in dict.fromkeys(one for judgement in judgements for one in _complaints(judgement)):
        say(complaint)
    held = sum(judgement.holds for judgement in judgements)
    say(f"{held} of {len(judgements)} faults noticed as they must be; seen red: {seen_red.LEDGER}")


if __name__ == "__main__":
    ArgumentParser(
        prog="make controls",
        description="Plant each fault and demand that the suite notices it.",
        epilog="FAULT=name,name plants these alone, REQ=FR-022 those of a requirement.",
    ).parse_args()
    sys.exit(main())
