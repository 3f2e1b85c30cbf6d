"""What no single field can show: whether names, models and plugins that are spoken of are there."""

from __future__ import annotations

import datetime
import importlib.metadata
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from floe_complete.document import Document, FieldPath, Kind, load, meant
from floe_complete.problems import Problem, RefusedError
from floe_complete.wording import found

PROJECT = Kind("dbt_project.yml", "the product's dbt project", "a product's folder holds dbt_project.yml")

_TAKEN = {
    "dbt": "is the name of a package of dbt",
    "dbt_duckdb": "is the name of a package of dbt",
    "information_schema": "is a schema that every database has",
    "pg_catalog": "is a schema that every database has",
}
_CRON = "minute, hour, day of month, month and day of week, such as 0 6 * * *"
_A_LEAP_YEAR = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
_LISTS = (("transforms",), ("destinations",), ("ingestion", "sources"))
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)")


@dataclass(frozen=True)
class Place:
    """What the checks look at.

    Attributes:
        document: the floe.yaml, well-formed, though perhaps not all of the right shape.
        folder: where it stands.
        manifest: what the manifest says; empty when it could not be read.
    """

    document: Document
    folder: Path
    manifest: Mapping[str, Any]

    def listed(self, path: FieldPath) -> Iterator[tuple[FieldPath, dict[str, Any]]]:
        """The groups of fields in a list of the file, each with its place."""
        here: Any = self.document.content
        for part in path:
            here = here.get(part) if isinstance(here, dict) else None
        for position, one in enumerate(here if isinstance(here, list) else ()):
            if isinstance(one, dict):
                yield (*path, position), one

    @cached_property
    def transforms(self) -> dict[str, FieldPath]:
        """The transforms by name; of two with one name, the first."""
        named: dict[str, FieldPath] = {}
        for path, one in self.listed(("transforms",)):
            if isinstance(name := one.get("name"), str):
                named.setdefault(name, path)
        return named

    @cached_property
    def depended_on(self) -> list[tuple[str, FieldPath, str]]:
        """Each name that a transform depends on: the transform, the place, the name."""
        return [
            (str(one.get("name")), (*path, key, position), name)
            for path, one in self.listed(("transforms",))
            for key in ("dependsOn", "depends_on")
            for position, name in enumerate(one[key] if isinstance(one.get(key), list) else ())
            if isinstance(name, str)
        ]


def problems(place: Place) -> list[Problem]:
    """All that is wrong across the fields of a product."""
    return [
        *_names_twice(place),
        *_product_name(place),
        *_dependencies(place),
        *_cycle(place),
        *_schedule(place),
        *_computes(place),
        *_outside(place),
        *_dbt(place),
    ]


# ---- within floe.yaml


def _names_twice(place: Place) -> Iterator[Problem]:
    for path in _LISTS:
        first: dict[str, FieldPath] = {}
        for here, one in place.listed(path):
            name = one.get("name")
            if not isinstance(name, str):
                continue
            earlier = first.setdefault(name, here)
            if earlier != here:
                line = place.document.line((*earlier, "name"))
                yield place.document.problem(
                    (*here, "name"), found=f'"{name}" is already on line {line}', expected="every name once"
                )


def _product_name(place: Place) -> Iterator[Problem]:
    metadata = place.document.content.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str):
        return
    if taken := _taken(name):
        yield place.document.problem(
            ("metadata", "name"),
            found=f'"{name}" {taken}',
            expected="a name that dbt and the catalog can take, such as customer-analytics",
        )


def _taken(name: str) -> str:
    """Why dbt or the catalog cannot take this name of a product, in words."""
    hyphen = "ends with a hyphen" if re.fullmatch(r"[a-z][a-z0-9-]*-", name) else ""
    return _TAKEN.get(name.replace("-", "_"), hyphen)


def _dependencies(place: Place) -> Iterator[Problem]:
    unknown = [one for one in place.depended_on if one[2] not in place.transforms]
    known = {*place.transforms, *_Dbt(place.folder).names} if unknown else set()
    for _, path, name in unknown:
        if name not in known:
            yield place.document.problem(
                path,
                found=f'there is no model "{name}"',
                expected="the name of a transform, a seed or a source of this product",
                remedy=meant(name, sorted(known)),
            )


def _cycle(place: Place) -> Iterator[Problem]:
    graph: dict[str, list[str]] = {name: [] for name in place.transforms}
    for model, path, name in place.depended_on:
        # What a second model of one name depends on says nothing: the name is told instead.
        if name in graph and place.transforms.get(model) == path[:2]:
            graph[model].append(name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cyclic:
        # graphlib names them as data flows, from anywhere; a person reads what needs what, from the first.
        *around, _ = reversed(cyclic.args[1])
        first = around.index(min(around, key=list(graph).index))
        around = [*around[first:], *around[:first], around[first]]
        path = next(
            path for model, path, name in place.depended_on if (model, name) == (around[0], around[1])
        )
        yield place.document.problem(
            path,
            found=f"a circle: {' needs '.join(around)}",
            expected="models that can be made one after the other",
            remedy="remove one of these dependencies",
        )


def _schedule(place: Place) -> Iterator[Problem]:
    schedule = place.document.content.get("schedule")
    if not isinstance(schedule, dict):
        return
    cron, timezone = schedule.get("cron"), schedule.get("timezone")
    if isinstance(cron, str) and (wrong := _wrong_cron(cron)):
        yield place.document.problem(("schedule", "cron"), found=f"{found(cron)} {wrong}", expected=_CRON)
    if isinstance(timezone, str) and timezone not in (zones := zoneinfo.available_timezones()):
        yield place.document.problem(
            ("schedule", "timezone"),
            found=f"{found(timezone)} is no time zone",
            expected="a name of the IANA time zones, such as Europe/London",
            remedy=meant(timezone, sorted(zones)),
        )


def _wrong_cron(cron: str) -> str:
    """Why it is no schedule, in words; Dagster takes expressions of five fields only."""
    from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped] # noqa: PLC0415 - slow

    if not croniter.is_valid(cron) or len(croniter.expand(cron)[0]) != 5:
        return "is no schedule"
    try:
        croniter(cron, _A_LEAP_YEAR).get_next()
    except CroniterBadDateError:
        return "never comes"
    return ""


def _computes(place: Place) -> Iterator[Problem]:
    known = sorted(one.name for one in importlib.metadata.entry_points(group="floe.computes"))
    approved = place.manifest.get("approved_plugins")
    allowed = approved.get("compute") if isinstance(approved, dict) else None
    choices = [name for name in known if not isinstance(allowed, list) or name in allowed]
    for path, one in place.listed(("transforms",)):
        compute = one.get("compute")
        if isinstance(compute, str) and compute not in choices:
            why = "is not approved by the manifest" if compute in known else "is not installed"
            yield place.document.problem(
                (*path, "compute"),
                found=f'the compute plugin "{compute}" {why}',
                expected=f"one of {', '.join(choices)}",
                remedy=meant(compute, choices),
                stage="RESOLVE",
            )


def _outside(place: Place) -> Iterator[Problem]:
    """Names become names of files: none may lead out of the product's folder."""
    for path, field in ((("destinations",), "name"), (("ingestion", "sources"), "path")):
        for here, one in place.listed(path):
            value = one.get(field)
            if isinstance(value, str) and _OUTSIDE.search(value):
                yield place.document.problem(
                    (*here, field),
                    found=f"{found(value)} leads out of the product",
                    expected="a name without ..",
                )


# ---- against the dbt project beside it


class _Dbt:
    """The dbt project of a product, by its files: dbt itself takes seconds to start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def project(self) -> Document:
        return load(self.folder / PROJECT.file, PROJECT)

    @cached_property
    def models(self) -> dict[str, Path]:
        return {file.stem: file for file in self._files("model", ".sql", ".py")}

    @cached_property
    def seeds(self) -> set[str]:
        return {file.stem for file in self._files("seed", ".csv")} | set(self._named("seed", "seeds"))

    @property
    def names(self) -> set[str]:
        """All that a model may depend on; none where there is no dbt project."""
        try:
            snapshots = {file.stem for file in self._files("snapshot", ".sql")}
            return {*self.models, *self.seeds, *snapshots, *self._sources()}
        except RefusedError:
            return set()

    def _files(self, kind: str, *endings: str) -> list[Path]:
        chosen = self.project.content.get(f"{kind}-paths")
        folders = chosen if isinstance(chosen, list) else [f"{kind}s"]
        found_there = (file for one in folders for file in (self.folder / str(one)).rglob("*"))
        return sorted(file for file in found_there if file.suffix in endings)

    def _described(self, kind: str, key: str) -> Iterator[dict[str, Any]]:
        """What is said of seeds or sources; what dbt cannot read there is dbt's to tell."""
        for file in self._files(kind, ".yml", ".yaml"):
            try:
                content = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
            except (yaml.YAMLError, ValueError):
                continue
            entries = content.get(key) if isinstance(content, dict) else None
            yield from (one for one in entries or () if isinstance(one, dict))

    def _named(self, kind: str, key: str) -> Iterator[str]:
        return (str(one["name"]) for one in self._described(kind, key) if "name" in one)

    def _sources(self) -> Iterator[str]:
        for source in self._described("model", "sources"):
            for table in source.get("tables") or ():
                if isinstance(table, dict) and "name" in table:
                    yield from (str(table["name"]), f"{source.get('name')}.{table['name']}")


def tables(folder: Path, transforms: int) -> int:
    """How many tables a product makes: its transforms and its seeds."""
    return transforms + len(_Dbt(folder).seeds)


def seeds(folder: Path) -> tuple[list[Path], list[dict[str, Any]]]:
    """The files of a product's seeds, and what is said of them in the `seeds` of its properties files.

    Raises:
        RefusedError: there is no dbt project.
    """
    dbt = _Dbt(folder)
    return dbt._files("seed", ".csv"), list(dbt._described("seed", "seeds"))


def _dbt(place: Place) -> Iterator[Problem]:
    dbt = _Dbt(place.folder)
    try:
        project = dbt.project
    except RefusedError as refused:
        yield from refused.problems
        return
    yield from _profile(place, project)
    for name, path in place.transforms.items():
        if name in dbt.models:
            continue
        near = meant(name, sorted(set(dbt.models) - set(place.transforms)))
        yield place.document.problem(
            (*path, "name"),
            found=f'there is no model "{name}" in the dbt project',
            expected=f"the name of a model, as {name}.sql is in the models folder",
            remedy=near or f"write {name}.sql, or remove the transform",
        )


def _profile(place: Place, project: Document) -> Iterator[Problem]:
    metadata = place.document.content.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    profile = project.content.get("profile")
    if isinstance(name, str) and isinstance(profile, str):
        slug = re.sub(r"[^A-Za-z0-9_]", "_", name).strip("_")
        if re.fullmatch(r"[a-z][a-z0-9-]*", name) and not _taken(name) and profile != slug:
            yield project.problem(
                ("profile",),
                found=found(profile),
                expected=f"{slug}, the product's name with underscores",
            )
