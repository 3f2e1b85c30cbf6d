"""Image archives that a person put in place of what would be built: see archives/README.md."""

from __future__ import annotations

from pathlib import Path

from foundation.errors import UserError
from images.model import Image, references

FOLDER = Path(__file__).resolve().parent / "archives"
NAMES = (
    "postgresql",
    "minio",
    "polaris",
    "polaris-admin",
    "marquez",
    "jaeger",
    "prometheus",
    "grafana",
    "dagster",
)
_ADMIN = "admin-tool"


def given(folder: Path = FOLDER) -> dict[str, Image]:
    """The archives in the folder, by the image each replaces.

    polaris.tar may hold the server and its admin tool, or polaris-admin.tar holds the latter.

    Raises:
        UserError: an archive has an unknown name, is not readable, or the pair is incomplete.
    """
    found: dict[str, Image] = {}
    for archive in sorted(folder.glob("*.tar")):
        name = archive.stem
        if name not in NAMES:
            raise UserError(
                f"{archive} replaces no image",
                remedy=f"name it after what it replaces: {', '.join(f'{known}.tar' for known in NAMES)}",
            )
        held = references(archive)
        if name == "polaris":
            tools = [ref for ref in held if _ADMIN in ref]
            held = [ref for ref in held if ref not in tools]
            if tools:
                found["polaris-admin"] = Image(name="polaris-admin", ref=tools[0], archive=archive)
        if len(held) != 1:
            raise UserError(
                f"{archive} holds {len(held)} images for {name}: {', '.join(held) or 'none'}",
                remedy="save exactly one: `docker save NAME:TAG -o FILE`",
            )
        found[name] = Image(name=name, ref=held[0], archive=archive)
    if "polaris" in found and "polaris-admin" not in found:
        raise UserError(
            f"{folder / 'polaris.tar'} is there, but not the admin tool that bootstraps its realm",
            remedy=f"put apache/polaris-admin-tool of the same version into {folder / 'polaris-admin.tar'}",
        )
    return found
