"""Builds the stand-in: the Iceberg host from its pom and source, and what its image is made of.

`python -m standins.polaris.build` builds the host into the cache and prints where its jars are;
`python -m standins.polaris.build image DIR` fills DIR, a build context, for the Containerfile.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from foundation import cache, process
from foundation.errors import UserError
from standins.common import packages

HERE: Final = Path(__file__).resolve().parent
SOURCES: Final = HERE / "host"
DIST: Final = "standins/polaris/dist"
"""Where the generated parts lie in a build context."""

FILES: Final = (
    "standins/__init__.py",
    *packages.SHARED,
    *(
        f"standins/polaris/{name}"
        for name in (
            "__init__.py",
            "__main__.py",
            "access.py",
            "admin.py",
            "catalog.py",
            "database.py",
            "errors.py",
            "health.py",
            "http.py",
            "iceberg.py",
            "locations.py",
            "management.py",
            "oauth.py",
            "privileges.py",
            "server.py",
            "settings.py",
            "store.py",
            "vending.py",
            "run-java.sh",
        )
    ),
)
"""The checkout's files that the image holds."""

_DIRECT: Final = (
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "httpx",
    "psycopg",
    "psycopg-binary",
    "pyjwt",
    "pydantic",
)
_MODULES: Final = (
    "java.base",
    "java.desktop",
    "java.logging",
    "java.management",
    "java.naming",
    "java.security.jgss",
    "java.sql",
    "java.xml",
    "jdk.crypto.ec",
    "jdk.httpserver",
    "jdk.unsupported",
    "jdk.zipfs",
)
_JDK: Final = "apt-get install openjdk-17-jdk-headless maven"


def jars() -> Path:
    """The folder with the Iceberg host and all it needs; built on first use, then from the cache."""
    return cache.entry("iceberg-host", cache.digest_of(["1", SOURCES, _java_version()]), _build_jars)


def runtime() -> Path:
    """A Java runtime of only the modules that the host uses, for the image."""
    digest = cache.digest_of(["1", _java_version(), platform.machine(), *_MODULES])
    return cache.entry("java-runtime", digest, _build_runtime)


def inputs() -> list[Path | str]:
    """What decides the generated parts of the image."""
    python = [f"{name}=={importlib.metadata.version(name)}" for name in packages.closure(_DIRECT)]
    return [SOURCES, _java_version(), *_MODULES, *python]


def fill(context: Path) -> None:
    """Put the generated parts into a build context: jars, Java runtime, Python packages."""
    dist = context / DIST
    dist.mkdir(parents=True, exist_ok=True)
    shutil.copytree(jars(), dist / "jars", dirs_exist_ok=True)
    shutil.copytree(runtime() / "java", dist / "java", dirs_exist_ok=True, symlinks=True)
    packages.copy(_DIRECT, dist / "python")


def _java_version() -> str:
    if shutil.which("javac") is None:
        raise UserError("javac is not installed; the catalog stand-in is compiled with it", remedy=_JDK)
    version = process.run(["javac", "-version"], timeout=60).strip() or "javac"
    major = re.search(r"(\d+)", version)
    if major is not None and int(major[1]) < 17:
        raise UserError(f"{version} is older than 17", remedy=_JDK)
    return version


def _build_jars(place: Path) -> None:
    if shutil.which("mvn") is None:
        raise UserError("mvn is not installed; it fetches Apache Iceberg's jars", remedy=_JDK)
    process.run(
        [
            "mvn",
            "-q",
            "-B",
            "-f",
            SOURCES / "pom.xml",
            f"-Dmaven.repo.local={cache.cache_root() / 'maven'}",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={place}",
        ],
        timeout=900,
    )
    classes = place / "classes"
    classes.mkdir()
    process.run(
        [
            "javac",
            "--release",
            "17",
            "-Xlint:all,-classfile,-processing,-path",
            "-Werror",
            "-d",
            classes,
            "-cp",
            f"{place}/*",
            *sorted((SOURCES / "src").rglob("*.java")),
        ],
        timeout=300,
    )
    process.run(["jar", "--create", "--file", place / "iceberg-host.jar", "-C", classes, "."], timeout=60)
    shutil.rmtree(classes)


def _build_runtime(place: Path) -> None:
    if shutil.which("jlink") is None:
        raise UserError("jlink is not installed; it makes the image's Java runtime", remedy=_JDK)
    java = place / "java"
    process.run(
        [
            "jlink",
            "--add-modules",
            ",".join(_MODULES),
            "--strip-debug",
            "--no-header-files",
            "--no-man-pages",
            "--compress=1",
            "--output",
            java,
        ],
        timeout=300,
    )
    # The archive of the JDK's own classes saves a third of a second at each start.
    process.run([java / "bin" / "java", "-Xshare:dump"], timeout=120)


def main(arguments: Sequence[str]) -> int:
    """Build the host, or fill a build context."""
    match arguments:
        case []:
            print(jars())
        case ["image", directory]:
            context = Path(directory)
            packages.lay_out(("standins/polaris/Containerfile", *FILES), context)
            fill(context)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
