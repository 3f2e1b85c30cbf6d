"""dbt in a process of its own: `python -m floe_complete.dbt_child`, told on standard input what to do.

It starts, which takes most of dbt's time, while floe compiles; and it does in one process what a person
would do in several: `dbt parse` with the compiled profile, then `dbt build --empty` in an empty DuckDB in
memory, so that DuckDB has judged the SQL of every model before a run does, and that of incremental models a
second time, as a run meets them whose tables are there. Without a word on its input it ends: the
compilation was refused before.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from floe_additions.imports import import_dbt


class Task(TypedDict):
    """What is to be done.

    Attributes:
        project: the dbt project's folder.
        profiles: the folder of the compiled profiles.yml.
        trial: the folder of a profiles.yml of the same name for an empty DuckDB; empty for none.
        target: where dbt's manifest goes.
        scratch: where all else goes that dbt writes.
        variables: environment variables, as on the platform.
        answer: the file for the answer.
    """

    project: str
    profiles: str
    trial: str
    target: str
    scratch: str
    variables: dict[str, str]
    answer: str


class Wrong(TypedDict):
    """One thing that dbt refuses.

    Attributes:
        file: in the project; empty when dbt names none.
        node: the model, seed or test; empty when it is none.
        said: dbt's words.
        raw: the file's text as dbt read it.
        compiled: the SQL that DuckDB was given.
    """

    file: str
    node: str
    said: str
    raw: str
    compiled: str


class Table(TypedDict):
    """A table as DuckDB makes it of a model or seed.

    Attributes:
        file: of the model or seed, in the project.
        columns: the type of each, as DuckDB calls it, in the order of the table.
        sql: that dbt compiled; none for a seed.
    """

    file: str
    columns: dict[str, str]
    sql: NotRequired[str]


class Answer(TypedDict):
    """What came of a task.

    Attributes:
        wrong: what dbt or DuckDB refuses.
        tables: by their names; none where the SQL was not tried, or was refused.
    """

    wrong: list[Wrong]
    tables: dict[str, Table]


def main() -> None:
    """Do one task."""
    import_dbt()  # this is what takes the time
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    line = sys.stdin.readline()
    if not line:
        return
    task: Task = json.loads(line)
    os.environ.update(task["variables"])
    parsed = dbtRunner().invoke(_words(task, "parse", task["profiles"], task["target"]))
    wrong, tables = _refused(parsed), {}
    if not wrong and task["trial"]:
        _make_sources(task, getattr(parsed.result, "sources", {}).values())
        # The parsed project is handed on: the profile is another one, and dbt would parse all again.
        engine = dbtRunner(manifest=cast(Any, parsed.result))
        tried = _tried(engine, task)
        wrong = _refused(tried)
        tables = {} if wrong else _tables(tried)
        if not wrong and (added := _added_to(parsed.result)):
            # Their tables are there by now: this time dbt takes what stands under is_incremental().
            wrong = _refused(_tried(engine, task, "--select", *added))
    answer = Answer(wrong=wrong, tables=tables)
    Path(task["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def _tried(engine: Any, task: Task, *selected: str) -> Any:
    words = ("build", "--empty", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    scratch = str(Path(task["scratch"]) / "target")
    return engine.invoke(_words(task, *words, *selected, task["trial"], scratch))


def _added_to(manifest: Any) -> list[str]:
    """The models that a run adds to, and does not make anew."""
    nodes = manifest.nodes.values()
    return sorted(
        node.name
        for node in nodes
        if node.resource_type == "model" and node.config.materialized == "incremental"
    )


def _make_sources(task: Task, sources: Iterable[Any]) -> None:
    """Have the databases of the trial hold every dbt source, empty, with the columns that it declares.

    A source without declared columns is left out: DuckDB then refuses the models that read it, by its name.
    """
    declared = [source for source in sources if any(column.data_type for column in source.columns.values())]
    if not declared:
        return
    import duckdb  # noqa: PLC0415 - dbt has it loaded
    import yaml  # noqa: PLC0415

    file = Path(task["trial"]) / "profiles.yml"
    profiles = yaml.safe_load(file.read_text(encoding="utf-8"))
    folder = Path(task["scratch"]) / "sources"
    folder.mkdir(parents=True)
    for database in {source.database for source in declared}:
        with duckdb.connect(str(folder / f"{database}.duckdb")) as connection:
            for source in declared:
                if source.database == database:
                    _make_source(connection, source)
    for profile in profiles.values():
        for output in profile["outputs"].values():
            for place in output["attach"]:
                made = folder / f"{_rendered(place['alias'])}.duckdb"
                place["path"] = str(made) if made.is_file() else place["path"]
    file.write_text(yaml.safe_dump(profiles, sort_keys=False), encoding="utf-8")


def _rendered(text: str) -> str:
    """A text of a profile as dbt will read it."""
    from jinja2 import Template  # noqa: PLC0415 - dbt has it loaded

    return Template(text).render(env_var=lambda name, default="": os.environ.get(name, default))


def _make_source(connection: Any, source: Any) -> None:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    columns = ", ".join(
        f"{quoted(column.name)} {column.data_type}" for column in source.columns.values() if column.data_type
    )
    connection.execute(f"create schema if not exists {quoted(source.schema)}")
    connection.execute(f"create table {quoted(source.schema)}.{quoted(source.identifier)} ({columns})")


def _words(task: Task, *words_profiles_target: str) -> list[str]:
    *words, profiles, target = words_profiles_target
    return [
        *("--no-use-colors", "--quiet", "--log-level", "none", "--log-path", task["scratch"]),
        *words,
        *("--project-dir", task["project"], "--profiles-dir", profiles, "--target-path", target),
    ]


def _refused(done: Any) -> list[Wrong]:
    if done.success:
        return []
    results = getattr(done.result, "results", None) or []
    failed = [one for one in results if one.status in {"error", "fail"}]
    if not failed:
        return [Wrong(file="", node="", said=str(done.exception or "dbt failed"), raw="", compiled="")]
    return [
        Wrong(
            file=one.node.original_file_path,
            node=one.node.name,
            said=one.message or "",
            raw=getattr(one.node, "raw_code", None) or "",
            compiled=getattr(one.node, "compiled_code", None) or "",
        )
        for one in failed
    ]


def _tables(tried: Any) -> dict[str, Table]:
    """The tables and views that are there after a trial: dbt keeps its DuckDB in memory until it ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415 - with dbt

    environment: Any = DuckDBConnectionManager.env()
    handle = environment.handle()
    try:
        engine = handle.cursor()
        engine.execute(
            "select database_name, schema_name, table_name, column_name, data_type from duckdb_columns() "
            "order by database_name, schema_name, table_name, column_index"
        )
        there: dict[tuple[str, str, str], dict[str, str]] = {}
        for *place, column, kind in engine.fetchall():
            there.setdefault((place[0], place[1], place[2]), {})[column] = kind
    finally:
        handle.close()
    made = (one.node for one in tried.result.results)
    found = {
        node.alias: Table(
            file=node.original_file_path,
            columns=there[node.database, node.schema, node.alias],
            sql=getattr(node, "compiled_code", None) or "",
        )
        for node in made
        if (node.database, node.schema, node.alias) in there
    }
    return {name: found[name] for name in sorted(found)}


if __name__ == "__main__":
    main()
