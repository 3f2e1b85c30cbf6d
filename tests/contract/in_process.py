"""A demo product's own Dagster definitions, run in this process."""

from __future__ import annotations

from dagster import AssetKey, DagsterInstance, Definitions, ExecuteInProcessResult


def launch(dagster: Definitions, job: str, *nodes: str) -> ExecuteInProcessResult:
    """Run a job of these definitions: the assets of some nodes, or all there are."""
    return dagster.resolve_job_def(job).execute_in_process(
        instance=DagsterInstance.ephemeral(),
        asset_selection=[AssetKey(node) for node in nodes] or None,
        raise_on_error=False,
    )


def checks(result: ExecuteInProcessResult) -> dict[str, bool]:
    """Whether each check of a run passed, by its name."""
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def figures(result: ExecuteInProcessResult) -> dict[str, dict[str, object]]:
    """The metadata of each materialization, by node."""
    written = (
        event.step_materialization_data for event in result.all_events if event.is_step_materialization
    )
    return {
        one.materialization.asset_key.path[-1]: {k: v.value for k, v in one.materialization.metadata.items()}
        for one in written
    }
