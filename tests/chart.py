"""The chart as Helm renders it, and questions about it, for the tests of the chart."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from cluster.tools import helm
from foundation.cache import ROOT
from foundation.process import run

CHART = ROOT / "charts" / "floe-platform"
NAMESPACE = "floe-test"
VALUES = {name: CHART / f"values-{name}.yaml" for name in ("local", "kind", "existing", "demo")}
IMAGES = {
    name: f"localhost/floe-e2e/{name.lower()}:0123456789abcdef"
    for name in (
        "postgresql",
        "minio",
        "polaris",
        "polarisAdmin",
        "marquez",
        "jaeger",
        "prometheus",
        "grafana",
        "dagster",
    )
}

COMBINATIONS = {
    "local": ("local",),
    "kind": ("kind",),
    "existing": ("existing",),
    "local demo": ("local", "demo"),
    "kind demo": ("kind", "demo"),
}
"""What the values files are used for: a cluster, and the demo on top of one."""

Object = dict[str, Any]
Settings = Mapping[str, Any]


class Pod(NamedTuple):
    """A pod that the release brings, under the name of the object that makes it."""

    owner: str
    kind: str
    spec: Object
    metadata: Object

    @property
    def containers(self) -> list[Object]:
        """All of them, those that run first included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def options(combination: tuple[str, ...], settings: Settings | None = None) -> list[str]:
    """Helm's options for a combination of values files, with settings such as `dagster.uid` on top."""
    chosen = [f"--values={VALUES[name]}" for name in combination]
    everything = {f"global.images.{name}": ref for name, ref in IMAGES.items()}
    everything.update(settings or {})
    return chosen + [f"--set-json={name}={json.dumps(value)}" for name, value in everything.items()]


def render(combination: tuple[str, ...] = ("local",), settings: Settings | None = None) -> list[Object]:
    """The objects of the release, rendered anew.

    Raises:
        PlatformError: Helm refused; with what it said.
    """
    text = run(
        [helm(), "template", "floe", CHART, f"--namespace={NAMESPACE}", *options(combination, settings)],
        timeout=60,
    )
    return list(yaml.safe_load_all(text))


@functools.cache
def rendered(*combination: str) -> tuple[Object, ...]:
    """The objects of the release, rendered once for all tests that only look."""
    return tuple(render(combination or ("local",)))


def of_kind(objects: tuple[Object, ...] | list[Object], kind: str) -> dict[str, Object]:
    """The objects of a kind by name."""
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def pods(objects: tuple[Object, ...] | list[Object]) -> list[Pod]:
    """Every pod of the release, by the template that makes it."""
    return [
        Pod(f"{item['kind']}/{item['metadata']['name']}", item["kind"], pod["spec"], pod["metadata"])
        for item in objects
        if item["kind"] in {"Deployment", "StatefulSet", "Job", "DaemonSet", "Pod"}
        for pod in (item if item["kind"] == "Pod" else item["spec"]["template"],)
    ]


def texts(value: object) -> Iterator[str]:
    """Every text in an object, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def leaves(value: object, path: str = "") -> dict[str, object]:
    """A tree of values as flat names, `global.images.minio`, with what they hold."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    flat: dict[str, object] = {}
    for key, item in value.items():
        flat.update(leaves(item, f"{path}.{key}" if path else str(key)))
    return flat


SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|CLIENT_ID|ACCESS_KEY|ROOT_USER|CREDENTIAL", re.IGNORECASE)
"""Names of variables that hold a credential."""
