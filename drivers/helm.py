"""Helm, as an operator uses it: one release in one namespace."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path

from drivers import traffic
from drivers.errors import ServiceError
from foundation import secrecy
from foundation.errors import PlatformError
from foundation.process import run

RELEASE = "floe"
_PHASE = re.compile(r"^Phase: +(\w+)$", re.MULTILINE)


def products_served(
    names: Iterable[str],
    delivered: Mapping[str, str] | None = None,
    automated: Container[str] = (),
) -> dict[str, str]:
    """The chart's values by which a release serves these products, each by a code location of its own.

    Args:
        names: the products; those that are not delivered come with the image.
        delivered: the ConfigMap of each product that is delivered.
        automated: the products that run by themselves as soon as they are served.
    """
    settings: dict[str, str] = {}
    for at, name in enumerate(names):
        settings[f"dagster.products[{at}].name"] = name
        if delivered and name in delivered:
            settings[f"dagster.products[{at}].configMap"] = delivered[name]
        if name in automated:
            settings[f"dagster.products[{at}].automation"] = "true"
    return settings


class Helm:
    """The helm program with the kubeconfig of this checkout."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self._program = program
        self._kubeconfig = kubeconfig

    def install(
        self,
        chart: Path,
        namespace: str,
        *,
        values: Sequence[Path],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Install the chart as release `floe`, or upgrade the one there is.

        Returns when Kubernetes has taken the objects; pods may still be starting.

        Raises:
            ServiceError: helm refused, with its last lines.
        """
        words = ["upgrade", "--install", RELEASE, str(chart), "--namespace", namespace]
        for file in values:
            words += ["--values", str(file)]
        for name, value in (settings or {}).items():
            words += ["--set", f"{name}={value}"]
        self._run(words, f"install {chart.name} in {namespace}", timeout=180)

    def uninstall(self, namespace: str) -> None:
        """Take the release away if it is there; pods may still be ending afterwards."""
        self._run(
            ["uninstall", RELEASE, "--namespace", namespace, "--ignore-not-found", "--no-hooks"],
            f"uninstall {RELEASE} from {namespace}",
            timeout=120,
        )

    def test(self, namespace: str) -> tuple[str, str]:
        """Run the release's own tests; `Succeeded`, or what helm says instead, and what their pods said."""
        words = ["test", RELEASE, "--namespace", namespace, "--logs", "--timeout", "60s"]
        try:
            said = self._run(words, f"test {RELEASE} in {namespace}", timeout=90)
        except ServiceError as failed:
            return failed.answer, ""
        return ", ".join(sorted(set(_PHASE.findall(said)))) or "there is no test", said

    def releases(self, namespace: str) -> dict[str, str]:
        """Each release of a namespace with its status (`deployed`)."""
        words = ["list", "--all", "--namespace", namespace, "--output", "json"]
        said = self._run(words, "list releases", timeout=60)
        return {entry["name"]: entry["status"] for entry in json.loads(said)}

    def _run(self, words: Sequence[str], asked: str, *, timeout: float) -> str:
        with traffic.asking("helm", asked, f"helm {words[0]}"):
            try:
                secrecy.must_be_open(asked)  # helm keeps its releases in Secrets
                return run([self._program, "--kubeconfig", self._kubeconfig, *words], timeout=timeout)
            except PlatformError as refused:
                raise ServiceError(asked, of="helm", answer=str(refused)) from refused
