"""The Iceberg host: the JVM process that is Apache Iceberg's own REST catalog, and calls to it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from standins.polaris.errors import ApiError
from standins.polaris.settings import Settings

_START_SECONDS: Final = 60.0
_MAIN_CLASS: Final = "org.apache.iceberg.rest.IcebergHost"
_LEVEL_SEPARATOR: Final = "%2E"


class HostError(Exception):
    """The Iceberg host did not start, or is gone."""


class IcebergHost:
    """Starts the process, keeps it as long as this one lives, and speaks with it on loopback."""

    def __init__(self, settings: Settings, classpath: str) -> None:
        self._settings = settings
        self._classpath = classpath
        self._key = secrets.token_hex(32)
        self._process: asyncio.subprocess.Process | None = None
        self._client: httpx.AsyncClient | None = None
        self._listening = asyncio.Event()

    @property
    def listens(self) -> bool:
        """Whether it can be asked."""
        return self._listening.is_set()

    async def run(self) -> int:
        """Start the process and stay with it until it ends; it should not, before the gateway does."""
        process = await self._start()
        await self._meet(process)
        self._listening.set()
        return await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        database = self._settings.database
        environment = {
            **os.environ,
            "ICEBERG_HOST_KEY": self._key,
            "ICEBERG_HOST_JDBC_URL": database.host_jdbc_url,
            "ICEBERG_HOST_JDBC_USER": database.username,
            "ICEBERG_HOST_JDBC_PASSWORD": database.password.get_secret_value(),
            # Never look for credentials in a cloud's metadata service: there is none here.
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": self._settings.region,
        }
        self._process = await asyncio.create_subprocess_exec(
            self._settings.java,
            f"-Xmx{self._settings.java_heap}",
            "-Xss512k",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:MaxMetaspaceSize=128m",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-UsePerfData",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            # Hadoop, whose metrics it misses, is left out on purpose.
            "-Dorg.slf4j.simpleLogger.log.org.apache.iceberg.aws.s3.S3FileIO=error",
            f"-Djava.io.tmpdir={os.environ.get('TMPDIR', '/tmp')}",  # noqa: S108
            "-cp",
            self._classpath,
            _MAIN_CLASS,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        return self._process

    async def _meet(self, process: asyncio.subprocess.Process) -> None:
        """Wait until the process says where it listens."""
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
        except TimeoutError as late:
            raise HostError(f"the Iceberg host said nothing for {_START_SECONDS:.0f} s") from late
        word, _, port = line.decode().strip().partition(" ")
        if word != "listening":
            raise HostError(f"the Iceberg host did not start: {line.decode().strip() or 'it ended'}")
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"X-Host-Key": self._key},
            timeout=httpx.Timeout(90, connect=5),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
            trust_env=False,
        )

    async def stop(self) -> None:
        """End the process: the end of its input tells it to."""
        if self._client is not None:
            await self._client.aclose()
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def call(
        self,
        method: str,
        path: str,
        *,
        catalog: Mapping[str, object] | None = None,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One call; an error of Iceberg's becomes an ApiError with its status, type and message.

        The gateway serves while the process still starts: who needs Iceberg that early waits for it.
        """
        try:
            await asyncio.wait_for(self._listening.wait(), _START_SECONDS)
        except TimeoutError as late:
            raise ApiError(500, "ServiceFailureException", "The Iceberg host has not started") from late
        assert self._client is not None
        sent = dict(headers or {})
        if catalog is not None:
            sent["X-Catalog"] = base64.b64encode(json.dumps(catalog, sort_keys=True).encode()).decode()
        try:
            answer = await self._client.request(
                method, path, content=body, params=dict(query or {}) or None, headers=sent
            )
        except httpx.HTTPError as lost:
            raise ApiError(500, "RuntimeException", f"no answer from Iceberg: {lost!r}") from lost
        if answer.is_error:
            error = answer.json()["error"] if answer.content else {}
            raise ApiError(
                answer.status_code,
                str(error.get("type", "RuntimeException")),
                str(error.get("message", "Iceberg refused without a word")),
            )
        return answer

    async def json(self, method: str, path: str, **arguments: Any) -> Any:
        """One call whose answer is JSON."""
        return (await self.call(method, path, **arguments)).json()


def encoded_namespace(levels: tuple[str, ...]) -> str:
    """A namespace as Iceberg's REST server reads it in a path."""
    return _LEVEL_SEPARATOR.join(levels)


def classpath(folder: Path) -> str:
    """All that the host is made of, in a fixed order."""
    jars = sorted(folder.glob("*.jar"))
    if not jars:
        raise HostError(f"no Iceberg host in {folder}; build it with python -m standins.polaris.build")
    return ":".join(str(jar) for jar in jars)
