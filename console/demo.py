"""`make demo`: the platform on its documented ports, its products run once, and where to look."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
from rich.table import Table

import demo
from cluster import tools
from cluster.provider import NODE_PORTS
from console import node_ports, prepare
from drivers.dagster import Orchestrator, Run
from drivers.helm import Helm, products_served
from drivers.kubernetes import Cluster
from drivers.tunnel import Tunnels
from foundation.cache import ROOT
from foundation.errors import PlatformError
from foundation.progress import console, phase, say

NAMESPACE = "floe-demo"
INSTALL_BUDGET = 120.0
RUN_BUDGET = 120.0

PLACES = {
    "dagster": ("Dagster: runs, assets, checks", "/locations"),
    "minio-console": ("MinIO: the tables' files", "/browser/warehouse"),
    "polaris": ("Catalog: Iceberg REST API", "/api/catalog/v1/config"),
    "minio": ("MinIO: S3 API", "/minio/health/live"),
    "jaeger": ("Jaeger: a trace of each run", "/api/services"),
    "marquez": ("Lineage: OpenLineage API", "/api/v1/namespaces"),
    "prometheus": ("Prometheus: metrics, alerts", "/alerts"),
    "grafana": ("Grafana: dashboards", "/dashboards"),
}


def show() -> None:
    """Deploy the demo, or bring the one that stands up to date, run its products, print its addresses."""
    prepared = prepare.ready()
    values = [*prepared.values, prepare.CHART / "values-demo.yaml"]
    prepare.values_must_fit(values)
    cluster = Cluster(prepared.cluster.kubeconfig)
    node_ports.must_be_free_for(NAMESPACE, cluster)
    products = demo.products()
    with phase("demo: platform Ready", budget=INSTALL_BUDGET):
        _deploy(prepared, cluster, values, products)
    tunnels = Tunnels(tools.kubectl(), prepared.cluster.kubeconfig, NAMESPACE)
    try:
        dagster = Orchestrator(tunnels.to("dagster-webserver", 3000), lambda run: _worker(cluster, run))
        with phase(f"demo: {', '.join(products)} run", budget=RUN_BUDGET):
            runs = [one.finished() for one in [dagster.launch(product) for product in products]]
        for run in runs:
            _must_have_succeeded(run)
            _tell(run)
    finally:
        tunnels.close()
    host = prepared.cluster.node_address()
    _draw(host, cluster)
    _addresses(host, cluster)


def _deploy(prepared: prepare.Prepared, cluster: Cluster, values: list[Path], products: list[str]) -> None:
    if not cluster.has_namespace(NAMESPACE):
        cluster.create_namespace(NAMESPACE)
    began = time.monotonic()
    Helm(tools.helm(), prepared.cluster.kubeconfig).install(
        prepare.CHART, NAMESPACE, values=values, settings=products_served(products)
    )
    seen = cluster.until_ready(NAMESPACE, limit=INSTALL_BUDGET, since=began)
    if seen.late:
        reasons = "\n".join(f"  {name}: {why}" for name, why in seen.late.items())
        raise PlatformError(f"the demo is not Ready after {INSTALL_BUDGET:.0f} s:\n{reasons}")


def _must_have_succeeded(run: Run) -> None:
    if run.status != "SUCCESS":
        raise PlatformError(f"run {run.run_id} of {run.product}: {run.verdict}")


def _tell(run: Run) -> None:
    table = Table(
        title=f"{run.product}: Iceberg tables written by run {run.run_id[:8]}", title_justify="left"
    )
    for column, justify in (("table", "left"), ("rows", "right"), ("snapshot", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    for one in run.materializations.values():
        table.add_row(one.table, f"{one.rows:,}", str(one.snapshot))
    passed = sum(result == "passed" for result in run.checks.values())
    console.print(table)
    say(f"{passed} of {len(run.checks)} data tests passed")


def _worker(cluster: Cluster, run_id: str) -> str:
    pods = [pod for pod in cluster.pods(NAMESPACE).values() if run_id in pod.name]
    return ", ".join(f"{pod.name}: {pod.reason or 'running'}" for pod in pods) or "no worker yet"


def _draw(host: str, cluster: Cluster) -> None:
    """The dashboards' page of these runs; without it the demo is none the worse, and says so."""
    held = cluster.held_node_ports()
    if NODE_PORTS["prometheus"] not in held:  # switched off
        return
    from reports import observability  # noqa: PLC0415 - imports what draws

    prometheus, jaeger = (f"http://{host}:{NODE_PORTS[name]}" for name in ("prometheus", "jaeger"))
    try:
        written = observability.write(prometheus, jaeger, ROOT / observability.OUT)
    except Exception as broken:  # noqa: BLE001 - whatever it is, the demo stands
        say(f"warning: the page of the dashboards was not drawn: {type(broken).__name__}: {broken}")
    else:
        say(f"Dashboards of the last hour: {written}")


def _addresses(host: str, cluster: Cluster) -> None:
    """Print each address with what answered there just now."""
    table = Table(title="Where to look", title_justify="left")
    table.add_column("what")
    table.add_column("address", overflow="fold")
    table.add_column("answers")
    held = cluster.held_node_ports()
    for name, (what, path) in PLACES.items():
        if NODE_PORTS[name] not in held:  # a part that this cluster cannot have, or that is switched off
            continue
        address = f"http://{host}:{NODE_PORTS[name]}{path}"
        table.add_row(what, address, _answer(address))
    console.print(table)
    user = cluster.credentials(NAMESPACE, "minio-credentials")["root-user"].get_secret_value()
    say(f"MinIO's console: user {user}, password by")
    say(f"  kubectl --kubeconfig {prepare.KUBECONFIG_SHOWN} -n {NAMESPACE} get secret minio-credentials \\")
    say("    -o go-template='{{index .data \"root-password\" | base64decode}}'")
    say(f"`make status` says what runs, `make down` ends it all. Checkout: {ROOT}")


def _answer(address: str) -> str:
    try:
        status = httpx.get(address, timeout=10, follow_redirects=True).status_code
    except httpx.HTTPError as silent:
        return f"nothing: {type(silent).__name__}"
    return "asks for a token" if status == httpx.codes.UNAUTHORIZED else f"HTTP {status}"
