"""Every pod keeps to the `restricted` Pod Security Standard, and to more than that."""

from __future__ import annotations

import pytest

from tests.chart import COMBINATIONS, of_kind, pods, rendered

every_combination = pytest.mark.parametrize("combination", COMBINATIONS.values(), ids=COMBINATIONS)


@every_combination
def test_containers_can_gain_nothing(combination: tuple[str, ...]) -> None:
    for pod in pods(rendered(*combination)):
        for container in pod.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, (pod.owner, container["name"])
        outer = pod.spec["securityContext"]
        assert outer["runAsNonRoot"] is True, pod.owner
        assert outer["runAsUser"] >= 999, pod.owner
        assert outer["runAsGroup"] == outer["fsGroup"] == outer["runAsUser"], pod.owner
        assert outer["seccompProfile"] == {"type": "RuntimeDefault"}, pod.owner


@every_combination
def test_containers_ask_for_what_they_need(combination: tuple[str, ...]) -> None:
    for pod in pods(rendered(*combination)):
        for container in pod.containers:
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["requests"]), (pod.owner, container["name"])
            # A limit of CPU would only make the start slower.
            assert set(resources["limits"]) == {"memory"}, (pod.owner, container["name"])


@every_combination
def test_pods_share_nothing_with_the_node(combination: tuple[str, ...]) -> None:
    for pod in pods(rendered(*combination)):
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod.spec), pod.owner
        for volume in pod.spec.get("volumes", []):
            kinds = set(volume) - {"name"}
            assert kinds <= {"configMap", "emptyDir", "projected", "persistentVolumeClaim"}, (
                pod.owner,
                volume,
            )
            if "emptyDir" in volume:
                assert volume["emptyDir"]["sizeLimit"], (pod.owner, volume)
        assert pod.spec["enableServiceLinks"] is False, pod.owner


def test_servers_are_probed_and_jobs_end() -> None:
    for pod in pods(rendered("local")):
        if pod.kind == "Job":
            assert pod.spec["restartPolicy"] == "OnFailure", pod.owner
            continue
        if pod.kind == "Pod":
            assert pod.spec["restartPolicy"] == "Never", pod.owner
            continue
        for container in pod.spec["containers"]:
            start, _, alive = (
                container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")
            )
            # Seen as soon as it is up, patient on two busy cores.
            assert start["periodSeconds"] <= 2, pod.owner
            assert start["periodSeconds"] * start["failureThreshold"] >= 120, pod.owner
            assert alive["periodSeconds"] * alive["failureThreshold"] >= 60, pod.owner


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
        ("Deployment/dagster-code-customer-", "wait-for-platform"),
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
