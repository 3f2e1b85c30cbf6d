"""No secret stands in the evidence: a canary is planted in the platform, and everything written is searched.

The canary is a Secret that nothing uses. Whoever collects too much of a platform collects it too, and
gives itself away. The values of the Secrets that drivers read are looked for in the same way. A value
that is found makes the session red; the message names the file and the secret, and the file is blanked.

This is the net. What can be known beforehand is blanked before it is written: failure messages,
captured output and what `steps/diagnostics.py` attaches (`foundation.secrecy.blank`).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import re
import secrets
import time
import zlib
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from foundation import secrecy
from foundation.errors import PlatformError, UserError
from reports import matrix, results

if TYPE_CHECKING:
    from drivers.kubernetes import Cluster

SECRET, KEY = "floe-acceptance-canary", "canary"

_GZIP = b"\x1f\x8b"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64,}={0,2}")
"""What may be a whole file in base64, as Allure's single page holds them."""
_DEEPEST = 4
_said = pytest.StashKey[list[str]]()

Found = Counter[tuple[str, str]]
"""How often each secret was found in each form."""


def plant(cluster: Cluster, namespace: str) -> None:
    """Plant a canary of its own in a fresh namespace.

    Its value has 40 letters, begins like a word and is written like no password, so that no
    pattern blanks it by luck.

    Raises:
        ServiceError: Kubernetes refused.
    """
    value = SecretStr(f"canary{secrets.token_hex(17)}")
    secrecy.register(f"{namespace}/{SECRET} {KEY}", value)
    cluster.create_secret(namespace, SECRET, {KEY: value})


@dataclass(frozen=True)
class Leak:
    """A secret that stood in a file, in one of its forms; the file was blanked."""

    file: Path
    name: str
    form: str
    times: int

    def __str__(self) -> str:
        return f"{self.file} held {self.name} ({self.form}, {self.times} times)"


@dataclass(frozen=True)
class Search:
    """What was searched, for how many values, in how many seconds, and what was found."""

    values: int
    files: int
    octets: int
    seconds: float
    leaks: tuple[Leak, ...]

    def __str__(self) -> str:
        canaries = sum(SECRET in name for name in secrecy.names())
        return (
            f"{self.values} secret values, {canaries} of them planted, looked for in {self.files} files "
            f"({self.octets / 1e6:.1f} MB, {self.seconds:.2f} s): {len(self.leaks) or 'none'} found"
        )


def search(folders: Iterable[Path]) -> Search:
    """Look for every known value in every file below some folders, and blank what is found."""
    began = time.perf_counter()
    values = len(secrecy.names())
    needles = {needle.encode(): known for needle, known in secrecy.needles().items()}
    files = sorted(
        {file for folder in folders for file in folder.rglob("*") if file.is_file()} if values else ()
    )
    octets, leaks = 0, []
    for file in files:
        data = file.read_bytes()
        octets += len(data)
        clean, found = _cleaned(data, needles)
        if found:
            fresh = file.with_name(file.name + ".new")
            fresh.write_bytes(clean)
            fresh.replace(file)
        leaks += [Leak(file, name, form, times) for (name, form), times in found.items()]
    return Search(values, len(files), octets, time.perf_counter() - began, tuple(leaks))


def refuse_leaks(folder: Path) -> None:
    """Search a folder in which something new was written.

    Raises:
        PlatformError: a known value stood in it; it was blanked.
    """
    if leaks := search([folder]).leaks:
        raise PlatformError("\n".join(f"{leak}: blanked" for leak in leaks))


def _cleaned(data: bytes, needles: dict[bytes, tuple[str, str]], depth: int = 0) -> tuple[bytes, Found]:
    """Data without any of the needles, and which were there; also of what is packed in it."""
    found: Found = Counter()
    if depth < _DEEPEST:
        data, found = _unpacked(data, needles, depth)
    for needle, known in needles.items():
        if times := data.count(needle):
            found[known] += times
            data = data.replace(needle, b"*" * len(needle))
    return data, found


def _unpacked(data: bytes, needles: dict[bytes, tuple[str, str]], depth: int) -> tuple[bytes, Found]:
    """The same with what is packed in it cleaned: gzip, and files in base64."""
    found: Found = Counter()
    if data.startswith(_GZIP):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            clean, inside = _cleaned(gzip.decompress(data), needles, depth + 1)
            return (gzip.compress(clean, mtime=0), inside) if inside else (data, inside)

    def cleaned_run(run: re.Match[bytes]) -> bytes:
        try:
            octets = base64.b64decode(run[0], validate=True)
        except binascii.Error:
            return run[0]
        clean, inside = _cleaned(octets, needles, depth + 1)
        found.update(inside)
        return base64.b64encode(clean) if inside else run[0]

    return _BASE64.sub(cleaned_run, data), found


# ---- the hooks


@pytest.hookimpl(tryfirst=True)
def pytest_bdd_step_error(request: pytest.FixtureRequest, exception: Exception) -> None:
    """A known value is blanked in a message before anybody keeps it."""
    _blank_message(exception, request.node.nodeid)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Blank known values in what failed and in what was printed."""
    if call.excinfo:
        _blank_message(call.excinfo.value, item.nodeid)
    report = yield
    if report.failed:
        told = report.longreprtext
        blanked = secrecy.blank(told, f"a failure of {item.nodeid}")
        if blanked != told:
            report.longrepr = blanked
    report.sections = [
        (title, secrecy.blank(text, f"{title} of {item.nodeid}".lower())) for title, text in report.sections
    ]
    return report


def _blank_message(error: BaseException | None, node: str) -> None:
    where, seen = f"a failure of {node}", set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        said = tuple(secrecy.blank(one, where) if isinstance(one, str) else one for one in error.args)
        if said != error.args:
            error.args = said
        if notes := getattr(error, "__notes__", None):
            notes[:] = [secrecy.blank(note, where) for note in notes]
        error = error.__cause__ or error.__context__


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Search the evidence once all of it is written, and also when the session ends in an error."""
    try:
        return (yield)
    finally:
        config = session.config
        if config.pluginmanager.has_plugin("evidence") and not hasattr(config, "workerinput"):
            _judge(session)


def _judge(session: pytest.Session) -> None:
    """A secret that stood in the evidence, or nearly did, turns the session red."""
    config = session.config
    out = config.rootpath / (config.getoption("--evidence") or Path("reports") / "out")
    searched = search([out, Path(config.option.allure_report_dir), config.rootpath / matrix.EVIDENCE])
    leaks = [replace(leak, file=_below(leak.file, config.rootpath)) for leak in searched.leaks]
    said = [f"{leak}: blanked" for leak in (*secrecy.met(), *leaks)]
    config.stash[_said] = [*said, str(searched)] if searched.values else []
    if said:
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        _keep(said, out, config.rootpath, int(session.exitstatus))


def _keep(said: list[str], out: Path, root: Path, code: int) -> None:
    """Write the leaks into the results and into the matrix, so that neither reads as a green run."""
    with contextlib.suppress(UserError):  # without results there is nothing to correct
        run = results.read(out)
        results.write(run.model_copy(update={"errors": [*run.errors, *said], "exit_code": code}), out)
        matrix.write(out, root=root)


def _below(file: Path, root: Path) -> Path:
    return file.relative_to(root) if file.is_relative_to(root) else file


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was looked for and what was found."""
    lines = config.stash.get(_said, [])
    if lines:
        terminalreporter.write_sep("=", "secrets")
    for line in lines:
        terminalreporter.write_line(line)
