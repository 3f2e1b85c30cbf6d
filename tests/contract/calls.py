"""The contract as data, and what plays it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from standins.loopback.stack import Target

HERE: Final = Path(__file__).resolve().parent
_VARIABLE: Final = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")
_METHODS: Final = ("get", "post", "put", "delete", "head", "patch")
_TOKEN: Final = "token: "

SCHEMA: Final = {
    "type": "struct",
    "fields": [{"id": 1, "name": "a", "type": "long", "required": False}],
}
_VIEW: Final = {
    "name": "v",
    "schema": {**SCHEMA, "schema-id": 0},
    "view-version": {
        "version-id": 1,
        "timestamp-ms": 1700000000000,
        "schema-id": 0,
        "summary": {},
        "default-namespace": ["n"],
        "representations": [{"type": "sql", "sql": "select 1 as a", "dialect": "duckdb"}],
    },
    "properties": {},
}
_VENDED: Final = {
    "s3.access-key-id": "*",
    "s3.secret-access-key": "*",
    "s3.session-token": "*",
    "s3.session-token-expires-at-ms": r"~^\d{13}$",
    "expiration-time": r"~^\d{13}$",
    "client.refresh-credentials-endpoint": r"~^v1/.*/namespaces/n/tables/t/credentials$",
    "s3.path-style-access": "true",
    "client.region": "us-east-1",
}
DELEGATE: Final = {"X-Iceberg-Access-Delegation": "vended-credentials"}


class Defect(BaseModel):
    """What the real server answers where it should not."""

    model_config = ConfigDict(extra="forbid")

    status: int
    why: str


class Play(BaseModel):
    """One call and what is expected of the answer."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str
    method: str
    path: str
    caller: str = Field(alias="as")
    send: Any = {}
    content: Any = Field(default=None, alias="json")
    form: dict[str, str] | None = None
    raw: str | None = None
    pad: int = 0
    basic: tuple[str, str] | None = None
    status: int
    body: Any = None
    subset: dict[str, list[Any]] = Field(default={}, alias="set")
    absent: list[str] = []
    text: str | None = None
    headers: dict[str, str] = {}
    save: dict[str, str] = {}
    polaris: Defect | None = None

    @model_validator(mode="before")
    @classmethod
    def _method(cls, data: dict[str, Any]) -> dict[str, Any]:
        methods = [method for method in _METHODS if method in data]
        if len(methods) != 1:
            raise ValueError(f"{data.get('name')}: one of {', '.join(_METHODS)} must be there")
        rest = {key: value for key, value in data.items() if key not in _METHODS}
        return {**rest, "method": methods[0].upper(), "path": data[methods[0]]}


class Group(BaseModel):
    """Calls in order, on catalogs and principals of their own."""

    model_config = ConfigDict(extra="forbid")

    group: str
    catalogs: dict[str, dict[str, Any]] = {}
    principals: dict[str, list[str]] = {}
    calls: list[Play]


class Row(BaseModel):
    """A set of privileges and the acts that it allows."""

    model_config = ConfigDict(extra="forbid")

    holds: list[str]
    may: list[str]


@cache
def groups() -> tuple[Group, ...]:
    """The table of calls."""
    content = yaml.safe_load((HERE / "calls.yaml").read_text())
    return tuple(Group.model_validate(item) for item in content)


@cache
def rows() -> tuple[Row, ...]:
    """The table of privileges."""
    content = yaml.safe_load((HERE / "privileges.yaml").read_text())
    return tuple(Row.model_validate(item) for item in content)


class Stage:
    """Catalogs, principals and variables of one group at one server, all with names of their own."""

    def __init__(self, target: Target, run: str, group: str) -> None:
        self.target = target
        self._run = f"{group}-{run}"
        self.http = httpx.Client(base_url=target.url, timeout=60)
        self.variables: dict[str, Any] = {
            "run": self._run,
            "bucket": target.bucket,
            "endpoint": target.store_endpoint,
            "schema": SCHEMA,
            "view": _VIEW,
            "delegate": DELEGATE,
            "vended": {**_VENDED, "s3.endpoint": target.store_endpoint},
        }
        self._tokens: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # Making things, with the calls that the facts name ---------------------------------------

    def make(self, method: str, path: str, content: object) -> Any:
        """A call of root's that must succeed."""
        answer = self.http.request(
            method, f"/api/management/v1{path}", json=content, headers=self._bearer("root")
        )
        assert answer.status_code == 201, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def add_catalog(self, key: str, options: Mapping[str, Any]) -> str:
        """A catalog on the object store, with what the table says of its storage."""
        name = f"{key}-{self._run}"
        bucket = f"absent-{self._run}" if options.get("bucket") == "missing" else self.target.bucket
        extra = {
            option: self.filled(value)
            for option, value in options.items()
            if option not in ("bucket", "properties")
        }
        self.make(
            "POST",
            "/catalogs",
            {
                "catalog": {
                    "type": "INTERNAL",
                    "name": name,
                    "properties": {
                        "default-base-location": f"s3://{bucket}/{name}",
                        **options.get("properties", {}),
                    },
                    "storageConfigInfo": {
                        "storageType": "S3",
                        "allowedLocations": [f"s3://{bucket}/{name}/"],
                        "endpoint": self.target.store_endpoint,
                        "pathStyleAccess": True,
                        "region": "us-east-1",
                        **extra,
                    },
                }
            },
        )
        self.variables[key] = name
        return name

    def add_principal(self, key: str, privileges: list[str], catalogs: list[str]) -> None:
        """A principal whose one role holds privileges on catalogs; with no catalog it has no role."""
        name = f"{key}-{self._run}"
        made = self.make("POST", "/principals", {"principal": {"name": name}})
        self.variables |= {
            key: name,
            f"{key}_id": made["credentials"]["clientId"],
            f"{key}_secret": made["credentials"]["clientSecret"],
        }
        if not catalogs:
            return
        role, catalog_role = f"role-of-{name}", f"catalog-role-of-{name}"
        self.variables |= {f"{key}_role": role, f"{key}_catalog_role": catalog_role}
        self.make("POST", "/principal-roles", {"principalRole": {"name": role}})
        self.make("PUT", f"/principals/{name}/principal-roles", {"principalRole": {"name": role}})
        for catalog in catalogs:
            roles = f"/catalogs/{catalog}/catalog-roles"
            self.make("POST", roles, {"catalogRole": {"name": catalog_role}})
            for privilege in privileges:
                self.make(
                    "PUT",
                    f"{roles}/{catalog_role}/grants",
                    {"grant": {"type": "catalog", "privilege": privilege}},
                )
            self.make(
                "PUT",
                f"/principal-roles/{role}/catalog-roles/{catalog}",
                {"catalogRole": {"name": catalog_role}},
            )

    # Playing --------------------------------------------------------------------------------

    def play(self, call: Play) -> list[str]:
        """Make the call; what was not as expected, in words."""
        headers = dict(self.filled(call.send))
        headers |= self._credentials(call)
        body: bytes | None = None
        if call.content is not None or call.pad:
            body = json.dumps(
                self.filled(call.content) if call.content is not None else "x" * call.pad
            ).encode()
            headers.setdefault("Content-Type", "application/json")
        elif call.raw is not None:
            body = call.raw.encode()
            headers.setdefault("Content-Type", "application/json")
        answer = self.http.request(
            call.method,
            self.filled(call.path),
            headers=headers,
            content=body,
            data=self.filled(call.form) if call.form is not None else None,
        )
        return [f"{call.name}: {problem}" for problem in self._problems(call, answer)]

    def token(self, who: str, scope: str = "PRINCIPAL_ROLE:ALL") -> str:
        """A token of root's or of a principal's, asked for once."""
        if who not in self._tokens:
            if who == "root":
                client, secret = self.target.root_id, self.target.root_secret.get_secret_value()
            else:
                client, secret = self.variables[f"{who}_id"], self.variables[f"{who}_secret"]
            answer = self.http.post(
                "/api/catalog/v1/oauth/tokens",
                data={
                    "grant_type": "client_credentials",
                    "client_id": client,
                    "client_secret": secret,
                    "scope": scope,
                },
            )
            assert answer.status_code == 200, f"token of {who}: {answer.status_code} {answer.text}"
            self._tokens[who] = answer.json()["access_token"]
        return self._tokens[who]

    def _bearer(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(who)}"}

    def _credentials(self, call: Play) -> dict[str, str]:
        if call.basic is not None:
            client, secret = self.filled(list(call.basic))
            request = httpx.BasicAuth(client, secret).auth_flow(httpx.Request("GET", self.target.url))
            return {"Authorization": next(request).headers["Authorization"]}
        if call.caller == "nobody":
            return {}
        if call.caller.startswith(_TOKEN):
            return {"Authorization": f"Bearer {self.filled(call.caller.removeprefix(_TOKEN))}"}
        return self._bearer(call.caller)

    def filled(self, value: Any) -> Any:
        """A value of the table with its variables replaced; a variable alone keeps its kind."""
        match value:
            case dict():
                return {str(self.filled(key)): self.filled(each) for key, each in value.items()}
            case list():
                return [self.filled(each) for each in value]
            case str():
                alone = re.fullmatch(r"\$\{?(\w+)\}?", value)
                if alone and not isinstance(self.variables.get(alone[1], ""), str):
                    return self.variables[alone[1]]
                return _VARIABLE.sub(self._variable, value)
            case _:
                return value

    def _variable(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return "$" if name is None else str(self.variables[name])

    def _problems(self, call: Play, answer: httpx.Response) -> list[str]:
        if self.target.real and call.polaris is not None:
            wanted = call.polaris.status
            return [] if answer.status_code == wanted else [f"status {answer.status_code}, not {wanted}"]
        if answer.status_code != call.status:
            return [f"status {answer.status_code}, not {call.status}: {answer.text[:300]}"]
        problems = []
        if call.text is not None and answer.text != call.text:
            problems.append(f"body {answer.text[:200]!r}, not {call.text!r}")
        for name, expected in call.headers.items():
            problems += differences(self.filled(expected), answer.headers.get(name), f"header {name}")
        content: Any = None
        if call.body is not None or call.absent or call.subset or call.save:
            content = answer.json() if answer.content else None
        if call.body is not None:
            problems += differences(self.filled(call.body), content, "")
        for name, expected_items in call.subset.items():
            if _sorted(content.get(name, [])) != _sorted(self.filled(expected_items)):
                problems.append(f"{name} {content.get(name)}, not {expected_items}")
        problems += [f"{path} is there" for path in call.absent if _at(content, path) is not None]
        for variable, path in call.save.items():
            place, _, name = path.partition(":")
            self.variables[variable] = answer.headers.get(name) if place == "header" else _at(content, path)
        return problems


def differences(expected: Any, seen: Any, path: str) -> list[str]:
    """Where an answer lacks what is expected: objects may hold more, lists and values may not."""
    match expected, seen:
        case dict(), dict():
            pairs = [(f"{path}.{key}".lstrip("."), value, seen.get(key)) for key, value in expected.items()]
        case list(), list() if len(seen) == len(expected):
            pairs = [(f"{path}[{i}]", value, seen[i]) for i, value in enumerate(expected)]
        case _:
            return [] if _same(expected, seen) else [f"{path} {seen!r}, not {expected!r}"]
    return [problem for place, value, item in pairs for problem in differences(value, item, place)]


def _same(expected: Any, seen: Any) -> bool:
    if expected == "*":
        return seen not in (None, "")
    if isinstance(expected, str) and expected.startswith("~"):
        return isinstance(seen, str) and re.search(expected[1:], seen) is not None
    return bool(seen == expected)


def _sorted(items: list[Any]) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in items)


def _at(content: Any, path: str) -> Any:
    """The value at a dotted path; a key may hold dots itself."""
    if not path:
        return content
    if not isinstance(content, dict):
        return None
    parts = path.split(".")
    for length in range(1, len(parts) + 1):
        key = ".".join(parts[:length])
        if key in content:
            return _at(content[key], ".".join(parts[length:]))
    return None
