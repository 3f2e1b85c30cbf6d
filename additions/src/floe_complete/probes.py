"""How each service behind a plugin is asked whether it serves, by the contract that the plugin uses it by.

floe 0.1.0a1 has a health check in every plugin. Those of MinIO, Jaeger, Marquez and Dagster are the default
of the contract, which says healthy and asks nobody; that of Polaris says unhealthy until somebody has
connected it, through a client without a deadline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx

Settings = Mapping[str, Any]
Ask = Callable[["Question"], str]


class IllError(Exception):
    """The service does not serve; the message says why, in words that hold no credential."""


@dataclass(frozen=True)
class Question:
    """What is known when a service is asked.

    Attributes:
        address: where it is.
        settings: what the manifest says under the plugin's `config`, with its variables resolved.
        variables: of the environment.
        seconds: that each answer may take.
    """

    address: str
    settings: Settings
    variables: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Probe:
    """How the service of one plugin is found and asked.

    Attributes:
        address: of (the plugin's settings, the manifest's observability, the environment).
        ask: gives what a healthy service says of itself; raises IllError.
    """

    address: Callable[[Settings, Settings, Mapping[str, str]], str]
    ask: Ask


def _polaris(question: Question) -> str:
    """A token for the manifest's client, and with it the configuration of the warehouse."""
    settings = question.settings
    client, warehouse = settings.get("oauth2") or {}, str(settings.get("warehouse", ""))
    form = {
        "grant_type": "client_credentials",
        "client_id": str(client.get("client_id", "")),
        "client_secret": str(client.get("client_secret", "")),
        "scope": str(client.get("scope") or "PRINCIPAL_ROLE:ALL"),
    }
    token = _json(_sent(question, "POST", str(client.get("token_url", "")), data=form), "token").get(
        "access_token"
    )
    if not token:
        raise IllError("gives no token, though it takes the client")
    headers = {"Authorization": f"Bearer {token}"}
    answer = _sent(
        question, "GET", f"{question.address}/v1/config", params={"warehouse": warehouse}, headers=headers
    )
    if "defaults" not in _json(answer, "configuration"):
        raise IllError("answers, but not as an Iceberg catalog")
    return f"serves {warehouse}"


def _minio(question: Question) -> str:
    """The server is alive, its S3 interface answers, and with keys at hand the bucket is there."""
    bucket = str(question.settings.get("bucket", ""))
    _sent(question, "GET", f"{question.address}/minio/health/live")
    answer = _sent(question, "GET", f"{question.address}/{bucket}", expect=(200, 403, 404))
    if not answer.headers.get("content-type", "").startswith("application/xml"):
        raise IllError("answers, but not as an object store")
    keys = _keys(question)
    if keys is None:
        if answer.status_code == 404:
            raise IllError(f"has no bucket {bucket}")
        return "is live; whether the bucket is there is not known without keys"
    return _bucket(question, bucket, *keys)


def _keys(question: Question) -> tuple[str, str] | None:
    """The keys, from where floe's plugin takes them, in its order."""
    given = question.settings.get("access_key_id"), question.settings.get("secret_access_key")
    minio, aws = (
        tuple(question.variables.get(f"{whose}_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        for whose in ("MINIO", "AWS")
    )
    found = next((pair for pair in (given, minio, aws) if all(pair)), None)
    return (str(found[0]), str(found[1])) if found else None


def _bucket(question: Question, bucket: str, key: str, secret: str) -> str:
    import boto3  # noqa: PLC0415 - only where there are keys
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    patience = Config(
        connect_timeout=question.seconds,
        read_timeout=question.seconds,
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    store = boto3.client(
        "s3",
        endpoint_url=question.address,
        region_name=str(question.settings.get("region") or "us-east-1"),
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=patience,
    )
    try:
        store.head_bucket(Bucket=bucket)
    except ClientError as refused:
        code = refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        reasons = {404: f"has no bucket {bucket}", 403: f"refuses the keys for bucket {bucket}"}
        raise IllError(reasons.get(code or 0, f"answers {code} for bucket {bucket}")) from refused
    except BotoCoreError as broken:
        raise IllError(f"does not answer for bucket {bucket} ({type(broken).__name__})") from broken
    return f"is live and has bucket {bucket}"


def _dagster(question: Question) -> str:
    """The web server tells its version and its daemons."""
    query = "{ version instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }"
    answer = _sent(question, "POST", f"{question.address}/graphql", json={"query": query})
    data = _json(answer, "answer").get("data") or {}
    if "version" not in data:
        raise IllError("answers, but not as a Dagster web server")
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    if ill := sorted(one["daemonType"] for one in statuses if one["required"] and not one["healthy"]):
        raise IllError(f"serves, but without its daemons: no heartbeat of {', '.join(ill)}")
    return f"serves, version {data['version']}"


def _marquez(question: Question) -> str:
    """It lists its namespaces."""
    key = question.settings.get("api_key")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = _sent(question, "GET", f"{question.address}/api/v1/namespaces", headers=headers)
    if "namespaces" not in _json(answer, "answer"):
        raise IllError("answers, but not as Marquez")
    return "lists its namespaces"


def _otlp(question: Question) -> str:
    """It takes an export of no span, over the interface that spans are sent by."""
    import grpc  # type: ignore[import-untyped]  # noqa: PLC0415 - slow
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as spans  # noqa: PLC0415
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (  # noqa: PLC0415
        TraceServiceStub,
    )

    place = urlsplit(question.address if "://" in question.address else f"http://{question.address}")
    target = f"{place.hostname}:{place.port or 4317}"
    channel = (
        grpc.secure_channel(target, grpc.ssl_channel_credentials())
        if place.scheme == "https"
        else grpc.insecure_channel(target)
    )
    with channel:
        try:
            stub: Any = TraceServiceStub(channel)  # type: ignore[no-untyped-call]
            stub.Export(spans.ExportTraceServiceRequest(), timeout=question.seconds)
        except grpc.RpcError as refused:
            code = refused.code()
            known = {"UNAVAILABLE": "nobody answers", "DEADLINE_EXCEEDED": _silent(question)}
            raise IllError(known.get(code.name, f"takes no spans ({code.name})")) from refused
    return "takes spans"


def _sent(
    question: Question, method: str, url: str, expect: tuple[int, ...] = (200,), **more: Any
) -> httpx.Response:
    """One answer, of one of the expected codes, within the time.

    Raises:
        IllError: there is none; what came is told by its code alone.
    """
    import httpx  # noqa: PLC0415 - a refused manifest needs none

    try:
        answer = httpx.request(method, url, timeout=question.seconds, follow_redirects=False, **more)
    except httpx.TimeoutException as late:
        raise IllError(_silent(question)) from late
    except httpx.ConnectError as refused:
        raise IllError(f"nobody answers ({_cause(refused)})") from refused
    except (httpx.HTTPError, httpx.InvalidURL) as broken:
        raise IllError(f"does not speak HTTP as it should ({type(broken).__name__})") from broken
    if answer.status_code in (401, 403) and answer.status_code not in expect:
        raise IllError(f"refuses the credentials (HTTP {answer.status_code})")
    if answer.status_code not in expect:
        raise IllError(f"answers {answer.status_code} to {method} {urlsplit(url).path}")
    return answer


def _json(answer: httpx.Response, what: str) -> dict[str, Any]:
    try:
        found = answer.json()
    except json.JSONDecodeError as other:
        raise IllError(f"gives no {what} that can be read") from other
    if not isinstance(found, dict):
        raise IllError(f"gives no {what} that can be read")
    return found


def _cause(refused: Exception) -> str:
    words = str(refused)
    return words.partition("] ")[2] or words or type(refused).__name__


def _silent(question: Question) -> str:
    return f"no answer within {question.seconds:g} s"


def _of(key: str) -> Callable[[Settings, Settings, Mapping[str, str]], str]:
    return lambda settings, _observability, _variables: str(settings.get(key) or "").rstrip("/")


def _web_server(_settings: Settings, _observability: Settings, variables: Mapping[str, str]) -> str:
    """As floe's plugin finds it."""
    return variables.get("DAGSTER_URL", "http://localhost:3000").rstrip("/")


def _collector(_settings: Settings, observability: Settings, variables: Mapping[str, str]) -> str:
    """As floe finds it: the manifest's address is used before that of the environment."""
    said = (observability.get("tracing") or {}).get("endpoint")
    return str(said or variables.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "jaeger-collector:4317")


PROBES: Mapping[tuple[str, str], Probe] = {
    ("catalog", "polaris"): Probe(_of("uri"), _polaris),
    ("storage", "minio"): Probe(_of("endpoint"), _minio),
    ("orchestrator", "dagster"): Probe(_web_server, _dagster),
    ("orchestrator", "dagster-iceberg"): Probe(_web_server, _dagster),
    ("lineage_backend", "marquez"): Probe(_of("url"), _marquez),
    ("telemetry_backend", "jaeger"): Probe(_collector, _otlp),
}
"""By the plugin's type and name, as manifest.yaml has them."""

WITHOUT_SERVICE = frozenset(
    {
        ("compute", "duckdb"),
        ("compute", "duckdb-iceberg"),
        ("compute", "duckdb-iceberg-portable"),
        ("dbt", "core"),
    }
)
"""Plugins that do their work in the run itself."""
