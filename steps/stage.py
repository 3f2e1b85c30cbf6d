"""The platform that a story's scenarios share: fresh before the first, gone after the last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from console import settings
from drivers import deliveries as packed
from drivers.deliveries import Delivery
from drivers.floe import Floe
from drivers.helm import Helm
from drivers.kubernetes import Cluster
from drivers.platform import Place, Platform
from foundation.progress import phase, say
from reports import evidence
from steps import diagnostics

WITH_NODE_PORTS = frozenset({"us1"})
"""Stories whose release has the documented ports: one release per cluster can."""

DELIVERED = {"us2": ("stock-levels", "web-visits"), "us5": ("web-visits",)}
"""Stories whose release serves small products beside those of the image (features/products)."""


@pytest.fixture(scope="session")
def place() -> Place:
    """A running cluster with every image on it; brought up if there is none."""
    from cluster import tools  # noqa: PLC0415 - a cluster is prepared by the first story that needs it
    from console import prepare  # noqa: PLC0415

    prepared = prepare.ready()
    kubeconfig = Path(prepared.cluster.kubeconfig)
    cluster = Cluster(kubeconfig)
    evidence.component("Kubernetes", cluster.version())
    return Place(
        cluster=cluster,
        helm=Helm(tools.helm(), kubeconfig),
        kubectl=tools.kubectl(),
        kubeconfig=kubeconfig,
        address=prepared.cluster.node_address(),
        values=prepared.values,
    )


@pytest.fixture(scope="module")
def deliveries(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Delivery]:
    """The small products that this story's release serves, compiled and packed."""
    products = DELIVERED.get(_story(request.module.__name__), ())
    if not products:
        return {}
    with phase(f"{', '.join(products)} compiled"):
        return packed.of(Floe.installed(), tmp_path_factory.mktemp("delivered"), *products)


@pytest.fixture(scope="module")
def platform(
    place: Place, deliveries: Mapping[str, Delivery], request: pytest.FixtureRequest
) -> Iterator[Platform]:
    """The platform of this story in a namespace of its own; with KEEP=1 it is left standing."""
    story = _story(request.module.__name__)
    chosen = settings.load()
    made = Platform(place, f"floe-{story}")
    node_ports = {"nodePorts.enabled": "true"} if story in WITH_NODE_PORTS else {}
    try:
        with diagnostics.watching(made):
            if made.left_by_an_earlier_run():
                with phase(f"{story.upper()}: what an earlier run left is removed"):
                    made.tear_down()
            with phase(f"{story.upper()}: platform Ready", budget=chosen.ready_seconds):
                products = {name: delivery["compiled"] for name, delivery in deliveries.items()}
                made.install(node_ports, limit=chosen.ready_seconds, products=products)
            for name, reason in made.readiness.late.items():
                say(f"    {name}: {reason}")
            yield made
    finally:
        made.close()
        if chosen.keep and made.standing:
            say(f"kept: namespace {made.namespace}")
        elif made.standing:
            with phase(f"{story.upper()}: platform gone"):
                made.tear_down()


def _story(module: str) -> str:
    found = re.search(r"test_(us\d+)_", module)
    if found is None:
        raise pytest.UsageError(f"{module}: a binding is named test_us<number>_<topic>.py")
    return found.group(1)
