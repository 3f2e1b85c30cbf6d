"""The command that leads to a dbt which is imported already: dbt_client.py SOCKET DBT ARGUMENT...

It needs the standard library only, and starts at once. Where nobody listens it becomes DBT.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

LENGTH_BYTES = 8
"""Of the length of a call that precedes it, beside the descriptors for its output."""

_BROKEN = 1
"""Exit code where the other process ended without one."""


def main(address: str, dbt: str, arguments: list[str]) -> int:
    """Have the call answered; dbt's exit code."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        _hand_over(connection, arguments)
        answers = connection.makefile("r")
        process = answers.readline()
    except OSError:
        process = ""
    if not process:
        connection.close()
        os.execv(dbt, [dbt, *arguments])  # noqa: S606 - it takes this process' place
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, lambda number, _frame: _forward(int(process), number))
    code = answers.readline()
    answers.read()  # until it has ended
    return int(code or _BROKEN)


def _hand_over(connection: socket.socket, arguments: list[str]) -> None:
    call = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109
    said = json.dumps(call).encode()
    socket.send_fds(connection, [len(said).to_bytes(LENGTH_BYTES, "big")], [1, 2])
    connection.sendall(said)


def _forward(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
