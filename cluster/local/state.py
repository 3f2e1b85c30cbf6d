"""Whose node runs on this machine, and whether it still does.

The record is in /run, not in anyone's cache or checkout: the machine has one such node, however
many users and checkouts there are. Process 1 of the node writes who it is by itself, before it does
anything else, so that an `up` killed right after the launch leaves no process that nobody knows.
"""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from cluster.local.layout import Layout
from foundation.cache import locked_file
from foundation.errors import PlatformError

_Record = TypeVar("_Record", bound=BaseModel)


class Identity(BaseModel):
    """One process: its id, and its start in clock ticks since boot, so that a reused id is told apart."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return started_of(self.pid) == self.started


class Holder(BaseModel):
    """Whose the node is.

    Attributes:
        checkout: the checkout that started it.
        home: its folder in that user's cache.
        digest: of all that decides how the node is started.
        network: its range.
        since: when it was started.
        boot: the machine's boot it was started in.
    """

    checkout: Path
    home: Path
    digest: str
    network: str
    since: datetime
    boot: str


def holder_file(layout: Layout) -> Path:
    """Where the holder is recorded."""
    return layout.runtime / "holder.json"


def identity_file(layout: Layout) -> Path:
    """Where process 1 of the node records who it is."""
    return layout.runtime / "init.json"


def holder(layout: Layout) -> Holder | None:
    """The recorded holder; None when there is none, or the record is damaged."""
    return _read(holder_file(layout), Holder)


def identity(layout: Layout) -> Identity | None:
    """Process 1 of the node if it is alive."""
    record = _read(identity_file(layout), Identity)
    known = holder(layout)
    if record is None or (known is not None and known.boot != boot_id()):
        return None
    return record if record.alive() else None


def record_holder(layout: Layout, new: Holder) -> None:
    """Record the holder in one step."""
    layout.runtime.mkdir(mode=0o755, exist_ok=True)
    part = layout.runtime / ".holder.json.new"
    part.write_text(new.model_dump_json(indent=2))
    part.rename(holder_file(layout))


def forget(layout: Layout) -> None:
    """Remove every record."""
    shutil.rmtree(layout.runtime, ignore_errors=True)


def boot_id() -> str:
    """Names this boot of the machine: ids and ticks of another boot mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started_of(pid: int) -> int | None:
    """When the process with this id started, in clock ticks since boot; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in brackets may hold blanks and brackets.
    fields = text[text.rindex(")") + 1 :].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def kill(process: Identity, *, within: float) -> None:
    """End a process of ours at once and wait until it is gone, with all of its process namespace."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    except OSError as refused:
        if refused.errno == errno.EINVAL:  # It is a thread's id by now.
            return
        raise
    try:
        # Opened first, compared after: from here on the handle cannot come to mean another process.
        if started_of(process.pid) != process.started:
            return
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            return
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        if not poller.poll(within * 1000):
            raise PlatformError(f"process {process.pid} of the node did not end within {within:.0f} s")
    finally:
        os.close(handle)


@contextmanager
def machine_lock(layout: Layout, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """One `up` or `down` at a time on this machine; the kernel lets go of it with its holder."""
    path = layout.runtime.with_suffix(".lock")
    with locked_file(path, f"process {os.getpid()} in {Path.cwd()}", waiting=waiting):
        yield


def _read(path: Path, model: type[_Record]) -> _Record | None:
    try:
        return model.model_validate_json(path.read_text())
    except (FileNotFoundError, ValidationError):
        return None
