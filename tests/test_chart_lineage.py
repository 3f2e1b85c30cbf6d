"""The lineage service in the chart: on unless switched off, and its database where the manifest says."""

from __future__ import annotations

import functools

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from cluster.tools import helm
from foundation.errors import PlatformError
from foundation.process import run
from images import published
from tests import chart
from tests.chart import CHART, Object, of_kind, pods
from tests.test_chart_rendering import KUBERNETES, secret_references

CHOICES = ("shared", "dedicated")
CASES = [(cluster, choice) for cluster in ("local", "kind") for choice in CHOICES]

every_case = pytest.mark.parametrize(("cluster", "choice"), CASES, ids=[" ".join(case) for case in CASES])


def settings(choice: str) -> dict[str, object]:
    return {"global.lineage.enabled": True, "global.lineage.database": choice}


@functools.cache
def with_lineage(choice: str, *combination: str) -> list[Object]:
    return chart.render(combination, settings(choice))


def environment(objects: list[Object]) -> dict[str, object]:
    (server,) = of_kind(objects, "Deployment")["marquez"]["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in server["env"]}


@every_case
def test_lint_finds_nothing(cluster: str, choice: str) -> None:
    run([helm(), "lint", "--strict", CHART, *chart.options((cluster,), settings(choice))], timeout=60)


@every_case
def test_every_object_is_valid_and_named_once(cluster: str, choice: str) -> None:
    objects = with_lineage(choice, cluster)
    for item in objects:
        assert kubernetes_validate.validate(item, KUBERNETES, strict=True) == KUBERNETES
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    assert len(set(names)) == len(names)


@functools.cache
def without_lineage() -> list[Object]:
    return chart.render(("local", "demo"), {"global.lineage.enabled": False})


def test_switched_off_it_is_not_there_and_nobody_tells_it_anything() -> None:
    objects = without_lineage()
    assert not {owner for owner, *_ in pods(objects) if "marquez" in owner}
    assert "marquez-nodeport" not in of_kind(objects, "Service")
    assert not [text for item in objects for text in chart.texts(item) if "marquez" in text]


def test_what_it_adds_to_a_platform() -> None:
    without = {(item["kind"], item["metadata"]["name"]) for item in without_lineage()}
    added = {
        choice: {(item["kind"], item["metadata"]["name"]) for item in with_lineage(choice, "local")} - without
        for choice in CHOICES
    }
    shared = {("Deployment", "marquez"), ("Service", "marquez"), ("ConfigMap", "marquez-configuration")}
    assert added == {
        "shared": shared,
        "dedicated": shared
        | {
            ("StatefulSet", "marquez-postgresql"),
            ("Service", "marquez-postgresql"),
            ("ConfigMap", "marquez-postgresql-init"),
            ("PersistentVolumeClaim", "marquez-postgresql-data"),
            ("Secret", "marquez-credentials"),
        },
    }


@pytest.mark.parametrize(
    ("choice", "host", "secret", "scripts"),
    [
        ("shared", "postgresql", "postgresql-credentials", {"marquez-configuration"}),
        ("dedicated", "marquez-postgresql", "marquez-credentials", {"marquez-postgresql-init"}),
    ],
)
def test_its_database_is_where_the_choice_says_and_nowhere_else(
    choice: str, host: str, secret: str, scripts: set[str]
) -> None:
    objects = with_lineage(choice, "local")
    given = environment(objects)
    assert (given["POSTGRES_HOST"], given["POSTGRES_DB"]) == (host, "marquez")
    assert given["POSTGRES_PASSWORD"] == {"secretKeyRef": {"name": secret, "key": "marquez-password"}}
    made = {
        name
        for name, item in of_kind(objects, "ConfigMap").items()
        if "CREATE DATABASE marquez OWNER marquez" in " ".join(item["data"].values())
    }
    assert made == scripts


@every_case
def test_whatever_a_pod_refers_to_is_there(cluster: str, choice: str) -> None:
    objects = with_lineage(choice, cluster)
    secrets, maps = of_kind(objects, "Secret"), of_kind(objects, "ConfigMap")
    claims = of_kind(objects, "PersistentVolumeClaim")
    for pod in (one for one in pods(objects) if "marquez" in one.owner or "postgresql" in one.owner):
        for volume in pod.spec["volumes"]:
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
        for name, key in secret_references(pod):
            assert key in secrets[name]["data"], f"{pod.owner} refers to {name}/{key}"


@every_case
def test_its_pods_can_gain_nothing_and_ask_for_what_they_need(cluster: str, choice: str) -> None:
    for pod in (one for one in pods(with_lineage(choice, cluster)) if "marquez" in one.owner):
        assert pod.spec["securityContext"]["runAsNonRoot"] is True
        assert pod.spec["automountServiceAccountToken"] is False
        for container in pod.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert set(container["resources"]["limits"]) == {"memory"}


def test_it_is_probed_on_its_admin_port() -> None:
    (server,) = of_kind(with_lineage("shared", "local"), "Deployment")["marquez"]["spec"]["template"]["spec"][
        "containers"
    ]
    probes = {
        name: (server[name]["httpGet"]["path"], server[name]["httpGet"]["port"])
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert probes == {
        "startupProbe": ("/healthcheck", "admin"),
        "readinessProbe": ("/healthcheck", "admin"),
        "livenessProbe": ("/ping", "admin"),
    }


def test_its_node_port_is_there_where_the_release_has_node_ports() -> None:
    assert "marquez-nodeport" not in of_kind(with_lineage("shared", "kind"), "Service")
    service = of_kind(with_lineage("shared", "kind", "demo"), "Service")["marquez-nodeport"]
    (port,) = service["spec"]["ports"]
    assert (port["nodePort"], port["port"], port["targetPort"]) == (5001, 5000, "api")


def test_a_secret_given_by_name_is_used_and_not_made() -> None:
    given = {"global.existingSecrets.marquez": "my-lineage"}
    objects = chart.render(("local",), {**settings("dedicated"), **given})
    password = environment(objects)["POSTGRES_PASSWORD"]
    assert password == {"secretKeyRef": {"name": "my-lineage", "key": "marquez-password"}}
    assert "marquez-credentials" not in of_kind(objects, "Secret")


def test_without_an_image_it_is_refused_by_name() -> None:
    with pytest.raises(PlatformError, match=r"global\.images\.marquez is not set"):
        chart.render(("local",), {**settings("shared"), "global.images.marquez": ""})


def test_a_cluster_with_a_registry_gets_the_published_image() -> None:
    assert published.references()["marquez"] == "docker.io/marquezproject/marquez:0.51.1"


def test_the_real_one_is_configured_by_the_environment_alone() -> None:
    told = yaml.safe_load(
        of_kind(with_lineage("shared", "kind"), "ConfigMap")["marquez-configuration"]["data"]["marquez.yml"]
    )
    assert told["db"] == {
        "driverClass": "org.postgresql.Driver",
        "url": "jdbc:postgresql://${POSTGRES_HOST}:${POSTGRES_PORT}/${POSTGRES_DB}",
        "user": "${POSTGRES_USER}",
        "password": "${POSTGRES_PASSWORD}",
    }
    ports = [told["server"][kind][0]["port"] for kind in ("applicationConnectors", "adminConnectors")]
    assert (ports, told["search"]) == ([5000, 5001], {"enabled": False})


def test_the_choice_restarts_it_and_leaves_the_rest_alone() -> None:
    before, after = (
        {pod.owner: (pod.spec, pod.metadata) for pod in pods(with_lineage(choice, "local"))}
        for choice in CHOICES
    )
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed == {"Deployment/marquez", "StatefulSet/marquez-postgresql"}


@pytest.mark.parametrize(
    ("choice", "made"),
    [("shared", ["wait-for-postgresql", "database"]), ("dedicated", ["wait-for-marquez-postgresql"])],
)
def test_a_shared_database_is_made_before_a_start_where_it_is_not_there(choice: str, made: list[str]) -> None:
    """A volume of an older release has none; tests/contract sees that what is there is left alone."""
    objects = with_lineage(choice, "local")
    (pod,) = (one for one in pods(objects) if one.owner == "Deployment/marquez")
    assert [one["name"] for one in pod.spec["initContainers"]] == made
    told = of_kind(objects, "ConfigMap")["marquez-configuration"]["data"]
    assert ("database.sql" in told) == (choice == "shared")
