"""Dagster in this process, asked as the platform's is: the same questions, no web server between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.schema import create_schema

from drivers.dagster import Orchestrator
from drivers.errors import ServiceError


class LocalDagster(Orchestrator):
    """The driver of the scenarios, with Dagster's own GraphQL schema in place of its web server."""

    def __init__(self, workspace: WorkspaceProcessContext) -> None:
        self.workspace = workspace
        self._schema = create_schema()

    def close(self) -> None:
        """There is no connection."""

    def _answer(self, asked: str, query: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        context = self.workspace.create_request_context()
        call = self._schema.execute_async(query, context_value=context, variable_values=dict(variables or {}))
        result = asyncio.run(call)
        if result.errors:
            raise ServiceError(asked, of="Dagster", answer=str(result.errors))
        data: dict[str, Any] = result.data
        return data


@contextmanager
def serving(product: str, folder: Path, home: Path) -> Iterator[LocalDagster]:
    """Serve a compiled product; its runs are over when a launch returns."""
    launcher = {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    }
    at_once = {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"}
    target = LoadableTargetOrigin(
        executable_path=None, python_file=str(folder / "definitions.py"), working_directory=str(folder)
    )
    origin = InProcessCodeLocationOrigin(target, location_name=product)
    with (
        DagsterInstance.local_temp(
            str(home), overrides={"run_launcher": launcher, "run_coordinator": at_once}
        ) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as workspace,
    ):
        yield LocalDagster(workspace)
