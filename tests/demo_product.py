"""A demo product, built once for all tests of a session."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from demo import seeds
from floe_additions.orchestrator.product import Product
from floe_complete.compiling import compile_product
from foundation.cache import ROOT

CREDENTIALS = {"POLARIS_CLIENT_ID": "an-id-at-build-time", "POLARIS_CLIENT_SECRET": "a-secret-at-build-time"}
"""Set while the product is built, so that a test can look for them in what was built."""


def copy_of_the_demo(folder: Path, name: str = "customer-360") -> Path:
    """The platform's manifest and the product's sources with seeds, as an image build has them."""
    shutil.copy(ROOT / "demo" / "manifest.yaml", folder)
    ignored = shutil.ignore_patterns("target", "logs", "floe_macros", "*.csv")
    product = shutil.copytree(ROOT / "demo" / name, folder / name, ignore=ignored)
    seeds.write(name, product / "seeds", seeds.scale_from("0.5"))
    return product


@functools.cache
def built(name: str = "customer-360") -> Product:
    """The product as an image holds it."""
    place = Path(tempfile.mkdtemp(prefix="demo-product-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    folder = copy_of_the_demo(place, name)
    with patch.dict(os.environ, CREDENTIALS):
        compile_product(folder)
    return Product.load(name, folder)
