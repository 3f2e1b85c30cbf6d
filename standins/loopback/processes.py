"""Processes that belong to a test: started in a group of their own, ended with everything they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from foundation.errors import PlatformError


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_user(user: int | None) -> list[str]:
    """The arguments that make setpriv run a program as somebody else."""
    return [] if user is None else [f"--reuid={user}", f"--regid={user}", "--clear-groups"]


class Running:
    """A process that should run until it is told to stop."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log: Path,
        user: int | None = None,
    ) -> None:
        """Start it; it is told to stop when the tests are killed, so that nothing outlives them.

        Args:
            name: what it is, for messages.
            command: program and arguments.
            env: variables added to the environment.
            log: file that gets all it prints.
            user: the user id to run as, if not the tests' own.
        """
        self._name = name
        self.log = log
        words = ["setpriv", "--pdeathsig=INT", *as_user(user), *(str(word) for word in command)]
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                words,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's."""
        return self._process.pid

    def must_run(self) -> None:
        """Raise with its last words if it ended."""
        code = self._process.poll()
        if code is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise PlatformError(f"{self._name} ended with code {code}:\n{last}")

    def stop(self, *, quick: bool = False) -> None:
        """End it: politely, or as PostgreSQL's fast shutdown; after ten seconds by force."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT if quick else signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it and its whole group at once, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
