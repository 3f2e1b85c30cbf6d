"""Root file systems of Debian bookworm, made by mmdebstrap from the mirror this host uses."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from foundation import process
from foundation.cache import digest_of, entry
from foundation.errors import UserError

HERE = Path(__file__).resolve().parent
SUITE = "bookworm"
EPOCH = "1767225600"
"""Time stamp of every file made here (2026-01-01 UTC): a rebuild differs only where Debian did."""

_LIMIT = 1800.0


def inputs(recipe: Path) -> list[Path | str]:
    """What decides the content of the root file system described by the folder `recipe`."""
    hook = recipe / "finish.sh"
    prepare = recipe / "prepare.sh"
    extra = [script for script in (prepare, hook) if script.exists()]
    return [recipe / "packages.txt", *extra, HERE / "anonymous.sh", *_LEFT_OUT, SUITE, EPOCH]


def packages(recipe: Path) -> list[str]:
    """The packages named in the recipe's packages.txt."""
    lines = (recipe / "packages.txt").read_text().splitlines()
    return [line for raw in lines if (line := raw.partition("#")[0].strip())]


def rootfs(recipe: Path) -> Path:
    """The tar of the root file system described by the folder `recipe`; made once, then kept.

    The folder holds packages.txt, and optionally prepare.sh and finish.sh, run inside the tree
    before and after the packages are installed. Inside, because a link such as /var/run leads
    a script on the host to the host's own files.
    """
    name = f"{recipe.name}-{digest_of(inputs(recipe))}"
    made = entry("rootfs", name, lambda work: _make(recipe, work))
    for older in made.parent.glob(f"{recipe.name}-*"):
        if older != made:
            shutil.rmtree(older, ignore_errors=True)
    return made / "rootfs.tar"


def _make(recipe: Path, work: Path) -> None:
    for tool in ("mmdebstrap", "unshare"):
        if shutil.which(tool) is None:
            raise UserError(
                f"{tool} is not installed; it makes the root file systems of the images",
                remedy="run `make up` as root, which installs it, or apt-get install mmdebstrap util-linux",
            )
    hooks: list[str | Path] = []
    for stage, script in (("essential", "prepare.sh"), ("customize", "finish.sh")):
        if (recipe / script).exists():
            hooks.append(_hook(stage, recipe / script))
    process.run(
        [
            *process_cage(),
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--quiet",
            f"--include={','.join(packages(recipe))}",
            *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
            *hooks,
            _hook("customize", HERE / "anonymous.sh"),
            SUITE,
            work / "rootfs.tar",
            *_mirror(),
        ],
        timeout=_LIMIT,
        env={"SOURCE_DATE_EPOCH": EPOCH, "TMPDIR": str(work), "PATH": _search_path()},
    )


_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/locale/*",
)
"""Files of packages that no server reads."""


def _search_path() -> str:
    """PATH with the folders of system programs (chroot), which the PATH of some root shells lacks."""
    return os.pathsep.join([os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin"])


def _hook(stage: str, script: Path) -> str:
    inside = 'chroot "$1" /usr/bin/env NEW_ROOT_FILE_SYSTEM=1 /bin/sh -s'
    return f"--{stage}-hook={inside} <{shlex.quote(str(script))}"


def process_cage() -> list[str | Path]:
    """The front of a command whose mounts and children must die with it, even by kill -9.

    Its own mount and process namespaces: nothing it mounts is ever seen by the host.
    """
    return [
        "setpriv",
        "--pdeathsig=KILL",
        "unshare",
        "--mount",
        "--propagation=private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]


def _mirror() -> list[Path]:
    """The host's own package sources when it is the same Debian; mmdebstrap's default otherwise."""
    release = Path("/etc/os-release")
    said = release.read_text() if release.exists() else ""
    if f"VERSION_CODENAME={SUITE}" not in said.splitlines() or "ID=debian" not in said.splitlines():
        return []
    folder = Path("/etc/apt")
    candidates = [folder / "sources.list.d" / "debian.sources", folder / "sources.list"]
    chosen = os.environ.get("FLOE_E2E_APT_SOURCES")
    if chosen:
        candidates.insert(0, Path(chosen))
    return [path for path in candidates if path.exists() and path.stat().st_size][:1]
