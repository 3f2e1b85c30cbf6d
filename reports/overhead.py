"""What the instrument itself costs: the scenarios of the last run once more, with steps that do nothing.

The same features are run in processes of their own, with everything that records, shows and
watches, and then by pytest-bdd alone. What is left when the one is taken from the other is what
the instrument adds, and it is held against the time of the run the scenarios come from.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from foundation import process
from foundation.cache import ROOT
from foundation.errors import PlatformError
from foundation.progress import say
from reports import results

BOUND = 0.01
"""The share of a run's time that the instrument may take."""

REPEATS = 5
_SECONDS = 180.0

_VOCABULARY = frozenset({"steps.stage", "steps.platform", "steps.pipelines"})
"""What drives the platform: in the replay one step that fits every line takes its place."""

_STEPS = '''"""A step for every line of a feature; it does nothing."""
from pytest_bdd import given, then, when
from pytest_bdd.parsers import re

import drivers.platform  # the platform is driven with or without the instrument

@given(re(".*"))
@when(re(".*"))
@then(re(".*"))
def nothing() -> None: ...
'''


class Overhead(BaseModel):
    """What the instrument added to the scenarios of a run, in seconds.

    Attributes:
        scenarios: how many were replayed.
        steps: how many steps they have.
        plain: the fastest replay by pytest-bdd alone.
        instrumented: the fastest replay with the instrument.
        run: how long the run took that the scenarios come from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenarios: int
    steps: int
    plain: float
    instrumented: float
    run: float

    @property
    def added(self) -> float:
        """What the instrument added to the whole run."""
        return max(0.0, self.instrumented - self.plain)

    @property
    def share(self) -> float:
        """The part of the run's time that this is."""
        return self.added / self.run


def measure(out: Path = results.OUT, *, root: Path = ROOT, repeats: int = REPEATS) -> Overhead:
    """Replay the scenarios of the last run with and without the instrument.

    Raises:
        UserError: nothing has run yet.
        PlatformError: a replay did not pass.
    """
    run = results.read(out)
    with tempfile.TemporaryDirectory(prefix="floe-overhead-") as folder:
        place = Path(folder)
        _lay(place, root)
        # In turn, so that what else the machine does falls on both.
        pairs = [(_replay(place, root, True), _replay(place, root, False)) for _ in range(repeats)]  # noqa: FBT003
    return Overhead(
        scenarios=len(run.scenarios),
        steps=sum(len(scenario.steps) for scenario in run.scenarios),
        plain=round(min(plain for _, plain in pairs), 3),
        instrumented=round(min(full for full, _ in pairs), 3),
        run=round((run.ended - run.began).total_seconds(), 1),
    )


def show() -> None:
    """Measure, say it, and fail when it is too much.

    Raises:
        PlatformError: the instrument takes more than its share.
    """
    found = measure()
    said = (
        f"{found.scenarios} scenarios, {found.steps} steps: {found.plain:.2f} s by pytest-bdd alone, "
        f"{found.instrumented:.2f} s with the instrument; {found.added:.2f} s of a run of {found.run:.0f} s "
        f"is {found.share:.2%}"
    )
    if found.share > BOUND:
        raise PlatformError(f"{said}; at most {BOUND:.0%}")
    say(said)


def _lay(place: Path, root: Path) -> None:
    shutil.copytree(root / "features", place / "features", ignore=shutil.ignore_patterns("__pycache__"))
    (place / "nothing.py").write_text(_STEPS, encoding="utf-8")
    (place / "pytest.ini").write_text(
        "[pytest]\nbdd_features_base_dir = features/\naddopts = -p no:cacheprovider\n", encoding="utf-8"
    )


def _replay(place: Path, root: Path, instrumented: bool) -> float:  # noqa: FBT001 - one of two
    """Seconds of one process that runs every scenario."""
    watching = [name for name in _plugins(root) if name not in _VOCABULARY] if instrumented else []
    (place / "conftest.py").write_text(f"pytest_plugins = {('nothing', *watching)!r}\n", encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(place), "features"]
    if not instrumented:
        words += ["-p", "no:allure_pytest", "-W", "ignore::pytest.PytestUnknownMarkWarning"]
    paths = os.pathsep.join([str(place), str(root), str(ROOT)])
    began = time.perf_counter()
    try:
        process.run(words, timeout=_SECONDS, cwd=place, env={"PYTHONPATH": paths, "CI": "true"})
    except PlatformError as failed:
        raise PlatformError(f"a replay that measures the instrument did not pass: {failed}") from failed
    return time.perf_counter() - began


def _plugins(root: Path) -> tuple[str, ...]:
    """The plugins of the project's own sessions, as its conftest.py lists them."""
    names: dict[str, object] = {}
    exec(compile((root / "conftest.py").read_text(encoding="utf-8"), "conftest.py", "exec"), names)  # noqa: S102
    return tuple(names["pytest_plugins"])  # type: ignore[arg-type]
