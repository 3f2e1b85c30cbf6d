"""`python -m demo.bare MANIFEST`: make a manifest one of floe as released, by the plugins of bare.yaml."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

PLUGINS = Path(__file__).with_suffix(".yaml")


def select_released_plugins(manifest: Path) -> None:
    """Rewrite a manifest so that it names no plugin of the additions; all else in it stays."""
    content = yaml.safe_load(manifest.read_text())
    content["plugins"] |= yaml.safe_load(PLUGINS.read_text())
    manifest.write_text(yaml.safe_dump(content, sort_keys=False))


if __name__ == "__main__":
    select_released_plugins(Path(sys.argv[1]))
