"""Compilations of a team's products: what they wrote, what was made of it, and how it is said."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgpack  # type: ignore[import-untyped]
import yaml
from pydantic import BaseModel, ConfigDict

from demo import seeds
from demo.bare import select_released_plugins
from drivers.errors import ServiceError, brief
from drivers.floe import DEMO, Floe, Outcome, Project
from drivers.product import SMALL

STAGES = ("LOAD", "VALIDATE", "RESOLVE", "ENFORCE", "COMPILE", "GENERATE")
LOG = "compilation.log"
"""Where floe's log goes, beside the products."""

COMPLETED = ("floe-complete", "compile", "--log", f"../{LOG}")
RELEASED = (
    *("floe", "platform", "compile", "--spec", "floe.yaml", "--manifest", "../manifest.yaml"),
    *("--output", "compiled_artifacts.json", "--generate-definitions", "--no-lineage-emission"),
)
"""The command that compiles, typed in a product's folder, and what stands for it in floe as released."""

PROMISES = "tables.json"
"""The record of what a product's tables promise to their readers, in its folder."""

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "an-access-key-of-this-machine",
    "AWS_SECRET_ACCESS_KEY": "a-secret-key-of-this-machine",
    "POLARIS_CLIENT_ID": "a-client-of-this-machine",
    "POLARIS_CLIENT_SECRET": "a-password-of-this-machine",
}
"""What stands in the environment of whoever compiles, and belongs in no file."""

ACCEPTED = {
    "profiles.yml": "OK found and valid",
    "dbt_project.yml": "OK found and valid",
    "dbt parse": "passes",
}
"""What dbt says of a product that it can take."""

_EPOCH = "1700000000"
_STAGE_LINE = re.compile(rf"^({'|'.join(STAGES)}) +(?:\d+\.\d\d s|(refused))$", re.MULTILINE)
_PROBLEM = re.compile(r"^(?:\.\./)?([^\s:]+)(?::(\d+))?: (\S+): (.+)\n  expected: ", re.MULTILINE)
_LOCATION = re.compile(r"Validation successful for code location ([\w-]+)\.")
_FOUND = re.compile(r"(\S+) file \[(.+)\]")
_REFERENCE = re.compile(r"\{\{ env_var\('[A-Z0-9_]+'\) \}\}")
"""A variable that has to be there: a default would be a credential in the file."""

_OF_A_CREDENTIAL = re.compile(r"access_key|key_id|secret_key|client_secret|client_id|password|token")


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Plugin(_Lenient):
    type: str
    config: dict[str, Any] | None = None


class _Model(_Lenient):
    name: str
    compute: str
    quality_tier: str | None
    depends_on: list[str] | None


class _Transforms(_Lenient):
    models: list[_Model]


class _Metadata(_Lenient):
    product_name: str
    product_version: str


class Artifact(_Lenient):
    """What floe compiled, as its file says."""

    version: str
    metadata: _Metadata
    plugins: dict[str, _Plugin | None]
    transforms: _Transforms
    governance: dict[str, Any] | None
    observability: dict[str, Any]
    mode: str
    inheritance_chain: list[dict[str, Any]]

    @property
    def applies(self) -> dict[str, str]:
        """What applies to the product, in words."""
        said = {f"the compute of {model.name}": model.compute for model in self.transforms.models}
        said |= {f"the {kind}": plugin.type for kind, plugin in self.plugins.items() if plugin}
        compute = self.plugins["compute"]
        config = (compute.config if compute else None) or {}
        rules = self.governance or {}
        return said | {
            "the memory of the compute": str(config.get("memory_limit")),
            "audit logging": str(rules.get("audit_logging")),
            "the days that data is kept": str(rules.get("data_retention_days")),
            "lineage": "on" if self.observability.get("lineage") else "off",
            "whose manifests": ", ".join(str(one["scope"]) for one in self.inheritance_chain),
        }


@dataclass(frozen=True)
class Compilation:
    """One compilation of one product.

    Attributes:
        project: the team's files, as they are now.
        product: its name.
        outcome: what the command did; what it made is told by its path from the manifest.
    """

    project: Project
    product: str
    outcome: Outcome

    @property
    def made(self) -> dict[str, bytes]:
        """What it made, but for the log."""
        return {path: content for path, content in self.outcome.made.items() if path != LOG}

    def file(self, path: str) -> bytes:
        """A file that it made, by its path in the product.

        Raises:
            ServiceError: it made no such file.
        """
        if (made := self.outcome.made.get(f"{self.product}/{path}")) is None:
            plain = [line for line in self.outcome.said.splitlines() if not line.startswith("{")]
            answer = brief(" ".join(plain), 600) or "nothing was said"
            raise ServiceError(f"make {path} of {self.product}", of="floe", answer=answer)
        return made

    @property
    def artifact(self) -> Artifact:
        """What floe compiled.

        Raises:
            ServiceError: nothing was compiled.
        """
        return Artifact.model_validate_json(self.file("compiled_artifacts.json"))

    @property
    def log(self) -> list[dict[str, Any]]:
        """The structured log of floe itself: a file, or where floe as released leaves it, what it printed."""
        log = self.outcome.made.get(LOG)
        lines = log.decode().splitlines() if log is not None else self.outcome.said.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def team(folder: Path, floe: Floe, *products: str) -> Project:
    """A team's copy of the demo, or of small products, with the seeds that they are delivered with."""
    project = Project.of_the_demo(folder)
    for product in products:
        if (SMALL / product).is_dir():
            project.add(SMALL / product)
        else:
            project.add(DEMO / product)
            seeds.write(product, project.folder / product / "seeds")
    if not floe.completed:
        select_released_plugins(project.folder / "manifest.yaml")
    return project


def typed(floe: Floe, folder: Path, product: str) -> Outcome:
    """The root command of floe as released, typed in a product's folder."""
    return floe.run(["floe", "compile"], team(folder, floe, product), folder=product)


def compiled_twice(floe: Floe, folder: Path, product: str) -> tuple[Compilation, Compilation]:
    """Two compilations that have nothing in common but the files and the moment that they are given."""
    places = {folder / "one": ("1", "UTC"), folder / "two" / "further" / "down": ("4711", "Asia/Kathmandu")}

    def compile_at(place: Path) -> Compilation:
        hash_seed, zone = places[place]
        variables = {"SOURCE_DATE_EPOCH": _EPOCH, "PYTHONHASHSEED": hash_seed, "TZ": zone}
        return compiled(floe, team(place, floe, product), product, variables)

    with ThreadPoolExecutor() as both:
        one, other = both.map(compile_at, places)
    return one, other


def compiled(
    floe: Floe, project: Project, product: str, variables: Mapping[str, str] | None = None
) -> Compilation:
    """Compile a product by the command a person types in its folder."""
    words = COMPLETED if floe.completed else RELEASED
    surrounding = {**CREDENTIALS, **(variables or {})}
    return Compilation(project, product, floe.run(words, project, folder=product, variables=surrounding))


# ---- what they wrote, read without floe


def said_by_the_files(project: Project, product: str) -> dict[str, object]:
    """What a product's two files say of it."""
    spec = yaml.safe_load(project.read(f"{product}/floe.yaml"))
    manifest = yaml.safe_load(project.read("manifest.yaml"))
    chosen = {kind: selection["type"] for kind, selection in manifest["plugins"].items()}
    return {
        "name": spec["metadata"]["name"],
        "version": spec["metadata"]["version"],
        "plugins": chosen,
        "models": sorted(one["name"] for one in spec["transforms"]),
        **{
            f"model {one['name']}": (
                one.get("tier"),
                frozenset(one.get("dependsOn", ())),
                one.get("compute", chosen["compute"]),
            )
            for one in spec["transforms"]
        },
    }


def said_by_the_artifact(artifact: Artifact) -> dict[str, object]:
    """The same of what floe compiled."""
    return {
        "contract": artifact.version,
        "name": artifact.metadata.product_name,
        "version": artifact.metadata.product_version,
        "plugins": {kind: plugin.type for kind, plugin in artifact.plugins.items() if plugin},
        "models": sorted(model.name for model in artifact.transforms.models),
        **{
            f"model {model.name}": (model.quality_tier, frozenset(model.depends_on or ()), model.compute)
            for model in artifact.transforms.models
        },
    }


# ---- what a compilation says of itself


def stages_logged(compilation: Compilation) -> list[tuple[str, str]]:
    """What floe's own log tells of stages, in its order: (begun or complete, stage)."""
    words = {"compilation_stage_start": "begun", "compilation_stage_complete": "complete"}
    return [(words[one["event"]], one["stage"]) for one in compilation.log if one.get("event") in words]


def stages_told(outcome: Outcome) -> list[str]:
    """What a person reads of stages: those that are done, and the one that refused."""
    return [f"{stage} {refused or 'done'}" for stage, refused in _STAGE_LINE.findall(outcome.err)]


def refusals(outcome: Outcome) -> dict[tuple[str, str, str], str]:
    """What a person is told to be wrong: (file, line, field) and what is said of it; no line is a `-`."""
    return {(file, line or "-", field): said for file, line, field, said in _PROBLEM.findall(outcome.err)}


def wrong(compilation: Compilation, rows: Sequence[Sequence[str]]) -> dict[tuple[str, str, str], str]:
    """What a person is told, as far as the rows (file, line, field, words) speak of it.

    A line is given by what it says; where no row gives one, none is looked at. Of what is said, the words of
    its row are left if they are part of it.
    """
    told = refusals(compilation.outcome)
    if all(row[1] == "-" for row in rows):
        told = {(file, "-", field): said for (file, _, field), said in told.items()}
    words = {place: row[3] for place, row in zip(places(compilation, rows), rows, strict=True)}
    return {
        place: words[place] if place in words and words[place] in said else said
        for place, said in told.items()
    }


def places(compilation: Compilation, rows: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """Where the rows (file, line, field, words) say that something is wrong."""
    return [(row[0], _number(compilation, row[0], row[1]), row[2]) for row in rows]


def _number(compilation: Compilation, file: str, says: str) -> str:
    if says == "-":
        return says
    lines = [line.strip() for line in compilation.project.read(f"{compilation.product}/{file}").splitlines()]
    if lines.count(says) != 1:
        raise ServiceError(f"find the line {says!r}", of=file, answer=f"{lines.count(says)} say so")
    return str(lines.index(says) + 1)


def until(stage: str) -> list[str]:
    """What a person is to read when this stage refuses."""
    return [f"{one} done" for one in STAGES[: STAGES.index(stage)]] + [f"{stage} refused"]


# ---- what was made


def credentials_held(profile: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a profile that are a credential by their name, and hold more than where to read it."""

    def within(value: object, field: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from within(inner, str(key))
        elif isinstance(value, list):
            for inner in value:
                yield from within(inner, field)
        elif isinstance(value, str) and _OF_A_CREDENTIAL.search(field) and not _REFERENCE.fullmatch(value):
            yield field, value

    return dict(within(profile, ""))


def leaks(made: Mapping[str, bytes]) -> frozenset[str]:
    """Files that hold a credential of whoever compiled."""
    values = [value.encode() for value in CREDENTIALS.values()]
    return frozenset(path for path, content in made.items() if any(value in content for value in values))


def said_by_dbt(floe: Floe, compilation: Compilation, folder: Path) -> dict[str, str]:
    """What dbt says of a compiled product, in a copy: `dbt debug` of its files, `dbt parse` of itself."""
    surrounding = {**CREDENTIALS, "POLARIS_OAUTH2_SERVER_URI": "https://catalog.example.com/tokens"}

    def dbt(word: str) -> Outcome:
        copy = shutil.copytree(compilation.project.folder, folder / f"{compilation.product}-{word}")
        words = ["dbt", "--no-use-colors", word]
        return floe.run(words, Project(copy), folder=compilation.product, variables=surrounding)

    with ThreadPoolExecutor() as both:
        debugged, parsed = both.map(dbt, ("debug", "parse"))
    files = dict(_FOUND.findall(debugged.out))
    return {**files, "dbt parse": "passes" if parsed.code == 0 else parsed.said}


def promised_anew(compilation: Compilation) -> dict[tuple[str, str], str]:
    """What its readers can count on, where it is not what they could before: by table and column, the type.

    A column that they could count on and no longer can is told as `gone`.
    """

    def columns(record: str | bytes) -> dict[tuple[str, str], str]:
        tables: dict[str, dict[str, str]] = json.loads(record)
        return {(table, one): kind for table, made in tables.items() for one, kind in made.items()}

    before = columns((SMALL / compilation.product / PROMISES).read_text())
    now = columns(compilation.file(PROMISES))
    places = before.keys() | now.keys()
    return {place: now.get(place, "gone") for place in places if now.get(place) != before.get(place)}


def contract_of(floe: Floe) -> str:
    """The version of the compiled contract that this floe writes, as its package says."""
    code = "from floe_core.schemas.versions import COMPILED_ARTIFACTS_VERSION as version; print(version)"
    return floe.python(code).out.strip()


def locations_loaded(floe: Floe, project: Project) -> frozenset[str]:
    """The code locations that Dagster loads from the workspace beside the manifest, and that one fails."""
    words = ["python", "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    done = floe.run(words, project)
    refused = {f"exit code {done.code}"} if done.code else set()
    return frozenset(_LOCATION.findall(done.said)) | refused


def digests(made: Mapping[str, bytes]) -> dict[str, str]:
    """The digest of every file."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in made.items()}


def differences(left: Mapping[str, bytes], right: Mapping[str, bytes]) -> frozenset[tuple[str, str]]:
    """What differs between two compilations: (file, field)."""
    files = left.keys() | right.keys()
    return frozenset(
        (PurePosixPath(path).name, field)
        for path in files
        if left.get(path) != right.get(path)
        for field in _fields(path, left.get(path, b""), right.get(path, b""))
    )


def _fields(path: str, left: bytes, right: bytes) -> Iterator[str]:
    if not (left and right):
        yield "the file itself"
    elif path.endswith(".json"):
        yield from _differing(json.loads(left), json.loads(right), ())
    elif path.endswith(".msgpack"):
        yield from _differing(
            msgpack.unpackb(left, strict_map_key=False), msgpack.unpackb(right, strict_map_key=False), ()
        )
    else:
        yield "its text"


def _called(path: Sequence[str]) -> str:
    """A field by its path; what stands in one of many entries, which are called by ids, is of `each`."""
    entry = max((place for place, part in enumerate(path) if re.search(r"[./:]", part)), default=-1)
    return ".".join(path if entry < 0 else ("each", *path[entry + 1 :]))


def _differing(left: Any, right: Any, path: tuple[str, ...]) -> Iterator[str]:
    name = _called(path)
    if type(left) is not type(right):
        yield name
    elif isinstance(left, dict):
        if list(left) != list(right):
            yield f"{name}: names or their order"
        for key in left.keys() & right.keys():
            yield from _differing(left[key], right[key], (*path, str(key)))
    elif isinstance(left, list):
        if len(left) != len(right):
            yield f"{name}: how many"
        for position, (one, other) in enumerate(zip(left, right, strict=False)):
            yield from _differing(one, other, (*path, str(position)))
    elif left != right:
        yield name
