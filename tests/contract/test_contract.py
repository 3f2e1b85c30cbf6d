"""Every call of the table gets the answer that Polaris gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from standins.loopback.stack import Target
from tests.contract import calls
from tests.contract.calls import DELEGATE, SCHEMA, Group, Row, Stage


@pytest.mark.parametrize("group", calls.groups(), ids=lambda group: group.group)
def test_calls_are_answered_as_polaris_answers(group: Group, target: Target, run: str) -> None:
    stage = Stage(target, run, group.group)
    catalogs = [stage.add_catalog(key, options) for key, options in group.catalogs.items()]
    for key, privileges in group.principals.items():
        stage.add_principal(key, privileges, catalogs if privileges or group.group == "levels" else [])
    problems = [problem for call in group.calls for problem in stage.play(call)]
    stage.close()
    assert problems == []


def test_the_table_is_not_thin() -> None:
    played = sum(len(group.calls) for group in calls.groups()) + sum(len(_ACTS) for _ in calls.rows())
    assert played >= 120


_ACTS = {
    "list namespaces": ("GET", "/namespaces", {}, None),
    "get namespace": ("GET", "/namespaces/n", {}, None),
    "list tables": ("GET", "/namespaces/n/tables", {}, None),
    "load": ("GET", "/namespaces/n/tables/t", {}, None),
    "load vended": ("GET", "/namespaces/n/tables/t", DELEGATE, None),
    "create": ("POST", "/namespaces/n/tables", {}, {"name": "$who", "schema": SCHEMA}),
    "create vended": ("POST", "/namespaces/n/tables", DELEGATE, {"name": "$who-vended", "schema": SCHEMA}),
    "commit": (
        "POST",
        "/namespaces/n/tables/t",
        {},
        {"requirements": [], "updates": [{"action": "set-properties", "updates": {"by": "$who"}}]},
    ),
    "create namespace": ("POST", "/namespaces", {}, {"namespace": ["of-$who"]}),
}


@pytest.fixture(scope="module")
def shop(target: Target, run: str) -> Iterator[Stage]:
    """A catalog with one table, made by root."""
    stage = Stage(target, run, "privileges")
    catalog = stage.add_catalog("main", {})
    root = {"Authorization": f"Bearer {stage.token('root')}"}
    for path, content in (
        ("/namespaces", {"namespace": ["n"]}),
        ("/namespaces/n/tables", {"name": "t", "schema": SCHEMA}),
    ):
        made = stage.http.post(f"/api/catalog/v1/{catalog}{path}", json=content, headers=root)
        assert made.status_code == 200, made.text
    yield stage
    stage.close()


@pytest.mark.parametrize("row", calls.rows(), ids=lambda row: "+".join(row.holds) or "nothing")
def test_privileges_allow_what_they_allow_in_polaris(row: Row, shop: Stage) -> None:
    who = f"p{calls.rows().index(row)}"
    catalog = shop.variables["main"]
    shop.add_principal(who, row.holds, [catalog])
    bearer = {"Authorization": f"Bearer {shop.token(who)}"}
    config = shop.http.get(f"/api/catalog/v1/config?warehouse={catalog}", headers=bearer)
    shop.variables["who"] = who
    seen = {}
    for act, (method, path, headers, content) in _ACTS.items():
        answer = shop.http.request(
            method,
            f"/api/catalog/v1/{catalog}{path}",
            headers={**bearer, **headers},
            json=shop.filled(content) if content else None,
        )
        seen[act] = answer.status_code
    assert (config.status_code, seen) == (200, {act: 200 if act in row.may else 403 for act in _ACTS})
