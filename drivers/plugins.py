"""Plugins as those who write them see floe: what is found, what is taken, what is refused and why."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from drivers.errors import ServiceError, brief
from drivers.floe import Floe, Outcome, Project
from foundation.cache import ROOT, SYSTEM
from images import environment

EXAMPLE = ROOT / "examples" / "plugin-acme"
"""A plugin as a company of its own would write it, with a product to try it on."""

PRODUCT = "who-computes"
"""The product of the example."""

CONFIGURATIONS = ROOT / "features" / "configurations.yaml"
"""A valid configuration of every plugin that takes one."""

ARTIFACT = "compiled_artifacts.json"
MANIFEST = "manifest.yaml"

_SEARCH = """
import importlib, inspect, json, pkgutil
from importlib.metadata import entry_points
import floe_core.plugins
from floe_core.plugin_metadata import PluginMetadata
from floe_core.plugin_types import PluginType

names = [found.name for found in pkgutil.iter_modules(floe_core.plugins.__path__)]
modules = [importlib.import_module(f"floe_core.plugins.{name}") for name in names]
classes = {item for module in modules for item in vars(module).values() if inspect.isclass(item)}
groups = sorted(group for group in entry_points().groups if group.startswith("floe."))
print(json.dumps({
    "contracts": {one.__name__: one.__module__ for one in classes
                  if issubclass(one, PluginMetadata) and one is not PluginMetadata},
    "groups": sorted({kind.value for kind in PluginType} | set(groups)),
    "plugins": {group: {point.name: f"{point.dist.name} {point.dist.version}"
                        for point in entry_points(group=group)} for group in groups},
}))
"""
"""Looks into an installation without the help of what is under test there."""


_THIRD_PARTY = {
    "is complete": None,
    "has no validate_connection": ("def validate_connection(", "def _validate_connection("),
    "gives generate_dbt_profile no configuration": (
        "_profile(self, config: ComputeConfig)",
        "_profile(self)",
    ),
    "asks get_required_dbt_packages for more": ("_packages(self)", "_packages(self, dialect: str)"),
    "calls a parameter by another name": ("workload_size: str", "size: str"),
    "answers get_required_dbt_packages with a text": (
        "_packages(self) -> list[str]",
        "_packages(self) -> str",
    ),
    "is no compute plugin": ("class AcmeDuckDB(ComputePlugin)", "class AcmeDuckDB"),
}
"""The example whole, and how it is broken: a text of its source, and what a careless developer puts there."""

_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "acme-idle"
version = "1.0.0"

[tool.setuptools]
py-modules = ["acme_idle"]
"""
_MODULE = '''\
"""Plugins that do nothing, each complete and made for the version of floe's plugin API that it declares."""

from importlib import import_module


def idle(module, contract, name, api):
    promised = getattr(import_module(module), contract)
    methods = {method: lambda self, *given, **named: None for method in promised.__abstractmethods__}
    return type(contract, (promised,), methods | {"name": name, "version": "1.0.0", "floe_api_version": api})


'''
_REFUSED = re.compile(
    r"plugins\.(?P<type>\w+)\.\w+: plugin (?P<name>\S+) [^\n]*?"
    r"(?:declares plugin API |Invalid version format: ')(?P<declares>[\w.]+)[^\n]*\n"
    r"\s+expected: [^\n]*?plugin API (?P<supported>[^\s,]+(?: to [^\s,]+)?)"
)


@dataclass(frozen=True)
class Shown:
    """What floe shows of one type of plugin.

    Attributes:
        contract: name of the abstract class.
        plugins: package and version, by the plugin's name.
    """

    group: str
    contract: str
    plugins: Mapping[str, str]


class Found(BaseModel):
    """What an independent search of an installation finds.

    Attributes:
        contracts: modules of the abstract classes of floe-core, by their name.
        groups: of entry points, those that floe names and those that some package uses.
        plugins: by group and name, package and version.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    contracts: dict[str, str]
    groups: frozenset[str]
    plugins: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Verdict:
    """What the check of one plugin came to.

    Attributes:
        contract: name of the abstract class.
        methods: those of the contract that were compared.
        configured: whether it was given a configuration that it checked.
        problems: in words.
    """

    contract: str
    methods: frozenset[str]
    configured: bool
    problems: frozenset[str]


class Installation:
    """One floe and the plugins in it.

    Args:
        floe: the installation.
        folder: for what is made on the way.
    """

    def __init__(self, floe: Floe, folder: Path) -> None:
        self.floe = floe
        self._folder = folder

    def with_plugins(self, *sources: Path) -> Installation:
        """This floe in a clean environment with more packages, each built as a wheel and installed."""
        home = environment.beside(self.floe.home, self._new("environment"))
        for source in sources:
            environment.add(home, environment.wheel(source, self._new("wheel")))
        return Installation(Floe(home, completed=self.floe.completed), self._folder)

    def with_plugin_api(self, version: str) -> Installation:
        """This floe as one with this plugin API would be: a copy of floe-core with one line changed."""
        home = environment.beside(self.floe.home, self._new("environment"))
        core = self.core
        (site,) = home.glob("lib/python3.*/site-packages")
        shutil.copytree(core, site / core.name, ignore=shutil.ignore_patterns("__pycache__"))
        line = 'FLOE_PLUGIN_API_VERSION: str = "1.0"'
        Project(site).edit("floe_core/version_compat.py", line, line.replace("1.0", version))
        return Installation(Floe(home, completed=self.floe.completed), self._folder)

    @cached_property
    def core(self) -> Path:
        """Where its floe-core is."""
        return Path(self.floe.python("import floe_core; print(floe_core.__path__[0])").out.strip())

    @cached_property
    def plugin_api(self) -> str:
        """The versions of the plugin API that it takes, in words."""
        names = "FLOE_PLUGIN_API_MIN_VERSION, FLOE_PLUGIN_API_VERSION"
        said = self.floe.python(f"from floe_core.version_compat import {names}; print({names})")
        oldest, newest = said.out.split()
        return newest if oldest == newest else f"{oldest} to {newest}"

    # ---- what is there

    def search(self) -> Found:
        """What entry points and classes say, read without any command of floe."""
        return Found.model_validate(json.loads(self.floe.python(_SEARCH).out))

    def shown(self) -> dict[str, Shown]:
        """What the command shows, by type."""
        return {
            one["name"]: Shown(
                one["group"],
                one["contract"],
                {
                    plugin["name"]: f"{plugin['distribution']} {plugin['version']}"
                    for plugin in one["plugins"]
                },
            )
            for one in self._answer("--json")["types"]
        }

    def checked(self, *names: str) -> dict[str, Verdict]:
        """What the check says of these plugins, or of all, by type and name."""
        words = ("--check", "--configurations", str(CONFIGURATIONS), "--json", *names)
        return {
            f"{one['type']} {one['name']}": Verdict(
                one["contract"], frozenset(one["methods"]), one["configured"], frozenset(one["problems"])
            )
            for one in self._answer(*words)
        }

    def _answer(self, *words: str) -> Any:
        outcome = self.floe.run(
            ["python", "-m", "floe_complete", "plugins", *words], variables=self._variables
        )
        try:
            return json.loads(outcome.out)
        except json.JSONDecodeError as broken:
            answer = brief(outcome.said)
            raise ServiceError(f"show plugins {' '.join(words)}", of="floe", answer=answer) from broken

    @cached_property
    def _variables(self) -> Mapping[str, str]:
        """Floe as released has no such command: ours looks at it from outside, and is not installed in it."""
        if self.floe.completed:
            return {}
        folder = self._new("command")
        name = "floe_complete"
        shutil.copytree(SYSTEM / "additions" / "src" / name, folder / name)
        return {"PYTHONPATH": str(folder)}

    # ---- plugins to put into it

    def third_party(self, how: str) -> Path:
        """The source of the example: complete, or broken in one of the known ways."""
        source = self._new("third-party") / EXAMPLE.name
        shutil.copytree(EXAMPLE, source)
        if edit := _THIRD_PARTY[how]:
            Project(source).edit("src/acme_floe/__init__.py", *edit)
        return source

    def idle(self, made_for: Mapping[str, str]) -> Path:
        """The source of a package with an idle plugin of each type, made for a version of the plugin API."""
        shown, modules = self.shown(), self.search().contracts
        source = Project(self._new("idle"))
        module, points = _MODULE, ""
        for kind, version in made_for.items():
            group, contract = shown[kind].group, shown[kind].contract
            module += (
                f"{kind} = idle({modules[contract]!r}, {contract!r}, {idle_name(kind)!r}, {version!r})\n"
            )
            points += f'\n[project.entry-points."{group}"]\n{idle_name(kind)} = "acme_idle:{kind}"\n'
        source.write("acme_idle.py", module)
        source.write("pyproject.toml", _PROJECT + points)
        return source.folder

    # ---- what is done with them

    def compile(self, project: Project, product: str) -> Outcome:
        """Compile a product of a project against its manifest."""
        ours = ["-m", "floe_complete", "compile", product, "--manifest", MANIFEST]
        floes = [
            "-c",
            "from floe_core.cli import main; main()",
            "platform",
            "compile",
            "--no-lineage-emission",
        ]
        floes += [
            "--spec",
            f"{product}/floe.yaml",
            "--manifest",
            MANIFEST,
            "--output",
            f"{product}/{ARTIFACT}",
        ]
        return self.floe.run(["python", *(ours if self.floe.completed else floes)], project)

    def ask(self, project: Project, profile: Mapping[str, Any], model: str) -> list[dict[str, Any]]:
        """Let dbt compute a model of the example by a profile's target, and tell its rows."""
        product = PRODUCT
        name = yaml.safe_load(project.read(f"{product}/dbt_project.yml"))["profile"]
        profiles = {name: {"target": "dev", "outputs": {"dev": dict(profile)}}}
        project.write("profiles/profiles.yml", yaml.safe_dump(profiles))
        words = ["--log-format", "json", "show", "--select", model, "--output", "json"]
        outcome = self.floe.run(
            ["python", "-m", "dbt.cli.main", *words, "--profiles-dir", "../profiles"], project, folder=product
        )
        previews = [line["data"]["preview"] for line in _events(outcome.out) if "preview" in line["data"]]
        if len(previews) != 1:
            raise ServiceError(f"show {model} of {product}", of="dbt", answer=brief(outcome.said))
        rows: list[dict[str, Any]] = json.loads(previews[0])
        return rows

    def _new(self, what: str) -> Path:
        places = (self._folder / f"{what}-{number}" for number in itertools.count(1))
        folder = next(place for place in places if not place.exists())
        folder.mkdir(parents=True)
        return folder


def table_of(shown: Mapping[str, Shown], maker: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What is shown of one maker's plugins, by type; a type without any only where contracts are asked for.

    Args:
        shown: what floe shows.
        maker: `floe itself`, `others than floe itself`, or the beginning of a package's name.
        columns: `contract`, `plugins`.
    """
    rows = {}
    for kind, one in shown.items():
        names = ", ".join(sorted(name for name, package in one.plugins.items() if _made_by(maker, package)))
        if names or "contract" in columns:
            told = {"contract": one.contract, "plugins": names}
            rows[kind] = tuple(told[column] for column in columns)
    return rows


def _made_by(maker: str, package: str) -> bool:
    ours = package.startswith("floe-") and not package.startswith("floe-additions ")
    return {"floe itself": ours, "others than floe itself": not ours}.get(maker, package.startswith(maker))


def configurable() -> frozenset[str]:
    """The plugins that are given a configuration when they are checked, by type and name."""
    return frozenset(yaml.safe_load(CONFIGURATIONS.read_text(encoding="utf-8")))


def a_product(folder: Path) -> Project:
    """A copy of the example's platform and product, `who-computes`."""
    shutil.copytree(EXAMPLE / "product", folder)
    return Project(folder)


def select_idle(project: Project, kinds: Iterable[str]) -> None:
    """Let a manifest select the idle plugins of these types."""
    manifest = yaml.safe_load(project.read(MANIFEST))
    manifest["plugins"] |= {
        kind: {"provider" if kind == "quality" else "type": idle_name(kind)} for kind in kinds
    }
    project.write(MANIFEST, yaml.safe_dump(manifest))


def idle_name(kind: str) -> str:
    """What an idle plugin of this type is called; floe takes three names of quality plugins and no other."""
    return "soda" if kind == "quality" else f"acme-{kind.replace('_', '-')}"


def refused(outcome: Outcome) -> dict[str, str]:
    """The plugins refused for their version, by type; where there is none, what was said instead."""
    found = {
        one["type"]: made_for_another(one["name"], one["declares"], one["supported"])
        for one in _REFUSED.finditer(outcome.said)
    }
    return found or {"said instead": _reason(outcome)}


def made_for_another(name: str, declares: str, supported: str) -> str:
    """In a sentence, that a plugin was made for another version of the plugin API than floe takes."""
    return f"{name} was made for plugin API {declares}, floe takes {supported}"


def _reason(outcome: Outcome) -> str:
    """What floe as released logs as the reason, for its own last line names none; else all it said."""
    logged = [line.get("error_summary") for line in _events(outcome.out)]
    return brief(next(filter(None, reversed(logged)), outcome.said))


def refusal(outcome: Outcome) -> dict[str, object]:
    """Whether a compilation was refused, the plugins named as the reason, and what it made all the same."""
    named = re.findall(r"plugin '([\w-]+)'", outcome.said)
    refused_at_all = "yes" if outcome.code != 0 else "no"
    return {"refused": refused_at_all, "named": sorted(set(named)), "made": sorted(outcome.made)}


def profile_of(outcome: Outcome) -> dict[str, Any]:
    """The target of dbt's profile in what a compilation made.

    Raises:
        ServiceError: it made no artifact; with what was said.
    """
    artifacts = [content for path, content in outcome.made.items() if path.endswith(ARTIFACT)]
    if not artifacts:
        raise ServiceError(f"make {ARTIFACT}", of="floe", answer=brief(outcome.said))
    (profile,) = json.loads(artifacts[0])["dbt_profiles"].values()
    found: dict[str, Any] = profile["outputs"][profile["target"]]
    return found


def _events(text: str) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in text.splitlines() if line.startswith("{"))
