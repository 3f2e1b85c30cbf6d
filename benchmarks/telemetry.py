"""What telemetry costs a run: beside each run that tells, at the same moment, the same one that does not."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import secrets
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from math import comb
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.pages import row
from benchmarks.throughput import compiled, emptied, environment, fresh_lake, machine
from floe_additions.observability.context import LINEAGE_VARIABLE, OTLP_VARIABLE
from foundation.errors import PlatformError, UserError
from foundation.process import ends_with_us, run
from foundation.progress import phase, say
from standins.loopback.lake import Lake
from standins.loopback.lineage import tracking
from standins.loopback.processes import free_port
from standins.loopback.servers import own_folder, serving
from standins.loopback.stack import Target
from tests.contract import telemetry_stack

Way = Literal["with", "refused", "silent"]
WAYS: Final[tuple[Way, ...]] = ("with", "refused", "silent")
WORDS: Final[Mapping[Way, str]] = {
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

LANES: Final = 2
"""Runs at once, each on a core of its own: one that tells, and one that does not."""

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


class Pair(BaseModel):
    """Two runs at the same time, on two cores: one that tells, and one that does not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    told: Cost
    untold: Cost


class Costs(BaseModel):
    """All pairs of every way, in their order, and what they were measured on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    measured: date
    cores: int = Field(gt=0)
    memory_gib: float = Field(gt=0)
    versions: dict[str, str]
    load: float = Field(ge=0)
    product: str
    pairs: dict[Way, list[Pair]]

    def slower(self, way: Way) -> Slower:
        """How much longer a run of a way takes than the one without beside it, over all pairs.

        Both run at the same time, so that whatever else the machine does weighs on each alike.
        """
        return _over(sorted(one.told.seconds / one.untold.seconds - 1 for one in self.pairs[way]))

    def dearer(self, way: Way) -> Slower:
        """Likewise, how much more it computes."""
        return _over(sorted(one.told.cpu_seconds / one.untold.cpu_seconds - 1 for one in self.pairs[way]))


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


def _over(ratios: Sequence[float]) -> Slower:
    cut = _outside(len(ratios))
    return Slower(statistics.median(ratios), ratios[cut], ratios[-1 - cut])


def _outside(rounds: int) -> int:
    """How many of the smallest and of the largest values may be left out, so that the median lies between.

    Half of all values are below the median, whatever their distribution: how many of a sample are is a matter
    of tossing coins (sign test).
    """
    chance, cut = 0.0, -1
    while (chance := chance + 2 * comb(rounds, cut + 1) / 2**rounds) <= 1 - CONFIDENCE:
        cut += 1
    return max(cut, 0)


@dataclass
class _Lane:
    """Runs one after the other on one core, in a lake of their own.

    Attributes:
        work: folder with the compiled product and all that is left of runs.
        stopped: set when a lane failed: no run begins any more.
        runs: what each took.
    """

    core: int
    lake: Lake
    folder: Path
    work: Path
    stopped: threading.Event
    runs: list[Cost] = field(default_factory=list)

    def go(self, plan: Sequence[Telemetry]) -> None:
        """Run the product with each of these telemetries; ends early when the other lane failed."""
        context = multiprocessing.get_context("spawn")
        # In a process of its own: what its children computed is told apart from the other lane's.
        with ProcessPoolExecutor(1, context, os.sched_setaffinity, (0, {self.core})) as process:
            for number, telemetry in enumerate(plan):
                if self.stopped.is_set():
                    return
                scratch = self.work / str(number)
                variables = {**environment(self.lake, scratch), **telemetry}
                try:
                    self.runs.append(process.submit(_run, self.folder, variables, scratch).result())
                except BaseException:
                    self.stopped.set()
                    raise
                say(f"core {self.core}, run {number + 1} of {len(plan)}: {self.runs[-1].seconds:.1f} s")
                emptied(self.lake)


def measure(rounds: int) -> Costs:
    """Run the product in every way, round by round, beside a run without telemetry.

    Neither lane waits for the other between two runs: a run whose neighbour has ended would have the whole
    machine, and be the faster for it.

    Raises:
        UserError: there is one core only.
        PlatformError: a server or a run failed, or what a run told did not arrive.
    """
    cores = sorted(os.sched_getaffinity(0))[-LANES:]
    if len(cores) < LANES:
        raise UserError("two runs at once need two cores", remedy="measure on a machine that has them")
    with (
        phase("servers on loopback"),
        own_folder("floe-benchmark-") as place,
        serving(place) as target,
        _telemetries(place) as telemetries,
    ):
        load, stopped = os.getloadavg()[0], threading.Event()
        lanes = [_lane(place, target, core, stopped) for core in cores]
        plan = _plan(rounds)
        # What is in the file cache, and what is not, is the same for all after the first run.
        warm = [_to("", "")]
        told = [
            [*warm, *(telemetries[way] if lane == where else _to("", "") for way, where in plan)]
            for lane in range(LANES)
        ]
        with phase(f"{rounds} rounds of {len(WAYS)} pairs"), ThreadPoolExecutor(LANES) as threads:
            going = [threads.submit(lane.go, one) for lane, one in zip(lanes, told, strict=True)]
            for ended in wait(going, return_when=FIRST_EXCEPTION).done:
                ended.result()
    pairs: dict[Way, list[Pair]] = {way: [] for way in WAYS}
    for (way, where), *both in zip(plan, *(lane.runs[1:] for lane in lanes), strict=True):
        pairs[way].append(Pair(told=both[where], untold=both[1 - where]))
    return Costs.model_validate(
        {
            **machine(),
            "measured": datetime.now(UTC).date(),
            "load": round(load, 1),
            "product": PRODUCT,
            "pairs": pairs,
        }
    )


def _plan(rounds: int) -> list[tuple[Way, int]]:
    """Which way is measured when, and in which lane it tells: in another order each round, in turn."""
    return [
        (way, (number + place) % LANES)
        for number in range(rounds)
        for place, way in enumerate(random.Random(number).sample(WAYS, len(WAYS)))  # noqa: S311 - no secret
    ]


def _lane(place: Path, target: Target, core: int, stopped: threading.Event) -> _Lane:
    work = place / secrets.token_hex(4)
    work.mkdir()
    lake = fresh_lake(target, work.name)
    return _Lane(core, lake, compiled(PRODUCT, Decimal(1), work, lake, target), work, stopped)


@contextmanager
def _telemetries(place: Path) -> Iterator[dict[Way, Telemetry]]:
    """The variables of each way, while whom they name is there; in the end it must have been told."""
    with ExitStack() as running:
        lineage = running.enter_context(tracking(place))
        collector = running.enter_context(telemetry_stack.running(place, {}))
        began = datetime.now(UTC)
        silent = running.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        yield {
            "with": _to(collector.otlp, lineage.url),
            "refused": _to(f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"),
            "silent": _to(*[f"http://127.0.0.1:{silent.getsockname()[1]}"] * 2),
        }
        if not collector.traces.of_service(PRODUCT, began) or not lineage.jobs(PRODUCT):
            raise PlatformError("what runs with telemetry told did not arrive")


def _to(otlp: str, lineage: str) -> Telemetry:
    return {OTLP_VARIABLE: otlp, LINEAGE_VARIABLE: lineage}


def _run(folder: Path, variables: Mapping[str, str], scratch: Path) -> Cost:
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
        env={**variables, "DAGSTER_HOME": str(home)},
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
        "beside one without (s)",
        "longer",
        f"with {CONFIDENCE:.0%} between",
        "computing (s)",
        "without (s)",
        "more",
        f"with {CONFIDENCE:.0%} between",
    )
    lines: Sequence[str] = (
        row(heads),
        row(("---", *["---:"] * (len(heads) - 1))),
        *(row(_cells(costs, way)) for way in WAYS),
        "",
        (
            f"Measured {costs.measured} on {costs.cores} cores and {costs.memory_gib:.0f} GiB, load average "
            f"before {costs.load}; {costs.product}, medians of {len(costs.pairs['with'])} pairs of every way."
        ),
    )
    return "\n".join(lines)


def _cells(costs: Costs, way: Way) -> tuple[str, ...]:
    pairs = costs.pairs[way]
    return (
        WORDS[way],
        f"{statistics.median(one.told.seconds for one in pairs):.2f}",
        f"{statistics.median(one.untold.seconds for one in pairs):.2f}",
        *_told(costs.slower(way)),
        f"{statistics.median(one.told.cpu_seconds for one in pairs):.2f}",
        f"{statistics.median(one.untold.cpu_seconds for one in pairs):.2f}",
        *_told(costs.dearer(way)),
    )


def _told(found: Slower) -> tuple[str, str]:
    return f"{found.median:+.1%}", f"{found.low:+.1%} and {found.high:+.1%}"


def verdict(costs: Costs) -> str | None:
    """Which ways are slower than they may be; None when none is."""
    over = [f"{way}: {found:+.1%}" for way in WAYS if (found := costs.slower(way).median) > LIMIT]
    return f"telemetry may cost {LIMIT:.0%} of a run; {', '.join(over)}" if over else None
