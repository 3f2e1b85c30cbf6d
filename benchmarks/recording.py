"""What dbt sends to DuckDB in a run: `python -m benchmarks.recording`, in a process of its own.

It is told on standard input what to do (`Task`) and writes a `Recording` into a file. The catalog's address
and the principal's credentials are in the environment, as in a run's pod.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

EXTENSIONS: Final = ("httpfs", "avro", "iceberg")


class Task(BaseModel):
    """What is to be done.

    Attributes:
        folder: the product, compiled for these servers.
        scratch: a folder for what is thrown away.
        answer: the file for the recording.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    scratch: Path
    answer: Path


class Recording(BaseModel):
    """The statements of one run, in the order in which dbt sent them.

    Attributes:
        statements: of its nodes, transactions included; not dbt's look at what tables there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    statements: list[str]


def record(task: Task) -> Recording:
    """Have dbt build the product once, in this process.

    Raises:
        RuntimeError: the build failed; with what dbt says.
    """
    # Imported late: whoever reads a recording needs no dbt.
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    statements: list[str] = []

    def heard(event: EventMsg) -> None:
        if event.info.name == "SQLQuery" and event.data.node_info.unique_id:
            statements.append(event.data.sql)

    done = dbtRunner(callbacks=[heard]).invoke(
        [
            *("--quiet", "--log-level", "none", "--log-path", str(task.scratch), "build"),
            *("--project-dir", str(task.folder), "--profiles-dir", str(task.folder)),
            # One after the other: the statements of two threads would be mixed up.
            *("--target-path", str(task.scratch / "target"), "--threads", "1"),
        ]
    )
    if not done.success:
        raise RuntimeError(f"dbt cannot build {task.folder.name}: {done.exception or done.result}")
    return Recording(statements=statements)


def main() -> None:
    """Record once."""
    from duckdb_extensions import import_extension  # type: ignore[import-untyped]  # noqa: PLC0415

    task = Task.model_validate_json(sys.stdin.read())
    for extension in EXTENSIONS:
        import_extension(extension)
    task.answer.write_text(record(task).model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
