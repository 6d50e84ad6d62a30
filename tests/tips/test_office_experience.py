"""What the office learns from its own tips: precedents of disputed ones, roads of concluded ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation.database import transaction
from app.tips import precedents
from tests import factories, rows
from tests.enterprises.lists import known, line
from tests.geo.knowing import nothing_known

SHAYIBAKE = "650103"
UNCLEAR = "友好南路12号世纪大厦"


@pytest.fixture(autouse=True)
def _nothing_known(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        yield


def subject(address: str) -> dict[str, Any]:
    return factories.tip_body()["subject"] | {"registered_address": address, "operating_address": None}


def filed(client: FlaskClient, address: str) -> UUID:
    return factories.tip_id_of(factories.file_tip(client, subject=subject(address))["receipt_number"])


def assigned(client: FlaskClient, address: str, division: str) -> UUID:
    tip_id = filed(client, address)
    for action, given in (("accept", {}), ("assign", {"division": division})):
        answer = factories.office_act(client, "city.reviewer", tip_id, action, **given)
        assert answer.status_code == 200, answer.get_json()
    factories.deliver()
    return tip_id


def decision(client: FlaskClient, tip_id: UUID) -> dict[str, Any]:
    headers = factories.office_headers("city.reviewer")
    shown: dict[str, Any] = client.get(f"/api/v1/office/tips/{tip_id}", headers=headers).get_json()["jurisdiction"]
    return shown


def test_a_decision_on_an_unclear_tip_is_cited_for_the_next_one(client: FlaskClient) -> None:
    first = assigned(client, UNCLEAR, SHAYIBAKE)
    assert decision(client, first)["lead"] is None
    second = decision(client, filed(client, f"乌鲁木齐市{UNCLEAR}3层"))
    assert (second["lead"], second["rule"], second["needs_review"]) == (SHAYIBAKE, "precedent", False)
    assert "属地先例第" in second["explanation"]
    assert second["precedent"]["pattern"] == "友好南路12号"
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'geo.add_precedent'") == 1


def test_a_later_decision_takes_the_place_of_an_earlier_one(client: FlaskClient) -> None:
    assigned(client, UNCLEAR, SHAYIBAKE)
    rows.scalar("UPDATE geo_precedents SET withdrawn_at = now() RETURNING id")
    assigned(client, UNCLEAR, "650102")
    assert rows.scalar("SELECT division_code FROM geo_precedents WHERE withdrawn_at IS NULL") == "650102"


def test_a_clear_tip_makes_no_precedent_and_a_step_makes_one(client: FlaskClient) -> None:
    assigned(client, "新疆乌鲁木齐市新市区长春中路1号", "650104")
    assert rows.scalar("SELECT count(*) FROM geo_precedents") == 0
    tip_id = assigned(client, UNCLEAR, SHAYIBAKE)
    version = rows.scalar("SELECT tip_version FROM geo_precedents")
    with transaction():
        precedents.remember(tip_id, version)
    assert rows.scalar("SELECT count(*) FROM geo_precedents") == 1, "delivered twice, remembered once"


def test_a_decision_by_the_register_is_none_about_where_a_unit_acts(client: FlaskClient) -> None:
    known(line("乌鲁木齐云杉源商务有限公司", registered_address="新市区云杉街3号"))
    accused = {"name": "乌鲁木齐云杉源商务有限公司", "registered_address": None, "operating_address": "天山区青松巷1号"}
    receipt = factories.file_tip(client, subject=subject(UNCLEAR) | accused)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    assert decision(client, tip_id)["dispute_reasons"] == ["registered_and_operating_differ"]
    for action, given in (("accept", {}), ("assign", {"division": "650104"})):
        assert factories.office_act(client, "city.reviewer", tip_id, action, **given).status_code == 200
    factories.deliver()
    assert rows.scalar("SELECT string_agg(pattern || division_code, ',') FROM geo_precedents") == "云杉街3号650104"


def test_the_public_is_not_told_what_rests_on_tips(client: FlaskClient) -> None:
    assigned(client, UNCLEAR, SHAYIBAKE)
    body = {"subject_kind": "organization", "name": "某公司", "registered_address": UNCLEAR}
    told = client.post("/api/v1/jurisdiction/preview", json=body).get_json()
    assert told["lead"] is None
    assert "precedent" not in told


@pytest.fixture
def learn(app: Flask) -> Callable[..., tuple[int, str]]:
    def run(*options: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["geo", "learn", *options])
        return result.exit_code, result.output

    return run


def concluded(client: FlaskClient, address: str, division: str, times: int) -> None:
    for _ in range(times):
        assigned(client, address, division)
    rows.scalar("UPDATE handlings SET status = 'concluded' RETURNING status")
    rows.scalar("UPDATE geo_precedents SET withdrawn_at = now() WHERE withdrawn_at IS NULL RETURNING id")


def test_learning_is_off_until_the_office_wants_it(client: FlaskClient, learn: Callable[..., tuple[int, str]]) -> None:
    concluded(client, "乌鲁木齐市锦绣花园3栋", SHAYIBAKE, 1)
    code, told = learn()
    assert code != 0
    assert "尚未启用" in told
    assert rows.scalar("SELECT count(*) FROM learnt_roads") == 0


def test_roads_of_concluded_tips_answer_the_next_address(
    client: FlaskClient, learn: Callable[..., tuple[int, str]]
) -> None:
    concluded(client, "乌鲁木齐市锦绣花园3栋", SHAYIBAKE, 3)
    assigned(client, "乌鲁木齐市未结花园1栋", "650102")
    code, told = learn("--enable")
    assert code == 0, told
    assert "读取 3 件已办结线索，学得 1 条" in told
    found = decision(client, filed(client, "乌市锦绣花园9栋101"))
    assert found["lead"] == SHAYIBAKE
    assert found["needs_review"]
    assert found["dispute_reasons"] == ["learnt_place"]
    assert found["sources"]["registered"]["evidence"][-1]["how"] == "learnt"

    assert learn("--disable")[0] == 0
    assert rows.scalar("SELECT count(*) FROM learnt_roads") == 0
    assert decision(client, filed(client, "乌市锦绣花园9栋102"))["lead"] is None
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'geo.enable_learning'") == 2


def test_too_few_tips_teach_nothing(client: FlaskClient, learn: Callable[..., tuple[int, str]]) -> None:
    concluded(client, "乌鲁木齐市锦绣花园3栋", SHAYIBAKE, 2)
    assert "学得 0 条" in learn("--enable")[1]
    assert "学得 1 条" in learn("--least-count", "2")[1]
