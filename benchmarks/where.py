"""Where the time of the latest runs went, asked of a platform that stands."""

from __future__ import annotations

from benchmarks import breakdown
from benchmarks.breakdown import Breakdown, IncompleteError, Pod
from cluster import provider, tools
from drivers.dagster import Orchestrator, Recorded
from drivers.kubernetes import Cluster, PodTimes
from drivers.tunnel import Tunnels
from foundation.errors import PlatformError, UserError


def table(namespace: str) -> str:
    """The parts of the latest successful run of each product, and its nodes, in Markdown.

    Raises:
        UserError: there is no such platform, or no product of it has run.
        PlatformError: a run that succeeded does not tell its moments.
    """
    node = provider()
    if not node.status().ready or not Cluster(node.kubeconfig).has_namespace(namespace):
        raise UserError(f"no platform stands in {namespace}", remedy="make demo")
    cluster = Cluster(node.kubeconfig)
    tunnels = Tunnels(tools.kubectl(), node.kubeconfig, namespace)
    try:
        dagster = Orchestrator(tunnels.to("dagster-webserver", 3000), lambda _run: "")
        runs = latest(dagster.recent_runs())
        if not runs:
            raise UserError(f"no product has run in {namespace}", remedy="make demo")
        return breakdown.table([_taken_apart(run, dagster, cluster, namespace) for run in runs])
    finally:
        tunnels.close()


def latest(runs: list[Recorded]) -> list[Recorded]:
    """The latest successful run of each job, by the job's name; the latest run comes first."""
    by_job: dict[str, Recorded] = {}
    for run in runs:
        if run.status == "SUCCESS":
            by_job.setdefault(run.job, run)
    return [by_job[job] for job in sorted(by_job)]


def whole(times: PodTimes | None) -> Pod | None:
    """The pod's moments, where it has all of them."""
    if times is None or times.scheduled is None or times.started is None:
        return None
    return Pod(times.created, times.scheduled, times.started)


def _taken_apart(run: Recorded, dagster: Orchestrator, cluster: Cluster, namespace: str) -> Breakdown:
    pod = whole(cluster.run_times(namespace, run.run_id))
    try:
        return breakdown.of(run.job.replace("_", "-"), run.created, dagster.events(run.run_id), pod)
    except IncompleteError as silent:
        raise PlatformError(f"run {run.run_id[:8]} of {run.job}: {silent}") from silent
