"""The three dashboards. What each metric means: floe_additions/observability/metrics.py."""

from __future__ import annotations

from typing import Final

from dashboards.panels import Dashboard, Panel

_FAILED: Final = 'floe_runs_total{status="failure"}'
_SINCE: Final = "time() - max by (product, model) (floe_model_refreshed_timestamp_seconds)"

PIPELINES: Final = Dashboard(
    uid="floe-pipelines",
    title="floe: pipelines",
    says="Whether the products' runs succeed, what they take, and the way from a run to its trace.",
    panels=(
        Panel(
            title="Runs by outcome",
            says="All runs that Dagster remembers.",
            kind="figures",
            query="sum by (status) (floe_runs_total)",
            legend=("status",),
            wide=8,
        ),
        Panel(
            title="Error rate",
            says="The share of all runs that failed.",
            kind="figures",
            query=f"sum({_FAILED}) / (sum(floe_runs_total) > 0)",
            unit="percentunit",
            bad_from=0.000001,
            wide=4,
        ),
        Panel(
            title="Error rate by product",
            says="The share of a product's runs that failed.",
            kind="bars",
            query=f"sum by (product) ({_FAILED}) / (sum by (product) (floe_runs_total) > 0)",
            legend=("product",),
            unit="percentunit",
            bad_from=0.000001,
            traces=True,
        ),
        Panel(
            title="Runs by product and outcome",
            says="How many there were up to each moment: a step up is a run that ended.",
            kind="lines",
            query="sum by (product, status) (floe_runs_total)",
            legend=("product", "status"),
            traces=True,
        ),
        Panel(
            title="Duration of runs",
            says="What the last run of each outcome took; its traces say where the time went.",
            kind="lines",
            query="max by (product, dagster_job, status) (floe_run_duration_seconds)",
            legend=("product", "dagster_job", "status"),
            unit="s",
            traces=True,
        ),
        Panel(
            title="Models of the last run",
            says="How many models and seeds were made, failed, or were skipped because another had failed.",
            kind="bars",
            query="sum by (product, status) (floe_run_models)",
            legend=("product", "status"),
            traces=True,
        ),
        Panel(
            title="Slowest models",
            says="The ten that took longest when they were last made.",
            kind="bars",
            query="topk(10, max by (product, model) (floe_model_duration_seconds))",
            legend=("product", "model"),
            unit="s",
            traces=True,
        ),
        Panel(
            title="Since the last run",
            says="How long ago a run of each outcome last ended.",
            kind="bars",
            query="time() - max by (product, status) (floe_run_ended_timestamp_seconds)",
            legend=("product", "status"),
            unit="s",
            traces=True,
            wide=24,
        ),
    ),
)

QUALITY: Final = Dashboard(
    uid="floe-data-quality",
    title="floe: data quality",
    says="Which tests and expectations the rows of each product and table met when they were last made.",
    panels=(
        Panel(
            title="Tests by outcome",
            says="Tests and expectations of the last run of each product.",
            kind="figures",
            query="sum by (status) (floe_run_tests)",
            legend=("status",),
        ),
        Panel(
            title="Tests failed",
            says="Of the last run of each product; an error is a test that could not be run.",
            kind="figures",
            query='sum(floe_run_tests{status=~"fail|error"})',
            bad_from=1,
            wide=4,
        ),
        Panel(
            title="Lowest score of a table",
            says="What floe's calculator gives the worst table that has expectations, from 0 to 100.",
            kind="figures",
            query="min(floe_model_quality_score)",
            unit="percent",
            wide=8,
        ),
        Panel(
            title="Share of tests passed",
            says="Of the last run of each product.",
            kind="bars",
            query='sum by (product) (floe_run_tests{status="pass"})'
            " / (sum by (product) (floe_run_tests) > 0)",
            legend=("product",),
            unit="percentunit",
            traces=True,
        ),
        Panel(
            title="Tests by product and outcome",
            says="Of the run that was the last at each moment.",
            kind="lines",
            query="sum by (product, status) (floe_run_tests)",
            legend=("product", "status"),
            traces=True,
        ),
        Panel(
            title="Tests by table",
            says="How many tests and expectations each table has that were run last.",
            kind="bars",
            query="sum by (product, model) (floe_model_tests)",
            legend=("product", "model"),
            traces=True,
        ),
        Panel(
            title="Tests failed by table",
            says="A bar longer than nothing names the table to look at.",
            kind="bars",
            query='sum by (product, model) (floe_model_tests{status=~"fail|error"})',
            legend=("product", "model"),
            bad_from=1,
            traces=True,
        ),
        Panel(
            title="Quality score by table",
            says="What floe's calculator makes of a table's expectations, from 0 to 100.",
            kind="bars",
            query="max by (product, model) (floe_model_quality_score)",
            legend=("product", "model"),
            unit="percent",
            traces=True,
        ),
        Panel(
            title="Quality score over time",
            says="The same, at each moment.",
            kind="lines",
            query="max by (product, model) (floe_model_quality_score)",
            legend=("product", "model"),
            unit="percent",
        ),
    ),
)

FRESHNESS: Final = Dashboard(
    uid="floe-lineage-and-freshness",
    title="floe: lineage and freshness",
    says="What the tables of each product hold and how old it is; Dagster's assets say where it is from.",
    panels=(
        Panel(
            title="Tables by product",
            says="Models and seeds that were made.",
            kind="figures",
            query="count by (product) (floe_model_rows)",
            legend=("product",),
        ),
        Panel(
            title="Oldest table",
            says="How long ago the table was made that nobody has made since.",
            kind="figures",
            query=f"max({_SINCE})",
            unit="s",
            bad_from=86_400,
        ),
        Panel(
            title="Age by table",
            says="How long ago each was last made.",
            kind="bars",
            query=_SINCE,
            legend=("product", "model"),
            unit="s",
            bad_from=86_400,
            traces=True,
        ),
        Panel(
            title="Rows by table",
            says="In each table when it was last made.",
            kind="bars",
            query="max by (product, model) (floe_model_rows)",
            legend=("product", "model"),
            traces=True,
        ),
        Panel(
            title="Rows of a run",
            says="In all tables that the last run made.",
            kind="lines",
            query="max by (product, dagster_job) (floe_run_rows)",
            legend=("product", "dagster_job"),
            traces=True,
        ),
        Panel(
            title="Age of the oldest table",
            says="It grows until a run makes the table anew.",
            kind="lines",
            query=f"max by (product) ({_SINCE})",
            legend=("product",),
            unit="s",
        ),
    ),
)

DASHBOARDS: Final = (PIPELINES, QUALITY, FRESHNESS)
