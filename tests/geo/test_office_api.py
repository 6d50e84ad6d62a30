"""``/api/v1/office/geo``: trying addresses, keeping zones, aliases and precedents, every change audited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import factories, rows
from tests.geo.knowing import nothing_known

ROOT = "/api/v1/office/geo"
NEW: dict[str, dict[str, Any]] = {
    "zones": {"name": "空港产业新城", "aliases": ["空港"], "division": "650104"},
    "aliases": {"text": "老满城", "division": "650103"},
    "precedents": {"address": "乌鲁木齐市长春中路1号", "division": "650102", "decided_on": "2025-05-06"},
}


@pytest.fixture(autouse=True)
def _nothing_known(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        yield


def post(client: FlaskClient, username: str, path: str, body: Any) -> Any:
    return client.post(f"{ROOT}/{path}", json=body, headers=factories.office_headers(username))


def listed(client: FlaskClient, username: str, kind: str) -> list[dict[str, Any]]:
    answer = client.get(f"{ROOT}/{kind}", headers=factories.office_headers(username))
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def told(client: FlaskClient, username: str, address: str) -> dict[str, Any]:
    answer = post(client, username, "match", {"address": address})
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.parametrize(
    ("kind", "address", "county", "how"),
    [("zones", "空港1号", "650104", "zone"), ("aliases", "老满城5号院", "650103", "alias")],
)
def test_what_is_noted_serves_at_once_until_it_is_withdrawn(
    client: FlaskClient, kind: str, address: str, county: str, how: str
) -> None:
    assert told(client, "city.reviewer", address)["county"] is None
    made = post(client, "city.reviewer", kind, NEW[kind])
    assert made.status_code == 201, made.get_json()
    found = told(client, "district.650104", address)
    assert (found["county"], found["evidence"][-1]["how"]) == (county, how)
    row = made.get_json()
    withdrawal = {"reason": "不再适用", "expected_version": row["version"]}
    assert post(client, "city.leader", f"{kind}/{row['id']}/withdraw", withdrawal).status_code == 200
    assert told(client, "city.reviewer", address)["county"] is None
    assert listed(client, "city.reviewer", kind) == []
    assert post(client, "city.leader", f"{kind}/{row['id']}/withdraw", withdrawal).status_code == 404


@pytest.mark.parametrize("kind", NEW)
def test_every_change_is_audited(client: FlaskClient, kind: str) -> None:
    row = post(client, "city.reviewer", kind, NEW[kind]).get_json()
    post(client, "city.reviewer", f"{kind}/{row['id']}/withdraw", {"reason": "更正", "expected_version": 1})
    name = {"zones": "zone", "aliases": "alias", "precedents": "precedent"}[kind]
    count = "SELECT count(*) FROM audit_events WHERE action = :action AND object_id = :row AND succeeded"
    assert rows.scalar(count, action=f"geo.add_{name}", row=row["id"]) == 1
    assert rows.scalar(count, action=f"geo.withdraw_{name}", row=row["id"]) == 1
    if kind == "precedents":
        assert not rows.scalar("SELECT bool_or(details::text LIKE '%长春%') FROM audit_events"), (
            "an address can be a home"
        )


def test_a_precedent_is_cited_and_seen_by_its_district_alone(client: FlaskClient) -> None:
    assert post(client, "city.reviewer", "precedents", NEW["precedents"]).status_code == 201
    found = told(client, "city.reviewer", "新市区长春中路1号2单元")
    assert (found["county"], found["precedent"]["division"]) == ("650104", "650102")
    assert listed(client, "district.650102", "precedents")
    assert listed(client, "district.650104", "precedents") == []
    assert told(client, "district.650104", "新市区长春中路1号2单元")["precedent"] is None


def test_a_zone_is_changed_against_the_version_that_was_seen(client: FlaskClient) -> None:
    row = post(client, "city.reviewer", "zones", NEW["zones"]).get_json()
    headers = factories.office_headers("city.reviewer")
    body = NEW["zones"] | {"division": None, "xpcc": True, "expected_version": 1}
    changed = client.patch(f"{ROOT}/zones/{row['id']}", json=body, headers=headers)
    assert (changed.status_code, changed.get_json()["xpcc"], changed.get_json()["version"]) == (200, True, 2)
    again = client.patch(f"{ROOT}/zones/{row['id']}", json=body, headers=headers)
    assert (again.status_code, again.get_json()["code"]) == (409, "stale_version")
    decided = client.post(
        "/api/v1/jurisdiction/preview",
        json={
            "subject_kind": "organization",
            "name": "某公司",
            "registered_address": "乌鲁木齐市新市区空港产业新城1号",
        },
    ).get_json()
    assert decided["outcome"] == "xpcc", "what the office agreed goes before the list"


def test_a_listed_zone_is_noted_once(client: FlaskClient) -> None:
    headers = factories.office_headers("city.reviewer")
    open_zones = client.get(f"{ROOT}/zones", headers=headers).get_json()["without_agreement"]
    zone = open_zones[0]["zone_id"]
    body = {"zone_id": zone, "division": "650104"}
    assert post(client, "city.reviewer", "zones", body).status_code == 201
    assert post(client, "city.reviewer", "zones", body).status_code == 409
    left = client.get(f"{ROOT}/zones", headers=headers).get_json()["without_agreement"]
    assert len(left) == len(open_zones) - 1


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("zones", {"zone_id": "XJ-Z999"}, "zone_id"),
        ("zones", {"division": "650107123"}, "division"),
        ("zones", {"xpcc": True}, "division"),
        ("zones", {"name": "区"}, "name"),
        ("aliases", {"text": "天山区"}, "text"),
        ("aliases", {"division": "650100"}, "division"),
        ("aliases", {"text": "老\x00城"}, "text"),
        ("precedents", {"address": "乌鲁木齐市新市区"}, "address"),
        ("precedents", {"decided_on": "2999-01-01"}, "decided_on"),
        ("precedents", {"division": "652303"}, "division"),
    ],
)
def test_what_cannot_hold_is_refused_by_its_field(
    client: FlaskClient, kind: str, changes: dict[str, Any], field: str
) -> None:
    answer = post(client, "city.reviewer", kind, NEW[kind] | changes)
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]
    assert listed(client, "city.reviewer", kind) == []


@pytest.mark.parametrize("username", ["district.650104", "city.adjuster", "observer.650000", "auditor", "sysadmin"])
def test_only_the_city_maintains(client: FlaskClient, username: str) -> None:
    before = rows.scalar("SELECT count(*) FROM knowledge_versions")
    for kind, body in NEW.items():
        assert post(client, username, kind, body).status_code == 403
    assert rows.scalar("SELECT count(*) FROM knowledge_versions") == before


def test_trying_an_address_takes_the_own_city_as_hint_unless_told_otherwise(client: FlaskClient) -> None:
    assert told(client, "city.reviewer", "高新区飞翔路7号")["county"] == "650104"
    answer = post(client, "city.reviewer", "match", {"address": "高新区飞翔路7号", "hint_code": None})
    assert answer.get_json()["county"] is None
    assert post(client, "city.reviewer", "match", {"address": "天山区", "hint_code": "65"}).status_code == 422
