"""What each service says of itself when asked where it serves, in one line.

The same questions are asked through a tunnel and through a node port. What cannot be reached
is an answer too (`nothing on 10.0.0.2:3000: connection refused`): whoever asked compares it with
what was promised.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
from pydantic import SecretStr

from drivers import traffic, wait
from drivers.catalog import Management
from drivers.errors import ServiceError, brief
from drivers.object_store import ObjectStore

CALL_SECONDS = 15.0

SCRAPED_SECONDS = 10.0
"""Until a target that was down must be up: two rounds of scraping."""


def dagster(address: str) -> str:
    """The version that Dagster's API tells: `Dagster 1.13.27`."""
    answer = _call("Dagster", "POST", f"http://{address}/graphql", json={"query": "{ version }"})
    if isinstance(answer, str):
        return answer
    version = _json(answer).get("data", {}).get("version")
    return f"Dagster {version}" if version else _unexpected(answer)


def polaris(address: str, client_id: SecretStr, client_secret: SecretStr) -> str:
    """Whether Polaris wants to know who asks, and which catalogs it serves to root."""
    url = f"http://{address}/api/catalog/v1/config"
    answer = _call("Polaris", "GET", url, params={"warehouse": "lakehouse"})
    if isinstance(answer, str):
        return answer
    asks = answer.headers.get("www-authenticate", "")
    if answer.status_code != httpx.codes.UNAUTHORIZED or not asks:
        return _unexpected(answer)
    try:
        catalogs = Management(lambda: address, client_id, client_secret).catalogs()
    except ServiceError as refused:
        return brief(refused)
    return f"asks for a {asks.split()[0]} token, serves {', '.join(sorted(catalogs))}"


_OWN = ("jaeger", "otel-collector", "floe-acceptance")
"""How services begin that tell of themselves, or of the suite, and not of the platform's runs."""


def minio(address: str) -> str:
    """Whether MinIO is live and refuses who has no key."""
    live = _call("MinIO", "GET", f"http://{address}/minio/health/live")
    if isinstance(live, str):
        return live
    stranger = _call("MinIO", "GET", f"http://{address}/")
    if isinstance(stranger, str):
        return stranger
    code = re.search(r"<Code>(\w+)</Code>", stranger.text)
    if live.status_code != httpx.codes.OK or code is None:
        return _unexpected(live if code else stranger)
    return f"live, {code.group(1)} without a key"


def minio_with_keys(address: str, key: SecretStr, secret: SecretStr) -> str:
    """Whether MinIO is live, and the buckets it lists to who has the keys."""
    live = _call("MinIO", "GET", f"http://{address}/minio/health/live")
    if isinstance(live, str):
        return live
    if live.status_code != httpx.codes.OK:
        return _unexpected(live)
    try:
        buckets = ObjectStore(lambda: address, key, secret).buckets()
    except ServiceError as refused:
        return brief(refused)
    return f"live, holds {', '.join(sorted(buckets))}"


def page(address: str) -> str:
    """The title of the page a browser would show."""
    browser = {"User-Agent": "Mozilla/5.0", "Accept": "text/html"}
    answer = _call("MinIO console", "GET", f"http://{address}/", headers=browser)
    if isinstance(answer, str):
        return answer
    title = re.search(r"<title>\s*(.*?)\s*</title>", answer.text, re.DOTALL)
    if answer.status_code != httpx.codes.OK or title is None:
        return _unexpected(answer)
    return f"page {title.group(1)}"


def console(address: str, key: SecretStr, secret: SecretStr) -> str:
    """The title of MinIO's page, and whether its form lets one in who has the keys, and no other."""
    title = page(address)
    if not title.startswith("page "):
        return title
    known = _signs_in(address, key.get_secret_value(), secret.get_secret_value())
    stranger = _signs_in(address, key.get_secret_value(), "not the key")
    return f"{title}, {known} with the keys, {stranger} with others"


def _signs_in(address: str, key: str, secret: str) -> str:
    words = {"accessKey": key, "secretKey": secret}
    answer = _call("MinIO console", "POST", f"http://{address}/api/v1/login", json=words)
    if isinstance(answer, str):
        return answer
    codes = {httpx.codes.NO_CONTENT: "lets in", httpx.codes.UNAUTHORIZED: "refuses"}
    return codes.get(httpx.codes(answer.status_code)) or _unexpected(answer)


def marquez(address: str) -> str:
    """Whether the lineage service gives the namespaces it knows; a fresh one may know none."""
    answer = _call("Marquez", "GET", f"http://{address}/api/v1/namespaces")
    if isinstance(answer, str):
        return answer
    return "lists namespaces" if isinstance(_json(answer).get("namespaces"), list) else _unexpected(answer)


def collector(address: str) -> str:
    """The collector's own word on its health."""
    return _own_word("the collector", f"http://{address}/status", "status")


def jaeger(address: str) -> str:
    """Whether Jaeger gives the services it has traces of, and none with an error."""
    answer = _call("Jaeger", "GET", f"http://{address}/api/services")
    if isinstance(answer, str):
        return answer
    body = _json(answer)
    return "lists services" if {"data", "errors"} <= set(body) and not body["errors"] else _unexpected(answer)


def traced_services(address: str) -> str:
    """The services that Jaeger's page offers: those whose runs it has, not those that only show them."""
    answer = _call("Jaeger", "GET", f"http://{address}/api/services")
    if isinstance(answer, str):
        return answer
    names = [name for name in _json(answer).get("data") or [] if not name.startswith(_OWN)]
    return ", ".join(sorted(names)) or _unexpected(answer)


def scraped_targets(address: str) -> str:
    """What Prometheus' page of targets shows: `up: jaeger, minio`, and those that are not up before it.

    A target may be down because one scrape of it was late, so it is looked at again. Grafana is left out: it
    is where a registry serves its image.
    """

    def look() -> httpx.Response | str:
        return _call("Prometheus", "GET", f"http://{address}/api/v1/targets", params={"state": "active"})

    answer = wait.settled(
        look,
        lambda seen: isinstance(seen, str) or set(_targets(seen).values()) == {"up"},
        what="the targets of Prometheus",
        within=SCRAPED_SECONDS,
    )
    if isinstance(answer, str):
        return answer
    targets = _targets(answer)
    by_health: dict[str, list[str]] = {}
    for job, health in sorted(targets.items(), key=lambda one: (one[1] == "up", one)):
        by_health.setdefault(health, []).append(job)
    told = [f"{health}: {', '.join(jobs)}" for health, jobs in by_health.items()]
    return "; ".join(told) or _unexpected(answer)


def _targets(answer: httpx.Response) -> dict[str, str]:
    """The health of each target by its job."""
    active = _json(answer).get("data", {}).get("activeTargets") or []
    return {one["labels"]["job"]: one["health"] for one in active if one["labels"]["job"] != "grafana"}


def prometheus(address: str) -> str:
    """Whether Prometheus scrapes itself, and what it says of that: `up 1`."""
    answer = _call(
        "Prometheus", "GET", f"http://{address}/api/v1/query", params={"query": 'up{job="prometheus"}'}
    )
    if isinstance(answer, str):
        return answer
    found = _json(answer).get("data", {}).get("result") or []
    return f"up {found[0]['value'][1]}" if found else _unexpected(answer)


def grafana(address: str) -> str:
    """Grafana's own word on its database: `database ok`."""
    return _own_word("Grafana", f"http://{address}/api/health", "database")


def _own_word(service: str, url: str, field: str) -> str:
    """A field of what a service tells of itself, after its name."""
    answer = _call(service, "GET", url)
    if isinstance(answer, str):
        return answer
    told = _json(answer).get(field)
    return f"{field} {told}" if isinstance(told, str) else _unexpected(answer)


def _call(service: str, method: str, url: str, **more: object) -> httpx.Response | str:
    """One call; in words when nothing answered."""
    where = httpx.URL(url).netloc.decode()
    with traffic.asking(service, f"answer on {where}") as question:
        try:
            hooks = traffic.httpx_hooks()
            with httpx.Client(timeout=CALL_SECONDS, follow_redirects=True, event_hooks=hooks) as client:
                return client.request(method, url, **more)  # type: ignore[arg-type]
        except httpx.HTTPError as broken:
            question.outcome = f"nothing on {where}: {brief(broken) or type(broken).__name__}"
            return question.outcome


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _unexpected(answer: httpx.Response) -> str:
    return f"HTTP {answer.status_code} {brief(answer.text, 120)}".strip()
