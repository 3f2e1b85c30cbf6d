"""Every pod keeps to the `restricted` Pod Security Standard, and to more than that."""

from __future__ import annotations

import pytest

from tests.chart import COMBINATIONS, Pod, of_kind, pods, rendered

ALL = [
    pytest.param(pod, container, id=f"{title}: {pod.owner} {container['name']}")
    for title, combination in COMBINATIONS.items()
    for pod in pods(rendered(*combination))
    for container in pod.containers
]
every_container = pytest.mark.parametrize(("pod", "container"), ALL)
every_pod = pytest.mark.parametrize(
    "pod", pods(rendered("local")), ids=[pod.owner for pod in pods(rendered("local"))]
)


@every_container
def test_containers_can_gain_nothing(pod: Pod, container: dict[str, object]) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    outer = pod.spec["securityContext"]
    assert outer["runAsNonRoot"] is True
    assert outer["runAsUser"] >= 999
    assert outer["runAsGroup"] == outer["fsGroup"] == outer["runAsUser"]
    assert outer["seccompProfile"] == {"type": "RuntimeDefault"}


@every_container
def test_containers_ask_for_what_they_need(pod: Pod, container: dict[str, dict[str, dict[str, str]]]) -> None:
    resources = container["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"]), pod.owner
    # A limit of CPU would only make the start slower.
    assert set(resources["limits"]) == {"memory"}


@every_pod
def test_pods_share_nothing_with_the_node(pod: Pod) -> None:
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod.spec)
    for volume in pod.spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        assert kinds <= {"configMap", "emptyDir", "projected", "persistentVolumeClaim"}, (pod.owner, volume)
        if "emptyDir" in volume:
            assert volume["emptyDir"]["sizeLimit"]
    assert pod.spec["enableServiceLinks"] is False


@every_pod
def test_servers_are_probed_and_jobs_end(pod: Pod) -> None:
    if pod.kind == "Job":
        assert pod.spec["restartPolicy"] == "OnFailure"
        return
    for container in pod.spec["containers"]:
        probes = [container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
        # Seen as soon as it is up, patient on two busy cores.
        assert probes[0]["periodSeconds"] <= 2
        assert probes[0]["periodSeconds"] * probes[0]["failureThreshold"] >= 120
        assert probes[2]["periodSeconds"] * probes[2]["failureThreshold"] >= 60


def test_only_who_needs_the_cluster_gets_a_token() -> None:
    holders = set()
    for pod in pods(rendered("local")):
        assert pod.spec["automountServiceAccountToken"] is False
        tokens = {
            volume["name"]
            for volume in pod.spec.get("volumes", [])
            for source in volume.get("projected", {}).get("sources", [])
            if "serviceAccountToken" in source
        }
        holders |= {
            (pod.owner.rstrip("0123456789abcdef"), container["name"])
            for container in pod.containers
            for mount in container.get("volumeMounts", [])
            if mount["name"] in tokens
        }
    assert holders == {
        ("Deployment/dagster-webserver", "webserver"),
        ("Deployment/dagster-daemon", "daemon"),
        ("Deployment/dagster-code-customer-", "wait-for-credentials"),
        ("Job/polaris-setup-", "setup"),
    }


def test_no_role_reaches_further_than_its_work() -> None:
    rules = {name: item["rules"] for name, item in of_kind(rendered("local"), "Role").items()}
    for name, listed in rules.items():
        for rule in listed:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"], name
            if "secrets" in rule["resources"]:
                assert set(rule["resourceNames"]) <= {
                    "polaris-pipeline-credentials",
                    "polaris-reader-credentials",
                }
    assert not {item["kind"] for item in rendered("local")} & {"ClusterRole", "ClusterRoleBinding"}
    writers = {
        name
        for name, listed in rules.items()
        for rule in listed
        if "secrets" in rule["resources"] and {"update", "patch", "create"} & set(rule["verbs"])
    }
    assert writers == {"polaris-setup"}
