"""The platform that a story's scenarios share: fresh before the first, gone after the last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from console import settings
from drivers import deliveries as packed
from drivers.deliveries import Delivery
from drivers.floe import Floe
from drivers.helm import Helm
from drivers.kubernetes import Cluster
from drivers.platform import NODE_PORTS, Place, Platform
from foundation import secrecy
from foundation.progress import phase, say
from reports import evidence, tracing
from steps import ahead, diagnostics
from steps.ahead import Ahead

WITH_NODE_PORTS = frozenset({"us1"})
"""Stories whose release has the documented ports: one release per cluster can."""

DELIVERED = {
    "us2": ("stock-levels", "web-visits"),
    "us3": ("parcel-search", "cold-chain"),
    "us5": ("web-visits",),
    "us9": ("parcel-tracking", "parcel-returns"),
}
"""Stories whose release serves small products beside those of the image (features/products)."""

LEAD = 2
"""So many scenarios before the end of a story the stage of the next one is begun; US4 times a run before."""

UNCOMPILED = {"us3": frozenset({"parcel-search"})}
"""The small products that a release has at first as they cannot run: a scenario is to see them come."""

AUTOMATED = {"us3": frozenset({"parcel-search"})}
"""The small products of a story that run by themselves; what a person launches is counted in the others."""


@cache
def _place() -> Place:
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


@dataclass(frozen=True)
class Stage:
    """What the scenarios of one story play on.

    Attributes:
        platform: in a namespace of its own, Ready or late.
        deliveries: the small products that it serves, compiled and packed.
    """

    platform: Platform
    deliveries: Mapping[str, Delivery]


class Stages:
    """The stages of all stories: each is begun once, and taken down beside what comes after it."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._begun: dict[str, tuple[Ahead[Stage], ExitStack]] = {}
        self._threads = ThreadPoolExecutor(1, "taking down")
        self._ending: list[Future[None]] = []

    def begin(self, story: str) -> Ahead[Stage]:
        """The stage of a story, which is set up from now on if it was not before."""
        if story not in self._begun:
            folder, afterwards = self._folders.mktemp("delivered"), ExitStack()
            setting = Ahead(lambda: _set_up(story, folder, afterwards), [()], at_once=1)
            self._begun[story] = setting, afterwards
        return self._begun[story][0]

    def end(self, story: str) -> None:
        """Have the stage of a story taken down; what is still being set up is waited for."""
        setting, afterwards = self._begun.pop(story)
        setting.close()
        self._ending.append(self._threads.submit(_apart, afterwards))

    def close(self) -> None:
        """Wait until all are gone; raises what kept one from it."""
        for story in tuple(self._begun):
            self.end(story)
        self._threads.shutdown()
        for ended in self._ending:
            ended.result()


def _apart(afterwards: ExitStack) -> None:
    with evidence.apart(), secrecy.waiting():
        afterwards.close()


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """The stages of all stories."""
    with closing(Stages(tmp_path_factory)) as every:
        yield every


@pytest.fixture(scope="module", autouse=True)
def setting_up(request: pytest.FixtureRequest, stages: Stages) -> Iterator[Ahead[Stage] | None]:
    """The stage of this story, begun at once where a scenario needs it; with KEEP=1 it is left standing."""
    if not ahead.is_needed(ahead.scenarios_of(request, request.module), "platform"):
        yield None
        return
    story = _story(request.module.__name__)
    yield stages.begin(story)
    stages.end(story)


@pytest.fixture(autouse=True)
def next_is_begun(request: pytest.FixtureRequest, stages: Stages) -> None:
    """Beside the last scenarios of a story the stage of the next one is begun: a second core is there."""
    module = ahead.following(request, LEAD)
    if module is not None and ahead.is_needed(ahead.scenarios_of(request, module), "platform"):
        stages.begin(_story(module.__name__))


@pytest.fixture(scope="module")
def stage(setting_up: Ahead[Stage]) -> Stage:
    """The stage of this story, once it is set up."""
    return setting_up()


@pytest.fixture(scope="module")
def deliveries(stage: Stage) -> Mapping[str, Delivery]:
    """The small products that this story's release serves, compiled and packed."""
    return stage.deliveries


@pytest.fixture(scope="module")
def platform(stage: Stage) -> Iterator[Platform]:
    """The platform of this story."""
    with diagnostics.watching(stage.platform), tracing.sent_to(_traces_of(stage.platform)):
        yield stage.platform


def _traces_of(platform: Platform) -> tracing.Destination:
    """Where the spans of the scenarios go that play on a platform, and how a person sees them there."""
    with_port = platform.namespace.removeprefix("floe-") in WITH_NODE_PORTS
    forward = f"kubectl -n {platform.namespace} port-forward service/jaeger {NODE_PORTS['Jaeger']}"
    return tracing.Destination(
        collector=lambda: platform.otlp,
        jaeger=f"http://{platform.place.address if with_port else 'localhost'}:{NODE_PORTS['Jaeger']}",
        how="" if with_port else forward,
    )


def _set_up(story: str, folder: Path, afterwards: ExitStack) -> Stage:
    """Install the platform with what it serves, and wait until it is Ready or late."""
    limit, called = settings.load().ready_seconds, story.upper()
    deliveries: Mapping[str, Delivery] = {}
    if products := DELIVERED.get(story):
        with phase(f"{called}: {', '.join(products)} compiled"):
            deliveries = packed.of(Floe.installed(), folder, *products)
    platform = Platform(_place(), f"floe-{story}", automated=AUTOMATED.get(story, frozenset()))
    afterwards.callback(_take_down, platform, called)
    if platform.left_by_an_earlier_run():
        with phase(f"{called}: what an earlier run left is removed"):
            platform.tear_down()
    node_ports = {"nodePorts.enabled": "true"} if story in WITH_NODE_PORTS else {}
    late = UNCOMPILED.get(story, frozenset())
    delivered = {
        name: delivery["uncompiled" if name in late else "compiled"] for name, delivery in deliveries.items()
    }
    with phase(f"{called}: platform Ready", budget=limit):
        platform.install(node_ports, limit=limit, products=delivered)
    for name, reason in platform.readiness.late.items():
        say(f"    {name}: {reason}")
    return Stage(platform, deliveries)


def _take_down(platform: Platform, called: str) -> None:
    platform.close()
    if settings.load().keep and platform.standing:
        say(f"kept: namespace {platform.namespace}")
    elif platform.standing:
        with phase(f"{called}: platform gone"):
            platform.tear_down()


def _story(module: str) -> str:
    found = re.search(r"test_(us\d+)_", module)
    if found is None:
        raise pytest.UsageError(f"{module}: a binding is named test_us<number>_<topic>.py")
    return found.group(1)
