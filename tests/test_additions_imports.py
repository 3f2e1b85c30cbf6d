"""What a process imports of other libraries, and what it does not."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from floe_additions import imports


def _printed(code: str) -> list[str]:
    """The lines that a fresh interpreter prints: imports of this one would show nothing."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_run_imports_no_dbt_and_dbt_is_there_all_the_same() -> None:
    code = (
        "import sys, floe_additions.orchestrator.loader\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'dbt_common', 'dbt_adapters'}))\n"
        "import dbt.version; print(dbt.version.__version__.partition('.')[0])"
    )
    assert _printed(code)[:2] == ["[]", "1"]


def test_the_plugins_of_a_product_are_looked_at_without_dbt_and_dbt_is_there_all_the_same() -> None:
    code = (
        "import sys\n"
        "from floe_additions.imports import dbt_left_out\n"
        "with dbt_left_out():\n"
        "    import floe_dbt_core, floe_orchestrator_dagster\n"
        "print('dbt_common' in sys.modules, floe_dbt_core.DBTCorePlugin.__name__)\n"
        "from dbt.cli.main import dbtRunner; print(dbtRunner.__name__)"
    )
    assert _printed(code) == ["False DBTCorePlugin", "dbtRunner"]


def test_who_submits_a_run_imports_nothing_of_kubernetes() -> None:
    """Every process of a Dagster instance loads its run coordinator, and the daemon alone its launcher."""
    code = (
        "import sys, floe_additions.observability.launch\n"
        "print('kubernetes' in sys.modules)\n"
        "import floe_additions.observability.worker\n"
        "print('kubernetes' in sys.modules)"
    )
    assert _printed(code) == ["False", "True"]


def test_a_dbt_that_is_imported_already_is_left_alone() -> None:
    import dbt.version  # noqa: PLC0415

    with imports.dbt_left_out():
        assert sys.modules["dbt.version"] is dbt.version
    assert sys.modules["dbt.version"] is dbt.version


@pytest.fixture
def loud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that leaves a file behind when it is executed."""
    executed = tmp_path / "executed"
    (tmp_path / "loud_module.py").write_text(
        f"open({str(executed)!r}, 'w').close()\nsaid = 'here'\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "loud_module", raising=False)
    return executed


def test_what_is_put_off_is_executed_at_its_first_use(loud: Path) -> None:
    finders = list(sys.meta_path)
    with imports.put_off("loud_module"):
        import loud_module  # type: ignore[import-not-found]  # noqa: PLC0415
    assert sys.meta_path == finders
    assert not loud.exists()
    assert loud_module.said == "here"
    assert loud.exists()


def test_what_is_not_named_is_imported_at_once(loud: Path) -> None:
    with imports.put_off("another_module"):
        import loud_module  # noqa: F401, PLC0415
    assert loud.exists()


def test_a_module_that_is_nowhere_is_as_missing_as_ever() -> None:
    with (
        imports.put_off("nowhere_to_be_found"),
        pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"),
    ):
        import nowhere_to_be_found  # type: ignore[import-not-found]  # noqa: F401, PLC0415


def test_what_is_left_out_is_missing_and_is_there_afterwards(loud: Path) -> None:
    with imports.left_out("loud_module"), pytest.raises(ModuleNotFoundError, match="loud_module"):
        import loud_module  # noqa: F401, PLC0415
    assert not loud.exists()
    import loud_module as again  # noqa: PLC0415

    assert again.said == "here"


def test_the_collector_rests_while_modules_are_imported_and_works_afterwards() -> None:
    assert gc.isenabled()
    with imports.uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_switched_off_stays_off() -> None:
    gc.disable()
    try:
        with imports.uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_checks_of_a_run_import_neither_scipys_distributions_nor_altairs_charts() -> None:
    """Great Expectations names them, and uses them for expectations that floe has none of."""
    said = _printed(
        "import sys\n"
        "from types import SimpleNamespace\n"
        "from floe_additions.orchestrator import quality\n"
        "quality.declared = lambda product: {'a_model': ['a check']}\n"
        "quality.warm_up(SimpleNamespace(artifacts=SimpleNamespace(quality_config=None)))\n"
        "asked = {'great_expectations', 'scipy.stats._stats_py', 'altair.vegalite', 'boto3'}\n"
        "print(sorted(asked & set(sys.modules)))\n"
        "import scipy.stats, boto3\n"
        "print(scipy.stats.norm.cdf(0), boto3.__name__)\n"
    )
    assert said == ["['great_expectations']", "0.5 boto3"]
