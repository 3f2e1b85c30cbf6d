"""`make soak`: one story over and over on the real cluster, to see whether it ever gives two results."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from console import settings
from console.settings import Settings
from foundation import process
from foundation.cache import ROOT
from foundation.errors import DeadlineError, UserError
from foundation.progress import console, say
from reports import html, results
from reports import soak as judging
from reports.results import Run
from reports.soak import Ended, Soak
from reports.timing import spoken

OUT = results.OUT / "soak"
"""A folder for each story, with one for each repetition in it."""

REPETITION_SECONDS = 15 * 60.0
"""When one repetition of one story is ended: all stories together must take no more."""

UP_SECONDS = 45 * 60.0
"""Until cluster and images are there, from nothing (design.md, Time)."""

_VARIABLES = {"--story": "STORY", "--requirement": "REQ", "--edge": "EDGE", "--tags": "TAGS"}
_NOTHING_CHOSEN = dict.fromkeys([*_VARIABLES.values(), "FAILED_FIRST_FROM", "N"], "")
"""What was asked of soak is not asked of the processes it starts."""

_COLOURS = {"steady": "green", "flaky": "red", "always failed": "red", "never ran": "red"}


def soak() -> int:
    """Repeat each story that was named, and compare its repetitions.

    Returns:
        0 when every scenario passed every time.

    Raises:
        UserError: STORY is missing or unknown, or N is out of its range.
        PlatformError: cluster or images cannot be had.
    """
    chosen = stories(os.environ)
    code = _make_ready()
    if code != 0:
        return code
    if any(one.story == "US1" for one in chosen):
        _ports_must_be_free()
    return max([_soak(one) for one in chosen])


def stories(environment: Mapping[str, str]) -> list[Settings]:
    """The settings, once for each story that STORY names.

    Raises:
        UserError: a value is missing or refused.
    """
    named = [name.strip() for name in environment.get("STORY", "").split(",") if name.strip()]
    if not named:
        raise UserError("STORY is not set: soak repeats a story", remedy="make soak N=20 STORY=US1")
    return [settings.load({**environment, "STORY": name}) for name in dict.fromkeys(named)]


def repeat(
    command: Callable[[Path], Sequence[str | Path]],
    out: Path,
    *,
    times: int,
    cwd: Path,
    timeout: float = REPETITION_SECONDS,
    told: Callable[[Ended, Run | None], None],
) -> list[Ended]:
    """Run a test session so many times, each in a process of its own with a folder of its own.

    Of a repetition in which everything passed only the records are kept. An interrupt ends the
    session under way, which tears its platform down, and counts those before it.

    Args:
        command: what to run, given the folder for its evidence.
        out: the folder of folders; what an earlier soak left in it is removed.
        times: how often.
        cwd: folder to run in.
        timeout: seconds after which one repetition is ended.
        told: called after each with how it ended and what it showed.

    Returns:
        Those that ended; fewer than asked for when it was interrupted.
    """
    shutil.rmtree(out, ignore_errors=True)
    all_ended: list[Ended] = []
    for number in range(1, times + 1):
        folder = out / judging.folder_of(number)
        folder.mkdir(parents=True)
        start = time.monotonic()
        try:
            code = _session(command(folder), folder, cwd=cwd, timeout=timeout)
        except KeyboardInterrupt:
            say(f"interrupted in repetition {number}, which does not count")
            break
        ended = Ended(number=number, seconds=round(time.monotonic() - start, 1), exit_code=code)
        run = judging.run_of(folder)
        if judging.is_green(ended, run):
            judging.keep_results_only(folder)
        all_ended.append(ended)
        told(ended, run)
    return all_ended


def _session(command: Sequence[str | Path], folder: Path, *, cwd: Path, timeout: float) -> int | None:
    """The exit code of one session, or None when it had to be ended."""
    phases = str(folder / "phases.jsonl")
    variables = {**_NOTHING_CHOSEN, "KEEP": "", "CI": "true", "FLOE_PHASES_FILE": phases}
    try:
        return process.supervise(command, timeout=timeout, log=folder / judging.LOG, cwd=cwd, env=variables)
    except DeadlineError:
        return None


def _make_ready() -> int:
    """Cluster and images, once, in a process that gives the cluster free again for the repetitions."""
    log = OUT / "up.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    say("cluster and images are made ready")
    code = process.supervise(
        [sys.executable, "-m", "console", "up"], timeout=UP_SECONDS, log=log, cwd=ROOT, env=_NOTHING_CHOSEN
    )
    if code != 0:
        say(log.read_text(encoding="utf-8", errors="replace").rstrip())
    return code


def _ports_must_be_free() -> None:
    from cluster import provider  # noqa: PLC0415 - imported after the machine was checked
    from console import node_ports  # noqa: PLC0415
    from drivers.kubernetes import Cluster  # noqa: PLC0415

    node_ports.must_be_free_for("floe-us1", Cluster(provider().kubeconfig))


def _soak(chosen: Settings) -> int:
    options = dict(zip(chosen.selection[::2], chosen.selection[1::2], strict=True))
    name = re.sub(r"[^\w.-]+", "-", "-".join(options.values()))
    out = OUT / name
    began = datetime.now(UTC)
    progress = _Progress(name, chosen.times)
    say(f"{name}: {chosen.times} repetitions; what each prints is in {html.shown(out)}/run-*/{judging.LOG}")

    def command(folder: Path) -> list[str | Path]:
        return [sys.executable, "-m", "pytest", "features", *chosen.selection, "--evidence", folder]

    ended = repeat(command, out, times=chosen.times, cwd=ROOT, told=progress.told)
    words = [f"{_VARIABLES[option]}={shlex.quote(value)}" for option, value in options.items()]
    compared = judging.gather(
        out,
        story=name,
        command=f"make soak N={chosen.times} {' '.join(words)}",
        asked=chosen.times,
        began=began,
        ended=ended,
    )
    judging.write(compared, out)
    show(compared, out)
    if len(ended) < chosen.times:
        raise KeyboardInterrupt
    return compared.exit_code


class _Progress:
    """A line for each repetition, with how long the rest will take."""

    def __init__(self, story: str, times: int) -> None:
        self._story = story
        self._times = times
        self._seconds: list[float] = []

    def told(self, ended: Ended, run: Run | None) -> None:
        """Say how a repetition ended."""
        self._seconds.append(ended.seconds)
        left = (self._times - ended.number) * sum(self._seconds) / len(self._seconds)
        more = f"; about {spoken(left)} left" if ended.number < self._times else ""
        say(f"{self._story} {ended.number} of {self._times}: {described(ended, run)}{more}")


def described(ended: Ended, run: Run | None) -> str:
    """A repetition in a line."""
    took = spoken(ended.seconds)
    why = judging.why_not_in_order(ended, run)
    if why or run is None:
        return f"DID NOT END IN ORDER after {took}: {why[0]}"
    bad = [record for record in run.scenarios if record.result != "passed"]
    if bad:
        names = "; ".join(" ".join([*record.ids, record.title]) for record in bad)
        return f"RED, {len(bad)} of {len(run.scenarios)} in {took}: {names}"
    return f"{len(run.scenarios)} passed in {took}"


def show(soak: Soak, out: Path) -> None:
    """Print the scenarios, what is wrong, and where the evidence is."""
    table = Table(title=f"Soak of {soak.story}", title_justify="left", box=None, pad_edge=False)
    for column in ("scenario", "verdict", "passed", "failed", "min", "median", "max"):
        number = column not in ("scenario", "verdict")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for one in soak.scenarios:
        times = ["" if took is None else spoken(took) for took in (one.shortest, one.median, one.longest)]
        verdict = Text(one.verdict, style=_COLOURS[one.verdict])
        counts = [str(one.times("passed")), str(one.times("failed"))]
        table.add_row(Text(one.name), verdict, *counts, *times)
    console.print(table)
    for repetition in soak.repetitions:
        if repetition.wrong:
            say(f"repetition {repetition.number} did not end in order:")
            say("\n".join(f"    {line}" for line in repetition.wrong))
    say(f"report   {html.shown(out / judging.HTML)}")
    say(f"data     {html.shown(out / judging.JSON)}")
    console.print(Text(soak.headline, style="bold red" if soak.exit_code else "bold green"), soft_wrap=True)
