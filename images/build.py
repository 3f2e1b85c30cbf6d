"""Building what changed: an image is its inputs' digest, so what is in the cache is up to date."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from foundation.cache import cache_root, entry, locked
from foundation.errors import PlatformError, UserError
from foundation.progress import phase, say
from images import archives, published, values
from images.engine import Buildah, Docker, Engine
from images.model import REPOSITORY, Image
from images.recipes import ADDITIONS, Recipe, additions, base_inputs, recipes
from images.work import sweep, work_folder

STAND_INS = frozenset({"polaris", "marquez"})
"""The images that are stand-ins where they are built here."""

KEPT = 2
"""Archives of an image that stay in the cache: the one in use and the one before."""


class ImageSet:
    """What the platform runs on this cluster: built here, given as archives, or published.

    Attributes:
        cluster: name of the provider it is for.
        engine: builds what is built.
        given: archives a person put in place of built or published images.
        public: references the nodes pull themselves (kind, existing).
    """

    def __init__(self, cluster: str, engine: Engine, folder: Path = archives.FOLDER) -> None:
        self.cluster = cluster
        self.engine = engine
        self.given = archives.given(folder)
        self.public = {} if cluster == "local" else published.references()
        if additions() == "off" and "dagster" in self.given:
            raise UserError(
                f"{ADDITIONS}=off, but the image dagster is given as an archive with built products",
                remedy=f"take that archive out of {folder.name}/, or unset {ADDITIONS}",
            )

    @property
    def recipes(self) -> list[Recipe]:
        """What is built here: all that is neither given nor published."""
        return [one for one in recipes() if one.name not in self.given and one.name not in self.public]

    def ref(self, recipe: Recipe) -> str:
        """The reference of what this recipe makes from the inputs as they are now."""
        on_base = base_inputs(recipe) if self.engine.name == Buildah.name else []
        return f"{REPOSITORY}/{recipe.name}:{recipe.digest(self.engine.name, base=on_base)}"

    def image(self, recipe: Recipe) -> Image:
        """The image of this recipe; it is built if its archive does not exist."""
        ref = self.ref(recipe)
        return Image(name=recipe.name, ref=ref, archive=archive_of(ref))

    def build(self, recipe: Recipe) -> Image:
        """Build the image unless the cache has it, and say in one line which it was."""
        image = self.image(recipe)
        if image.archive.exists():
            os.utime(image.archive.parent)
            say(f"ok  image {recipe.name}: unchanged ({_megabytes(image.size)})")
            return image
        with phase(f"image {recipe.name}: build"):
            entry(_KIND, image.archive.parent.name, lambda work: self._make(recipe, image.ref, work))
        say(f"    {image.ref} ({_megabytes(image.size)})")
        self._prune(recipe.name, image)
        return image

    def loaded(self) -> list[Image]:
        """All images that must be brought to the cluster, built where needed."""
        return [*self.given.values(), *(self.build(recipe) for recipe in self.recipes)]

    def names(self, images: Iterable[Image]) -> dict[str, str]:
        """What pods call every image, by its name: built, given and published."""
        loaded = {image.name: image.ref for image in images}
        if self.cluster == "existing":
            from cluster import provider  # noqa: PLC0415 - only there images are called otherwise

            loaded = {name: provider().reference(ref) for name, ref in loaded.items()}
        return self.public | loaded

    def _make(self, recipe: Recipe, ref: str, work: Path) -> None:
        with work_folder() as context:
            recipe.fill(context)
            base = self.engine.base(recipe.base) if recipe.base else {}
            self.engine.build(context, recipe.containerfile, ref, {**base, **dict(recipe.settings)})
        self.engine.save(ref, work / _ARCHIVE)

    def _prune(self, name: str, current: Image) -> None:
        """Drop archives that were not used for long: each has the size of its image."""
        kept = sorted(
            (folder for folder in (cache_root() / _KIND).glob(f"{name}-*") if folder.is_dir()),
            key=lambda folder: folder.stat().st_mtime,
            reverse=True,
        )
        kept.sort(key=lambda folder: folder != current.archive.parent)
        for folder in kept[KEPT:]:
            if time.time() - folder.stat().st_mtime > _YOUNG:
                shutil.rmtree(folder, ignore_errors=True)
        # Room is all that is lost when an older image cannot be dropped, so it fails no build.
        with suppress(PlatformError):
            self.engine.forget(name, {_ref_of(folder) for folder in kept[:KEPT]})


_KIND = "images"
_ARCHIVE = "image.tar"
_YOUNG = 600.0
"""Seconds during which another checkout may still be loading the archive it just built."""


def archive_of(ref: str) -> Path:
    """Where the archive of an image built here lies in the cache."""
    name, _, tag = ref.rpartition("/")[2].partition(":")
    return cache_root() / _KIND / f"{name}-{tag}" / _ARCHIVE


def _ref_of(folder: Path) -> str:
    name, _, tag = folder.name.rpartition("-")
    return f"{REPOSITORY}/{name}:{tag}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def image_set() -> ImageSet:
    """The images for the cluster that is chosen here."""
    from cluster.provider import choose, docker_answers  # noqa: PLC0415 - building imports no cluster

    cluster = choose()
    with_docker = cluster == "kind" or (cluster == "existing" and docker_answers())
    return ImageSet(cluster, Docker() if with_docker else Buildah())


def build_all() -> list[Image]:
    """Build what changed; return every image the cluster must have loaded.

    The chart's values naming all of them are written to .cluster/images-values.yaml.
    One build at a time on this machine: a second call waits and says for whom.
    """
    chosen = image_set()
    with _alone():
        images = chosen.loaded()
    values.write(
        chosen.names(images),
        stand_ins=STAND_INS - {*chosen.given, *chosen.public},
        additions=additions() == "on",
    )
    return images


def build_one(name: str) -> Image:
    """Build one image by its name, as `build_all` would.

    Raises:
        UserError: nothing of this name is built here.
    """
    chosen = image_set()
    by_name = {recipe.name: recipe for recipe in chosen.recipes}
    if name not in by_name:
        raise UserError(f"no image {name!r} is built here", remedy=f"one of: {', '.join(sorted(by_name))}")
    with _alone():
        return chosen.build(by_name[name])


@contextmanager
def _alone() -> Iterator[None]:
    """One build at a time on this machine; a second waits and says for whom."""
    with locked("images", waiting=lambda holder: say(f"waiting: {holder} builds images")):
        sweep()
        yield
