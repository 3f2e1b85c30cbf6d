"""The Dagster that the chart configures, as the installed Dagster itself understands it."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any, cast

import kubernetes.client  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from dagster import DagsterRun
from dagster._config import process_config, resolve_to_config_type
from dagster._core.code_pointer import FileCodePointer
from dagster._core.instance.config import dagster_instance_config
from dagster._core.instance.ref import InstanceRef
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.workspace.load import location_origins_from_yaml_paths
from dagster_k8s.job import construct_dagster_k8s_job
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.engine import make_url

from floe_additions.observability import launch
from floe_additions.observability.worker import TracedK8sRunLauncher
from floe_additions.orchestrator.automation import PRODUCT_TAG
from foundation.process import run
from tests import chart
from tests.chart import NAMESPACE, of_kind, rendered

Objects = tuple[chart.Object, ...]

PRODUCTS = ("customer-360", "iot-telemetry", "financial-risk")


def instance_folder(folder: Path, objects: Objects) -> Path:
    """A DAGSTER_HOME with the dagster.yaml of the chart."""
    text = of_kind(objects, "ConfigMap")["dagster-instance"]["data"]["dagster.yaml"]
    (folder / "dagster.yaml").write_text(text)
    return folder


@pytest.fixture
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstanceRef:
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "given by the pod")
    return InstanceRef.from_dir(str(instance_folder(tmp_path, rendered())))


def test_no_two_code_servers_of_a_product_answer_at_once() -> None:
    deployments = of_kind(rendered(), "Deployment")
    strategies = {
        name: one["spec"]["strategy"]["type"]
        for name, one in deployments.items()
        if name.startswith("dagster-code-")
    }
    assert strategies == {"dagster-code-customer-360": "Recreate"}


def test_dagster_accepts_the_instance_and_fills_in_its_parts(reference: InstanceRef, tmp_path: Path) -> None:
    config, custom = dagster_instance_config(str(tmp_path))
    assert custom is None
    assert config["telemetry"]["enabled"] is False
    assert config["run_monitoring"]["max_resume_run_attempts"] == 0
    assert isinstance(reference.compute_log_manager, NoOpComputeLogManager)
    coordinator = reference.run_coordinator
    assert isinstance(coordinator, QueuedRunCoordinator)
    assert coordinator.get_run_queue_config().max_concurrent_runs == 3


def test_runs_and_events_are_kept_in_postgresql_with_the_password_of_the_pod(reference: InstanceRef) -> None:
    storage = reference.storage_data
    assert storage is not None
    assert (storage.module_name, storage.class_name) == (
        "floe_additions.orchestrator.postgres",
        "PooledPostgresStorage",
    )
    database = storage.config_dict["postgres_db"]
    assert database["password"] == {"env": "DAGSTER_PG_PASSWORD"}
    # The driver that Dagster brings, whichever SQLAlchemy would take by itself.
    assert make_url(f"{database['scheme']}://").get_dialect().driver == "psycopg2"
    assert (database["hostname"], database["db_name"], database["username"]) == (
        "postgresql",
        "dagster",
        "dagster",
    )


def test_the_workspace_has_one_location_per_product_each_with_its_server(tmp_path: Path) -> None:
    objects = chart.render(settings={"dagster.products": [{"name": name} for name in PRODUCTS]})
    file = tmp_path / "workspace.yaml"
    file.write_text(of_kind(objects, "ConfigMap")["dagster-workspace"]["data"]["workspace.yaml"])
    origins = {
        origin.location_name: cast("Any", origin) for origin in location_origins_from_yaml_paths([str(file)])
    }
    assert sorted(origins) == sorted(PRODUCTS)
    services, servers = of_kind(objects, "Service"), of_kind(objects, "Deployment")
    for name in PRODUCTS:
        origin = origins[name]
        assert (origin.host, origin.port) == (f"dagster-code-{name}", 4000)
        assert services[origin.host]["spec"]["ports"][0]["port"] == 4000
        container = servers[origin.host]["spec"]["template"]["spec"]["containers"][0]
        assert f"/opt/floe/products/{name}/definitions.py" in container["command"]
        assert container["startupProbe"]["grpc"] == {"port": 4000, "service": "DagsterApi"}


def test_without_products_the_workspace_is_empty_and_valid(tmp_path: Path) -> None:
    objects = chart.render(settings={"dagster.products": []})
    file = tmp_path / "workspace.yaml"
    file.write_text(of_kind(objects, "ConfigMap")["dagster-workspace"]["data"]["workspace.yaml"])
    assert location_origins_from_yaml_paths([str(file)]) == []


@pytest.fixture
def run_job(reference: InstanceRef, tmp_path: Path) -> dict[str, Any]:
    return job_of_a_run(reference, tmp_path)


def run_from(server: dict[str, Any]) -> DagsterRun:
    """A run whose code is served by this container, as its code server describes it to Dagster."""
    given = {item["name"]: item.get("value") for item in server.get("env", ())}
    repository = RepositoryPythonOrigin(
        executable_path="python",
        code_pointer=FileCodePointer(python_file="definitions.py", fn_name="defs"),
        container_image=given.get("DAGSTER_CURRENT_IMAGE"),
        container_context=json.loads(given.get("DAGSTER_CONTAINER_CONTEXT") or "null"),
    )
    return DagsterRun(
        job_name="customer_360", job_code_origin=JobPythonOrigin("customer_360", repository_origin=repository)
    )


def job_of_a_run(
    reference: InstanceRef, tmp_path: Path, served_by: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The job that Dagster's own launcher would create for a run."""
    data = reference.run_launcher_data
    assert data is not None
    launcher_class = cast("Any", TracedK8sRunLauncher)  # Dagster leaves it without types
    checked = process_config(resolve_to_config_type(launcher_class.config_type()), data.config_dict)
    assert checked.success, checked.errors
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "none",
                "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
                "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:9"}}],
                "users": [{"name": "none", "user": {}}],
            }
        )
    )
    config = {**cast("dict[str, Any]", checked.value), "load_incluster_config": False}
    config["kubeconfig_file"] = str(nowhere)
    launcher = launcher_class.from_config_value(data, config)
    context = launcher.get_container_context_for_run(run_from(served_by or {}))
    assert context.namespace == NAMESPACE
    job = construct_dagster_k8s_job(
        job_config=context.get_k8s_job_config(job_image="the-image:1", run_launcher=launcher),
        args=["dagster", "api", "execute_run", "{}"],
        job_name="dagster-run-1",
        component="run_worker",
        user_defined_k8s_config=context.run_k8s_config,
    )
    return cast("dict[str, Any]", kubernetes.client.ApiClient().sanitize_for_serialization(job))


def test_a_run_is_a_valid_job_that_starts_once_and_is_cleaned_up(run_job: dict[str, Any]) -> None:
    assert kubernetes_validate.validate(run_job, "1.34", strict=True) == "1.34"
    assert run_job["spec"]["backoffLimit"] == 0
    assert run_job["spec"]["ttlSecondsAfterFinished"] == 900
    assert run_job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_a_runs_pod_is_as_confined_as_any_other(run_job: dict[str, Any]) -> None:
    spec = run_job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    like = of_kind(rendered(), "Deployment")["dagster-code-customer-360"]["spec"]["template"]["spec"]
    assert container["image"] == "the-image:1"
    assert container["imagePullPolicy"] == "Never"
    assert container["securityContext"] == like["containers"][0]["securityContext"]
    assert spec["securityContext"] == like["securityContext"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["serviceAccountName"] == "dagster-run"
    assert set(container["resources"]["limits"]) == {"memory"}
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {"instance": "/opt/dagster/home", "scratch": "/scratch"}
    assert {volume["name"] for volume in spec["volumes"]} == set(mounted)


def test_a_run_sees_what_its_code_location_sees_and_no_credential_in_clear(run_job: dict[str, Any]) -> None:
    (container,) = run_job["spec"]["template"]["spec"]["containers"]
    given = {item["name"]: item.get("value", item.get("valueFrom")) for item in container["env"]}
    server = of_kind(rendered(), "Deployment")["dagster-code-customer-360"]["spec"]["template"]["spec"]
    served = {
        item["name"]: item.get("value", item.get("valueFrom")) for item in server["containers"][0]["env"]
    }
    del served["DAGSTER_CURRENT_IMAGE"]
    assert given == served
    assert given["POLARIS_CLIENT_SECRET"] == {
        "secretKeyRef": {"name": "polaris-pipeline-credentials", "key": "client-secret"}
    }
    for item in of_kind(rendered(), "Secret").values():
        for value in (item.get("data") or {}).values():
            assert base64.b64decode(value).decode() not in str(run_job)


@pytest.fixture(scope="module")
def released() -> Objects:
    """The release for products of floe as released."""
    return tuple(chart.render(settings={"global.additions": False}))


def pods_of_a_product(objects: Objects, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The pods that run a product's code: its code location and a run."""
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "given by the pod")
    job = job_of_a_run(InstanceRef.from_dir(str(instance_folder(folder, objects))), folder)
    return {
        "code-location": of_kind(objects, "Deployment")["dagster-code-customer-360"]["spec"]["template"][
            "spec"
        ],
        "run": job["spec"]["template"]["spec"],
    }


def test_only_floe_as_released_gets_the_object_stores_keys(
    released: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys(objects: Objects) -> dict[str, list[str]]:
        return {
            name: [item["name"] for item in pod["containers"][0]["env"] if item["name"].startswith("AWS_")]
            for name, pod in pods_of_a_product(objects, tmp_path, monkeypatch).items()
        }

    theirs = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert keys(rendered()) == {"code-location": ["AWS_REGION"], "run": ["AWS_REGION"]}
    assert keys(released) == {"code-location": theirs, "run": theirs}


def test_floe_as_released_works_in_a_copy_that_names_the_pipelines_client(
    released: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = pods_of_a_product(released, tmp_path, monkeypatch)
    container = pods["code-location"]["containers"][0]
    assert container["workingDir"] == "/scratch/products/customer-360"
    assert "/scratch/products/customer-360/definitions.py" in container["command"]
    for name, pod in pods.items():
        place = pod["initContainers"][-1]
        image, products, scratch = (tmp_path / name / part for part in ("image", "image/products", "scratch"))
        (products / "customer-360").mkdir(parents=True)
        scratch.mkdir()
        (products / "customer-360" / "compiled_artifacts.json").write_text('{"id": "${POLARIS_CLIENT_ID}"}')
        script = place["command"][-1].replace("/opt/floe", str(image)).replace("/scratch", str(scratch))
        for _ in ("at first", "after a restart"):
            run([*place["command"][:-1], script], timeout=10, env={"POLARIS_CLIENT_ID": "abc"})
        found = {path.relative_to(scratch): path for path in scratch.rglob("*") if path.is_file()}
        assert {str(at): file.read_text() for at, file in found.items()} == {
            "products/customer-360/compiled_artifacts.json": '{"id": "abc"}'
        }
        assert place["securityContext"] == container["securityContext"]


def delivered(additions: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:  # noqa: FBT001
    """The pods that run the code of a product that is delivered: its code location and a run."""
    products = [{"name": "customer-360"}, {"name": "stock-levels", "configMap": "stock-levels-2"}]
    objects = tuple(chart.render(settings={"dagster.products": products, "global.additions": additions}))
    server = of_kind(objects, "Deployment")["dagster-code-stock-levels"]["spec"]["template"]["spec"]
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "given by the pod")
    reference = InstanceRef.from_dir(str(instance_folder(folder, objects)))
    job = job_of_a_run(reference, folder, server["containers"][0])
    assert kubernetes_validate.validate(job, "1.34", strict=True) == "1.34"
    return {"code-location": server, "run": job["spec"]["template"]["spec"]}


@pytest.mark.parametrize("additions", [True, False])
def test_a_delivered_product_is_unpacked_where_it_is_served_and_where_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, additions: bool
) -> None:
    pods = delivered(additions, tmp_path, monkeypatch)
    assert (
        "/scratch/products/stock-levels/definitions.py" in pods["code-location"]["containers"][0]["command"]
    )
    for name, pod in pods.items():
        (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "delivered"]
        assert volume["configMap"] == {"name": "stock-levels-2"}
        (container,) = pod["containers"]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert (mounts["scratch"], mounts["delivered"]) == ("/scratch", "/delivered")
        # The folder that it works in is made by it, and nobody else's.
        assert container.get("workingDir") in (None, "/scratch")
        command = [*container["command"], *container.get("args", ())]
        shell, theirs = command[:4], command[4:]
        assert theirs[:2] == ["dagster", "api"]
        place = tmp_path / name
        (place / "delivered").mkdir(parents=True)
        packed(
            {"compiled_artifacts.json": '{"id": "${POLARIS_CLIENT_ID}"}', "models/a.sql": "select 1"}, place
        )
        folder = place / "scratch" / "products" / "stock-levels"
        for inside in ("delivered", "scratch"):
            shell[2] = shell[2].replace(f"/{inside}", str(place / inside))
        for _ in ("at first", "after a restart"):
            at = run([*shell, "pwd"], timeout=10, env={"POLARIS_CLIENT_ID": "abc"})
            assert at.strip() == str(folder)
        files = {
            str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()
        }
        assert files == {
            "compiled_artifacts.json": '{"id": "${POLARIS_CLIENT_ID}"}' if additions else '{"id": "abc"}',
            "models/a.sql": "select 1",
        }


def test_a_product_runs_by_itself_where_its_entry_says_so_and_never_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "given by the pod")
    products = [{"name": "customer-360"}, {"name": "parcel-search", "automation": True}]
    objects = tuple(chart.render(settings={"dagster.products": products}))

    def said(product: str) -> list[dict[str, str]]:
        pod = of_kind(objects, "Deployment")[f"dagster-code-{product}"]["spec"]["template"]["spec"]
        return [one for one in pod["containers"][0]["env"] if one["name"] == "FLOE_AUTOMATION"]

    on = {"name": "FLOE_AUTOMATION", "value": "on"}
    assert (said("customer-360"), said("parcel-search")) == ([], [on])
    reference = InstanceRef.from_dir(str(instance_folder(tmp_path, objects)))
    coordinator = reference.run_coordinator
    assert isinstance(coordinator, QueuedRunCoordinator)
    limits = coordinator.get_run_queue_config().tag_concurrency_limits
    one_at_a_time = {"key": PRODUCT_TAG, "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    assert limits == [one_at_a_time]


def packed(files: dict[str, str], place: Path) -> None:
    with tarfile.open(place / "delivered" / "product.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def test_another_version_of_a_product_starts_its_own_code_location_anew_and_no_other() -> None:
    def pods_with(version: str) -> dict[str, Any]:
        products = [{"name": "customer-360"}, {"name": "stock-levels", "configMap": version}]
        objects = chart.render(settings={"dagster.products": products})
        return {
            pod.owner: (pod.spec, pod.metadata)
            for pod in chart.pods(objects)
            if "Deployment/dagster" in pod.owner
        }

    one, other = pods_with("stock-levels-1"), pods_with("stock-levels-2")
    assert [name for name in one if one[name] != other[name]] == ["Deployment/dagster-code-stock-levels"]


def addresses(objects: Objects) -> dict[str, dict[str, str]]:
    """Where each Dagster process is told to send telemetry, and each run."""
    wanted = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OPENLINEAGE_URL")
    instance = of_kind(objects, "ConfigMap")["dagster-instance"]["data"]["dagster.yaml"]
    launcher = yaml.safe_load(instance)["run_launcher"]["config"]
    variables = {"run": launcher["run_k8s_config"]["container_config"]["env"]}
    for name, one in of_kind(objects, "Deployment").items():
        if name.startswith("dagster-"):
            variables[name] = one["spec"]["template"]["spec"]["containers"][0]["env"]
    return {
        name: {one["name"]: one["value"] for one in env if one["name"] in wanted}
        for name, env in variables.items()
    }


def told(collector: dict[str, str], lineage: dict[str, str]) -> dict[str, dict[str, str]]:
    """What each process is told; of lineage all but the web server, which has nothing to tell of it."""
    return {
        "run": {**collector, **lineage},
        "dagster-code-customer-360": {**collector, **lineage},
        "dagster-webserver": collector,
        "dagster-daemon": {**collector, **lineage},
    }


def test_telemetry_goes_to_the_platforms_own_services() -> None:
    collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector:4318"}
    assert addresses(rendered()) == told(collector, {"OPENLINEAGE_URL": "http://marquez:5000"})


def test_what_is_switched_off_is_told_nothing() -> None:
    off = {"global.observability.collector": False, "global.lineage.enabled": False}
    assert addresses(tuple(chart.render(settings=off))) == told({}, {})
    nowhere = {"global.observability.otlp": "", "global.observability.lineage": ""}
    assert addresses(tuple(chart.render(settings=nowhere))) == told({}, {})


def test_telemetry_goes_where_the_values_say_whatever_runs() -> None:
    named = {
        "global.observability.collector": False,
        "global.lineage.enabled": False,
        "global.observability.otlp": "http://collector:4318",
        "global.observability.lineage": "http://m:5000",
    }
    collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert addresses(tuple(chart.render(settings=named))) == told(
        collector, {"OPENLINEAGE_URL": "http://m:5000"}
    )


def test_floe_as_released_has_dagsters_own_launcher_and_queue(released: Objects) -> None:
    instance = yaml.safe_load(of_kind(released, "ConfigMap")["dagster-instance"]["data"]["dagster.yaml"])
    assert (instance["run_launcher"]["class"], instance["run_coordinator"]["class"]) == (
        "K8sRunLauncher",
        "QueuedRunCoordinator",
    )
    assert "python_logs" not in instance


def test_a_runs_pod_is_given_its_place_in_the_trace(
    reference: InstanceRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    monkeypatch.setattr(launch, "tracer", lambda: tracer)
    with tracer.start_as_current_span("start it"):
        place = trace.get_current_span().get_span_context()
        job = job_of_a_run(reference, tmp_path)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {one["name"]: one.get("value") for one in container["env"]}
    context = f"00-{place.trace_id:032x}-{place.span_id:016x}-{place.trace_flags:02x}"
    assert variables["TRACEPARENT"] == context
