"""What telemetry costs a run: the same run without it, with it, and with nobody who takes it, in turn."""

from __future__ import annotations

import os
import random
import resource
import secrets
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from math import comb
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.pages import row
from benchmarks.throughput import compiled, emptied, environment, fresh_lake, machine
from floe_additions.observability.context import LINEAGE_VARIABLE, OTLP_VARIABLE
from foundation.errors import PlatformError
from foundation.process import ends_with_us, run
from foundation.progress import phase, say
from standins.loopback.lake import Lake
from standins.loopback.lineage import tracking
from standins.loopback.processes import free_port
from standins.loopback.servers import own_folder, serving
from tests.contract import telemetry_stack

Way = Literal["without", "with", "refused", "silent"]
WAYS: Final[tuple[Way, ...]] = ("without", "with", "refused", "silent")
WORDS: Final[Mapping[Way, str]] = {
    "without": "nothing is sent",
    "with": "collector and lineage service take it",
    "refused": "nobody listens at either address",
    "silent": "both addresses take the connection and never answer",
}

PRODUCT: Final = "customer-360"
ROUNDS: Final = 20
LIMIT: Final = 0.05
"""How much slower a run with telemetry may be, as a part of one without (FR-046)."""

CONFIDENCE: Final = 0.95

RUN_SECONDS: Final = 300.0

Telemetry = Mapping[str, str]
"""The variables that tell a run whom to tell."""


class Cost(BaseModel):
    """One run: its process from the start to its end.

    Attributes:
        seconds: by the clock on the wall.
        cpu_seconds: of computing, of dbt too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = Field(gt=0)
    cpu_seconds: float = Field(gt=0)


class Costs(BaseModel):
    """All runs of every way, in the order of the rounds, and what they were measured on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    measured: date
    cores: int = Field(gt=0)
    memory_gib: float = Field(gt=0)
    versions: dict[str, str]
    load: float = Field(ge=0)
    product: str
    runs: dict[Way, list[Cost]]

    def seconds(self, way: Way) -> float:
        """The median run of a way."""
        return statistics.median(one.seconds for one in self.runs[way])

    def cpu_seconds(self, way: Way) -> float:
        """Of computing, likewise."""
        return statistics.median(one.cpu_seconds for one in self.runs[way])

    def slower(self, way: Way) -> Slower:
        """How much longer a run of a way takes than the run without in its round, over all rounds.

        The runs of a round follow each other, so that what else the machine does weighs on each alike.
        """
        pairs = zip(self.runs[way], self.runs["without"], strict=True)
        ratios = sorted(one.seconds / without.seconds - 1 for one, without in pairs)
        cut = _outside(len(ratios))
        return Slower(statistics.median(ratios), ratios[cut], ratios[-1 - cut])


class Slower(NamedTuple):
    """A median of several rounds, as a part of the run without, and between which bounds it lies.

    Attributes:
        median: of the rounds that were measured.
        low: with `CONFIDENCE` the median of any number of rounds is not below this.
        high: nor above this. With five rounds or fewer both are the extremes.
    """

    median: float
    low: float
    high: float


def _outside(rounds: int) -> int:
    """How many of the smallest and of the largest values may be left out, so that the median lies between.

    Half of all values are below the median, whatever their distribution: how many of a sample are is a matter
    of tossing coins (sign test).
    """
    chance, cut = 0.0, -1
    while (chance := chance + 2 * comb(rounds, cut + 1) / 2**rounds) <= 1 - CONFIDENCE:
        cut += 1
    return max(cut, 0)


def measure(rounds: int) -> Costs:
    """Run the product in every way, round by round.

    Raises:
        PlatformError: a server or a run failed, or what a run told did not arrive.
    """
    with (
        phase("servers on loopback"),
        own_folder("floe-benchmark-") as place,
        serving(place) as target,
        _telemetries(place) as telemetries,
    ):
        load = os.getloadavg()[0]
        work = place / secrets.token_hex(4)
        work.mkdir()
        lake = fresh_lake(target, work.name)
        folder = compiled(PRODUCT, Decimal(1), work, lake, target)
        runs: dict[Way, list[Cost]] = {way: [] for way in WAYS}
        for number in range(1, rounds + 1):
            with phase(f"round {number} of {rounds}"):
                # In another order each time: what one way leaves to be done weighs on the one after it.
                for way in random.Random(number).sample(WAYS, len(WAYS)):  # noqa: S311 - no secret
                    runs[way].append(_run(folder, lake, telemetries[way], work / f"{number}-{way}"))
                    emptied(lake)
            say(", ".join(f"{way} {found[-1].seconds:.1f} s" for way, found in runs.items()))
    return Costs.model_validate(
        {
            **machine(),
            "measured": datetime.now(UTC).date(),
            "load": round(load, 1),
            "product": PRODUCT,
            "runs": runs,
        }
    )


@contextmanager
def _telemetries(place: Path) -> Iterator[dict[Way, Telemetry]]:
    """The variables of each way, while whom they name is there; in the end it must have been told."""
    with ExitStack() as running:
        lineage = running.enter_context(tracking(place))
        collector = running.enter_context(telemetry_stack.running(place, {}))
        began = datetime.now(UTC)
        silent = running.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        yield {
            "without": _to("", ""),
            "with": _to(collector.otlp, lineage.url),
            "refused": _to(f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"),
            "silent": _to(*[f"http://127.0.0.1:{silent.getsockname()[1]}"] * 2),
        }
        if not collector.traces.of_service(PRODUCT, began) or not lineage.jobs(PRODUCT):
            raise PlatformError("what runs with telemetry told did not arrive")


def _to(otlp: str, lineage: str) -> Telemetry:
    return {OTLP_VARIABLE: otlp, LINEAGE_VARIABLE: lineage}


def _run(folder: Path, lake: Lake, telemetry: Telemetry, scratch: Path) -> Cost:
    """A run of the product's job by Dagster's own command, its executor and all."""
    home = scratch / "home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    before, began = _computed(), time.perf_counter()
    run(
        [
            *(*ends_with_us(), sys.executable, "-m", "dagster", "job", "execute"),
            *("-f", folder / "definitions.py", "-d", folder, "-j", folder.name.replace("-", "_")),
        ],
        cwd=scratch,
        env={**environment(lake, scratch), **telemetry, "DAGSTER_HOME": str(home)},
        log=scratch / "said.log",
        timeout=RUN_SECONDS,
    )
    return Cost(seconds=round(time.perf_counter() - began, 2), cpu_seconds=round(_computed() - before, 2))


def _computed() -> float:
    """Seconds of computing of every process that was waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(costs: Costs) -> str:
    """The costs as a page shows them."""
    heads = (
        "telemetry",
        "a run (s)",
        "longer than without",
        f"with {CONFIDENCE:.0%} between",
        "computing (s)",
    )
    lines: Sequence[str] = (
        row(heads),
        row(("---", *["---:"] * (len(heads) - 1))),
        *(row(_cells(costs, way)) for way in WAYS),
        "",
        (
            f"Measured {costs.measured} on {costs.cores} cores and {costs.memory_gib:.0f} GiB, load average "
            f"before {costs.load}; {costs.product}, median of {len(costs.runs['with'])} rounds of every way."
        ),
    )
    return "\n".join(lines)


def _cells(costs: Costs, way: Way) -> tuple[str, ...]:
    longer = ("", "")
    if way != "without":
        found = costs.slower(way)
        longer = (f"{found.median:+.1%}", f"{found.low:+.1%} and {found.high:+.1%}")
    return (WORDS[way], f"{costs.seconds(way):.2f}", *longer, f"{costs.cpu_seconds(way):.2f}")


def verdict(costs: Costs) -> str | None:
    """Which ways are slower than they may be; None when none is."""
    over = [f"{way}: {found:+.1%}" for way in WAYS[1:] if (found := costs.slower(way).median) > LIMIT]
    return f"telemetry may cost {LIMIT:.0%} of a run; {', '.join(over)}" if over else None
