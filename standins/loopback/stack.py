"""What the contract is played against: the stand-in with its database and object store, or a real Polaris."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError
from mypy_boto3_s3 import S3Client
from pydantic import BaseModel, SecretStr

from drivers import wait
from foundation.cache import ROOT
from foundation.errors import UserError
from images import minio
from standins.loopback.postgres import Postgres
from standins.loopback.processes import Running, free_port
from standins.polaris import build

ROOT_ID: Final = "root-client"
ROOT_SECRET: Final = "root-secret-of-the-contract"  # noqa: S105 - of servers that end with the test
BUCKET: Final = "contract"
_STORE_USER: Final = "contract-store"
_STORE_SECRET: Final = "contract-store-secret"  # noqa: S105
_SIGNING_KEY: Final = "a-signing-key-of-the-contract-test-0123456789"
_PREFIX: Final = "POLARIS_CONTRACT_"


class Target(BaseModel):
    """Where a catalog answers, and what a client needs to know of it."""

    url: str
    root_id: str
    root_secret: SecretStr
    store_endpoint: str
    store_key: str
    store_secret: SecretStr
    bucket: str
    real: bool

    @property
    def catalog(self) -> str:
        """The address that Iceberg clients are given."""
        return f"{self.url}/api/catalog"

    @property
    def management(self) -> str:
        """The address of the management API."""
        return f"{self.url}/api/management/v1"

    def store(self) -> S3Client:
        """The object store, with all rights."""
        return boto3.client(
            "s3",
            endpoint_url=self.store_endpoint,
            aws_access_key_id=self.store_key,
            aws_secret_access_key=self.store_secret.get_secret_value(),
            region_name="us-east-1",
        )


def given(environment: Mapping[str, str] = os.environ) -> Target | None:
    """The real server that the environment names, if it names one."""
    url = environment.get(f"{_PREFIX}URL")
    if not url:
        return None
    needed = ("ROOT", "STORE_ENDPOINT", "STORE_KEY", "STORE_SECRET")
    missing = [_PREFIX + name for name in needed if not environment.get(_PREFIX + name)]
    if missing:
        raise UserError(
            f"{_PREFIX}URL is set, but not {', '.join(missing)}",
            remedy="set them: root's client as ID:SECRET, and the object store that Polaris writes to",
        )
    root_id, _, root_secret = environment[f"{_PREFIX}ROOT"].partition(":")
    return Target(
        url=url.rstrip("/"),
        root_id=root_id,
        root_secret=SecretStr(root_secret),
        store_endpoint=environment[f"{_PREFIX}STORE_ENDPOINT"],
        store_key=environment[f"{_PREFIX}STORE_KEY"],
        store_secret=SecretStr(environment[f"{_PREFIX}STORE_SECRET"]),
        bucket=environment.get(f"{_PREFIX}BUCKET", BUCKET),
        real=True,
    )


class Minio:
    """An object store on loopback."""

    def __init__(self, folder: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        self._process = Running(
            "MinIO",
            [
                minio.binary(),
                "server",
                "--quiet",
                "--address",
                self.endpoint.removeprefix("http://"),
                "--console-address",
                f"127.0.0.1:{free_port()}",
                folder / "objects",
            ],
            env={
                "MINIO_ROOT_USER": _STORE_USER,
                "MINIO_ROOT_PASSWORD": _STORE_SECRET,
                "MINIO_PROMETHEUS_AUTH_TYPE": "public",
                "MINIO_UPDATE": "off",
            },
            log=folder / "minio.log",
        )
        wait.until(self._answers, bool, what="MinIO answering", within=30, every=0.05)

    def _answers(self) -> bool:
        self._process.must_run()
        try:
            return httpx.get(f"{self.endpoint}/minio/health/ready", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """Stop the server."""
        self._process.stop()


class StandIn:
    """The stand-in as two processes on loopback, with its own realm and keys."""

    def __init__(self, folder: Path, database: Postgres, store: str, **environment: str) -> None:
        self._folder = folder
        self._port, self._management_port = free_port(), free_port()
        self._process: Running | None = None
        self.environment = {
            "QUARKUS_DATASOURCE_JDBC_URL": database.jdbc_url,
            "QUARKUS_DATASOURCE_USERNAME": "polaris",
            "QUARKUS_DATASOURCE_PASSWORD": "polaris-password",
            "POLARIS_PERSISTENCE_TYPE": "relational-jdbc",
            "POLARIS_REALM_CONTEXT_REALMS": "POLARIS",
            "POLARIS_AUTHENTICATION_TOKEN_BROKER_TYPE": "symmetric-key",
            "POLARIS_AUTHENTICATION_TOKEN_BROKER_SYMMETRIC_KEY_SECRET": _SIGNING_KEY,
            "QUARKUS_HTTP_HOST": "127.0.0.1",
            "QUARKUS_HTTP_PORT": str(self._port),
            "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
            "QUARKUS_MANAGEMENT_PORT": str(self._management_port),
            "AWS_ACCESS_KEY_ID": _STORE_USER,
            "AWS_SECRET_ACCESS_KEY": _STORE_SECRET,
            "AWS_REGION": "us-east-1",
            "POLARIS_STANDIN_JARS": str(build.jars()),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder),
            **environment,
        }
        self._store = store

    @property
    def log(self) -> Path:
        """All that it printed."""
        return self._folder / "stand-in.log"

    @property
    def pid(self) -> int:
        """The gateway's process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def health(self) -> str:
        """The address of its health."""
        return f"http://127.0.0.1:{self._management_port}/q/health"

    @property
    def management_port(self) -> int:
        """Where health and metrics are."""
        return self._management_port

    @property
    def target(self) -> Target:
        """Where it answers."""
        return Target(
            url=f"http://127.0.0.1:{self._port}",
            root_id=ROOT_ID,
            root_secret=SecretStr(ROOT_SECRET),
            store_endpoint=self._store,
            store_key=_STORE_USER,
            store_secret=SecretStr(_STORE_SECRET),
            bucket=BUCKET,
            real=False,
        )

    def bootstrap(
        self, realm: str = "POLARIS", client_id: str = ROOT_ID, secret: str = ROOT_SECRET
    ) -> subprocess.CompletedProcess[str]:
        """Run the admin tool as its pod does."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "standins.polaris",
                "bootstrap",
                "-r",
                realm,
                "-c",
                f"{realm},{client_id},{secret}",
            ],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> None:
        """Start the server and wait until it answers, with a database or without."""
        self._process = Running(
            "the stand-in",
            [sys.executable, "-m", "standins.polaris", "serve"],
            env=self.environment,
            log=self.log,
        )
        wait.until(self._alive, bool, what="the stand-in's health answering", within=60, every=0.05)

    def becomes_ready(self) -> None:
        """Wait until it has its database and its Iceberg host."""
        wait.until(
            lambda: self.status("/ready"),
            lambda status: status == 200,
            what="the stand-in's readiness",
            within=60,
            every=0.1,
        )

    def _alive(self) -> bool:
        assert self._process is not None
        self._process.must_run()
        return self.status("/live") == 200

    def status(self, check: str) -> int | None:
        """The status of a health check; None when nobody answers."""
        try:
            return httpx.get(self.health + check, timeout=10).status_code
        except httpx.HTTPError:
            return None

    def stop(self) -> None:
        """Stop the server as its pod is stopped."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End gateway and Iceberg host at once, as a crash would."""
        if self._process is not None:
            self._process.kill()


def make_bucket(target: Target) -> None:
    """The bucket that the contract's tables go to."""
    store = target.store()
    try:
        store.create_bucket(Bucket=target.bucket)
    except (store.exceptions.BucketAlreadyOwnedByYou, store.exceptions.BucketAlreadyExists):
        return
    except (BotoCoreError, ClientError) as failure:
        raise UserError(
            f"the bucket {target.bucket} cannot be made at {target.store_endpoint}: {failure}",
            remedy=f"check {_PREFIX}STORE_ENDPOINT and the keys",
        ) from failure
