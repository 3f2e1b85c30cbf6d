"""Small products that are delivered to a platform: compiled as a team does, and packed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from demo.bare import select_released_plugins
from drivers import compilations
from drivers.errors import ServiceError, brief
from drivers.floe import Floe, Project
from drivers.product import SMALL
from foundation import cache
from foundation.cache import SYSTEM
from foundation.errors import PlatformError
from foundation.process import run

ARTIFACT = "compiled_artifacts.json"
STATE = "target/partial_parse.msgpack"
"""What dbt keeps of its parsing; of floe as released it names seeds by their place on this machine."""

_AS_RELEASED = SYSTEM / "images" / "dagster" / "bare.sh"
_SECONDS = 180.0

Delivery = Mapping[str, bytes]
"""A small product, packed, by its state: `compiled`, or `uncompiled` without what floe makes of it.

Further states of a product are those of EDITED.
"""

EDITED: Mapping[str, Mapping[str, str]] = {
    "parcel-search": {"to run every minute": 'schedule:\n  cron: "* * * * *"\n'},
}
"""By product, what a state adds to the end of its floe.yaml before it is compiled."""


def of(floe: Floe, folder: Path, *products: str) -> dict[str, Delivery]:
    """Compile small products, each in a folder of its own, and pack them.

    Raises:
        ServiceError: one of them does not compile; with what was said.
    """

    def made(product: str, state: str) -> Delivery:
        project = _team(floe, folder / state / product, product)
        spec = f"{product}/floe.yaml"
        project.write(spec, project.read(spec) + EDITED.get(product, {}).get(state, ""))
        packed = _packed(floe, project, product)
        return packed if state == "compiled" else {state: packed["compiled"]}

    wanted = [(product, state) for product in products for state in ("compiled", *EDITED.get(product, ()))]
    with ThreadPoolExecutor() as all_at_once:
        packed = list(all_at_once.map(lambda one: (one[0], made(*one)), wanted))
    return {
        product: {state: held for name, states in packed if name == product for state, held in states.items()}
        for product in products
    }


def with_compute(floe: Floe, folder: Path, product: str, compute: str) -> bytes:
    """A small product, compiled for a manifest in which one line is another, and packed.

    Raises:
        ServiceError: it does not compile; with what was said.
    """
    project = _team(floe, folder, product)
    chosen = yaml.safe_load(project.read("manifest.yaml"))["plugins"]["compute"]["type"]
    project.edit("manifest.yaml", f"    type: {chosen}\n", f"    type: {compute}\n")
    return _packed(floe, project, product)["compiled"]


def changed(floe: Floe, folder: Path, product: str, change: Callable[[Path], None]) -> bytes:
    """A small product, compiled after a team has changed it, and packed.

    Args:
        floe: what compiles it.
        folder: where the team works.
        product: its name.
        change: is given the product's folder.

    Raises:
        ServiceError: it does not compile; with what was said.
    """
    project = _team(floe, folder, product)
    change(project.folder / product)
    return _packed(floe, project, product)["compiled"]


def _packed(floe: Floe, project: Project, product: str) -> Delivery:
    """A team's product, compiled and packed; nothing is compiled again that the same floe compiled before."""
    kept_here = frozenset() if floe.completed else frozenset({STATE})

    def make(place: Path) -> None:
        _compile(floe, project, product)
        (place / "compiled").write_bytes(project.packed(product, without=kept_here))
        (place / "uncompiled").write_bytes(project.packed(product, without=kept_here | {ARTIFACT}))

    def read(place: Path) -> Delivery:
        return {state: (place / state).read_bytes() for state in ("compiled", "uncompiled")}

    if cache.cache_root() not in floe.home.parents:  # somebody's own: its path says nothing of what is in it
        with TemporaryDirectory(prefix="floe-delivered-") as place:
            make(Path(place))
            return read(Path(place))
    inputs: list[Path | str] = [str(floe.home), product, *kept_here, _AS_RELEASED, project.folder]
    return read(cache.entry("delivered", cache.digest_of(inputs), make))


def _team(floe: Floe, folder: Path, product: str) -> Project:
    project = Project.of_the_demo(folder)
    project.add(SMALL / product)
    if not floe.completed:
        select_released_plugins(project.folder / "manifest.yaml")
    return project


def _compile(floe: Floe, project: Project, product: str) -> None:
    if not floe.completed:
        _compile_as_released(floe, project, product)
        return
    done = compilations.compiled(floe, project, product).outcome
    if done.code != 0:
        raise ServiceError(f"compile {product}", of="floe", answer=brief(done.err, 1500))


def _compile_as_released(floe: Floe, project: Project, product: str) -> None:
    """As the image does: floe's command, and what no command of it does."""
    surrounding = {"PATH": f"{floe.home / 'bin'}:/usr/local/bin:/usr/bin:/bin"}
    try:
        run(["sh", _AS_RELEASED, project.folder / product], timeout=_SECONDS, env=surrounding)
    except PlatformError as refused:
        raise ServiceError(f"compile {product}", of="floe", answer=brief(refused, 1500)) from refused
