"""One way of the rows, gone once in a process of its own: `python -m benchmarks.ways`.

It is told on standard input what to do (`Task`) and writes a `Sample` into a file. The clock runs while
rows move; what is imported, compiled or read for the comparison before is not counted:

floe       the product's own Dagster job, in this process, on a fresh catalog: dbt's start, its parsing,
           its nodes with their tests, and the catalog's figures of every table are counted
duckdb     DuckDB alone: every seed read from its CSV file with the same types, every model computed by
           the same SQL, each written as one Parquet file into the same bucket and read from there by
           what follows; no catalog, no snapshot, no test, one after the other
pyiceberg  the seeds read by Arrow with the same types, and the models' rows as floe computed them,
           appended to new tables of the same catalog; nothing is computed, one after the other
"""

from __future__ import annotations

import graphlib
import json
import os
import runpy
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, SecretStr

from benchmarks.figures import Sample, Way

EXTENSIONS: Final = ("httpfs", "avro", "iceberg")


class Task(BaseModel):
    """What is to be done.

    Attributes:
        way: which.
        slug: the product's name where only letters, digits and underscores may stand.
        folder: the product, compiled for these servers.
        scratch: a folder for what is thrown away.
        store: the object store, as host and port.
        store_key: the store's user.
        store_secret: its password.
        bucket: where the tables are.
        answer: the file for the sample.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    way: Way
    slug: str
    folder: Path
    scratch: Path
    store: str
    store_key: str
    store_secret: SecretStr
    bucket: str
    answer: Path

    def told(self) -> str:
        """The task as its process is told it: with the secret."""
        return json.dumps(
            {**self.model_dump(mode="json"), "store_secret": self.store_secret.get_secret_value()}
        )


def floe(task: Task) -> Sample:
    """Run the product's job; its catalog, credentials and scratch are in the environment, as in a pod."""
    from dagster import DagsterInstance, Definitions  # noqa: PLC0415

    loaded = runpy.run_path(str(task.folder / "definitions.py"))["defs"]
    if not isinstance(loaded, Definitions):
        raise TypeError(f"definitions.py of {task.slug} defines {type(loaded).__name__}")
    job = loaded.resolve_job_def(task.slug)
    with DagsterInstance.ephemeral() as instance:
        began = time.perf_counter()
        result = job.execute_in_process(instance=instance)
        seconds = time.perf_counter() - began
    made = [event.step_materialization_data for event in result.all_events if event.is_step_materialization]
    told = {
        one.materialization.asset_key.path[-1]: {
            name: value.value for name, value in one.materialization.metadata.items()
        }
        for one in made
    }
    moments = [(number(one["started_at"]), number(one["completed_at"])) for one in told.values()]
    return Sample(
        seconds=seconds,
        nodes_seconds=max(end for _, end in moments) - min(start for start, _ in moments),
        rows={table: int(number(one["row_count"])) for table, one in told.items()},
    )


def number(value: object) -> float:
    """A figure of a materialization as a number."""
    return float(str(value))


def duckdb(task: Task) -> Sample:
    """Let DuckDB alone read, compute and write Parquet."""
    import duckdb as engine  # noqa: PLC0415

    profile = compiled_profile(task.folder)
    statements = list(as_parquet(task, compiled_nodes(task)))
    warehouse = os.environ["POLARIS_WAREHOUSE"]
    with engine.connect(config={**engine_settings(profile)}) as connection:
        connection.execute("load httpfs")
        connection.execute(
            "create secret (type s3, key_id ?, secret ?, endpoint ?, use_ssl false, url_style 'path')",
            [task.store_key, task.store_secret.get_secret_value(), task.store],
        )
        connection.execute(f"attach ':memory:' as {warehouse}")
        connection.execute(f"create schema {warehouse}.{task.slug}")
        rows: dict[str, int] = {}
        began = time.perf_counter()
        for name, write, view in statements:
            written = connection.execute(write).fetchone()
            rows[name] = int(written[0]) if written else 0
            connection.execute(view)
        seconds = time.perf_counter() - began
    return Sample(seconds=seconds, rows=rows)


def compiled_profile(folder: Path) -> dict[str, Any]:
    """The product's profiles.yml as floe compiled it."""
    import yaml  # noqa: PLC0415

    profiles: dict[str, Any] = yaml.safe_load((folder / "profiles.yml").read_text(encoding="utf-8"))
    return profiles


def engine_settings(profiles: Mapping[str, Any]) -> dict[str, str]:
    """DuckDB's own settings in a profile: the reference gets no more memory than floe's run."""
    (profile,) = profiles.values()
    settings = profile["outputs"][profile["target"]].get("settings") or {}
    return {str(name): str(value) for name, value in settings.items()}


class Node(BaseModel):
    """A table of the product: how it is called, what it reads, and the query that makes it."""

    model_config = ConfigDict(frozen=True)

    name: str
    relation: str
    reads: frozenset[str]
    query: str


def compiled_nodes(task: Task) -> list[Node]:
    """Seeds and models with their SQL, each after what it reads.

    dbt compiles the SQL against an empty DuckDB of the same shape, as `floe-complete compile` tries it.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    from floe_complete.dbt import tried_in_memory  # noqa: PLC0415

    profiles = task.scratch / "profiles"
    profiles.mkdir()
    trial = tried_in_memory(compiled_profile(task.folder))
    # JSON is YAML.
    (profiles / "profiles.yml").write_text(json.dumps(trial), encoding="utf-8")
    done = dbtRunner().invoke(
        [
            *("--quiet", "--log-level", "none", "--log-path", str(task.scratch), "compile"),
            *("--project-dir", str(task.folder), "--profiles-dir", str(profiles)),
            *("--target-path", str(task.scratch / "target")),
        ]
    )
    if not done.success:
        raise RuntimeError(f"dbt cannot compile {task.slug}: {done.exception or done.result}")
    manifest = json.loads((task.scratch / "target" / "manifest.json").read_text(encoding="utf-8"))
    return in_order(manifest["nodes"], task.folder)


def in_order(nodes: Mapping[str, Mapping[str, Any]], folder: Path) -> list[Node]:
    """The seeds and models of a dbt manifest, each after what it reads."""
    kept = {key: node for key, node in nodes.items() if node["resource_type"] in {"seed", "model"}}
    reads = {
        key: {up for up in node["depends_on"].get("nodes", ()) if up in kept} for key, node in kept.items()
    }
    return [
        Node(
            name=kept[key]["name"],
            relation=kept[key]["relation_name"],
            reads=frozenset(kept[up]["name"] for up in reads[key]),
            query=(
                csv_query(folder / kept[key]["original_file_path"], kept[key]["config"]["column_types"])
                if kept[key]["resource_type"] == "seed"
                else kept[key]["compiled_code"]
            ),
        )
        for key in graphlib.TopologicalSorter(dict(sorted(reads.items()))).static_order()
    ]


def csv_query(file: Path, types: Mapping[str, str]) -> str:
    """The query over a seed's file, typed as the seed is."""
    typed = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    names = ", ".join(f'"{name}"' for name in types)
    return (
        f"select {names} from read_csv('{file}', header = true, delim = ',', quote = '\"', escape = '\"', "  # noqa: S608
        f"nullstr = '', strict_mode = true, types = {{{typed}}})"
    )


def as_parquet(task: Task, nodes: list[Node]) -> Iterator[tuple[str, str, str]]:
    """For each node its name, the statement that writes it, and the one that lets others read it."""
    for node in nodes:
        file = f"s3://{task.bucket}/parquet/{node.name}.parquet"
        yield (
            node.name,
            f"copy (\n{node.query}\n) to '{file}' (format parquet)",
            f"create view {node.relation} as select * from read_parquet('{file}')",  # noqa: S608
        )


def pyiceberg(task: Task) -> Sample:
    """Append the same rows through PyIceberg: the seeds from their files, the models' as floe left them."""
    from pyiceberg.catalog.rest import RestCatalog  # noqa: PLC0415

    env = os.environ
    catalog = RestCatalog(
        "lake",
        **{
            "uri": env["POLARIS_URI"],
            "warehouse": env["POLARIS_WAREHOUSE"],
            "credential": f"{env['POLARIS_CLIENT_ID']}:{env['POLARIS_CLIENT_SECRET']}",
            "oauth2-server-uri": env["POLARIS_OAUTH2_SERVER_URI"],
            "scope": "PRINCIPAL_ROLE:ALL",
        },
    )
    seeds = {file.stem: file for file in sorted((task.folder / "seeds").glob("*.csv"))}
    source = {name[-1]: catalog.load_table(name) for name in catalog.list_tables(task.slug)}
    computed = {name: table.scan().to_arrow() for name, table in source.items() if name not in seeds}
    namespace = f"{task.slug}_appended"
    catalog.create_namespace(namespace)
    rows: dict[str, int] = {}
    began = time.perf_counter()
    for name, table in source.items():
        arrow = computed[name] if name in computed else read_csv(seeds[name], table.schema().as_arrow())
        made = catalog.create_table((namespace, name), schema=table.schema())
        made.append(arrow)
        rows[name] = arrow.num_rows
    seconds = time.perf_counter() - began
    return Sample(seconds=seconds, rows=rows)


def read_csv(file: Path, schema: Any) -> Any:
    """A seed's file as an Arrow table of a schema; an empty field is null."""
    from pyarrow import csv  # type: ignore[import-untyped]  # noqa: PLC0415

    types = {field.name: field.type for field in schema}
    convert = csv.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=[""], strings_can_be_null=True
    )
    return csv.read_csv(file, convert_options=convert).cast(schema)


GOING = {"floe": floe, "duckdb": duckdb, "pyiceberg": pyiceberg}


def main() -> None:
    """Go one way, once."""
    from duckdb_extensions import import_extension  # type: ignore[import-untyped]  # noqa: PLC0415

    task = Task.model_validate_json(sys.stdin.read())
    for extension in EXTENSIONS:
        import_extension(extension)
    task.answer.write_text(GOING[task.way](task).model_dump_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
