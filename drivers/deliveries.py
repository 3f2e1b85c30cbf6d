"""Products that are delivered to a platform: compiled as a team does, and packed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from demo.bare import select_released_plugins
from drivers import compilations
from drivers.errors import ServiceError, brief
from drivers.floe import DEMO, Floe, Project
from drivers.product import Product
from foundation.cache import ROOT, SYSTEM
from foundation.errors import PlatformError
from foundation.process import run

SMALL = ROOT / "features" / "products"
"""Products of two models, for what is the same for a product of any size."""

ARTIFACT = "compiled_artifacts.json"
_AS_RELEASED = SYSTEM / "images" / "dagster" / "bare.sh"
_SECONDS = 180.0


Delivery = Mapping[str, bytes]
"""A small product, packed, by its state: `compiled`, or `uncompiled` without what floe makes of it."""


def job_of(product: str) -> str:
    """The name of the job that runs a product."""
    return product.replace("-", "_")


def tables_of(product: str) -> frozenset[str]:
    """The tables of a product, small or of the demo, as its own files name them."""
    if (SMALL / product).is_dir():
        return _models(SMALL / product)
    return _models(DEMO / product) | frozenset(Product(product).seeds)


def of(floe: Floe, folder: Path, *products: str) -> dict[str, Delivery]:
    """Compile small products, each in a folder of its own, and pack them.

    Raises:
        ServiceError: one of them does not compile; with what was said.
    """
    with ThreadPoolExecutor() as all_at_once:
        made = all_at_once.map(lambda product: _delivery(floe, folder / product, product), products)
        return dict(zip(products, made, strict=True))


def _delivery(floe: Floe, folder: Path, product: str) -> Delivery:
    project = Project.of_the_demo(folder)
    project.add(SMALL / product)
    if floe.completed:
        done = compilations.compiled(floe, project, product).outcome
        if done.code != 0:
            raise ServiceError(f"compile {product}", of="floe", answer=brief(done.err, 1500))
    else:
        _compile_as_released(floe, project, product)
    without = project.packed(product, without=frozenset({ARTIFACT}))
    return {"compiled": project.packed(product), "uncompiled": without}


def _compile_as_released(floe: Floe, project: Project, product: str) -> None:
    """As the image does: floe's command, and what no command of it does."""
    select_released_plugins(project.folder / "manifest.yaml")
    surrounding = {"PATH": f"{floe.home / 'bin'}:/usr/local/bin:/usr/bin:/bin"}
    try:
        run(["sh", _AS_RELEASED, project.folder / product], timeout=_SECONDS, env=surrounding)
    except PlatformError as refused:
        raise ServiceError(f"compile {product}", of="floe", answer=brief(refused, 1500)) from refused


def _models(folder: Path) -> frozenset[str]:
    transforms = yaml.safe_load((folder / "floe.yaml").read_text(encoding="utf-8"))["transforms"]
    return frozenset(model["name"] for model in transforms)
