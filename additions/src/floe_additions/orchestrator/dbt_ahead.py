"""dbt in a process that imports it before it is called.

Importing dbt takes as long as all that it does in a small run. A run knows as soon as it loads its product
that it will call dbt, and has other work until then: meanwhile this process imports dbt, and then does what a
call of the command would have done, with that call's arguments, environment, folder and output. The command
is `floe_additions.orchestrator.dbt_client`; where nobody waits for it, it becomes dbt itself.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from floe_additions.imports import import_dbt
from floe_additions.orchestrator.dbt_client import LENGTH_BYTES

RUN_OF = "DAGSTER_RUN_JOB_NAME"
"""The variable with the name of the job that a process runs; Dagster's launcher sets it in a run's pod."""

_LONGEST_ADDRESS = 100
"""Of a Unix socket, in bytes; the kernel takes 107."""


class Call(TypedDict):
    """One call of the command.

    Attributes:
        arguments: behind the program's name.
        environment: all of it.
        folder: where it was called.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str


class Ahead:
    """A dbt that is being imported.

    Args:
        place: a folder for what leads to it; made.
        dbt: the command that is called where it serves nobody any more.
    """

    def __init__(self, place: Path, dbt: str) -> None:
        address = str(place / "socket")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(address)
            listening.listen(1)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(listening.fileno())],
                # It ends with whoever holds the other end, if it was not called before.
                stdin=subprocess.PIPE,
                pass_fds=[listening.fileno()],
                # Lines are read as they are written.
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        client = Path(__file__).with_name("dbt_client.py")
        self.command = place / "dbt"
        self.command.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -S "{client}" "{address}" "{dbt}" "$@"\n'
        )
        self.command.chmod(0o700)

    def close(self) -> None:
        """End it where it was not called, and wait for it."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()


_begun: list[Ahead] = []


def begin(job: str, dbt: str, scratch: Callable[[str], Path]) -> None:
    """Begin to import dbt, where this process is one of a run of the job.

    Args:
        job: the product's, as Dagster calls it.
        dbt: the command that runs it.
        scratch: makes a folder for a purpose.
    """
    if _begun or os.environ.get(RUN_OF) != job:
        return
    place = scratch("dbt-ahead")
    if len(os.fsencode(place / "socket")) <= _LONGEST_ADDRESS:
        _begun.append(Ahead(place, dbt))


def command(dbt: str) -> str:
    """The command that does what dbt does: one that leads to what was begun, if anything was."""
    return str(_begun[0].command) if _begun else dbt


def main(descriptor: int) -> None:
    """Import dbt, wait for one call and answer it."""
    with socket.socket(fileno=descriptor) as listening:
        import_dbt()
        from dbt.cli.main import cli  # noqa: PLC0415

        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if listening not in ready:
            return  # whoever wanted it has ended
        connection, _ = listening.accept()
    with connection:
        arguments = _taken_over(connection)
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        connection.sendall(f"{os.getpid()}\n".encode())
        code = _called(cli, arguments)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        connection.sendall(f"{code}\n".encode())
    sys.exit(code)


def _taken_over(connection: socket.socket) -> list[str]:
    """Become the process that was called; its arguments."""
    head, outputs, _, _ = socket.recv_fds(connection, LENGTH_BYTES, 2)
    length = int.from_bytes(head + _received(connection, LENGTH_BYTES - len(head)), "big")
    call: Call = json.loads(_received(connection, length))
    os.environ.clear()
    os.environ.update(call["environment"])
    os.chdir(call["folder"])
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - for its descriptor
        os.dup2(nothing.fileno(), 0)
    for standard, output in zip((1, 2), outputs, strict=True):
        os.dup2(output, standard)
        os.close(output)
    return call["arguments"]


def _received(connection: socket.socket, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = connection.recv(length)
        if not part:
            raise EOFError("the call broke off")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _end_with(connection: socket.socket) -> None:
    """End at once when the caller was killed: nobody reads the output any more."""
    if not connection.recv(1):
        os._exit(1)


def _called(cli: Any, arguments: list[str]) -> int:
    """The exit code of dbt's command line."""
    sys.argv = ["dbt", *arguments]
    try:
        cli(args=arguments, prog_name="dbt")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


if __name__ == "__main__":
    main(int(sys.argv[1]))
