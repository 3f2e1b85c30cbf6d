"""Plugins and dagster-dbt, imported without dbt: it is called in a process of its own and not needed here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ASKED = ("dbt.version", "dbt.cli.main")
"""What dagster-dbt and floe's dbt plugin import to learn whether dbt-core is installed beside them."""


@contextmanager
def dbt_left_out() -> Iterator[None]:
    """Import as where dbt-core is not installed, which both support; more than half of their imports are dbt.

    dbt's types are then plain names to dagster-dbt, and its own adapter, for queries that our assets do not
    make, is what it lacks; floe's dbt plugin can run nothing in this process. What is imported already saves
    nothing and is not left out.
    """
    left_out = [name for name in _ASKED if name not in sys.modules]
    for name in left_out:
        # How Python itself says that a module is not to be found.
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]
