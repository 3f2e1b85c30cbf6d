"""The programs the project runs: built once or from the virtual environment, never the host's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cluster.gobuild import go_binaries
from foundation.cache import STATE
from foundation.errors import UserError

GO = Path(__file__).parent / "go"
KUBERNETES_VERSION = "v1.34.4"
HELM_VERSION = "v3.19.5"

_HELM_FLAGS = (
    f"-X helm.sh/helm/v3/internal/version.version={HELM_VERSION}",
    # What `helm template` and `helm lint` take for the cluster's version.
    "-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1",
    "-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=34",
    "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1",
    "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34",
)


def helm() -> Path:
    """Helm, built alone: checking the chart needs no cluster and none of its programs."""
    folder = go_binaries(
        GO / "kubernetes", "helm.sh/helm/v3/cmd/helm", ldflags=_HELM_FLAGS, title=f"Helm {HELM_VERSION}"
    )
    _stay_out_of_home()
    return folder / "helm"


def kind() -> Path:
    """kind, where a Docker engine answers."""
    return go_binaries(GO / "kind", "sigs.k8s.io/kind", title="kind") / "kind"


def kubectl() -> Path:
    """The kubectl of the virtual environment (a wheel)."""
    path = Path(sys.prefix) / "bin" / "kubectl"
    if not path.exists():
        raise UserError(f"kubectl is not in {path.parent}", remedy="run `make up`, which installs it")
    _stay_out_of_home()
    return path


def _stay_out_of_home() -> None:
    """Both tools keep what they learn of a cluster in ~/.kube and ~/.cache; theirs goes to the checkout."""
    for name, folder in {
        "KUBECACHEDIR": "kube",
        "HELM_CACHE_HOME": "helm/cache",
        "HELM_CONFIG_HOME": "helm/config",
        "HELM_DATA_HOME": "helm/data",
    }.items():
        os.environ.setdefault(name, str(STATE / "tools" / folder))
