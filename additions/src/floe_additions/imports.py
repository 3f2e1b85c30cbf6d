"""What a process imports of other libraries, held to what it uses: most of a run's computing is imports."""

import gc
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import LazyLoader
from types import ModuleType

_ASKED = ("dbt.version", "dbt.cli.main")
"""What dagster-dbt and floe's dbt plugin import to learn whether dbt-core is installed beside them."""


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Import as where these modules are not installed, in a library that supports that.

    Args:
        names: in full; what is imported already saves nothing and is not left out.
    """
    out = [name for name in names if name not in sys.modules]
    for name in out:
        # How Python itself says that a module is not to be found.
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in out:
            del sys.modules[name]


@contextmanager
def dbt_left_out() -> Iterator[None]:
    """Import dagster-dbt and floe's plugins without dbt, which is called in a process of its own.

    Both support it; more than half of their imports are dbt. dbt's types are then plain names to dagster-dbt,
    and its own adapter, for queries that our assets do not make, is what it lacks; floe's dbt plugin can run
    nothing in this process.
    """
    with left_out(*_ASKED):
        yield


@contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Import these modules when something of them is used, if ever, and not when they are named.

    Args:
        names: in full; not of packages whose modules are imported by themselves, since that uses the package.
    """
    finder = _PutOff(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def uncollected() -> Iterator[None]:
    """Import without Python looking for garbage in what it imports, which all stays: a fifth of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def import_dbt() -> None:
    """Import dbt with its engine, as a process does that is going to run it."""
    with uncollected():
        from dbt.adapters import duckdb  # noqa: F401, PLC0415
        from dbt.cli import main  # noqa: F401, PLC0415


class _PutOff:
    """Finds modules as the other finders do, and gives them Python's own loader for later."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module with a loader that waits, if it is one of ours; else the next finder is asked."""
        if fullname not in self._names:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if found is not None and found.loader is not None:
            found.loader = LazyLoader(found.loader)
        return found
