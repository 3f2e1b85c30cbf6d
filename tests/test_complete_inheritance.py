"""Three tiers of manifests: what is inherited, what may be said otherwise, and what is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from floe_core.compilation.loader import load_manifest

from floe_complete.inheritance import Platform, resolved
from floe_complete.problems import RefusedError
from floe_complete.reading import read

COMPUTE = {"type": "duckdb-iceberg", "config": {"namespace": "shop", "memory_limit": "1GB"}}


def manifest(**content: Any) -> dict[str, Any]:
    metadata = {"name": "platform", "version": "1.0.0", "owner": "platform@example.com"}
    return {"apiVersion": "floe.dev/v1", "kind": "Manifest", "metadata": metadata, "plugins": {}, **content}


def enterprise(**content: Any) -> dict[str, Any]:
    plugins = {"compute": COMPUTE, "orchestrator": {"type": "dagster-iceberg"}}
    return manifest(scope="enterprise", **{"plugins": plugins, **content})


def domain(**content: Any) -> dict[str, Any]:
    return manifest(scope="domain", **{"parent_manifest": "enterprise.yaml", **content})


def platform(folder: Path, compute: str | None = None, **files: dict[str, Any]) -> Platform:
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    spec = {
        "apiVersion": "floe.dev/v1",
        "kind": "FloeSpec",
        "metadata": {"name": "shop", "version": "1.0.0"},
        "platform": {"manifest": "manifest.yaml"},
        "transforms": [{"name": "orders"}, {"name": "sales", **({"compute": compute} if compute else {})}],
    }
    (folder / "floe.yaml").write_text(yaml.safe_dump(spec))
    (folder / "dbt_project.yml").write_text(yaml.safe_dump({"name": "shop", "profile": "shop"}))
    (folder / "models").mkdir(exist_ok=True)
    for model in ("orders", "sales"):
        (folder / "models" / f"{model}.sql").write_text("select 1 as one")
    return resolved(read(folder / "floe.yaml", folder / "manifest.yaml"))


def refused(folder: Path, compute: str | None = None, **files: dict[str, Any]) -> list[tuple[str, str, str]]:
    with pytest.raises(RefusedError) as caught:
        platform(folder, compute, **files)
    assert {problem.stage for problem in caught.value.problems} == {"RESOLVE"}
    return [(Path(problem.file).name, problem.field, problem.found) for problem in caught.value.problems]


def test_a_manifest_alone_is_what_applies(tmp_path: Path) -> None:
    made = platform(tmp_path, manifest=manifest(plugins={"compute": COMPUTE}))
    assert not made.inherits
    assert made.write(tmp_path / "other.yaml") == tmp_path / "manifest.yaml"
    assert made.sources.manifest == load_manifest(tmp_path / "manifest.yaml")


def test_silence_takes_what_is_above(tmp_path: Path) -> None:
    above = enterprise(
        governance={"audit_logging": "enabled"},
        defaults={"compute": "duckdb-iceberg"},
        observability={"lineage": {"enabled": False}},
        approved_sinks=["rest_api"],
    )
    above["plugins"]["dbt"] = {"type": "fusion"}
    merged = platform(tmp_path, enterprise=above, manifest=domain()).sources.manifest
    expected = load_manifest(tmp_path / "enterprise.yaml")
    assert merged.model_copy(update={"metadata": expected.metadata}) == expected


def test_a_domain_wins_where_it_may(tmp_path: Path) -> None:
    own = {"type": "duckdb"}
    made = platform(
        tmp_path,
        enterprise=enterprise(governance={"data_retention_days": 30, "audit_logging": "enabled"}),
        manifest=domain(
            plugins={"compute": own}, governance={"data_retention_days": 90, "snapshot_keep_last": 2}
        ),
    )
    merged = made.sources.manifest
    assert merged.plugins.compute is not None
    assert merged.plugins.orchestrator is not None
    assert merged.governance is not None
    assert (merged.plugins.compute.type, merged.plugins.orchestrator.type) == ("duckdb", "dagster-iceberg")
    assert merged.governance.model_dump(exclude_defaults=True) == {
        "data_retention_days": 90,
        "audit_logging": "enabled",
        "snapshot_keep_last": 2,
    }


def test_what_applies_can_be_read_by_floe(tmp_path: Path) -> None:
    made = platform(tmp_path, enterprise=enterprise(), manifest=domain())
    assert load_manifest(made.write(tmp_path / "merged.yaml")) == made.sources.manifest
    assert [tier.manifest.scope for tier in made.chain] == ["enterprise", "domain"]


@pytest.mark.parametrize(
    ("above", "own", "field"),
    [
        ({"audit_logging": "enabled"}, {"audit_logging": "disabled"}, "audit_logging"),
        ({"pii_encryption": "required"}, {"pii_encryption": "optional"}, "pii_encryption"),
        (
            {"policy_enforcement_level": "strict"},
            {"policy_enforcement_level": "warn"},
            "policy_enforcement_level",
        ),
        ({"data_retention_days": 30}, {"data_retention_days": 7}, "data_retention_days"),
        ({"naming": {"enforcement": "strict"}}, {"naming": {"enforcement": "off"}}, "naming.enforcement"),
    ],
)
def test_a_weaker_policy_is_refused(
    tmp_path: Path, above: dict[str, Any], own: dict[str, Any], field: str
) -> None:
    told = refused(tmp_path, enterprise=enterprise(governance=above), manifest=domain(governance=own))
    assert [(file, where) for file, where, _ in told] == [("manifest.yaml", f"governance.{field}")]
    assert "is weaker than" in told[0][2]


@pytest.mark.parametrize(
    ("above", "own", "field"),
    [
        (
            {"naming": {"enforcement": "warn", "pattern": "medallion"}},
            {"naming": {"enforcement": "strict", "pattern": "kimball"}},
            "naming",
        ),
        (
            {"audit_logging": "enabled"},
            {"policy_overrides": [{"pattern": "*", "action": "exclude", "reason": "later"}]},
            "policy_overrides",
        ),
    ],
)
def test_what_is_the_enterprises_alone_is_refused(
    tmp_path: Path, above: dict[str, Any], own: dict[str, Any], field: str
) -> None:
    told = refused(tmp_path, enterprise=enterprise(governance=above), manifest=domain(governance=own))
    assert [(file, where) for file, where, _ in told] == [("manifest.yaml", f"governance.{field}")]


def test_the_same_rule_with_a_stricter_enforcement_is_no_other_rule(tmp_path: Path) -> None:
    made = platform(
        tmp_path,
        enterprise=enterprise(governance={"naming": {"enforcement": "warn", "pattern": "medallion"}}),
        manifest=domain(governance={"naming": {"enforcement": "strict", "pattern": "medallion"}}),
    )
    governance = made.sources.manifest.governance
    assert governance is not None
    assert governance.naming is not None
    assert governance.naming.enforcement == "strict"


def test_manifests_that_inherit_from_each_other_are_refused(tmp_path: Path) -> None:
    ((file, field, found),) = refused(
        tmp_path, enterprise=domain(parent_manifest="manifest.yaml"), manifest=domain()
    )
    assert (file, field) == ("enterprise.yaml", "parent_manifest")
    assert found.count("inherits from") == 2


@pytest.mark.parametrize(
    ("parent", "found"),
    [
        ("nowhere.yaml", "there is no file"),
        ("oci://registry.example.com/platform:1", "is an address, and nothing is fetched to compile"),
    ],
)
def test_a_parent_that_cannot_be_read_is_refused(tmp_path: Path, parent: str, found: str) -> None:
    ((file, field, said),) = refused(tmp_path, manifest=domain(parent_manifest=parent))
    assert (file, field) == ("manifest.yaml", "parent_manifest")
    assert found in said


def test_a_parent_is_an_enterprises(tmp_path: Path) -> None:
    ((file, field, found),) = refused(tmp_path, enterprise=manifest(), manifest=domain())
    assert (file, field) == ("manifest.yaml", "parent_manifest")
    assert found.endswith("has the scope none")


def test_what_is_not_approved_is_refused_where_it_is_said(tmp_path: Path) -> None:
    above = enterprise(
        approved_plugins={"compute": ["duckdb-iceberg"], "orchestrator": ["dagster-iceberg"]},
    )
    own = domain(plugins={"orchestrator": {"type": "airflow"}}, approved_products=["another"])
    told = refused(tmp_path, "duckdb", enterprise=above, manifest=own)
    assert [(file, field) for file, field, _ in told] == [
        ("manifest.yaml", "plugins.orchestrator.type"),
        ("floe.yaml", "transforms[1].compute"),
        ("floe.yaml", "metadata.name"),
    ]


def test_what_is_approved_passes(tmp_path: Path) -> None:
    above = enterprise(approved_plugins={"compute": ["duckdb-iceberg", "duckdb"]})
    made = platform(tmp_path, "duckdb", enterprise=above, manifest=domain(approved_products=["shop"]))
    assert made.inherits
