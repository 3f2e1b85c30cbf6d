"""What only the stand-in can be asked: its start, its restarts, its database's absence, what it prints."""

from __future__ import annotations

import json
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from drivers import wait
from foundation.cache import ROOT
from standins.loopback.postgres import Postgres
from standins.loopback.stack import ROOT_ID, ROOT_SECRET, Minio, StandIn
from standins.polaris import build
from standins.polaris.access import Tokens
from standins.polaris.errors import EmptyError
from standins.polaris.privileges import GRANTABLE, INCLUDED, OPERATIONS, includes
from standins.polaris.settings import Settings, SettingsError
from standins.polaris.store import Entity
from standins.polaris.vending import session_policy
from tests.contract.calls import DELEGATE, SCHEMA, Stage

_DATABASE = {
    "QUARKUS_DATASOURCE_JDBC_URL": "jdbc:postgresql://db:5432/polaris",
    "QUARKUS_DATASOURCE_USERNAME": "u",
    "QUARKUS_DATASOURCE_PASSWORD": "p",
}


@pytest.fixture
def own(postgres: Postgres, minio: Minio, tmp_path: Path) -> Iterator[StandIn]:
    """A second stand-in with a database of its own, neither bootstrapped nor started."""
    name = f"own_{os.urandom(4).hex()}"
    postgres.execute(f"create database {name} owner polaris")
    url = postgres.jdbc_url.replace("/polaris", f"/{name}")
    server = StandIn(tmp_path, postgres, minio.endpoint, QUARKUS_DATASOURCE_JDBC_URL=url)
    yield server
    server.stop()


def _ask_token(server: StandIn, client_id: str = ROOT_ID, secret: str = ROOT_SECRET) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
        "scope": "PRINCIPAL_ROLE:ALL",
    }
    return httpx.post(f"{server.target.catalog}/v1/oauth/tokens", data=form, timeout=30)


def _list_catalogs(server: StandIn, token: str) -> int:
    bearer = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{server.target.management}/catalogs", headers=bearer, timeout=30).status_code


def test_bootstrapping_twice_is_code_3(own: StandIn) -> None:
    first, second = own.bootstrap(), own.bootstrap()
    other = own.bootstrap(realm="OTHER")
    assert (first.returncode, second.returncode, other.returncode) == (0, 3, 0)
    assert "already been bootstrapped" in second.stderr
    assert ROOT_SECRET not in first.stdout + first.stderr + second.stdout + second.stderr


def test_without_a_database_bootstrapping_fails(own: StandIn) -> None:
    own.environment["QUARKUS_DATASOURCE_JDBC_URL"] = "jdbc:postgresql://127.0.0.1:1/none"
    assert own.bootstrap().returncode == 1


def test_an_unbootstrapped_database_is_healthy_and_useless_and_realms_are_apart(own: StandIn) -> None:
    own.environment["POLARIS_REALM_CONTEXT_REALMS"] = "POLARIS,OTHER"
    own.start()
    own.becomes_ready()
    answer = _ask_token(own)
    assert (own.status(""), answer.status_code) == (200, 500)
    assert answer.json()["error"]["message"] == 'relation "polaris_schema.entities" does not exist'
    own.bootstrap()
    own.bootstrap(realm="OTHER", client_id="other-root", secret="other-secret")
    token = _ask_token(own).json()["access_token"]
    bearer, other = {"Authorization": f"Bearer {token}"}, {"Polaris-Realm": "OTHER"}
    principals = f"{own.target.management}/principals"
    seen = (
        httpx.get(principals, headers=bearer).status_code,
        httpx.get(principals, headers={**bearer, **other}).status_code,
        _ask_token(own, "other-root", "other-secret").status_code,
        httpx.delete(f"{principals}/root", headers=bearer).status_code,
        _ask_token(own).status_code,
        own.bootstrap().returncode,
    )
    assert seen == (200, 401, 401, 204, 401, 3)


def test_without_keys_of_its_own_the_server_reaches_no_store(own: StandIn) -> None:
    own.environment |= {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    own.bootstrap()
    own.start()
    stage = Stage(own.target, "keys", "none")
    catalog, silent = stage.add_catalog("main", {}), stage.add_catalog("silent", {"stsUnavailable": True})
    stage.add_principal("writer", ["CATALOG_MANAGE_CONTENT"], [catalog, silent])
    bearer = {"Authorization": f"Bearer {stage.token('writer')}"}
    seen = []
    for name, delegate in ((catalog, DELEGATE), (silent, {})):
        namespaces = f"/api/catalog/v1/{name}/namespaces"
        stage.http.post(namespaces, json={"namespace": ["n"]}, headers=bearer)
        table = {"name": "t", "schema": SCHEMA}
        made = stage.http.post(f"{namespaces}/n/tables", json=table, headers={**bearer, **delegate})
        seen.append(made.status_code)
    stage.close()
    assert seen == [422, 500]


def test_a_killed_server_starts_again_with_the_same_tokens_and_leaves_no_host_behind(own: StandIn) -> None:
    own.bootstrap()
    own.start()
    token = _ask_token(own).json()["access_token"]
    hosts = _children(own.pid)
    own.kill()
    own.start()
    assert (len(hosts), _list_catalogs(own, token)) == (1, 200)
    wait.until(
        lambda: _alive(hosts), lambda left: not left, what="the Iceberg host's end", within=10, every=0.1
    )


def test_tokens_end_with_the_process_unless_a_key_is_given(own: StandIn) -> None:
    own.environment["POLARIS_AUTHENTICATION_TOKEN_BROKER_TYPE"] = "rsa-key-pair"
    own.bootstrap()
    own.start()
    token = _ask_token(own).json()["access_token"]
    before = _list_catalogs(own, token)
    own.stop()
    own.start()
    assert (before, _list_catalogs(own, token)) == (200, 401)


def test_tokens_live_as_long_as_told() -> None:
    settings = Settings.from_environment(
        {**_DATABASE, "POLARIS_AUTHENTICATION_TOKEN_BROKER_MAX_TOKEN_GENERATION": "PT1H30M3S"}
    )
    principal = Entity(7, "POLARIS", "PRINCIPAL", 0, "p", 1, 0, 0, {}, {})
    lasting = Tokens(settings)
    assert lasting.seconds == 5403
    assert lasting.read(lasting.issue(principal, "c", "PRINCIPAL_ROLE:ALL")) == (7, "PRINCIPAL_ROLE:ALL")
    lasting.seconds = -1
    with pytest.raises(EmptyError) as refused:
        lasting.read(lasting.issue(principal, "c", "PRINCIPAL_ROLE:ALL"))
    assert refused.value.status == 401


def test_the_host_ends_with_its_gateway(own: StandIn) -> None:
    own.bootstrap()
    own.start()
    own.becomes_ready()
    hosts = _children(own.pid)
    os.kill(own.pid, 9)
    wait.until(
        lambda: _alive(hosts), lambda left: not left, what="the Iceberg host's end", within=10, every=0.1
    )


def test_the_gateway_ends_with_its_host(own: StandIn) -> None:
    own.bootstrap()
    own.start()
    own.becomes_ready()
    (host,) = _children(own.pid)
    os.kill(host, 9)
    wait.until(
        lambda: own.status("/live"), lambda status: status is None, what="the gateway's end", within=15
    )


def test_the_host_listens_on_loopback_and_answers_only_its_gateway(stand_in: StandIn) -> None:
    (host,) = _children(stand_in.pid)
    listening = _listening(host)
    assert [address for address, _ in listening] == ["127.0.0.1"]
    answer = httpx.get(f"http://127.0.0.1:{listening[0][1]}/v1/namespaces", headers={"X-Host-Key": "guess"})
    assert answer.status_code == 401


def test_a_database_that_is_late_and_goes_and_comes_back(own: StandIn, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        Path(place).chmod(0o711)
        database = Postgres(Path(place) / "postgres")
        own.environment["QUARKUS_DATASOURCE_JDBC_URL"] = database.jdbc_url
        own.start()
        before = (own.status("/ready"), own.status("/live"))
        database.start()
        database.execute(
            "create role polaris login password 'polaris-password'", "create database polaris owner polaris"
        )
        own.becomes_ready()
        own.bootstrap()
        stage = Stage(own.target, "down", "database")
        catalog = stage.add_catalog("main", {})
        bearer = {"Authorization": f"Bearer {stage.token('root')}"}
        namespaces = f"/api/catalog/v1/{catalog}/namespaces"
        made = stage.http.post(namespaces, json={"namespace": ["n"]}, headers=bearer).status_code
        database.stop()
        down = (
            own.status(""),
            own.status("/ready"),
            own.status("/live"),
            stage.http.get(namespaces, headers=bearer).status_code,
            _ask_token(own).status_code,
        )
        database.start()
        own.becomes_ready()
        back = stage.http.get(namespaces, headers=bearer)
        stage.close()
        own.stop()
        database.stop()
    assert (before, made, down) == ((503, 200), 200, (503, 503, 200, 500, 500))
    assert (back.status_code, back.json()["namespaces"]) == (200, [["n"]])


def test_metrics_are_open_metrics(stand_in: StandIn) -> None:
    answer = httpx.get(stand_in.health.replace("health", "metrics"), timeout=10)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_refusals_are_recorded_without_secrets(stand_in: StandIn, run: str) -> None:
    stage = Stage(stand_in.target, run, "audit")
    catalog = stage.add_catalog("main", {})
    stage.add_principal("zero", [], [])
    token = stage.token("zero")
    before = len(stand_in.log.read_text())
    _ask_token(stand_in, stage.variables["zero_id"], "a-wrong-secret")
    _list_catalogs(stand_in, "a-rubbish-token")
    stage.http.get(f"/api/catalog/v1/{catalog}/namespaces", headers={"Authorization": f"Bearer {token}"})
    stage.close()
    printed = stand_in.log.read_text()
    lines = [json.loads(line) for line in printed[before:].splitlines()]
    seen = [
        (
            line["event"],
            line["outcome"],
            line.get("client_id") or line.get("principal"),
            line.get("operation"),
        )
        for line in lines
    ]
    assert seen == [
        ("authentication", "denied", stage.variables["zero_id"], None),
        ("authentication", "denied", None, None),
        ("authorization", "denied", stage.variables["zero"], "LIST_NAMESPACES"),
    ]
    secrets = [
        *(value for name, value in stand_in.environment.items() if re.search("PASSWORD|SECRET", name)),
        ROOT_SECRET,
        stage.variables["zero_secret"],
        token,
        "a-wrong-secret",
        "a-rubbish-token",
    ]
    assert [secret for secret in secrets if secret in printed] == []


def test_a_catalog_with_another_file_io_writes_nothing_to_the_store(stand_in: StandIn, run: str) -> None:
    stage = Stage(stand_in.target, run, "memory")
    io = {"properties": {"io-impl": "org.apache.iceberg.inmemory.InMemoryFileIO"}}
    catalog = stage.add_catalog("main", io)
    bearer = {"Authorization": f"Bearer {stage.token('root')}"}
    namespaces = f"/api/catalog/v1/{catalog}/namespaces"
    stage.http.post(namespaces, json={"namespace": ["n"]}, headers=bearer)
    made = stage.http.post(f"{namespaces}/n/tables", json={"name": "t", "schema": SCHEMA}, headers=bearer)
    stage.close()
    found = stand_in.target.store().list_objects_v2(Bucket=stand_in.target.bucket, Prefix=f"{catalog}/")
    assert (made.status_code, found["KeyCount"]) == (200, 0)


def test_a_session_of_the_store_is_given_again_to_the_same_right_only(stand_in: StandIn, run: str) -> None:
    stage = Stage(stand_in.target, run, "sessions")
    catalog = stage.add_catalog("main", {})
    stage.add_principal("writer", ["CATALOG_MANAGE_CONTENT"], [catalog])
    stage.add_principal("reader", ["TABLE_READ_DATA"], [catalog])
    namespaces = f"/api/catalog/v1/{catalog}/namespaces"
    bearer = {who: {"Authorization": f"Bearer {stage.token(who)}"} for who in ("writer", "reader")}
    stage.http.post(namespaces, json={"namespace": ["n"]}, headers=bearer["writer"])
    for name in ("t", "u"):
        table = {"name": name, "schema": SCHEMA}
        stage.http.post(f"{namespaces}/n/tables", json=table, headers=bearer["writer"])

    def key(who: str, name: str) -> str:
        headers = {**bearer[who], **DELEGATE}
        answer = stage.http.get(f"{namespaces}/n/tables/{name}", headers=headers).json()
        return str(answer["config"]["s3.access-key-id"])

    first, again, other_table, other_right = (
        key("writer", "t"),
        key("writer", "t"),
        key("writer", "u"),
        key("reader", "t"),
    )
    stage.close()
    assert (first == again, len({first, other_table, other_right})) == (True, 3)


def test_registering_a_file_gives_no_access_to_another_table(stand_in: StandIn, run: str) -> None:
    stage = Stage(stand_in.target, run, "register")
    catalog = stage.add_catalog("main", {})
    bearer = {"Authorization": f"Bearer {stage.token('root')}"}
    namespaces = f"/api/catalog/v1/{catalog}/namespaces"
    stage.http.post(namespaces, json={"namespace": ["n"]}, headers=bearer)
    made = {}
    for name in ("secret", "mine"):
        table = {"name": name, "schema": SCHEMA}
        made[name] = stage.http.post(f"{namespaces}/n/tables", json=table, headers=bearer).json()
    stage.http.delete(f"{namespaces}/n/tables/mine", headers=bearer)
    store, bucket = stand_in.target.store(), stand_in.target.bucket
    own = made["mine"]["metadata-location"]
    crafted = f"{own.rsplit('/', 1)[0]}/00009-crafted.metadata.json"
    locations = [made[name]["metadata"]["location"].encode() for name in ("mine", "secret")]
    key, forged_key = (path.removeprefix(f"s3://{bucket}/") for path in (own, crafted))
    forged = store.get_object(Bucket=bucket, Key=key)["Body"].read().replace(*locations)
    store.put_object(Bucket=bucket, Key=forged_key, Body=forged)

    def register(location: str) -> int:
        content = {"name": "mine", "metadata-location": location}
        return stage.http.post(f"{namespaces}/n/register", json=content, headers=bearer).status_code

    seen = (
        register(crafted),
        stage.http.head(f"{namespaces}/n/tables/mine", headers=bearer).status_code,
        register(own),
    )
    stage.close()
    assert seen == (403, 404, 200)


def test_what_it_does_not_do_is_refused_at_the_start() -> None:
    Settings.from_environment(_DATABASE)
    bad: list[dict[str, str]] = [
        {"POLARIS_PERSISTENCE_TYPE": "in-memory"},
        {"QUARKUS_DATASOURCE_JDBC_URL": "jdbc:mysql://db/polaris"},
        {"QUARKUS_DATASOURCE_PASSWORD": ""},
        {"POLARIS_AUTHENTICATION_TOKEN_BROKER_TYPE": "symmetric-key"},
        {"POLARIS_AUTHENTICATION_TOKEN_BROKER_RSA_KEY_PAIR_PUBLIC_KEY_FILE": "/key"},
        {"POLARIS_AUTHENTICATION_TOKEN_BROKER_MAX_TOKEN_GENERATION": "an hour"},
    ]
    for change in bad:
        with pytest.raises(SettingsError):
            Settings.from_environment({**_DATABASE, **change})


def test_every_operation_asks_for_known_privileges() -> None:
    known = {name for names in INCLUDED.values() for name in names} | {
        name for names in GRANTABLE.values() for name in names
    }
    unknown = {name for needed in OPERATIONS.values() for name in needed} - known
    # Nobody can be given this one: each principal rotates its own credentials and no other's.
    assert unknown == {"PRINCIPAL_ROTATE_CREDENTIALS"}


def test_content_includes_data_and_metadata_does_not() -> None:
    assert includes("CATALOG_MANAGE_CONTENT", "TABLE_WRITE_DATA")
    assert not includes("CATALOG_MANAGE_METADATA", "TABLE_READ_DATA")
    assert not includes("TABLE_READ_DATA", "TABLE_WRITE_DATA")


def test_the_image_holds_every_module_but_the_builder() -> None:
    modules = {
        str(path.relative_to(ROOT))
        for part in ("polaris", "common")
        for path in (ROOT / "standins" / part).glob("*.py")
    }
    wanted = (modules | {"standins/__init__.py", "standins/polaris/run-java.sh"}) - {
        "standins/polaris/build.py",
        "standins/common/packages.py",
    }
    assert set(build.FILES) == wanted


def test_wildcards_in_a_location_widen_no_policy() -> None:
    policy = json.dumps(session_policy({}, "s3://b/n*/t?", writable=True))
    assert "arn:aws:s3:::b/n${*}/t${?}/*" in policy


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if _state(pid) not in ("Z", "")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def _listening(pid: int) -> list[tuple[str, int]]:
    """The addresses on which a process listens, from the kernel's own tables."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        found = re.match(r"socket:\[(\d+)\]", str(link.readlink()))
        if found:
            inodes.add(found[1])
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                host, port = fields[1].split(":")
                addresses.append((_address(host), int(port, 16)))
    return addresses


def _address(host: str) -> str:
    if len(host) == 32:
        if not host.startswith("0" * 16 + "FFFF0000"):
            return f"[{host}]"
        host = host[24:]
    return socket.inet_ntoa(bytes.fromhex(host)[::-1])
