"""The node's containerd: which images it has, and giving it those it lacks."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster.local.configuration import CONTAINERD_SOCKET
from cluster.local.host import program
from cluster.local.state import Identity
from foundation.errors import PlatformError
from foundation.process import run
from foundation.progress import phase
from images.model import REPOSITORY, Image

_IMPORT_DEADLINE = 600
_KEPT = 3
"""How many builds of one image stay: the node may still run pods of an earlier one."""


class Store:
    """Containerd of a running node, reached through the node's own view of /run."""

    def __init__(self, init: Identity, home: Path) -> None:
        self._socket = Path(f"/proc/{init.pid}/root{CONTAINERD_SOCKET}")
        self._order = home / "loaded.json"

    def answers(self) -> str | None:
        """None if it takes requests, else what it says instead."""
        try:
            self._ctr("version")
        except PlatformError as failed:
            return str(failed).splitlines()[-1]
        return None

    def present(self) -> set[str]:
        """References whose image is there with all its content, ready to run."""
        complete = set()
        for line in self._ctr("images", "check").splitlines()[1:]:
            # REF TYPE DIGEST STATUS SIZE UNPACKED, where STATUS and SIZE hold blanks.
            words = line.split()
            if "complete" in words and words[-1] == "true":
                complete.add(words[0])
        return complete

    def load(self, images: Sequence[Image]) -> None:
        """Import what the node lacks; of an image it has in part, only the layers it lacks."""
        present = self.present()
        lacking = [image for image in images if image.ref not in present]
        for image in lacking:
            with phase(f"load {image.name} ({image.size / 1e6:.0f} MB)"):
                self._import(image)
        if lacking:
            self._drop_old([image.ref for image in images])

    def _import(self, image: Image) -> None:
        content = set(self._ctr("content", "ls", "--quiet").split())
        command = [*self._command(), "images", "import", "--all-platforms", "-"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as importing:
            assert importing.stdin is not None
            # If it gives up, its own words say why; the broken pipe would not.
            with contextlib.suppress(BrokenPipeError):
                image.write_to(importing.stdin, present=content)
            try:
                said, _ = importing.communicate(timeout=_IMPORT_DEADLINE)
            except subprocess.TimeoutExpired:
                importing.kill()
                raise
        if importing.returncode != 0 or image.ref not in self.present():
            raise PlatformError(
                f"containerd did not take {image.archive} as {image.ref}: "
                + said.decode(errors="replace")[-500:]
            )

    def _drop_old(self, loaded: list[str]) -> None:
        """Of each image built here keep the last few builds; anything else would fill the disk."""
        try:
            order: list[str] = json.loads(self._order.read_text())
        except (FileNotFoundError, ValueError):
            order = []
        order = [ref for ref in order if ref not in loaded] + loaded
        old = []
        for repository in {ref.rpartition(":")[0] for ref in loaded}:
            builds = [ref for ref in order if ref.rpartition(":")[0] == repository]
            if repository.startswith(f"{REPOSITORY}/"):
                old += builds[:-_KEPT]
        if old:
            self._ctr("images", "rm", *old)
        self._order.write_text(json.dumps([ref for ref in order if ref not in old]))

    def _ctr(self, *words: str) -> str:
        return run([*self._command(), *words], timeout=60)

    def _command(self) -> list[str | Path]:
        return [program("ctr"), "--address", self._socket, "--namespace", "k8s.io"]
