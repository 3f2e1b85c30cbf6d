"""dbt, asked whether it can run a product: by itself, in a process of its own, writing nothing there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_complete.document import shown
from floe_complete.problems import Problem, RefusedError

if TYPE_CHECKING:
    from types import TracebackType

    from floe_complete.dbt_child import Answer, Table, Task, Wrong

MACROS = "floe_macros"
"""The folder of a product that takes the compute plugin's macros; `macro-paths` names it."""

_MADE = frozenset({"target", "logs", MACROS})
_SECONDS = 180.0
_ENV_VAR = re.compile(r"env_var\('([A-Z0-9_]+)'(?:, '([^']*)')?\)")
_FILE = re.compile(r"\(([^()\n]+\.(?:sql|yml|yaml|csv|py|md))\)")
_LINE = re.compile(r"^ *LINE (\d+): (.*)$", re.MULTILINE)
_NOT_HERE = "not-known-when-compiled"


class FailedError(Exception):
    """Something broke that is no mistake in a person's files; the message says where."""


class Dbt:
    """A dbt that starts while others work, and does one task.

    Args:
        work: a folder for all that it writes.
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._errors = work / "dbt.err"

    def __enter__(self) -> Dbt:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        with self._errors.open("wb") as errors:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "floe_complete.dbt_child"],
                cwd=self._work,
                # What dbt collects in sets comes in the same order every time, whoever compiles.
                env={**inherited, "PYTHONHASHSEED": "0", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                text=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.wait()
        if self._child.stdin:
            self._child.stdin.close()

    def judge(
        self, project: Path, profiles: Mapping[str, Any], target: Path, product: Path
    ) -> Mapping[str, Table] | None:
        """Let dbt parse a project and try its SQL.

        Args:
            project: the dbt project's folder; dbt writes nothing there.
            profiles: the compiled profiles.yml.
            target: the folder for dbt's manifest, and for what spares it the parsing at run time.
            product: the folder that a person knows the project by.

        Returns:
            The tables that its SQL makes, by their names; None where there is no engine here to try it.

        Raises:
            RefusedError: dbt, or DuckDB, refused; with what they said.
            FailedError: dbt itself broke.
        """
        trial = tried_in_memory(profiles)
        task: Task = {
            "project": str(project),
            "profiles": str(self._written("profiles", profiles)),
            "trial": str(self._written("trial", trial)) if trial else "",
            "target": str(target),
            "scratch": str(self._work / "scratch"),
            "variables": as_on_the_platform(profiles),
            "answer": str(self._work / "answer.json"),
        }
        try:
            self._child.communicate(f"{json.dumps(task)}\n", timeout=_SECONDS)
        except subprocess.TimeoutExpired as late:
            raise FailedError(f"GENERATE failed: dbt still ran after {_SECONDS:.0f} s") from late
        answer = Path(task["answer"])
        if not answer.is_file():
            said = self._errors.read_text(errors="replace").strip().splitlines()[-1:]
            raise FailedError(
                f"GENERATE failed: dbt ended with code {self._child.returncode}: {''.join(said)}"
            )
        came: Answer = json.loads(answer.read_text(encoding="utf-8"))
        if wrong := came["wrong"]:
            raise RefusedError(problem for one in wrong for problem in told(one, project, product))
        return came["tables"] if trial else None

    def _written(self, name: str, profiles: Mapping[str, Any]) -> Path:
        import yaml  # noqa: PLC0415

        folder = self._work / name
        folder.mkdir()
        (folder / "profiles.yml").write_text(yaml.safe_dump(dict(profiles), sort_keys=False))
        return folder


def shadow(product: Path, folder: Path) -> Path:
    """A folder that shows dbt a product's files without what was made there before.

    dbt judges it in the place of the product, whose folder stays as it is until all was found right.
    """
    folder.mkdir()
    for entry in sorted(product.iterdir()):
        if entry.name not in _MADE:
            (folder / entry.name).symlink_to(entry.resolve())
    return folder


def as_on_the_platform(profiles: Mapping[str, Any]) -> dict[str, str]:
    """What the variables of a profile are worth while nothing runs.

    dbt resolves the profile to parse. Its defaults are the platform's own addresses: with them, and not
    with what this machine happens to have, dbt's state is that of a run, which then parses nothing again.
    No credential exists at this time and none is used.
    """
    return {name: default or _NOT_HERE for name, default in _ENV_VAR.findall(json.dumps(profiles))}


def tried_in_memory(profiles: Mapping[str, Any]) -> dict[str, Any]:
    """The profile with an empty DuckDB in memory in the place of every database it speaks of.

    Empty when the profile is not of DuckDB: no other engine can judge another one's SQL.
    """
    trial: dict[str, Any] = {}
    for name, profile in profiles.items():
        outputs = {}
        for target, output in profile["outputs"].items():
            if output.get("type") != "duckdb":
                return {}
            path = str(output.get("path", ":memory:"))
            database = output.get("database") or (None if path == ":memory:" else Path(path).stem)
            attached = [entry["alias"] for entry in output.get("attach", ()) if "alias" in entry]
            places = dict.fromkeys([*attached, *([database] if database else [])])
            outputs[target] = {
                "type": "duckdb",
                "path": ":memory:",
                "schema": output.get("schema", "main"),
                "threads": output.get("threads", 1),
                "config_options": {"autoinstall_known_extensions": "false"},
                "attach": [{"path": ":memory:", "alias": place} for place in places],
                **({"database": database} if database else {}),
            }
        trial[name] = {"target": profile["target"], "outputs": outputs}
    return trial


# ---- what dbt says, for a person


def told(wrong: Wrong, project: Path, product: Path) -> Iterator[Problem]:
    """A refusal of dbt or DuckDB as a problem: the model, its file and line, and their words, cleaned."""
    said = wrong["said"].replace(f"{project}/", "").replace(str(project), "the product's folder")
    named = _FILE.search(said)
    file = wrong["file"] or (named.group(1) if named else "dbt_project.yml")
    place = shown(product / file)
    if wrong["node"]:
        line = source_line(said, wrong["raw"], wrong["compiled"])
        words = _words(_LINE.split(said)[0])
        yield Problem(place, wrong["node"], words, "SQL that DuckDB can run", stage="GENERATE", line=line)
        return
    if absent := re.search(r"patch with name '([^']+)' in the 'seeds' section of file '([^']+)'", said):
        seed, described = absent.groups()
        data = shown(product / Path(described).with_name(f"{seed}.csv"))
        remedy = "put the file there; the seeds of a demo are generated: python -m demo.seeds"
        yield Problem(shown(product / described), seed, "the seed has no file", data, remedy, "GENERATE")
        return
    if absent := re.search(r"depends on a node named '([^']+)'", said):
        found = f'there is no model, seed or source "{absent.group(1)}"'
        remedy = "correct the name, or make it a part of this product"
        yield Problem(place, Path(file).stem, found, "the name of one that is there", remedy, "GENERATE")
        return
    numbered = re.search(r"\bline (\d+)", said)
    yield Problem(
        place,
        "",
        _words(said),
        "a dbt project that dbt can parse",
        stage="GENERATE",
        line=int(numbered.group(1)) if numbered else 0,
    )


def source_line(said: str, raw: str, compiled: str) -> int:
    """The line of a model's file that DuckDB means; 0 when it cannot be told.

    DuckDB counts the lines of the statement that it was given, which begins before the model's own SQL,
    and shows the line: it is looked for in the SQL, then in the file.
    """
    found = _LINE.search(said)
    if not found:
        return 0
    number, shown = int(found.group(1)), found.group(2).strip().strip(".")
    ours, theirs = raw.splitlines(), compiled.splitlines()
    at = [position for position, line in enumerate(theirs) if shown and shown in line]
    if not at:
        return 0
    # Of several that read alike, the one DuckDB's number points at: the statement has a few lines before.
    position = max((one for one in at if one < number), default=at[0])
    if len(ours) == len(theirs):
        return position + 1
    same = [place for place, line in enumerate(ours) if line.strip() == theirs[position].strip()]
    return same[0] + 1 if len(same) == 1 else 0


def _words(said: str) -> str:
    """In one line, without dbt's own heading and marks."""
    lines = [line.strip() for line in said.splitlines()]
    kept = [line for line in lines if line and not re.fullmatch(r"[-^]+|\w+ Error( in .*)?|Raw Error:", line)]
    return "; ".join(kept).removeprefix("[WARNING]: ")
