"""Other programs, always with a deadline, never through a shell."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from foundation.errors import DeadlineError, PlatformError

_LAST_LINES = 25


def run(
    command: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    log: Path | None = None,
) -> str:
    """Run a program to its end and return what it wrote to standard output.

    Args:
        command: program and arguments.
        timeout: seconds until the program is ended and DeadlineError raised.
        cwd: folder to run in.
        env: variables added to the environment of this process.
        stdin: text for its standard input; nothing otherwise.
        log: file that gets all it prints (then an empty string is returned).

    Raises:
        PlatformError: it ended with another code than 0, or is not installed; with its last lines.
        DeadlineError: it was still running after `timeout` seconds.
    """
    words = [str(word) for word in command]
    sink = log.open("ab") if log else None
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            input=stdin.encode() if stdin is not None else None,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=sink or subprocess.PIPE,
            stderr=sink or subprocess.PIPE,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as absent:
        raise PlatformError(f"{words[0]} is not installed") from absent
    except subprocess.TimeoutExpired as late:
        said = log.read_bytes() if log else (late.stderr or b"") + (late.stdout or b"")
        raise DeadlineError(
            f"{_short(words)} still running after {timeout:.0f} s; last output:\n{_tail(said)}"
        ) from late
    finally:
        if sink:
            sink.close()
    if done.returncode != 0:
        said = log.read_bytes() if log else (done.stdout or b"") + (done.stderr or b"")
        raise PlatformError(f"{_short(words)} ended with code {done.returncode}:\n{_tail(said)}")
    return (done.stdout or b"").decode(errors="replace")


def _short(words: Sequence[str]) -> str:
    line = " ".join(words)
    return line if len(line) < 160 else line[:157] + "..."


def _tail(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").strip().splitlines()[-_LAST_LINES:])


_AUTOGROUP = Path("/proc/self/autogroup")

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal this process gets when its parent dies."""


def die_with_parent() -> None:
    """End in good order when the parent is killed, or when asked to terminate.

    A killed make must not leave a run behind that goes on using the cluster. The signal
    becomes a KeyboardInterrupt, so that everything open is torn down as on Ctrl-C.
    """
    heed_interrupts()
    signal.signal(signal.SIGTERM, _interrupt)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def heed_interrupts() -> None:
    """Make Ctrl-C count in this process and in those it starts.

    A shell without job control starts what it puts in the background with SIGINT ignored, and
    children inherit that: nothing could then be ended in good order.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def supervise(
    command: Sequence[str | Path],
    *,
    timeout: float,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a program that has a good order of its own to end in, and return its exit code.

    When the time is over, or this process is interrupted, the program is interrupted too and
    given `_FAREWELL_SECONDS` to tear down what it built; only then is it killed. It ends with
    this process even when this one is killed.

    Args:
        command: program and arguments.
        timeout: seconds until it is interrupted.
        log: file that gets all it prints.
        cwd: folder to run in.
        env: variables that replace those of this process where they are not empty, and remove
            them where they are.

    Raises:
        DeadlineError: it was still running after `timeout` seconds; with its last lines.
    """
    words = [str(word) for word in command]
    variables = {name: value for name, value in {**os.environ, **(env or {})}.items() if value}
    with log.open("wb") as sink:
        child = subprocess.Popen(
            [*ends_with_us(), *words],
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired as late:
            said = _tail(log.read_bytes())
            raise DeadlineError(
                f"{_short(words)} still running after {timeout:.0f} s; last output:\n{said}"
            ) from late
        finally:
            _farewell(child)


_FAREWELL_SECONDS = 150.0
"""What a test session may take to tear its platform down when it is interrupted."""


def _farewell(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(_FAREWELL_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()


def ends_with_us() -> list[str]:
    """Words that make the kernel end the program with this process, even when this one is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def in_its_turn() -> list[str]:
    """Words that make a program come after others for a processor, where this thread does; else none.

    Linux weighs sessions against each other before it looks at niceness within one (sched_autogroup): beside
    a cluster a nice program of this session would get half of the machine. So it needs a session of its own,
    which the caller gives it, and that session this thread's niceness.
    """
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice <= 0 or not _AUTOGROUP.exists():
        return []
    return [*ends_with_us(), "sh", "-c", f'{{ echo "$0" > {_AUTOGROUP}; }} 2>/dev/null; exec "$@"', str(nice)]
