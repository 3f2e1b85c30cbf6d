"""What a later floe breaks for those who wrote plugins, by contracts read from its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import contracts
from drivers.contracts import EVERY_PLUGIN, Contract, Contracts

METADATA = Contract(builds_on="ABC", methods={"name": "abstract property -> str", "startup": "() -> None"})
RUN = "abstract (size: int) -> str"


def told(run: str | None = RUN, api: str = "1.0", **more: str) -> Contracts:
    methods = {"run": run, "stop": "() -> None"} | more
    engine = Contract(
        builds_on=EVERY_PLUGIN, methods={name: line for name, line in methods.items() if line is not None}
    )
    return Contracts(plugin_api=api, contracts={EVERY_PLUGIN: METADATA, "Engine": engine})


@pytest.mark.parametrize(
    ("later", "breaks"),
    [
        (told(), set()),
        (told(api="1.1"), set()),
        (told(pause="() -> None"), set()),
        (told(run="(size: int) -> str"), set()),
        (told(run=None), {"Engine.run is gone"}),
        (
            told(run="abstract (length: int) -> str"),
            {f"Engine.run was {RUN} and is abstract (length: int) -> str"},
        ),
        (
            told(stop="abstract () -> None"),
            {"Engine.stop was () -> None and is abstract () -> None"},
        ),
        (told(pause="abstract () -> None"), {"Engine.pause is new and every plugin must have it"}),
        (told(api="2.0"), {"the plugin API was 1.0 and is 2.0"}),
        (Contracts(plugin_api="1.0", contracts={EVERY_PLUGIN: METADATA}), {"Engine is gone"}),
    ],
)
def test_what_breaks_is_told_in_a_sentence_and_nothing_else(later: Contracts, breaks: set[str]) -> None:
    assert told().breaks(later) == breaks


def test_a_method_that_moves_to_the_base_of_all_breaks_nothing() -> None:
    base = Contract(builds_on="ABC", methods={**METADATA.methods, "stop": "() -> None"})
    engine = Contract(builds_on=EVERY_PLUGIN, methods={"run": RUN})
    moved = Contracts(plugin_api="1.0", contracts={EVERY_PLUGIN: base, "Engine": engine})
    assert told().breaks(moved) == frozenset()


def test_what_a_plugin_must_have_is_what_it_inherits_too() -> None:
    assert told().must_have("Engine") == {"name", "run"}


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A small package with a contract, as floe-core has them."""
    package = tmp_path / "source" / "floe_core"
    (package / "plugins").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "plugin_metadata.py": (
            "from abc import ABC, abstractmethod\n"
            "class PluginMetadata(ABC):\n"
            "    @property\n    @abstractmethod\n    def name(self) -> str: ...\n"
            "    def startup(self) -> None: ...\n"
        ),
        "version_compat.py": 'FLOE_PLUGIN_API_VERSION: str = "1.0"\n',
        "plugins/__init__.py": "",
        "plugins/compute.py": (
            "from abc import abstractmethod\n"
            "from floe_core.plugin_metadata import PluginMetadata\n"
            "class ComputePlugin(PluginMetadata):\n"
            "    @abstractmethod\n    def validate_connection(self, seconds: int = 5) -> bool: ...\n"
            "    def _own(self) -> None: ...\n"
            "    limit = 3\n"
            "class Helper:\n    def help(self) -> None: ...\n"
        ),
    }
    for name, text in files.items():
        (package / name).write_text(text)
    return package


def test_the_contracts_of_a_package_are_read_without_running_it(core: Path) -> None:
    assert contracts.read(core) == Contracts(
        plugin_api="1.0",
        contracts={
            "PluginMetadata": Contract(
                builds_on="ABC", methods={"name": "abstract property -> str", "startup": "() -> None"}
            ),
            "ComputePlugin": Contract(
                builds_on="PluginMetadata",
                methods={"validate_connection": "abstract (seconds: int = 5) -> bool"},
            ),
        },
    )


def test_a_change_is_made_in_the_copy_alone(core: Path, tmp_path: Path) -> None:
    copy = contracts.copied(core, tmp_path / "copy")
    before = contracts.read(core)
    contracts.change(copy, "an optional method is removed")
    assert before.breaks(contracts.read(copy)) == {"PluginMetadata.startup is gone"}
    assert contracts.read(core) == before
