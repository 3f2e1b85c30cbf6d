"""What a compilation leaves: made elsewhere, the same for the same input, and put in its place at the end."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from floe_complete.dbt import MACROS

EPOCH = "SOURCE_DATE_EPOCH"
"""The variable that reproducible builds give their one moment by, in seconds since 1970."""

ARTIFACT = "compiled_artifacts.json"

_COLLECTIONS = frozenset(
    {"nodes", "sources", "macros", "docs", "exposures", "metrics", "groups", "selectors", "disabled"}
    | {"parent_map", "child_map", "group_map", "semantic_models", "unit_tests", "saved_queries", "files"}
)
_NO_INVOCATION = "00000000-0000-0000-0000-000000000000"


def moment(environment: Mapping[str, str] = os.environ) -> datetime | None:
    """The one moment that everything is to bear; None when it is each thing's own.

    Raises:
        click.UsageError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    said = environment.get(EPOCH)
    if not said:
        return None
    try:
        return datetime.fromtimestamp(int(said), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise click.UsageError(f"{EPOCH}={said!r} is no number of seconds since 1970") from None


def settle(target: Path, at: datetime | None) -> None:
    """Make dbt's two files say nothing of the machine, and with a moment, nothing of the clock.

    dbt writes where the project lay when it was parsed (`root_path` of a seed, `project_root` of a file)
    and finds its seeds by it: it becomes `.`, which is the project wherever it lies, since dbt goes there
    before it does anything. Given a moment, what dbt stamps with the clock bears it, and its random
    `invocation_id` is nought: these are `metadata.generated_at`, `metadata.invocation_started_at`,
    `metadata.run_started_at`, `created_at` of every node and macro, `modification_time` of every file.
    """
    import msgpack  # type: ignore[import-untyped] # noqa: PLC0415 - dbt's own

    manifest, state = target / "manifest.json", target / "partial_parse.msgpack"
    manifest.write_text(json.dumps(_settled(json.loads(manifest.read_bytes()), at)), encoding="utf-8")
    read = msgpack.unpackb(state.read_bytes(), strict_map_key=False)
    state.write_bytes(msgpack.packb(_settled(read, at)))


def _settled(document: dict[str, Any], at: datetime | None) -> dict[str, Any]:
    for key in _COLLECTIONS & document.keys():
        # In the order of the names, not in that in which a file system lists a folder.
        if isinstance(collection := document[key], dict):
            document[key] = {name: collection[name] for name in sorted(collection)}
    for entry in _entries(document):
        for field in ("root_path", "project_root"):
            if isinstance(entry.get(field), str):
                entry[field] = "."
        if at is not None:
            for field in ("created_at", "modification_time"):
                if isinstance(entry.get(field), float | int):
                    entry[field] = at.timestamp()
    if at is not None:
        metadata = document["metadata"]
        for field in ("generated_at", "invocation_started_at", "run_started_at"):
            if metadata.get(field):
                metadata[field] = at.isoformat()
        metadata["invocation_id"] = _NO_INVOCATION
    return document


def _entries(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node, macro and file, and the path of every file."""
    for key in _COLLECTIONS & document.keys():
        collection = document[key]
        for entry in collection.values() if isinstance(collection, dict) else ():
            for one in entry if isinstance(entry, list) else (entry,):
                if isinstance(one, dict):
                    yield one
                    if isinstance(path := one.get("path"), dict):
                        yield path


def place(made: Path, folder: Path) -> list[str]:
    """Put all that lies in `made` into a product's folder.

    Every file is written beside its place first, so that a full disk changes nothing; then all are moved,
    each at once, the artifact last. Macros of an earlier compilation that are no more are removed.

    Returns:
        What is there now, by its path in the folder.

    Raises:
        OSError: the folder cannot be written to; nothing in it has changed.
    """
    files = sorted(
        (file for file in made.rglob("*") if file.is_file()), key=lambda f: (f.name == ARTIFACT, f)
    )
    paths = [file.relative_to(made) for file in files]
    moves: list[tuple[Path, Path]] = []
    try:
        for path in paths:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            moves.append((file.with_name(f".{file.name}.{os.getpid()}.new"), file))
            shutil.copyfile(made / path, moves[-1][0])
    except OSError:
        _remove(beside for beside, _ in moves)
        raise
    for beside, file in moves:
        beside.replace(file)
    _remove(file for file in (folder / MACROS).glob("*") if file.relative_to(folder) not in paths)
    # DuckDB's iceberg extension makes an empty folder of this name where dbt runs, though its files go to
    # the object store. Here it is made once, so that the product may be read-only.
    (folder / "data").mkdir(exist_ok=True)
    return [str(path) for path in paths]


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
