"""The commands behind the targets of the Makefile."""

from __future__ import annotations

import shutil

import pytest

from cluster.provider import choose
from console import preconditions, settings
from console.settings import Settings
from foundation import progress
from foundation.cache import STATE
from foundation.progress import phase


def up() -> int:
    """Start the cluster and load the images."""
    _checked()
    progress.begin()
    from console import prepare  # noqa: PLC0415 - imported after the machine was checked

    prepare.ready()
    return 0


def images() -> int:
    """Build what changed and load it: the same as up, since images are loaded into a cluster."""
    return up()


def e2e() -> int:
    """Prepare, run the features that were selected, build the report, say what to look at."""
    chosen = _checked(preconditions.node)
    options = [*chosen.selection, *failed_first(chosen)]
    progress.begin()
    from console import node_ports, prepare  # noqa: PLC0415
    from drivers.kubernetes import Cluster  # noqa: PLC0415
    from reports import matrix, results, verdict  # noqa: PLC0415

    # What an earlier run found must not be taken for this one's, should this one end early.
    matrix.forget(results.OUT)

    prepared = prepare.ready()
    if chosen.story in (None, "US1"):
        node_ports.must_be_free_for("floe-us1", Cluster(prepared.cluster.kubeconfig))
    with phase("features", shown=False):
        code = _features(options)
    report()
    return code or verdict.of_run().exit_code


def soak() -> int:
    """Repeat a story many times and say which of its scenarios gave two results."""
    from console import soak as repeating  # noqa: PLC0415

    return repeating.soak()


def demo() -> int:
    """Deploy the demo, run its product, leave it running, print where to look."""
    _checked()
    progress.begin()
    from console import demo as showing  # noqa: PLC0415

    showing.show()
    return 0


def failed_first(chosen: Settings) -> list[str]:
    """The option for what is to run first, its source kept aside: a run forgets what the last one wrote.

    Raises:
        UserError: there is no such earlier run.
    """
    from reports import choice  # noqa: PLC0415

    place = chosen.failed_first_from
    if place is None:
        return []
    choice.failed_in(place, f"FAILED_FIRST_FROM={place}")
    kept = STATE / "failed-first.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(choice.results_file(place), kept)
    return ["--failed-first-from", str(kept)]


def report() -> int:
    """Build the HTML report of the last run and sum the run up."""
    from reports import html, summary  # noqa: PLC0415

    with phase("report"):
        html.build()
    summary.show()
    return 0


def status() -> int:
    """Say what runs: the node, the releases on it, their addresses."""
    settings.load()
    from console import state  # noqa: PLC0415

    state.show()
    return 0


def down() -> int:
    """End the cluster and leave the host as it was."""
    settings.load()
    from cluster import provider  # noqa: PLC0415

    with phase("cluster down", budget=10):
        provider().down()
    return 0


def _checked(*more: preconditions.Check) -> Settings:
    chosen = settings.load()
    local = [preconditions.root] if choose() == "local" else []
    preconditions.check([*local, preconditions.go, preconditions.java, preconditions.disk, *more])
    return chosen


def _features(options: list[str]) -> int:
    """Run the features in this process, so that what ends it ends them too, teardown first."""
    return int(pytest.main(["--gherkin-terminal-reporter", *options]))
