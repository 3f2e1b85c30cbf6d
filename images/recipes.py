"""What each image is made of: files of the checkout, a root file system, generated parts, settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foundation.cache import SYSTEM, digest_of
from foundation.errors import UserError
from images import jaeger, minio, rootfs

HERE = Path(__file__).resolve().parent
SEED_SCALE = "FLOE_DEMO_SEED_SCALE"
ADDITIONS = "ADDITIONS"

_NO_INPUT = frozenset(
    {"__pycache__", "build", "target", "logs", "dbt_packages", "floe_macros", "node_modules"}
)
_NO_INPUT_NAMES = frozenset({".user.yml", "compiled_artifacts.json", "definitions.py", "profiles.yml"})


@dataclass(frozen=True)
class Recipe:
    """How one image is made.

    Attributes:
        name: the image's name.
        containerfile: its Containerfile, from the checkout's root.
        files: files and folders of the checkout it is made from; in the build context they have
            the same paths, so the Containerfile also builds from the checkout itself.
        base: folder of the root file system given as BASE; None for an image from scratch.
        settings: build arguments.
        inputs: what else decides the content.
        generate: puts the parts that are built elsewhere into the context.
    """

    name: str
    containerfile: str
    files: tuple[str, ...]
    base: Path | None = None
    settings: tuple[tuple[str, str], ...] = ()
    inputs: Callable[[], Sequence[Path | str]] = field(default=tuple)
    generate: Callable[[Path], None] = field(default=lambda _context: None)

    def digest(self, *surroundings: str, base: Sequence[Path | str] = ()) -> str:
        """The digest of all inputs; with `surroundings` such as the engine that builds it."""
        parts: list[Path | str] = [*surroundings, *base, *self.inputs()]
        parts += [f"{key}={value}" for key, value in self.settings]
        for path in self.sources():
            parts += [str(path.relative_to(SYSTEM)), path]
        return digest_of(parts)

    def sources(self) -> list[Path]:
        """Every file of the checkout that goes into the build context."""
        named = [SYSTEM / name for name in dict.fromkeys((self.containerfile, *self.files))]
        for path in named:
            if not path.exists():
                raise UserError(
                    f"{path.relative_to(SYSTEM)} is missing; the image {self.name} is made from it",
                    remedy=f"git checkout -- {path.relative_to(SYSTEM)}",
                )
        return [file for path in named for file in ([path] if path.is_file() else sorted(_tree(path)))]

    def fill(self, context: Path) -> None:
        """Make the build context: exactly the inputs, at their paths in the checkout."""
        for path in self.sources():
            place = context / path.relative_to(SYSTEM)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)
        self.generate(context)


def _tree(folder: Path) -> Iterator[Path]:
    """The files of a folder that are source, not what a tool made there."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        made = _NO_INPUT.intersection(inside) or any(part.endswith(".egg-info") for part in inside)
        generated = path.suffix == ".csv" and path.parent.name == "seeds"
        made = made or path.name in _NO_INPUT_NAMES or path.suffix == ".pyc"
        if path.is_file() and not made and not generated:
            yield path


def _minio(context: Path) -> None:
    shutil.copy2(minio.binary(), context / "minio")


def _jaeger(context: Path) -> None:
    shutil.copy2(jaeger.binary(), context / "jaeger")


def recipes() -> list[Recipe]:
    """The images built here, those that take longest last."""
    return [
        Recipe(
            name="minio",
            containerfile="images/minio/Containerfile",
            files=("images/minio/go.mod", "images/minio/go.sum"),
            inputs=lambda: [minio.version()],
            generate=_minio,
        ),
        Recipe(
            name="jaeger",
            containerfile="images/jaeger/Containerfile",
            files=("images/jaeger/go.mod", "images/jaeger/go.sum"),
            inputs=lambda: [jaeger.RELEASE],
            generate=_jaeger,
        ),
        Recipe(
            name="prometheus",
            containerfile="images/prometheus/Containerfile",
            files=(),
            base=HERE / "prometheus",
        ),
        Recipe(
            name="postgresql",
            containerfile="images/postgresql/Containerfile",
            files=("images/postgresql/entrypoint.sh",),
            base=HERE / "postgresql",
        ),
        _polaris(),
        _marquez(),
        Recipe(
            name="dagster",
            containerfile="images/dagster/Containerfile",
            files=(
                "requirements-uv.lock",
                "images/dagster/requirements.lock",
                "images/dagster/install.sh",
                "images/dagster/trim.txt",
                "images/dagster/additions.sh",
                "images/dagster/products.sh",
                "images/dagster/bare.sh",
                "additions",
                "foundation/__init__.py",
                "foundation/errors.py",
                "demo",
            ),
            base=HERE / "base",
            settings=((SEED_SCALE, seed_scale()), ("FLOE_ADDITIONS", additions())),
        ),
    ]


def _polaris() -> Recipe:
    """The catalog stand-in; it knows itself what it is made of."""
    from standins.polaris import build  # noqa: PLC0415 - only where the stand-in is built

    return Recipe(
        name="polaris",
        containerfile="standins/polaris/Containerfile",
        files=build.FILES,
        base=HERE / "base",
        inputs=build.inputs,
        generate=build.fill,
    )


def _marquez() -> Recipe:
    """The lineage stand-in; it knows itself what it is made of."""
    from standins.marquez import build  # noqa: PLC0415 - only where the stand-in is built

    return Recipe(
        name="marquez",
        containerfile="standins/marquez/Containerfile",
        files=build.FILES,
        base=HERE / "base",
        inputs=build.inputs,
        generate=build.fill,
    )


def seed_scale() -> str:
    """The demo's scale in one spelling (10, 10.0 and 1e1 are the same), checked by the generator."""
    from demo.seeds import scale_from  # noqa: PLC0415 - the demo is an input, not a part of images

    return f"{scale_from(os.environ.get(SEED_SCALE)).normalize():f}"


def additions() -> str:
    """`on`: products are built with the additions; `off`: with floe as released.

    Raises:
        UserError: the variable ADDITIONS is neither.
    """
    chosen = os.environ.get(ADDITIONS) or "on"
    if chosen not in ("on", "off"):
        raise UserError(
            f"{ADDITIONS}={chosen!r} is neither on nor off", remedy=f"{ADDITIONS}=off, or unset it"
        )
    return chosen


def base_inputs(recipe: Recipe) -> list[Path | str]:
    """What decides the root file system a recipe stands on."""
    return rootfs.inputs(recipe.base) if recipe.base else []
