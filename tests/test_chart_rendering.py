"""The chart renders, for every use of it, objects that Kubernetes takes and that fit together."""

from __future__ import annotations

import base64
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from cluster.tools import helm
from foundation.process import run
from images.values import values as image_values
from tests import chart
from tests.chart import CHART, COMBINATIONS, IMAGES, SECRET_NAME, Pod, of_kind, pods, rendered, texts

KUBERNETES = "1.34"

every_combination = pytest.mark.parametrize("combination", COMBINATIONS.values(), ids=COMBINATIONS)


@every_combination
def test_lint_finds_nothing(combination: tuple[str, ...]) -> None:
    run([helm(), "lint", "--strict", CHART, *chart.options(combination)], timeout=60)


@every_combination
def test_every_object_is_valid_for_the_kubernetes_in_use(combination: tuple[str, ...]) -> None:
    for item in rendered(*combination):
        assert kubernetes_validate.validate(item, KUBERNETES, strict=True) == KUBERNETES


def test_the_validator_sees_a_wrong_field() -> None:
    broken = {**of_kind(rendered(), "Service")["minio"], "spec": {"selektor": {}}}
    with pytest.raises(kubernetes_validate.ValidationError, match="selektor"):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


@every_combination
def test_objects_are_named_once_live_in_the_namespace_and_are_labelled(combination: tuple[str, ...]) -> None:
    objects = rendered(*combination)
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    assert len(set(names)) == len(names)
    for item in objects:
        meta = item["metadata"]
        assert meta["namespace"] == chart.NAMESPACE, names
        assert meta["labels"]["app.kubernetes.io/instance"] == "floe"
        assert meta["labels"]["app.kubernetes.io/part-of"] == "floe-platform"
        assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} <= set(meta["labels"])


def test_services_have_their_documented_names_and_ports() -> None:
    found = {
        name: [port["port"] for port in item["spec"]["ports"]]
        for name, item in of_kind(rendered(), "Service").items()
    }
    assert found == {
        "postgresql": [5432],
        "minio": [9000, 9001],
        "polaris": [8181, 8182],
        "marquez": [5000, 5001],
        "otel-collector": [4317, 4318, 8888, 8889, 13133],
        "jaeger": [4317, 8888, 13133, 16686],
        "prometheus": [9090],
        "dagster-webserver": [3000],
        "dagster-code-customer-360": [4000],
    }


def test_node_ports_are_the_documented_ones_and_only_when_asked_for() -> None:
    def taken(objects: tuple[chart.Object, ...]) -> dict[int, str]:
        return {
            port["nodePort"]: name
            for name, item in of_kind(objects, "Service").items()
            for port in item["spec"]["ports"]
            if "nodePort" in port
        }

    assert taken(rendered("local")) == {}
    assert taken(rendered("local", "demo")) == {
        3000: "dagster-webserver-nodeport",
        8181: "polaris-nodeport",
        9000: "minio-nodeport",
        9001: "minio-nodeport",
        5001: "marquez-nodeport",
        16686: "jaeger-nodeport",
        9090: "prometheus-nodeport",
    }
    assert set(taken(rendered("kind", "demo"))) - set(taken(rendered("local", "demo"))) == {3001}


@every_combination
def test_every_service_reaches_the_pods_of_one_workload_by_ports_they_have(
    combination: tuple[str, ...],
) -> None:
    objects = rendered(*combination)
    for name, service in of_kind(objects, "Service").items():
        selector = service["spec"]["selector"].items()
        behind = [pod for pod in pods(objects) if selector <= pod.metadata["labels"].items()]
        assert len(behind) == 1, f"{name} selects {[pod.owner for pod in behind]}"
        offered = {
            port["name"]: port["containerPort"]
            for container in behind[0].containers
            for port in container.get("ports", [])
        }
        for port in service["spec"]["ports"]:
            assert offered.get(port["targetPort"]) == port["port"], f"{name}: {port}"


@every_combination
def test_workloads_select_their_own_pods_and_no_others(combination: tuple[str, ...]) -> None:
    objects = rendered(*combination)
    for item in objects:
        if item["kind"] in {"Deployment", "StatefulSet"}:
            selector = item["spec"]["selector"]["matchLabels"].items()
            selected = [pod.owner for pod in pods(objects) if selector <= pod.metadata["labels"].items()]
            assert selected == [f"{item['kind']}/{item['metadata']['name']}"]


@every_combination
def test_whatever_a_pod_refers_to_is_there(combination: tuple[str, ...]) -> None:
    objects = rendered(*combination)
    secrets, maps = of_kind(objects, "Secret"), of_kind(objects, "ConfigMap")
    accounts, claims = of_kind(objects, "ServiceAccount"), of_kind(objects, "PersistentVolumeClaim")
    for pod in pods(objects):
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
        mounted = {mount["name"] for one in pod.containers for mount in one.get("volumeMounts", [])}
        assert mounted == volumes, f"{pod.owner}: mounted {mounted}, declared {volumes}"
        for volume in pod.spec.get("volumes", []):
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
        assert pod.spec.get("serviceAccountName", "default") in {*accounts, "default"}
        for name, key in secret_references(pod):
            assert name in secrets, f"{pod.owner} refers to Secret {name}"
            # The set-up job fills those two; everything else is there from the start.
            if name not in {"polaris-pipeline-credentials", "polaris-reader-credentials"}:
                assert key in secrets[name]["data"], f"{pod.owner} refers to {name}/{key}"


def secret_references(pod: Pod) -> list[tuple[str, str]]:
    found = []
    for container in pod.containers:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            if source:
                found.append((source["name"], source["key"]))
    return found


@every_combination
def test_roles_are_bound_to_accounts_of_this_release(combination: tuple[str, ...]) -> None:
    objects = rendered(*combination)
    roles, accounts = of_kind(objects, "Role"), of_kind(objects, "ServiceAccount")
    bound = set()
    for binding in of_kind(objects, "RoleBinding").values():
        assert binding["roleRef"]["name"] in roles
        bound.add(binding["roleRef"]["name"])
        for subject in binding["subjects"]:
            assert subject["name"] in accounts
            assert subject["namespace"] == chart.NAMESPACE
    assert bound == set(roles)


def test_images_are_the_ones_given() -> None:
    for combination, policy, absent in (("local", "Never", {"grafana"}), ("kind", "IfNotPresent", set())):
        containers = [container for pod in pods(rendered(combination)) for container in pod.containers]
        assert {container["image"] for container in containers} == {
            ref for name, ref in IMAGES.items() if name not in absent
        }
        assert {container["imagePullPolicy"] for container in containers} == {policy}


def test_the_list_that_is_written_of_built_images_is_taken_as_it_is() -> None:
    """What `python -m images` writes has to be values this chart accepts."""
    names = {"polaris-admin" if name == "polarisAdmin" else name: ref for name, ref in IMAGES.items()}
    written = chart.leaves(image_values(names, stand_ins={"polaris", "marquez"}, additions=False))
    assert {"global.images.polarisAdmin", "global.catalog.standIn", "global.additions"} <= set(written)
    assert chart.render(settings=written)


def test_data_belongs_to_the_release_and_goes_with_it() -> None:
    claims = of_kind(rendered(), "PersistentVolumeClaim")
    assert set(claims) == {"postgresql-data", "minio-data", "prometheus-data"}
    for claim in claims.values():
        assert "storageClassName" not in claim["spec"]  # the cluster's default
        assert "helm.sh/resource-policy" not in claim["metadata"].get("annotations", {})
    for item in of_kind(rendered(), "StatefulSet").values():
        assert "volumeClaimTemplates" not in item["spec"]


class TestSecrets:
    """A credential is in a Secret and nowhere else."""

    def test_two_renderings_differ_in_secrets_only(self) -> None:
        one, other = chart.render(), chart.render()
        different = [
            (mine["kind"], mine["metadata"]["name"])
            for mine, yours in zip(one, other, strict=True)
            if mine != yours
        ]
        assert sorted(different) == [
            ("Secret", "minio-credentials"),
            ("Secret", "polaris-root-credentials"),
            ("Secret", "postgresql-credentials"),
        ]

    def test_no_other_object_holds_a_value_of_a_secret(self) -> None:
        objects = chart.render()
        values = {
            base64.b64decode(value).decode()
            for item in of_kind(objects, "Secret").values()
            for value in (item.get("data") or {}).values()
        }
        assert len(values) == 9
        assert all(len(value) >= 16 for value in values)
        for item in objects:
            if item["kind"] != "Secret":
                held = [value for value in values for text in texts(item) if value in text]
                assert not held, f"{item['kind']}/{item['metadata']['name']} holds a credential"

    @every_combination
    def test_every_variable_with_a_secret_name_comes_from_a_secret(
        self, combination: tuple[str, ...]
    ) -> None:
        seen = set()
        for pod in pods(rendered(*combination)):
            for container in pod.containers:
                for variable in container.get("env", []):
                    if SECRET_NAME.search(variable["name"]) and not variable["name"].endswith(
                        ("_URI", "_TYPE")
                    ):
                        assert "secretKeyRef" in variable.get("valueFrom", {}), (pod.owner, variable["name"])
                        seen.add(variable["name"])
        assert {"POSTGRES_PASSWORD", "MINIO_ROOT_PASSWORD", "POLARIS_CLIENT_SECRET", "PGPASSWORD"} <= seen

    def test_values_files_name_no_credential(self) -> None:
        for file in [CHART / "values.yaml", *chart.VALUES.values(), *CHART.glob("charts/*/values.yaml")]:
            for name, value in chart.leaves(yaml.safe_load(file.read_text())).items():
                # Names of Secrets may be given, and none is.
                assert not SECRET_NAME.search(name) or value in ("", []), f"{file}: {name}"

    def test_secrets_given_by_name_are_used_and_not_made(self) -> None:
        given = {"postgresql": "my-database", "minio": "my-store", "polarisRoot": "my-root"}
        objects = chart.render(settings={"global.existingSecrets": given})
        assert set(of_kind(objects, "Secret")) == {
            "polaris-pipeline-credentials",
            "polaris-reader-credentials",
        }
        names = {name for pod in pods(objects) for name, _ in secret_references(pod)}
        assert names == {*given.values(), "polaris-pipeline-credentials"}
        assert "my-database" in of_kind(objects, "ConfigMap")["dagster-instance"]["data"]["dagster.yaml"]


class TestRestarts:
    """What a change of values restarts: what it concerns, and nothing else."""

    def changed(self, settings: chart.Settings) -> set[str]:
        before = {pod.owner: (pod.spec, pod.metadata) for pod in pods(rendered())}
        after = {pod.owner: (pod.spec, pod.metadata) for pod in pods(chart.render(settings=settings))}
        return {name for name in {*before, *after} if before.get(name) != after.get(name)}

    def test_a_setting_of_the_instance_restarts_dagster(self) -> None:
        assert self.changed({"dagster.runs.maxConcurrent": 7}) == {
            "Deployment/dagster-webserver",
            "Deployment/dagster-daemon",
            "Deployment/dagster-code-customer-360",
        }

    def test_another_product_restarts_web_server_and_daemon_only(self) -> None:
        products = [{"name": "customer-360"}, {"name": "iot-telemetry"}]
        assert self.changed({"dagster.products": products}) == {
            "Deployment/dagster-webserver",
            "Deployment/dagster-daemon",
            "Deployment/dagster-code-iot-telemetry",
        }

    def test_another_database_restarts_the_server(self) -> None:
        assert self.changed({"postgresql.databases": ["dagster", "polaris", "reports"]}) == {
            "StatefulSet/postgresql"
        }

    def test_another_bucket_is_a_new_job_not_a_change_of_the_old_one(self) -> None:
        changed = self.changed({"global.lakehouse.buckets": ["warehouse", "staging", "archive"]})
        jobs: dict[str, int] = {}
        for name in changed:
            kind, _, rest = name.partition("/")
            assert kind == "Job"
            jobs[rest.rpartition("-")[0]] = jobs.get(rest.rpartition("-")[0], 0) + 1
        assert jobs == {"minio-buckets": 2, "polaris-setup": 2}

    def test_nothing_restarts_for_a_new_chart_version(self) -> None:
        for pod in pods(rendered()):
            assert "helm.sh/chart" not in pod.metadata["labels"], pod.owner


def test_the_databases_are_made_with_owners_and_closed_to_others() -> None:
    script = of_kind(rendered(), "ConfigMap")["postgresql-init"]["data"]["10-databases.sql"]
    for name in ("dagster", "polaris"):
        assert f"CREATE DATABASE {name} OWNER {name};" in script
        assert f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC;" in script
    server = of_kind(rendered(), "StatefulSet")["postgresql"]["spec"]["template"]["spec"]["containers"][0]
    handed: dict[str, Any] = {item["name"]: item.get("valueFrom") for item in server["env"]}
    for line in script.splitlines():
        if line.startswith("\\getenv"):
            assert handed[line.split()[2]]["secretKeyRef"]["name"] == "postgresql-credentials"
