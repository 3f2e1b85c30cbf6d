"""Where and with what a run took place: machine, cluster, versions, stand-ins.

Everything is asked of the thing itself, in short waits, and what does not answer is left
out: a missing version is a hole in the report, never a reason for a run to fail.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import yaml

from foundation.errors import PlatformError
from foundation.process import run
from reports import evidence
from reports.results import Cluster, DeployedImage, Facts, Host, Node, Revision

LOCKED = {
    "Dagster": "dagster",
    "dbt": "dbt-core",
    "dbt-duckdb": "dbt-duckdb",
    "duckdb": "duckdb",
    "pyiceberg": "pyiceberg",
    "floe": "floe-core",
}
"""What the platform's Python image holds, by the name in its lock file."""
SUITE_TOOLS = (
    "pytest",
    "pytest-bdd",
    "allure-pytest",
    "kubernetes",
    "pyiceberg",
    "apache-polaris",
    "floe-core",
)
VARIABLES = ("ADDITIONS", "FLOE_DEMO_SEED_SCALE", "PLATFORM_READY_SECONDS")
"""What a person may have set that decides what a run shows, beside its selection and its cluster."""

_GIB = 1024**3
_SECONDS = 10.0


def gather(root: Path, began: Revision) -> Facts:
    """The facts of a run in the checkout `root`, as they are now.

    Args:
        root: the checkout.
        began: what it was when its code was loaded; where it is another by now, no commit is what ran.
    """
    nodes = _nodes(root)
    cluster, versions = _cluster(root, nodes)
    return Facts(
        host=_host(root),
        variables={name: os.environ[name] for name in VARIABLES if os.environ.get(name)},
        cluster=cluster,
        revision=began if revision(root) == began else began.model_copy(update={"dirty": True}),
        versions={**versions, **_built(root), **evidence.components()},
        suite=_suite(),
        stand_ins={**_deployed_stand_ins(root), **evidence.stand_ins()},
        images=_images(root, nodes),
    )


def _host(root: Path) -> Host:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    disk = shutil.disk_usage(root)
    return Host(
        system=_system(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory / _GIB, 1),
        disk_gib=round(disk.total / _GIB, 1),
        disk_free_gib=round(disk.free / _GIB, 1),
    )


def _system() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.system()} {platform.release()}"
    except OSError:
        return platform.platform()


def revision(root: Path) -> Revision:
    """The commit of the checkout `root`, and whether its files differ from it; evidence does not count."""
    commit = _said(["git", "-C", root, "rev-parse", "HEAD"])
    changed = _said(["git", "-C", root, "status", "--porcelain", "--", ".", ":!docs/evidence"])
    return Revision(commit=commit or None, dirty=bool(changed))


def _cluster(root: Path, described_nodes: list[Any]) -> tuple[Cluster, dict[str, str]]:
    """The cluster behind the checkout's kubeconfig, and the versions its node tells."""
    if not _kubeconfig(root).exists():
        return Cluster(provider="none", asked=_asked()), {}
    name = _provider()
    versions = _tools(name)
    nodes = []
    for described in described_nodes:
        info = described["status"]["nodeInfo"]
        versions["Kubernetes"] = info["kubeletVersion"]
        runtime, _, version = info["containerRuntimeVersion"].partition("://")
        versions[runtime] = version
        nodes.append(
            Node(
                name=described["metadata"]["name"],
                system=info["osImage"],
                kernel=info["kernelVersion"],
                architecture=info["architecture"],
            )
        )
    return (
        Cluster(
            provider=name,
            asked=_asked(),
            kubernetes=versions.get("Kubernetes"),
            nodes=nodes,
        ),
        versions,
    )


def _asked() -> str | None:
    chosen = os.environ.get("CLUSTER")
    return chosen if chosen != "auto" else None


def _kubeconfig(root: Path) -> Path:
    return root / ".cluster" / "kubeconfig"


def _nodes(root: Path) -> list[Any]:
    """The nodes as the API describes them; none when it does not answer."""
    kubeconfig = _kubeconfig(root)
    if not kubeconfig.exists():
        return []
    kubectl = Path(sys.executable).with_name("kubectl")
    answer = _said(
        [kubectl, "--kubeconfig", kubeconfig, "--request-timeout=5s", "get", "nodes", "--output=json"]
    )
    return list(json.loads(answer)["items"]) if answer else []


def _provider() -> str:
    try:
        from cluster import provider  # noqa: PLC0415 - the report must do without a cluster package

        return str(provider().name)
    except Exception:  # noqa: BLE001 - a provider that cannot be told is still a cluster
        return os.environ.get("CLUSTER") or "auto"


def _tools(provider: str) -> dict[str, str]:
    """Versions of programs that no API tells."""
    found: dict[str, str] = {}
    if provider == "local" and (etcd := _version(["etcd", "--version"])):
        found["etcd"] = etcd
    try:
        from cluster.tools import helm  # noqa: PLC0415 - see _provider

        if version := _version([helm(), "version", "--short"]):
            found["helm"] = version
    except Exception:  # noqa: BLE001 - no helm, no version
        return found
    return found


def _built(root: Path) -> dict[str, str]:
    """Versions pinned by what chart and images are built from; asking a service comes before."""
    lock = _text(root / "images" / "dagster" / "requirements.lock")
    pins = {name: rf"(?m)^{package}==(\S+)" for name, package in LOCKED.items()}
    found = {name: _first(pattern, lock) for name, pattern in pins.items()}
    built = _images_values(root)
    version = _first(r'(?m)^version = "(.+)"', _text(root / "additions" / "pyproject.toml"))
    found["additions"] = version if built.get("additions", True) else "off"
    found["chart"] = _first(
        r"(?m)^version: *[\"']?([^\s\"']+)", _text(root / "charts" / "floe-platform" / "Chart.yaml")
    )
    found["MinIO"] = _first(r"github\.com/minio/minio (v\S+)", _text(root / "images" / "minio" / "go.mod"))
    found["catalog"] = (built.get("images") or {}).get("polaris")
    return {name: version for name, version in found.items() if version}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found.group(1) if found else None


def _images_values(root: Path) -> dict[str, Any]:
    """What the list of built images says of them (.cluster/images-values.yaml)."""
    values = yaml.safe_load(_text(root / ".cluster" / "images-values.yaml")) or {}
    return dict(values.get("global") or {})


def _images(root: Path, nodes: list[Any]) -> dict[str, DeployedImage]:
    """What the chart was told to run, by its content.

    A node tells the digest of what it pulled. What was imported from an archive it knows by its
    tag alone; then the archive tells, since the manifest in it is the one that was imported.
    """
    pulled: dict[str, str | None] = {}
    for image in (image for node in nodes for image in node["status"].get("images") or []):
        names = image.get("names") or []
        digest = next((name.partition("@")[2] for name in names if "@" in name), None)
        pulled |= dict.fromkeys(names, digest)
    listed = _images_values(root).get("images") or {}
    return {
        name: DeployedImage(reference=reference, digest=pulled.get(reference) or _archived(reference))
        for name, reference in sorted(listed.items())
    }


def _archived(reference: str) -> str | None:
    """The manifest's digest in the archive this image was loaded from; None when there is none."""
    try:
        from images.build import archive_of  # noqa: PLC0415 - see _provider

        with tarfile.open(archive_of(reference)) as tar, _member(tar, "index.json") as index:
            [manifest] = json.load(index)["manifests"]
            return str(manifest["digest"])
    except Exception:  # noqa: BLE001 - an archive of another kind tells no digest
        return None


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    if found is None:
        raise FileNotFoundError(name)
    return found


def _suite() -> dict[str, str]:
    def versions() -> Iterator[tuple[str, str]]:
        yield "Python", platform.python_version()
        for name in SUITE_TOOLS:
            try:
                yield name, metadata.version(name)
            except metadata.PackageNotFoundError:
                continue

    return dict(versions())


def _deployed_stand_ins(root: Path) -> dict[str, str]:
    values = _images_values(root)
    images = values.get("images") or {}
    found: dict[str, str] = {}
    if (values.get("catalog") or {}).get("standIn"):
        pom = root / "standins" / "polaris" / "host" / "pom.xml"
        iceberg = _first(r"<iceberg\.version>(.+?)</iceberg\.version>", _text(pom))
        made_of = f"Apache Iceberg {iceberg}" if iceberg else ""
        found["catalog"] = _stand_in("Apache Polaris", made_of, images.get("polaris"))
    if (values.get("lineage") or {}).get("standIn") and _lineage_runs(root):
        found["lineage"] = _stand_in("Marquez", images.get("marquez"))
    return found


def _lineage_runs(root: Path) -> bool:
    """Whether the chart deploys the lineage service: an image alone proves nothing."""
    values = yaml.safe_load(_text(root / "charts" / "floe-platform" / "values.yaml")) or {}
    return bool(((values.get("global") or {}).get("lineage") or {}).get("enabled"))


def _stand_in(service: str, *details: str | None) -> str:
    said = ", ".join(detail.rpartition("/")[2] for detail in details if detail)
    return f"stand-in for {service}" + (f" ({said})" if said else "")


def _version(command: list[str | Path]) -> str | None:
    found = re.search(r"v?\d+\.\d+[.\w+-]*", _said(command))
    return found.group() if found else None


def _said(command: list[str | Path]) -> str:
    try:
        return run(command, timeout=_SECONDS).strip()
    except PlatformError:
        return ""
