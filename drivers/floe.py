"""floe as a person has it installed: its commands, run as they run them, in a project of their own."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from drivers import traffic
from drivers.errors import ServiceError, brief
from foundation import process
from foundation.cache import SYSTEM
from images import environment
from images.recipes import additions
from reports import evidence

COMMAND_SECONDS = 600.0
"""How long a command may take: a compilation takes 6 s alone, and minutes where others come first."""

DEMO = SYSTEM / "demo"
MADE = ("target", "logs", "floe_macros", "data", "compiled_artifacts.json", "definitions.py", "profiles.yml")
"""What a compilation leaves in a product's folder; a copy of the sources has none of it."""

MADE_FILES = ("compiled_artifacts.json", "definitions.py", "profiles.yml", "target/manifest.json")
"""Of that, the files that a run needs."""

_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")


@dataclass(frozen=True)
class Outcome:
    """What a command did, as the person at the terminal sees it.

    Attributes:
        code: its exit code.
        out: its standard output.
        err: its standard error.
        made: the files that were not there before or have other content now, by their path in the project.
        gone: the files that were there before and are no more.
    """

    code: int
    out: str
    err: str
    made: Mapping[str, bytes]
    gone: frozenset[str] = frozenset()

    @property
    def said(self) -> str:
        """All that it printed."""
        return f"{self.out}{self.err}"


class Project:
    """A folder with a manifest and products, as a team keeps them.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_the_demo(cls, folder: Path, *products: str) -> Project:
        """A copy of the demo's manifest and some of its products, sources only."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEMO / "manifest.yaml", folder)
        project = cls(folder)
        for product in products:
            project.add(DEMO / product)
        return project

    def add(self, product: Path) -> None:
        """Take a copy of a product into the project, sources only."""
        shutil.copytree(product, self.folder / product.name, ignore=shutil.ignore_patterns(*MADE))

    def read(self, path: str) -> str:
        """The text of a file, by its path in the project."""
        return (self.folder / path).read_text(encoding="utf-8")

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file, by its path in the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def edit(self, path: str, find: str, put: str) -> None:
        """Replace a text that stands in a file exactly once.

        Raises:
            ServiceError: it does not.
        """
        text = self.read(path)
        if text.count(find) != 1:
            answer = f"it stands there {text.count(find)} times"
            raise ServiceError(f"replace {brief(find, 60)!r}", of=path, answer=answer)
        self.write(path, text.replace(find, put))

    def packed(self, path: str, *, without: frozenset[str] = frozenset()) -> bytes:
        """A folder as a gzipped tar, the way it is delivered: the same bytes for the same files.

        Args:
            path: of the folder in the project.
            without: files of it that are left out.
        """
        packed = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w") as archive,
        ):
            folder = self.folder / path
            files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
            for name in sorted(files.keys() - without):
                content = files[name].read_bytes()
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return packed.getvalue()

    def pretend_compiled(self, product: str) -> None:
        """Put files where a compilation leaves its own, by name only: a refusal leaves them as they are."""
        for path in MADE_FILES:
            self.write(f"{product}/{path}", "{}\n")
        self.write("workspace.yaml", "{}\n")

    def files(self) -> dict[str, bytes]:
        """Every file and its content, by its path in the project."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}


class Floe:
    """One installation of floe.

    Args:
        home: the Python environment.
        completed: whether the additions are part of it.
    """

    def __init__(self, home: Path, *, completed: bool) -> None:
        self.home = home
        self.completed = completed

    @classmethod
    def installed(cls) -> Floe:
        """The installation under test: with the additions, or as released where ADDITIONS=off."""
        if additions() == "on":
            return cls(environment.completed(), completed=True)
        return cls(environment.released(), completed=False)

    @cached_property
    def version(self) -> str:
        """Its version; the report names it with what completes it."""
        version = self.python("import importlib.metadata as m; print(m.version('floe-core'))").out.strip()
        evidence.component("floe", f"{version} {'with the additions' if self.completed else 'as released'}")
        return version

    def run(
        self,
        words: Sequence[str | Path],
        project: Project | None = None,
        *,
        folder: str = ".",
        variables: Mapping[str, str] | None = None,
        within: float = COMMAND_SECONDS,
    ) -> Outcome:
        """Run one of its programs to the end, whatever its exit code.

        Args:
            words: a program of the installation (`floe-complete`, `python`, `dbt`) and its arguments.
            project: the project it works on; what it makes there is told.
            folder: where in the project it is run.
            variables: environment variables beside those every person has.
            within: seconds it may take.

        Raises:
            ServiceError: there is no such program in this installation, or it did not end in time.
        """
        evidence.touched("floe")
        program, *arguments = map(str, words)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        before = project.files() if project else {}
        with traffic.asking("floe", brief(" ".join((program, *arguments)), 120)):
            done = _ended(
                [str(self._program(program)), *arguments],
                cwd=project.folder / folder if project else None,
                env={**inherited, **(variables or {})},
                within=within,
            )
        after = project.files() if project else {}
        made = {path: content for path, content in after.items() if before.get(path) != content}
        gone = frozenset(before.keys() - after.keys())
        return Outcome(done.returncode, done.stdout, done.stderr, made, gone)

    def python(self, code: str, *arguments: str) -> Outcome:
        """Run Python code inside the installation."""
        return self.run(["python", "-c", code, *arguments])

    def _program(self, name: str) -> Path:
        homes = (self.home, *([environment.released()] if self.completed else []))
        for home in homes:
            if (home / "bin" / name).is_file():
                return home / "bin" / name
        raise ServiceError(f"run {name}", of="floe", answer="this installation has no such program")


def _ended(
    words: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], within: float
) -> subprocess.CompletedProcess[str]:
    turn = process.in_its_turn()
    try:
        return subprocess.run(
            [*turn, *words],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within,
            check=False,
            start_new_session=bool(turn),
        )
    except subprocess.TimeoutExpired as late:
        said = brief(late.stderr or late.stdout or "nothing")
        answer = f"nothing after {within:.0f} s; last it said: {said}"
        raise ServiceError(f"run {Path(words[0]).name}", of="floe", answer=answer) from late
