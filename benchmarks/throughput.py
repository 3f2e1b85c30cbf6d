"""Rows per second from seed to gold: floe beside DuckDB alone and PyIceberg, on the same servers."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from benchmarks import figures
from benchmarks.figures import WAYS, Case, Results, Sample, Way
from benchmarks.ways import Task
from demo import seeds
from floe_complete.compiling import compile_product
from foundation.cache import ROOT
from foundation.errors import PlatformError, UserError
from foundation.process import ends_with_us, run
from foundation.progress import phase, say
from standins.loopback.lake import Lake, make_lake
from standins.loopback.servers import own_folder, serving
from standins.loopback.stack import Target

REPETITIONS: Final = 3
LARGE: Final = Decimal(500)
"""From this scale on a way is gone once: it takes long enough for chance to be small."""

WAY_SECONDS: Final = 1800.0
"""What one way may take, once, at the largest scale."""

VERSIONS: Final = ("duckdb", "dbt-core", "dbt-duckdb", "pyiceberg", "dagster")

_CATALOG, _STORE, _WAREHOUSE = "http://polaris:8181/api/catalog", "http://minio:9000", "warehouse: lakehouse"
"""What demo/manifest.yaml says of the platform's addresses; the benchmark's platform has others."""


def measure(
    scales: Sequence[Decimal], products: Sequence[str], file: Path, repetitions: int | None = None
) -> Results:
    """Measure every product at every scale; each case is kept in the file as soon as it is measured.

    Args:
        scales: of the demo's seeds.
        products: demo products.
        file: takes the results, beside those that are in it.
        repetitions: of each way; REPETITIONS, and one from LARGE on, unless given.

    Raises:
        UserError: the file holds something else.
        PlatformError: a server or a way failed, or two ways did not write the same rows.
    """
    results = figures.load(file) or _empty()
    results = results.model_copy(update=machine())
    with phase("servers on loopback"), own_folder("floe-benchmark-") as place, serving(place) as target:
        for product in products:
            for scale in scales:
                with phase(f"{product} at scale {scale:f}"):
                    times = repetitions or (1 if scale >= LARGE else REPETITIONS)
                    case = _case(product, scale, times, place, target)
                results = results.with_case(case)
                figures.save(results, file)
                say(", ".join(f"{way} {rate:,.0f} rows/s" for way, rate in case.rates.items()))
    return results


def names(wanted: str | None) -> list[str]:
    """The demo products that were asked for; all when none was.

    Raises:
        UserError: there is no such product.
    """
    known = sorted(name for name in seeds.RECIPES if (ROOT / "demo" / name / "floe.yaml").is_file())
    if wanted is None:
        return known
    if wanted not in known:
        raise UserError(f"--product {wanted}: there is no such product", remedy=f"one of {', '.join(known)}")
    return [wanted]


def _case(product: str, scale: Decimal, repetitions: int, place: Path, target: Target) -> Case:
    load = os.getloadavg()[0]
    samples: dict[Way, list[Sample]] = {way: [] for way in WAYS}
    work = place / secrets.token_hex(4)
    work.mkdir()
    lake = fresh_lake(target, work.name)
    folder = compiled(product, scale, work, lake, target)
    size = sum(one.stat().st_size for one in (folder / "seeds").glob("*.csv"))
    for _ in range(repetitions):
        for way in WAYS:
            samples[way].append(_gone(way, folder, lake, target))
        emptied(lake)
    shutil.rmtree(work)
    try:
        return figures.case_of(
            product,
            float(scale),
            seeds=seeds.row_counts(product, scale),
            seed_bytes=size,
            samples=samples,
            load=load,
            measured=datetime.now(UTC).date(),
        )
    except ValueError as unequal:
        raise PlatformError(f"{product} at scale {scale:f}: {unequal}") from unequal


def fresh_lake(target: Target, name: str) -> Lake:
    """A lake on these servers, with no table in it."""
    with contextlib.redirect_stdout(io.StringIO()):  # the set-up tells a log of each thing it makes
        return make_lake(target, name)


def emptied(lake: Lake) -> None:
    """Leave the catalog as it was made, so that every run is a first one."""
    for namespace in lake.catalog.list_namespaces():
        for table in lake.catalog.list_tables(namespace):
            lake.catalog.drop_table(table)
        lake.catalog.drop_namespace(namespace)


def compiled(product: str, scale: Decimal, work: Path, lake: Lake, target: Target) -> Path:
    """The product with its seeds, compiled for these servers as an image's is for the platform's."""
    (work / "manifest.yaml").write_text(manifest_for(lake, target), encoding="utf-8")
    folder = work / product
    made = shutil.ignore_patterns("target", "logs", "floe_macros", "*.csv", "definitions.py", "profiles.yml")
    shutil.copytree(ROOT / "demo" / product, folder, ignore=made)
    seeds.write(product, folder / "seeds", scale)
    compile_product(folder)
    return folder


def manifest_for(lake: Lake, target: Target) -> str:
    """The demo's manifest.yaml with the addresses of these servers.

    Raises:
        PlatformError: it does not say what is to be replaced.
    """
    manifest = (ROOT / "demo" / "manifest.yaml").read_text(encoding="utf-8")
    for ours, theirs in (
        (_CATALOG, target.catalog),
        (_STORE, target.store_endpoint),
        (_WAREHOUSE, f"warehouse: {lake.environment['POLARIS_WAREHOUSE']}"),
    ):
        if ours not in manifest:
            raise PlatformError(f"demo/manifest.yaml does not say {ours} any more")
        manifest = manifest.replace(ours, theirs)
    return manifest


def _gone(way: Way, folder: Path, lake: Lake, target: Target) -> Sample:
    """One way in a process of its own, which is told its secrets on its input or in its environment."""
    work, product = folder.parent, folder.name
    scratch = work / way
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    task = Task(
        way=way,
        slug=product.replace("-", "_"),
        folder=folder,
        scratch=scratch,
        store=target.store_endpoint.removeprefix("http://"),
        store_key=target.store_key,
        store_secret=SecretStr(target.store_secret.get_secret_value()),
        bucket=lake.bucket,
        answer=work / f"{way}.json",
    )
    task.answer.unlink(missing_ok=True)
    alone("benchmarks.ways", task.told(), lake, scratch, WAY_SECONDS)
    return Sample.model_validate_json(task.answer.read_bytes())


def alone(module: str, told: str, lake: Lake, scratch: Path, seconds: float) -> None:
    """Run a module in a process of its own, with a lake's addresses and credentials in its environment.

    Args:
        module: its name.
        told: goes to its standard input.
        lake: where it is to work.
        scratch: the folder it works in; what it prints is in a file there.
        seconds: how long it may take.

    Raises:
        PlatformError: it failed; with its last lines.
        DeadlineError: it took longer.
    """
    run(
        [*ends_with_us(), sys.executable, "-m", module],
        stdin=told,
        cwd=scratch,
        env=environment(lake, scratch),
        log=scratch / "said.log",
        timeout=seconds,
    )


def environment(lake: Lake, scratch: Path) -> dict[str, str]:
    """What stands in the environment of a process that works in a lake, as the platform sets it for a run."""
    return {
        **lake.environment,
        "FLOE_SCRATCH": str(scratch),
        "PYTHONPATH": str(ROOT),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _empty() -> Results:
    return Results(cores=1, memory_gib=1, versions={}, cases=[])


def machine() -> dict[str, object]:
    """What it is measured on, and with which versions, as `Results` names them."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages * size / 2**30, 1),
        "versions": {name: version(name) for name in VERSIONS},
    }
