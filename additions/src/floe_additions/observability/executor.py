"""The executor of a product's jobs: Dagster's in-process executor, whose runs are told of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagster import ExecutorDefinition, InitExecutorContext, in_process_executor
from dagster._core.definitions.executor_definition import IN_PROC_CONFIG
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.executor.base import Executor
from dagster._core.executor.in_process import InProcessExecutor

from floe_additions.observability.run import observe

if TYPE_CHECKING:
    from dagster import DagsterEvent
    from dagster._core.execution.retries import RetryMode

    from floe_additions.orchestrator.product import Product


class ObservedExecutor(Executor):
    """Dagster's in-process executor, each event of which an observer sees before Dagster does.

    The executor's time is the run's: it begins in the run's process before the first step and ends after the
    last one, and it hears of an interruption.

    Args:
        within: does the work.
        product: whose runs they are.
    """

    def __init__(self, within: InProcessExecutor, product: Product) -> None:
        self._within = within
        self._product = product

    @property
    def retries(self) -> RetryMode:
        """As of the executor within."""
        return self._within.retries

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        """Execute the steps of a run."""
        observer = observe(self._product, plan_context.dagster_run, plan_context.instance)
        failed: list[str] = []
        try:
            for event in self._within.execute(plan_context, execution_plan):
                observer.dagster(event)
                if event.is_step_failure:
                    failed.append(event.step_failure_data.error_display_string.partition("Stack Trace")[0])
                yield event
        except BaseException as broken:
            # An interruption is no Exception, nor is the end of whoever asked for the events.
            status = "failure" if isinstance(broken, Exception) else "canceled"
            observer.end(status, f"{type(broken).__name__}: {broken}")
            raise
        observer.end("failure" if failed else "success", "; ".join(failed) or None)


def observed_executor(product: Product) -> ExecutorDefinition:
    """The executor definition of a product; configured as Dagster's own."""

    def made(context: InitExecutorContext) -> Executor:
        create = in_process_executor.executor_creation_fn
        within = create(context) if create else None
        assert isinstance(within, InProcessExecutor)
        return ObservedExecutor(within, product)

    return ExecutorDefinition(name="in_process", config_schema=IN_PROC_CONFIG, executor_creation_fn=made)
