"""floe as the dagster image installs it, as Python environments of this machine: for what needs no cluster.

The same lock file and the same additions as the image's layers 1 and 2. An environment that stands on
another one has a path file to it, so that it costs nothing and sees all that is installed there.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

from foundation import cache
from foundation.cache import SYSTEM
from foundation.process import run

LOCK = Path("images") / "dagster" / "requirements.lock"
_UV = Path(sysconfig.get_path("scripts")) / "uv"
_INSTALL_SECONDS = 900.0
_ADD_SECONDS = 120.0
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "build", "*.egg-info")


def released() -> Path:
    """The environment of floe as it was released, without what completes it.

    Raises:
        PlatformError: a package could not be had; with what the installer said.
    """
    return cache.entry("floe", cache.digest_of(_released_inputs()), _install)


def completed() -> Path:
    """The environment of floe with the additions of this checkout.

    Raises:
        PlatformError: a package could not be had or built; with what the installer said.
    """
    inputs = [*_released_inputs(), SYSTEM / "additions"]
    return cache.entry("floe-completed", cache.digest_of(inputs), _complete)


def beside(environment: Path, folder: Path) -> Path:
    """Make an environment in `folder` that has all of another one, to install something more into.

    Returns:
        `folder`.
    """
    _uv("venv", "--relocatable", "--clear", "--python", python(environment), folder)
    paths = "\n".join(str(site) for site in (_site(environment), *_below(environment)))
    (_site(folder) / "below.pth").write_text(f"{paths}\n")
    return folder


def add(environment: Path, package: Path) -> None:
    """Install a package's folder or wheel, from nothing but itself.

    Raises:
        PlatformError: it could not be built or installed; with what the installer said.
    """
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--no-cache", "--compile-bytecode")
    _uv("pip", "install", *offline, "--python", python(environment), package)


def wheel(source: Path, into: Path) -> Path:
    """Build a package's wheel by what is installed, from a copy: its folder stays as it is.

    Returns:
        The wheel, in the folder `into`.

    Raises:
        PlatformError: it could not be built; with what the builder said.
    """
    copy = into / source.name
    shutil.copytree(source, copy, ignore=_NOT_COPIED)
    offline = ("--no-build-isolation", "--no-index", "--no-cache")
    _uv("build", "--wheel", *offline, "--python", python(released()), "--out-dir", into, copy)
    (built,) = into.glob("*.whl")
    return built


def python(environment: Path) -> Path:
    """The interpreter of an environment."""
    return environment / "bin" / "python"


def _released_inputs() -> list[Path | str]:
    return [f"python {sys.version_info.major}.{sys.version_info.minor}", sys.platform, SYSTEM / LOCK]


def _install(folder: Path) -> None:
    # The interpreter that runs this: uv would fetch one when it found no other.
    _uv("venv", "--relocatable", "--clear", "--python", sys.executable, folder)
    _uv(
        *("pip", "sync", "--compile-bytecode", "--require-hashes", "--python", python(folder), SYSTEM / LOCK),
        seconds=_INSTALL_SECONDS,
    )


def _complete(folder: Path) -> None:
    beside(released(), folder)
    source = folder / "additions"
    shutil.copytree(SYSTEM / "additions", source, ignore=_NOT_COPIED)
    add(folder, source)
    shutil.rmtree(source)


def _site(environment: Path) -> Path:
    (found,) = environment.glob("lib/python3.*/site-packages")
    return found


def _below(environment: Path) -> list[str]:
    paths = _site(environment) / "below.pth"
    return paths.read_text().split() if paths.is_file() else []


def _uv(*words: str | Path, seconds: float = _ADD_SECONDS) -> None:
    run([_UV, "--quiet", *words], timeout=seconds)
