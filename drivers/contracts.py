"""What floe promises to those who write plugins: its abstract classes, read from its files and never run.

`python -m drivers.contracts > additions/contracts.yaml` records those of the installation under test.
"""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import griffe
import yaml
from pydantic import BaseModel, ConfigDict

from drivers.floe import Floe, Project
from drivers.plugins import Installation
from foundation.cache import SYSTEM

RECORDED = SYSTEM / "additions" / "contracts.yaml"
"""The contracts that the additions were written against."""

EVERY_PLUGIN = "PluginMetadata"
"""The contract that those of all types build on."""

_PACKAGE = "floe_core"
_MODULES = ("plugins", "plugin_metadata", "version_compat")
_CHANGES = {
    "a method is removed": (
        "plugins/compute.py",
        "    @abstractmethod\n    def validate_connection(",
        "    def _validate_connection(",
    ),
    "an optional method is removed": ("plugin_metadata.py", "def startup(", "def _startup("),
    "a contract is removed": ("plugins/rbac.py", "class RBACPlugin(PluginMetadata)", "class _RBACPlugin"),
    "a parameter is added": (
        "plugins/lineage.py",
        "def get_helm_values(self)",
        "def get_helm_values(self, size: str)",
    ),
    "a parameter gets another name": (
        "plugins/network_security.py",
        "paths: list[str],",
        "writable_paths: list[str],",
    ),
    "a parameter gets another type": (
        "plugins/secrets.py",
        "@abstractmethod\n    def get_secret(self, key: str)",
        "@abstractmethod\n    def get_secret(self, key: bytes)",
    ),
    "a default is changed": ("plugins/secrets.py", 'prefix: str = ""', 'prefix: str = "floe"'),
    "an answer gets another type": (
        "plugins/compute.py",
        "    @abstractmethod\n    def get_required_dbt_packages(self) -> list[str]",
        "    @abstractmethod\n    def get_required_dbt_packages(self) -> str",
    ),
    "a property becomes a method": (
        "plugins/compute.py",
        "    @property\n    @abstractmethod\n    def is_self_hosted",
        "    @abstractmethod\n    def is_self_hosted",
    ),
    "a method becomes async": (
        "plugins/telemetry.py",
        "    def validate_connection(self) -> bool",
        "    async def validate_connection(self) -> bool",
    ),
    "an optional method must be written": (
        "plugins/compute.py",
        "    def get_dbt_macro_paths(",
        "    @abstractmethod\n    def get_dbt_macro_paths(",
    ),
    "an abstract method is added": (
        "plugins/compute.py",
        "    def get_dbt_macro_paths(",
        "    @abstractmethod\n    def stop(self) -> None: ...\n\n    def get_dbt_macro_paths(",
    ),
    "an optional method is added": (
        "plugins/compute.py",
        "    def get_dbt_macro_paths(",
        "    def stop(self) -> None: ...\n\n    def get_dbt_macro_paths(",
    ),
    "a method need not be written any more": (
        "plugins/compute.py",
        "    @abstractmethod\n    def get_resource_requirements(",
        "    def get_resource_requirements(",
    ),
    "the plugin API becomes one of another major version": (
        "version_compat.py",
        'API_VERSION: str = "1.0"',
        'API_VERSION: str = "2.0"',
    ),
}
"""Changes of floe-core's contracts: a file of it, a text that stands there once, and what replaces it."""

_LABELS = {
    "abstractmethod": "abstract",
    "async": "async",
    "classmethod": "class",
    "staticmethod": "static",
    "property": "property",
}
_ABSTRACT = _LABELS["abstractmethod"]
_HEAD = """\
# The contracts of floe's plugins, as the additions were written against them: every abstract class of
# floe-core with its methods, their parameters, defaults and types. What is `abstract` every plugin must have.
# FR-056 compares the release under test with it: what is gone or changed fails, what is new and optional does
# not. Once a difference is understood, record them anew:
#     python -m drivers.contracts > additions/contracts.yaml
"""


class Contract(BaseModel):
    """One abstract class.

    Attributes:
        builds_on: the classes it derives from, in words.
        methods: the signature of each public method and property of its own, in one line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    builds_on: str
    methods: dict[str, str]


class Contracts(BaseModel):
    """The public contracts of one floe.

    Attributes:
        plugin_api: the version of the plugin API they belong to.
        contracts: by the name of the class.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    plugin_api: str
    contracts: dict[str, Contract]

    @property
    def of_types(self) -> frozenset[str]:
        """Those that a type of plugin has; the others are shared by types."""
        return frozenset(name for name, one in self.contracts.items() if one.builds_on == EVERY_PLUGIN)

    def must_have(self, contract: str) -> frozenset[str]:
        """What a plugin of this contract must have."""
        return frozenset(name for name, line in self.all_of(contract).items() if _is_abstract(line))

    def breaks(self, later: Contracts) -> frozenset[str]:
        """What a plugin written against these meets in a later floe, one sentence a break.

        A method that is new and optional breaks nothing, nor does one that need not be written any more.
        """
        if _major(self.plugin_api) != _major(later.plugin_api):
            return frozenset({f"the plugin API was {self.plugin_api} and is {later.plugin_api}"})
        found: list[str] = []
        for name, contract in self.contracts.items():
            if name in later.contracts:
                now = later.contracts[name].builds_on
                if contract.builds_on != now:
                    found.append(f"{name} built on {contract.builds_on} and builds on {now}")
                found += _breaks(name, contract, later.all_of(name))
                new = later.must_have(name) - self.must_have(name) - contract.methods.keys()
                found += [f"{name}.{method} is new and every plugin must have it" for method in new]
            else:
                found.append(f"{name} is gone")
        return frozenset(found)

    def all_of(self, contract: str) -> dict[str, str]:
        """Every method and property a plugin of this contract has, what it inherits too."""
        inherited = self.contracts[EVERY_PLUGIN].methods if contract in self.of_types else {}
        return inherited | self.contracts[contract].methods


def recorded() -> Contracts:
    """Those that were recorded."""
    return Contracts.model_validate(yaml.safe_load(RECORDED.read_text(encoding="utf-8")))


def copied(core: Path, folder: Path) -> Path:
    """A copy of the files of the package floe-core that hold its contracts; much faster to read than all."""
    copy = folder / core.name
    copy.mkdir(parents=True)
    for name in ("__init__", *_MODULES):
        source = core / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source.with_suffix(".py"), copy)
    return copy


def change(copy: Path, how: str) -> None:
    """Change a contract in a copy in one of the known ways."""
    Project(copy).edit(*_CHANGES[how])


def read(core: Path) -> Contracts:
    """The contracts of the package floe-core in this folder."""
    loader = griffe.GriffeLoader(search_paths=[core.parent])
    for module in _MODULES:
        loader.load(f"{_PACKAGE}.{module}")
    known: griffe.Module = loader.modules_collection[_PACKAGE]
    classes = [known[f"plugin_metadata.{EVERY_PLUGIN}"], *_abstract_classes(known["plugins"])]
    return Contracts(
        plugin_api=ast.literal_eval(str(known["version_compat.FLOE_PLUGIN_API_VERSION"].value)),
        contracts={one.name: _contract(one) for one in sorted(classes, key=lambda one: one.name)},
    )


def _abstract_classes(package: griffe.Module) -> Iterator[griffe.Class]:
    for module in package.modules.values():
        for found in module.classes.values():
            if isinstance(found, griffe.Class) and any(map(_is_abstract, _methods(found).values())):
                yield found


def _contract(found: griffe.Class) -> Contract:
    return Contract(builds_on=", ".join(map(str, found.bases)), methods=_methods(found))


def _methods(found: griffe.Class) -> dict[str, str]:
    told = {name: _line(one) for name, one in sorted(found.members.items()) if not name.startswith("_")}
    return {name: line for name, line in told.items() if line}


def _line(member: griffe.Object | griffe.Alias) -> str:
    """A method or property in one line; nothing for what is neither."""
    words = [word for label, word in _LABELS.items() if label in member.labels]
    if isinstance(member, griffe.Function):
        return " ".join([*words, f"({_parameters(member)}) -> {member.returns}"])
    if isinstance(member, griffe.Attribute) and "property" in member.labels:
        return " ".join([*words, f"-> {member.annotation}"])
    return ""


def _parameters(function: griffe.Function) -> str:
    return function.signature(return_type=False).removeprefix(f"{function.name}(").removesuffix(")")


def _breaks(name: str, was: Contract, now: Mapping[str, str]) -> Iterator[str]:
    for method, line in was.methods.items():
        if method not in now:
            yield f"{name}.{method} is gone"
        elif now[method] not in (line, line.removeprefix(f"{_ABSTRACT} ")):
            yield f"{name}.{method} was {line} and is {now[method]}"


def _is_abstract(line: str) -> bool:
    return line.startswith(_ABSTRACT)


def _major(version: str) -> str:
    return version.partition(".")[0]


if __name__ == "__main__":
    found = read(Installation(Floe.installed(), Path()).core).model_dump()
    sys.stdout.write(_HEAD + yaml.safe_dump(found, sort_keys=False, width=1000))
