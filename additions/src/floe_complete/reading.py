"""Reading what a team wrote: floe.yaml and manifest.yaml."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from floe_complete import checks, schema, wording
from floe_complete.document import Document, FieldPath, Kind, file_meant, load, meant, shown
from floe_complete.problems import Problem, RefusedError
from floe_complete.shapes import Shape

if TYPE_CHECKING:
    from floe_core.schemas.floe_spec import FloeSpec
    from floe_core.schemas.manifest import PlatformManifest
    from pydantic import BaseModel

    Model = TypeVar("Model", bound=BaseModel)

PRODUCT = Kind(
    "floe.yaml",
    "a product's apiVersion, kind, metadata, platform and transforms",
    "run it in a product's folder, or name that folder",
)
MANIFEST = Kind(
    "manifest.yaml",
    "a platform's apiVersion, kind, metadata and plugins",
    "name the platform's manifest: --manifest FILE",
)
"""The two files that a compilation reads."""


@dataclass(frozen=True)
class Sources:
    """A product and the platform it is compiled for, read and found right.

    Attributes:
        spec_file: the floe.yaml.
        manifest_file: the manifest.
    """

    spec_file: Path
    manifest_file: Path
    spec: FloeSpec
    manifest: PlatformManifest


def sources_of(folder: Path, manifest: Path | None = None) -> Sources:
    """Read a product's folder, and the manifest that its floe.yaml names.

    Args:
        folder: holds floe.yaml.
        manifest: another manifest to read than `platform.manifest` names.

    Raises:
        RefusedError: something in them is wrong; with all that is.
    """
    spec_file = folder / PRODUCT.file
    if manifest is not None:
        return read(spec_file, manifest)
    document = load(spec_file, PRODUCT)
    try:
        manifest = _manifest_of(document, folder)
    except RefusedError as refused:
        raise RefusedError([*_product(document, folder, {})[1], *refused.problems]) from None
    return _read(spec_file, document, manifest)


def read(spec_file: Path, manifest_file: Path) -> Sources:
    """Read both files.

    Raises:
        RefusedError: something in them is wrong; with all that is.
    """
    try:
        document = load(spec_file, PRODUCT)
    except RefusedError as refused:
        raise RefusedError([*refused.problems, *_platform(manifest_file)[2]]) from None
    return _read(spec_file, document, manifest_file)


def read_manifest(file: Path) -> PlatformManifest:
    """Read a manifest alone, as one that another inherits from.

    Raises:
        RefusedError: something in it is wrong; with all that is.
    """
    manifest, _, wrong = _platform(file)
    if manifest is None or wrong:
        raise RefusedError(wrong)
    return manifest


def _read(spec_file: Path, document: Document, manifest_file: Path) -> Sources:
    manifest, says, wrong_there = _platform(manifest_file)
    spec, wrong = _product(document, spec_file.parent, says)
    if spec is None or manifest is None or wrong or wrong_there:
        raise RefusedError([*wrong, *wrong_there])
    return Sources(spec_file, manifest_file, spec, manifest)


# ---- which manifest


def _manifest_of(document: Document, folder: Path) -> Path:
    """The manifest that a floe.yaml names.

    Raises:
        RefusedError: it names none that can be read; without a problem where the shape of the field is
            wrong, which is told with the rest of the file.
    """
    path = ("platform", "manifest")
    named = wording.value_at(path, document.content)
    expected = "the path of the platform's manifest from here, such as ../manifest.yaml"
    if named is None and isinstance(document.content.get("platform"), dict | None):
        remedy = "write it there, or name one: --manifest FILE"
        raise RefusedError([document.problem(path, found="is missing", expected=expected, remedy=remedy)])
    if not isinstance(named, str):
        raise RefusedError([])
    if re.match(r"[a-z][a-z0-9+.-]*://", named):
        found = f"{wording.found(named)} is an address, and nothing is fetched to compile"
        remedy = "download it, and name the file: --manifest FILE"
        raise RefusedError([document.problem(path, found=found, expected=expected, remedy=remedy)])
    file = folder / named
    if not _is_there(file):
        found = f"there is no file {wording.found(shown(Path(named)))}"
        remedy = file_meant(file) or "correct the path, or name one: --manifest FILE"
        raise RefusedError([document.problem(path, found=found, expected=expected, remedy=remedy)])
    plain = Path(os.path.normpath(file))
    return plain if plain.exists() and plain.samefile(file) else file


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:
        return False


# ---- the two files


def _product(
    document: Document, folder: Path, manifest: Mapping[str, Any]
) -> tuple[FloeSpec | None, list[Problem]]:
    from floe_core.schemas.floe_spec import FORBIDDEN_ENVIRONMENT_FIELDS, FloeSpec  # noqa: PLC0415 - slow

    shape = _shape(schema.of_product())
    if strange := _of_another_kind(document, shape):
        return None, strange
    forbidden = list(_named(document.content, (), FORBIDDEN_ENVIRONMENT_FIELDS))
    told = [_of_an_environment(document, path) for path in forbidden]
    spec, wrong = _validated(FloeSpec, _without(document.content, forbidden), document, shape)
    across = checks.problems(checks.Place(document, folder, manifest))
    # Names that are there twice are told by the checks, with both lines.
    plain = [one for one in wrong if not one.found.startswith("duplicate ")] if across else wrong
    return spec, _once([*told, *plain, *across])


def _platform(file: Path) -> tuple[PlatformManifest | None, Mapping[str, Any], list[Problem]]:
    try:
        document = load(file, MANIFEST)
    except RefusedError as refused:
        return None, {}, list(refused.problems)
    from floe_core.schemas.manifest import PlatformManifest  # noqa: PLC0415 - slow

    shape = _shape(schema.of_manifest())
    if strange := _of_another_kind(document, shape):
        return None, {}, strange
    known = {*shape.fields, *PlatformManifest.model_fields}
    unknown: list[FieldPath] = [(field,) for field in document.content if field not in known]
    told = [wording.unknown_field(path, document, shape) for path in unknown]
    manifest, wrong = _validated(PlatformManifest, _without(document.content, unknown), document, shape)
    return manifest, document.content, _once([*told, *wrong])


def _shape(of: schema.Schema) -> Shape:
    return Shape(of, of)


def _of_another_kind(document: Document, shape: Shape) -> list[Problem]:
    """A file of another kind or version: what else is wrong with it would be noise."""
    fields: tuple[FieldPath, ...] = (("apiVersion",), ("kind",))
    return [
        document.problem(
            path,
            found=wording.found(value),
            expected=(choices := shape.at(path).choices)[0],
            remedy=meant(str(value), choices),
            stage="LOAD",
        )
        for path in fields
        if (value := wording.value_at(path, document.content)) is not None
        and value not in shape.at(path).choices
    ]


def _validated(
    model: type[Model], content: Mapping[str, Any], document: Document, shape: Shape
) -> tuple[Model | None, list[Problem]]:
    from pydantic import ValidationError  # noqa: PLC0415 - slow

    try:
        return model.model_validate(content), []
    except ValidationError as refused:
        return None, wording.problems(refused.errors(include_url=False), document, shape)


def _named(content: object, path: FieldPath, names: Collection[str]) -> Iterator[FieldPath]:
    """Where fields of these names stand, at any depth."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key.lower() in names:
                yield (*path, key)
            else:
                yield from _named(value, (*path, key), names)
    elif isinstance(content, list):
        for position, value in enumerate(content):
            yield from _named(value, (*path, position), names)


def _without(content: Mapping[str, Any], paths: Collection[FieldPath]) -> dict[str, Any]:
    """The content without some fields, so that all else in it is judged as well."""

    def copied(value: object, path: FieldPath) -> Any:
        if isinstance(value, Mapping):
            kept = {key: inner for key, inner in value.items() if (*path, key) not in paths}
            return {key: copied(inner, (*path, key)) for key, inner in kept.items()}
        if isinstance(value, list):
            return [copied(inner, (*path, position)) for position, inner in enumerate(value)]
        return value

    result: dict[str, Any] = copied(content, ())
    return result


def _of_an_environment(document: Document, path: FieldPath) -> Problem:
    ports = path[0] == "outputPorts"
    return document.problem(
        path,
        found="is a field that no floe.yaml may have: a product is the same in every environment",
        expected="connections and credentials in manifest.yaml alone",
        remedy="leave outputPorts out, floe 0.1.0a1 cannot take them" if ports else "remove it",
        stage="LOAD",
    )


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """One problem a field, the first that was found, in the order of the file."""
    fields: dict[tuple[str, str], Problem] = {}
    for one in problems:
        fields.setdefault((one.file, one.field), one)
    return sorted(fields.values(), key=lambda one: one.line)
