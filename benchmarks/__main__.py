"""`python -m benchmarks throughput`, `... where`, `... telemetry`, `... upkeep` and `... draw`.

See docs/benchmark.md, and docs/upkeep.md for `upkeep`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from demo.seeds import scale_from
from foundation.cache import ROOT
from foundation.errors import PlatformError, UserError
from foundation.process import die_with_parent
from foundation.progress import say

INTERRUPTED = 130
DATA, PAGE, PLOT = "benchmark.yaml", "benchmark.md", "benchmark.svg"
AGEING, AGEING_PAGE, AGEING_PLOT = "upkeep.yaml", "upkeep.md", "upkeep.svg"


def main(words: list[str] | None = None) -> int:
    """Run one command; an error a person can mend is a line with its remedy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    rows = commands.add_parser("throughput", help="rows per second from seed to gold, beside two references")
    rows.add_argument("--scales", default="1,10,100,1000", help="of the demo's seeds, 0.1 to 1000")
    rows.add_argument("--product", help="one demo product; all of them unless given")
    rows.add_argument(
        "--repetitions",
        type=int,
        choices=range(1, 10),
        metavar="1..9",
        help="3 unless given, 1 from scale 500 on",
    )
    rows.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of the page, plot and data")
    again = commands.add_parser("draw", help="table and plot anew, from what was measured before")
    again.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of the page, plot and data")
    where = commands.add_parser("where", help="where the time of the demo's latest runs went (make demo)")
    where.add_argument("--namespace", default="floe-demo", help="of the release that is asked")
    where.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of the page")
    ageing = commands.add_parser("upkeep", help="tables written again and again, with upkeep and without")
    ageing.add_argument("--runs", default="200", help="each way, 20 to 1000 in steps of 20")
    ageing.add_argument("--every", default="1", help="after so many runs comes an upkeep")
    ageing.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of the page, plot and data")
    telling = commands.add_parser("telemetry", help="what traces, metrics and lineage cost a run")
    telling.add_argument("--rounds", type=int, choices=range(1, 51), metavar="1..50", default=20)
    telling.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of the page")
    asked = parser.parse_args(words)
    try:
        if asked.command == "throughput":
            _throughput(asked)
        elif asked.command == "draw":
            _draw(asked.out)
        elif asked.command == "upkeep":
            _upkeep(asked)
        elif asked.command == "telemetry":
            return _telemetry(asked.rounds, asked.out)
        else:
            _where(asked.namespace, asked.out)
    except (UserError, PlatformError) as error:
        say(f"error: {error}")
        return error.exit_code
    except (KeyboardInterrupt, RuntimeError) as ended:
        # DuckDB answers Ctrl-C in the middle of a statement by an error of its own, with this cause.
        if not isinstance(ended, KeyboardInterrupt) and not isinstance(ended.__cause__, KeyboardInterrupt):
            raise
        say("interrupted: what was measured before is kept")
        return INTERRUPTED
    return 0


def _throughput(asked: argparse.Namespace) -> None:
    from benchmarks import throughput  # noqa: PLC0415 - the other commands need none of it

    scales = [scale_from(one) for one in str(asked.scales).split(",")]
    throughput.measure(scales, throughput.names(asked.product), asked.out / DATA, asked.repetitions)
    _draw(asked.out)


def _upkeep(asked: argparse.Namespace) -> None:
    from benchmarks import ageing, upkeep  # noqa: PLC0415

    runs = ageing.runs_from(asked.runs)
    every = ageing.every_from(asked.every, runs)
    say(ageing.conclusion(upkeep.measure(runs, every, asked.out / AGEING)))
    _draw(asked.out)


def _telemetry(rounds: int, out: Path) -> int:
    from benchmarks import pages, telemetry  # noqa: PLC0415

    costs = telemetry.measure(rounds)
    table = telemetry.table(costs)
    say(table)
    pages.write(out / PAGE, "telemetry", table)
    if over := telemetry.verdict(costs):
        say(f"too slow: {over}")
    return 1 if over else 0


def _draw(out: Path) -> None:
    from benchmarks import ageing, figures, pages, plot  # noqa: PLC0415

    results, aged = figures.load(out / DATA), ageing.load(out / AGEING)
    measured = results is not None and bool(results.cases)
    if not measured and aged is None:
        raise UserError(
            f"neither {DATA} nor {AGEING} is there",
            remedy="measure first: python -m benchmarks throughput, or python -m benchmarks upkeep",
        )
    if results is not None and measured:
        pages.write(out / PAGE, "throughput", figures.table(results))
        plot.draw(results, out / PLOT)
        say(f"{PAGE} and {PLOT} are written into {out.name}/")
    if aged is not None:
        pages.write(out / AGEING_PAGE, "upkeep", ageing.report(aged))
        plot.draw_ageing(aged, out / AGEING_PLOT)
        say(f"{AGEING_PAGE} and {AGEING_PLOT} are written into {out.name}/")


def _where(namespace: str, out: Path) -> None:
    from benchmarks import pages, where  # noqa: PLC0415

    table = where.table(namespace)
    say(table)
    pages.write(out / PAGE, "where", table)


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main())
