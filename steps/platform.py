"""Words about the platform itself: what runs, what answers, what is left of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import allure
import pytest
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from drivers import senders
from drivers.dagster import Run
from drivers.hearing import Hearing
from drivers.kubernetes import Readiness, Workload
from drivers.platform import NODE_PORTS, Platform
from drivers.senders import Sent

EVERYTHING_A_PLATFORM_HAS = frozenset(
    {"namespace", "volumes", "releases", "node ports taken", "ports answering", "folders on the node"}
)
CLAIMS = frozenset({"minio-data", "postgresql-data", "prometheus-data"})
"""What outlives the pods that use it."""

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
FAULT_SECONDS = 7.0
"""The limit given to the check of a pod that can never be Ready."""


@dataclass(frozen=True)
class Told:
    """Something that was told to the collector or to the lineage service."""

    sent: Sent

    @property
    def content(self) -> str:
        """What it says."""
        return self.sent.content

    def read_from(self, platform: Platform, reader: str) -> str:
        """What a service, or a server of databases, has under its key."""
        server = reader.removeprefix("the ").removesuffix(" server")
        if server == reader:
            return Hearing(platform).read_back(reader, self.sent)
        query = "select name from datasets where name = %s"
        found = platform.database("marquez", server).rows("find the dataset", query, self.sent.content)
        return " ".join(name for (name,) in found)


SENDERS: Mapping[tuple[str, str], Callable[[Platform], Sent]] = {
    ("span", "the collector"): lambda platform: senders.span(platform.otlp_grpc),
    ("metric", "the collector"): lambda platform: senders.metric(platform.otlp),
    ("event", "Marquez"): lambda platform: senders.lineage_event(platform.lineage_address),
}


@dataclass(frozen=True)
class Stored:
    """An object put into a bucket, and what the bucket held before."""

    bucket: str
    name: str
    content: bytes
    before: dict[str, int]

    def read_from(self, platform: Platform, reader: str) -> bytes:
        """The object as its bucket gives it."""
        return platform.store.get(reader.removesuffix(" bucket").removeprefix("the "), self.name)


@dataclass(frozen=True)
class Had:
    """What a platform had in the moment before it was torn down.

    Attributes:
        left: what would be left of it if nothing were removed, by kind.
        claims: those behind its volumes.
        restarted: the containers that were ever started again, and how often.
    """

    left: Mapping[str, Sequence[str]]
    claims: frozenset[str]
    restarted: Mapping[str, int]


GivenBack = Told | Stored
"""Something that was sent somewhere: it knows what it says, and what a reader has of it."""


NEVER_BUILT = frozenset({"grafana"})
"""Images that the project cannot build: their workloads are where a registry serves them."""


@given("the platform is installed")
def platform_is_installed(platform: Platform) -> None:
    assert platform.releases() == {"floe": "deployed"}


@then("its workloads are")
def workloads_are(platform: Platform, datatable: list[list[str]]) -> None:
    images = platform.place.images
    expected = {
        name: Workload(kind, (images[image],), int(replicas), int(replicas))
        for name, kind, image, replicas in datatable[1:]
        if image in images or image not in NEVER_BUILT
    }
    assert platform.workloads() == expected


@then(parse('{service} answers: "{answer}"'))
def service_answers(platform: Platform, service: str, answer: str) -> None:
    name, _, port = service.partition(" on port ")
    assert (platform.answer_on_port(name, int(port)) if port else platform.answer_of(name)) == answer


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


@then(parse('the {owner} database holds the tables its owner made: "{tables}"'))
def database_holds(platform: Platform, owner: str, tables: str) -> None:
    there, listed = platform.database(owner).tables(), tables.split(", ")
    assert {name: there.get(name, "nobody: no such table") for name in listed} == dict.fromkeys(listed, owner)


@then(parse("the {owner} database records the {what}"))
def is_recorded(platform: Platform, request: pytest.FixtureRequest, owner: str, what: str) -> None:
    kind, _, name = what.partition(" ")
    if kind == "run":
        run: Run = request.getfixturevalue("run")
        name, query = run.run_id, "select run_id from runs where run_id = %s and status = 'SUCCESS'"
    elif kind == "job":
        query = "select distinct name from jobs where name = %s"
    else:
        query = "select distinct name from polaris_schema.entities where name = %s"
    assert platform.database(owner).rows(f"find the {kind}", query, name) == [(name,)]


@when(parse("{a} {thing} is sent to {place}"), target_fixture="sent")
def is_sent(platform: Platform, a: str, thing: str, place: str) -> Iterator[GivenBack]:  # noqa: ARG001
    if thing != "object":
        yield Told(SENDERS[thing, place](platform))
        return
    bucket = place.removeprefix("the ").removesuffix(" bucket")
    store, name, content = (
        platform.store,
        f"floe-acceptance/{secrets.token_hex(8)}",
        secrets.token_bytes(1024),
    )
    before = store.objects(bucket)
    store.put(bucket, name, content)
    yield Stored(bucket, name, content, before)
    store.delete(bucket, name)


@then(parse("{reader} gives back what was sent"))
def is_given_back(platform: Platform, sent: GivenBack, reader: str) -> None:
    assert sent.read_from(platform, reader) == sent.content


@then("once deleted it is gone")
def object_is_gone(platform: Platform, sent: Stored) -> None:
    platform.store.delete(sent.bucket, sent.name)
    assert platform.store.objects(sent.bucket) == sent.before


@when("the platform is torn down", target_fixture="had")
def torn_down(platform: Platform) -> Had:
    had = Had(platform.left_over(), platform.claims(), platform.restarted())
    platform.tear_down()
    return had


@then("nothing of it is left")
def nothing_is_left(platform: Platform, had: Had) -> None:
    assert had.restarted == {}
    assert had.claims == CLAIMS
    assert had.left.keys() == EVERYTHING_A_PLATFORM_HAS
    absent = NEVER_BUILT - platform.place.images.keys()
    documented = {str(port) for service, port in NODE_PORTS.items() if service.lower() not in absent}
    assert set(had.left["node ports taken"]) == documented
    assert platform.left_over() == {}


@then("it held no run, no table and no object when it came up")
def began_empty(platform: Platform) -> None:
    assert platform.contents_at_start() == {}
