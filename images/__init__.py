"""The images of the platform: what changed is built, and everything is named for the chart.

python -m images            build what changed, load it into the cluster
python -m images build NAME build one image
python -m images list       references and sizes
"""

from __future__ import annotations

from images.build import build_all, build_one, image_set
from images.model import Image

__all__ = ["Image", "build_all", "build_one", "image_set"]
