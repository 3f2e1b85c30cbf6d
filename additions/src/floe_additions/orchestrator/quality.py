"""What floe.yaml expects of rows, asked by floe's quality plugin and told as Dagster's asset checks.

floe compiles `qualityChecks` into the artifact, and its Great Expectations plugin can evaluate them; nothing
in the release brings the two together. Here each is an asset check of its model's table with its score, the
share of rows that meet it in percent, and with the score that floe's own calculator gives the table.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    MetadataValue,
    multi_asset_check,
)
from floe_core.schemas.quality_config import QualityConfig, SeverityLevel
from floe_core.schemas.quality_score import QualityCheck, QualityCheckResult, QualitySuite, QualitySuiteResult

from floe_additions.imports import left_out, put_off, uncollected
from floe_additions.orchestrator.lakehouse import Lakehouse
from floe_additions.orchestrator.outage import Patience
from floe_additions.orchestrator.product import Product

if TYPE_CHECKING:
    from floe_core.plugins.quality import QualityPlugin

PROVIDER = "great_expectations"
"""The quality plugin of a platform whose manifest names none: the one floe is released with."""

_ENGINE = "floe_quality_gx.executor"
"""What that plugin imports at its first use: seconds of computing."""

_RARELY_USED = ("altair", "scipy.stats")
"""What Great Expectations draws and compares distributions with: a third of its import, for nothing here."""

_OF_OTHER_STORES = ("boto3", "botocore")
"""What it reads S3 with, if installed; here it is given rows and reads nothing."""


class ExpectationsNotMetError(Exception):
    """Rows are not as floe.yaml expects them, and it calls that critical."""


def declared(product: Product) -> dict[str, list[QualityCheck]]:
    """The enabled checks of each model that has any, by its name."""
    transforms = product.artifacts.transforms
    found = {
        model.name: [check for check in model.quality_checks or () if check.enabled]
        for model in (transforms.models if transforms else [])
    }
    return {model: checks for model, checks in found.items() if checks}


def warm_up(product: Product) -> None:
    """Import what the checks will need, where a product has any; for a moment that is idle otherwise."""
    if declared(product) and _config(product).provider == PROVIDER:
        with uncollected(), put_off(*_RARELY_USED), left_out(*_OF_OTHER_STORES):
            import_module(_ENGINE)


def quality_checks(product: Product, keys: Mapping[str, AssetKey]) -> list[AssetChecksDefinition]:
    """One step with every expectation of the product; none where floe.yaml has none.

    Args:
        product: compiled.
        keys: the asset of each model, by the model's name.

    Raises:
        ValueError: an expectation is of a model that is no asset.
    """
    wanted = declared(product)
    if strange := sorted(set(wanted) - set(keys)):
        raise ValueError(f"floe.yaml has qualityChecks of {', '.join(strange)}, and dbt no such model")
    if not wanted:
        return []
    specs = [
        AssetCheckSpec(
            check.name,
            asset=keys[model],
            description=f"{check.type} {check.column or 'of the table'}, {check.severity.value}",
        )
        for model, checks in wanted.items()
        for check in checks
    ]

    @multi_asset_check(name=f"{product.slug}_expectations", specs=specs, can_subset=True)
    def expectations(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        selected = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        lakehouse, patience = Lakehouse(), Patience.of(context)
        broken: list[str] = []
        for model, checks in wanted.items():
            asked = [check for check in checks if (keys[model], check.name) in selected]
            if not asked:
                continue
            columns = {check.column for check in asked if check.column}
            rows = patience.outlast(lambda: lakehouse.rows(product.slug, model, columns))  # noqa: B023
            results = [_evaluated(product, model, check, rows) for check in asked]
            suite = QualitySuiteResult(
                suite_name=f"{model}_suite",
                model_name=model,
                passed=all(result.passed for result in results),
                checks=results,
            )
            for check, result in zip(asked, results, strict=True):
                if not result.passed and check.severity is SeverityLevel.CRITICAL:
                    broken.append(f"{check.name} of {model}")
                yield AssetCheckResult(
                    asset_key=keys[model],
                    check_name=check.name,
                    passed=result.passed,
                    severity=_severity(check),
                    description=result.error_message,
                    metadata=_metadata(check, result, _score_of_table(product, suite)),
                )
        if broken:
            raise ExpectationsNotMetError(f"not met, and critical: {', '.join(broken)}")

    return [expectations]


def _evaluated(product: Product, model: str, check: QualityCheck, rows: Any) -> QualityCheckResult:
    """What the plugin says of one check.

    Each is a suite of its own: the plugin matches results to checks by their place in the suite, and leaves
    out of it, without a word, what it has no expectation for.
    """
    config = _config(product)
    suite = QualitySuite(model_name=model, checks=[check], timeout_seconds=config.check_timeout_seconds)
    found = _plugin(config.provider).run_suite(suite, {"dialect": "dataframe", "dataframe": rows}).checks
    if found:
        return found[0]
    return QualityCheckResult(
        check_name=check.name,
        passed=False,
        dimension=check.dimension,
        severity=check.severity,
        error_message=f"{config.provider} has no expectation of the type {check.type}",
    )


def _plugin(name: str) -> "QualityPlugin":
    from floe_core.plugin_registry import get_registry  # noqa: PLC0415 - looks through all packages
    from floe_core.plugin_types import PluginType  # noqa: PLC0415

    plugin: Any = get_registry().get(PluginType.QUALITY, name)
    return plugin  # type: ignore[no-any-return]


def _config(product: Product) -> QualityConfig:
    return product.artifacts.quality_config or QualityConfig(provider=PROVIDER)


def _severity(check: QualityCheck) -> AssetCheckSeverity:
    return AssetCheckSeverity.ERROR if check.severity is SeverityLevel.CRITICAL else AssetCheckSeverity.WARN


def _metadata(check: QualityCheck, result: QualityCheckResult, table: float) -> dict[str, MetadataValue]:
    return {
        "expectation": MetadataValue.text(check.type),
        "score": MetadataValue.float(_score(result)),
        "table_score": MetadataValue.float(table),
        "rows_checked": MetadataValue.int(result.records_checked),
        "rows_against": MetadataValue.int(result.records_failed),
        "dimension": MetadataValue.text(check.dimension.value),
        "severity": MetadataValue.text(check.severity.value),
    }


def _score(result: QualityCheckResult) -> float:
    """The share of rows that meet it, in percent; all or nothing where it is not about single rows."""
    if not result.records_checked:
        return 100.0 if result.passed else 0.0
    return 100.0 * (result.records_checked - result.records_failed) / result.records_checked


def _score_of_table(product: Product, suite: QualitySuiteResult) -> float:
    """What floe's calculator makes of all checks of a table, from 0 to 100."""
    from floe_core.scoring import calculate_quality_score  # noqa: PLC0415

    return calculate_quality_score(suite, _config(product)).overall
