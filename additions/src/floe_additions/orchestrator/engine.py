"""dagster-dbt, imported without dbt: a run calls dbt in a process of its own and needs none of it here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ASKED = "dbt.version"
"""What dagster-dbt imports to learn whether dbt-core is installed beside it."""


@contextmanager
def dbt_left_out() -> Iterator[None]:
    """Import dagster-dbt as where dbt-core is not installed, which it supports; half of its imports are dbt.

    dbt's types are then plain names to it; its own adapter, for queries that our assets do not make, is what
    it lacks. Where dbt is imported already, there is nothing to save and nothing is left out.
    """
    if _ASKED in sys.modules:
        yield
        return
    # How Python itself says that a module is not to be found.
    sys.modules[_ASKED] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_ASKED]
