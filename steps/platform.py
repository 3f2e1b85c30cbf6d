"""Words about the platform itself: what runs, what answers, what is left of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import allure
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers.dagster import Run
from drivers.kubernetes import Readiness, Workload
from drivers.platform import Platform

EVERYTHING_A_PLATFORM_HAS = frozenset(
    {"namespace", "volumes", "releases", "node ports taken", "ports answering", "folders on the node"}
)

FAULTS: dict[str, dict[str, object]] = {
    "image does not exist": {
        "image": "localhost/floe-e2e/no-such-image:0",
        "imagePullPolicy": "Never",
    },
    "secret does not exist": {
        "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "no-such-secret", "key": "key"}}}]
    },
    "request exceeds the node": {"resources": {"requests": {"cpu": "10000"}}},
}
FAULTY_POD = "never-ready"
FAULT_SECONDS = 5.0
"""The limit given to the check of a pod that can never be Ready."""


@dataclass(frozen=True)
class Stored:
    """An object put into a bucket, and what the bucket held before."""

    bucket: str
    name: str
    content: bytes
    before: dict[str, int]


@given("the platform is installed")
def platform_is_installed(platform: Platform) -> None:
    assert platform.releases() == {"floe": "deployed"}


@then("its workloads are")
def workloads_are(platform: Platform, datatable: list[list[str]]) -> None:
    images = platform.place.images
    expected = {
        name: Workload(kind, (images[image],), int(replicas), int(replicas))
        for name, kind, image, replicas in datatable[1:]
    }
    assert platform.workloads() == expected


@then(parse('{workload} answers: "{answer}"'))
def workload_answers(platform: Platform, workload: str, answer: str) -> None:
    assert platform.answer_of(workload) == answer


@then("every pod was Ready within the time allowed")
def ready_in_time(platform: Platform) -> None:
    readiness = platform.readiness
    allure.attach(f"{readiness.slowest} s of {readiness.limit} s\n{dict(readiness.seconds)}", "time to Ready")
    assert readiness.late == {}


@when(parse("a pod is added whose {fault}"), target_fixture="refusal")
def faulty_pod(platform: Platform, fault: str) -> Iterator[Readiness]:
    container = {"name": "main", "image": platform.place.images["postgresql"], **FAULTS[fault]}
    platform.add_pod(FAULTY_POD, {"automountServiceAccountToken": False, "containers": [container]})
    try:
        yield platform.check_again(FAULT_SECONDS)
    finally:
        platform.remove_pod(FAULTY_POD)


@then(parse('the same check refuses it by name because of "{reason}"'))
def check_refuses(platform: Platform, refusal: Readiness, reason: str) -> None:
    refused = {pod: why for pod, why in refusal.late.items() if pod not in platform.readiness.late}
    assert {pod: why.partition(":")[0] for pod, why in refused.items()} == {FAULTY_POD: reason}


@then(parse('port {port:d} answers as {service}: "{answer}"'))
def port_answers(platform: Platform, port: int, service: str, answer: str) -> None:
    assert platform.answer_on_port(service, port) == answer


@then(parse('the {owner} database holds the tables its owner made: "{tables}"'))
def database_holds(platform: Platform, owner: str, tables: str) -> None:
    there, listed = platform.database(owner).tables(), tables.split(", ")
    assert {name: there.get(name, "nobody: no such table") for name in listed} == dict.fromkeys(listed, owner)


@then("the dagster database records that run")
def run_is_recorded(platform: Platform, run: Run) -> None:
    query = "select run_id, status from runs where run_id = %s"
    found = platform.database("dagster").rows("find the run", query, run.run_id)
    assert found == [(run.run_id, run.status)]


@then(parse('the polaris database records the catalog "{catalog}"'))
def catalog_is_recorded(platform: Platform, catalog: str) -> None:
    query = "select distinct name from polaris_schema.entities where name = %s"
    assert platform.database("polaris").rows("find the catalog", query, catalog) == [(catalog,)]


@when(parse("an object is put into the {bucket} bucket"), target_fixture="stored")
def object_is_put(platform: Platform, bucket: str) -> Iterator[Stored]:
    store, name, content = (
        platform.store,
        f"floe-acceptance/{secrets.token_hex(8)}",
        secrets.token_bytes(1024),
    )
    before = store.objects(bucket)
    store.put(bucket, name, content)
    yield Stored(bucket, name, content, before)
    store.delete(bucket, name)


@then("reading it gives what was put")
def object_is_read(platform: Platform, stored: Stored) -> None:
    assert platform.store.get(stored.bucket, stored.name) == stored.content


@then("once deleted it is gone")
def object_is_gone(platform: Platform, stored: Stored) -> None:
    platform.store.delete(stored.bucket, stored.name)
    assert platform.store.objects(stored.bucket) == stored.before


@when("the platform is torn down", target_fixture="had")
def torn_down(platform: Platform) -> frozenset[str]:
    had = frozenset(platform.left_over())
    platform.tear_down()
    return had


@then("nothing of it is left")
def nothing_is_left(platform: Platform, had: frozenset[str]) -> None:
    assert had == EVERYTHING_A_PLATFORM_HAS
    assert platform.left_over() == {}


@then("it held no run, no table and no object when it came up")
def began_empty(platform: Platform) -> None:
    assert platform.contents_at_start() == {}
