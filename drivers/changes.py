"""What a team may write otherwise than the demo: each change by the words a feature has for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from drivers.errors import ServiceError
from drivers.floe import Project

Content = dict[str, Any]
EXCEPTION = {"pattern": "stg_*", "action": "downgrade", "reason": "for now"}
"""Of a policy, for some models."""

Change = Callable[[Project, str], None]


def make(words: str, project: Project, product: str) -> None:
    """Make a change to a product or its platform.

    Raises:
        ServiceError: nobody has written down what these words change.
    """
    if words not in NAMES:
        raise ServiceError(f"change {words!r}", of="drivers/changes.py", answer="no such change")
    _CHANGES[words](project, product)


@contextmanager
def _rewritten(project: Project, path: str) -> Iterator[Content]:
    content: Content = yaml.safe_load(project.read(path))
    yield content
    project.write(path, yaml.safe_dump(content, sort_keys=False))


# ---- one mistake for each stage


def _no_floe_yaml(project: Project, product: str) -> None:
    (project.folder / product / "floe.yaml").unlink()


def _unknown_provider(project: Project, _product: str) -> None:
    with _rewritten(project, "manifest.yaml") as manifest:
        manifest["plugins"]["quality"] = {"provider": "soothsayer"}


def _no_orchestrator(project: Project, _product: str) -> None:
    with _rewritten(project, "manifest.yaml") as manifest:
        del manifest["plugins"]["orchestrator"]


def _unapproved_sink(project: Project, product: str) -> None:
    with _rewritten(project, "manifest.yaml") as manifest:
        manifest |= {"scope": "enterprise", "approved_sinks": ["rest_api"]}
    _writes_to_salesforce(project, product)


def _writes_to_salesforce(project: Project, product: str) -> None:
    with _rewritten(project, f"{product}/floe.yaml") as spec:
        spec["destinations"] = [
            {"name": "crm", "sink_type": "salesforce", "connection_secret_ref": "crm-credentials"}
        ]


def _no_bucket(project: Project, _product: str) -> None:
    with _rewritten(project, "manifest.yaml") as manifest:
        del manifest["plugins"]["storage"]["config"]["bucket"]


def _nobodys_table(project: Project, product: str) -> None:
    mart = f"{product}/models/marts/mart_customer_360.sql"
    project.edit(mart, "ref('int_customer_orders')", "ref('int_customer_order')")


# ---- SQL that DuckDB does not take


def _wrong_models(project: Project, product: str) -> None:
    staging = f"{product}/models/staging"
    project.edit(
        f"{staging}/stg_transactions.sql", "and unit_price is not null", "and unit_prise is not null"
    )
    project.edit(f"{staging}/stg_support_tickets.sql", "ticket_id is not null", "ticket_id iz not null")


def _wrong_addition(project: Project, product: str) -> None:
    transactions = f"{product}/models/staging/stg_transactions.sql"
    project.edit(transactions, "and known.loaded_at =", "and known.loaded_on =")


# ---- a platform of three tiers


def _tiers(project: Project, product: str, *, compute: str | None = None, **domain: Any) -> None:
    """The demo's manifest as an enterprise's, and a domain's that says little."""
    with _rewritten(project, "manifest.yaml") as manifest:
        enterprise = {
            **manifest,
            "metadata": {**manifest["metadata"], "name": "enterprise"},
            "scope": "enterprise",
            "governance": {
                "policy_enforcement_level": "warn",
                "audit_logging": "enabled",
                "data_retention_days": 30,
            },
        }
        project.write("enterprise.yaml", yaml.safe_dump(enterprise, sort_keys=False))
        kept = {key: manifest[key] for key in ("apiVersion", "kind", "metadata")}
        manifest.clear()
        manifest |= {**kept, "scope": "domain", "parent_manifest": "enterprise.yaml", "plugins": {}, **domain}
    if compute:
        with _rewritten(project, f"{product}/floe.yaml") as spec:
            (model,) = (one for one in spec["transforms"] if one["name"] == "stg_transactions")
            model["compute"] = compute


def _allowed(project: Project, product: str) -> None:
    compute = yaml.safe_load(project.read("manifest.yaml"))["plugins"]["compute"]
    own = {"type": compute["type"], "config": {**compute["config"], "memory_limit": "256MB"}}
    governance = {"data_retention_days": 90}
    _tiers(project, product, compute="duckdb", plugins={"compute": own}, governance=governance)


def _approving(project: Project, **approved: list[str]) -> None:
    with _rewritten(project, "enterprise.yaml") as enterprise:
        enterprise["approved_plugins"] = approved


def _unapproved_compute(project: Project, product: str) -> None:
    compute = yaml.safe_load(project.read("manifest.yaml"))["plugins"]["compute"]["type"]
    _tiers(project, product, compute="duckdb" if compute != "duckdb" else "duckdb-iceberg")
    _approving(project, compute=[compute])


def _unapproved_orchestrator(project: Project, product: str) -> None:
    _tiers(project, product, plugins={"orchestrator": {"type": "airflow"}})
    _approving(project, orchestrator=["dagster", "dagster-iceberg"])


def _unapproved_sink_of_a_domain(project: Project, product: str) -> None:
    _tiers(project, product)
    with _rewritten(project, "enterprise.yaml") as enterprise:
        enterprise["approved_sinks"] = ["rest_api"]
    _writes_to_salesforce(project, product)


def _circle(project: Project, product: str) -> None:
    _tiers(project, product)
    with _rewritten(project, "enterprise.yaml") as enterprise:
        enterprise |= {"scope": "domain", "parent_manifest": "manifest.yaml"}


# ---- tables that others read


def _breaking(project: Project, product: str) -> None:
    """A column dropped, renamed, of another type, narrowed, of another scale; a table dropped."""
    parcels, scans = f"{product}/models/mart_parcels.sql", f"{product}/models/stg_scans.sql"
    project.edit(parcels, "    max_by(depot, scanned_at) as last_depot,\n", "")
    project.edit(parcels, "as mean,", "as mean_litres,")
    project.edit(parcels, "count(*)::integer", "count(*)::varchar")
    # Room for more digits before the point does not make up for another scale.
    project.edit(parcels, "decimal(8, 2)", "decimal(10, 3)")
    project.edit(parcels, "max(scanned_at) as", "max(scanned_at)::date as")
    project.edit(scans, "    litres,", "    litres::decimal(5, 2) as litres,")
    (project.folder / product / "models" / "mart_depots.sql").unlink()
    with _rewritten(project, f"{product}/floe.yaml") as spec:
        spec["transforms"] = [one for one in spec["transforms"] if one["name"] != "mart_depots"]


def _harmless(project: Project, product: str) -> None:
    """A column and a table more, and each type wider that can be."""
    parcels = f"{product}/models/mart_parcels.sql"
    project.edit(parcels, "count(*)::integer", "count(*)::bigint")
    project.edit(parcels, "avg(litres)::float", "avg(litres)::double")
    project.edit(parcels, "decimal(8, 2)", "decimal(10, 2)")
    project.edit(f"{product}/models/stg_scans.sql", "    depot,", "    depot,\n    left(depot, 2) as code,")
    days = "select distinct scanned_at::date as day\nfrom {{ ref('stg_scans') }}\n"
    project.write(f"{product}/models/mart_days.sql", days)
    with _rewritten(project, f"{product}/floe.yaml") as spec:
        spec["transforms"].append({"name": "mart_days", "tier": "gold", "dependsOn": ["stg_scans"]})


_CHANGES: dict[str, Change] = {
    "no floe.yaml": _no_floe_yaml,
    "a quality provider that nobody knows": _unknown_provider,
    "no orchestrator": _no_orchestrator,
    "a sink that the platform does not approve": _unapproved_sink,
    "a storage without a bucket": _no_bucket,
    "a model that reads a table nobody makes": _nobodys_table,
    "a misspelt word in one model and a misspelt column in another": _wrong_models,
    "a misspelt column in what a run adds to a table": _wrong_addition,
    "a domain's manifest and overrides it may make": _allowed,
    "a compute that the enterprise does not approve": _unapproved_compute,
    "a domain's orchestrator that the enterprise does not approve": _unapproved_orchestrator,
    "a domain's policy weaker than the enterprise's": lambda project, product: _tiers(
        project, product, governance={"policy_enforcement_level": "off"}
    ),
    "a domain's exception from its enterprise's policies": lambda project, product: _tiers(
        project, product, governance={"policy_overrides": [EXCEPTION]}
    ),
    "a sink that the enterprise does not approve": _unapproved_sink_of_a_domain,
    "a domain that does not approve the product": lambda project, product: _tiers(
        project, product, approved_products=["iot-telemetry"]
    ),
    "manifests that inherit from each other": _circle,
    "each change that breaks a reader": _breaking,
    "each change that no reader notices": _harmless,
}

NAMES = frozenset(_CHANGES)
"""The words that there are."""
