"""A tip that is concluded as "case opened" creates a case or joins one; its reporter sees nothing of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.cases.models import CaseTip, FundraisingCase
from app.foundation.database import db
from tests import factories
from tests.cases import office

OUTCOME = {"outcome": "CASE_OPENED", "text": "已立案处置，案情复杂。"}


def concluded(client: FlaskClient, outcome: dict[str, str] | None = None, **given: Any) -> tuple[UUID, Any]:
    """A tip of 新市区 brought to its conclusion; returns the tip and the answer of the conclusion."""
    tip_id = factories.verifying_tip(client)
    answer = factories.office_act(client, office.HANDLER, tip_id, "submit_feedback", **(outcome or OUTCOME))
    assert answer.status_code == 200, answer.get_json()
    return tip_id, factories.office_act(client, office.REVIEWER, tip_id, "conclude", **given)


def case_of(tip_id: UUID) -> FundraisingCase | None:
    return db.session.scalar(
        select(FundraisingCase)
        .join(CaseTip, CaseTip.case_id == FundraisingCase.id)
        .where(CaseTip.tip_id == tip_id)
        .execution_options(populate_existing=True)
    )


def test_a_new_number_makes_a_case_of_what_the_tip_names(client: FlaskClient) -> None:
    tip_id, answer = concluded(client, case_no="乌非集〔2026〕3号")
    assert answer.status_code == 200, answer.get_json()
    case = case_of(tip_id)
    assert case is not None
    assert (case.case_no, case.name, case.division_code, case.found_through) == (
        "乌非集〔2026〕3号", "乌鲁木齐瑞丰源投资咨询有限公司", factories.XINSHI, "tip",
    )  # fmt: skip
    shown = office.shown(client, str(case.id), office.HANDLER)
    assert [tip["id"] for tip in shown["tips"]] == [str(tip_id)]
    assert [step["action"] for step in shown["history"]] == ["register", "link_tip"]
    assert "承诺年化" not in json.dumps(shown, ensure_ascii=False), "the reporter's words stay with the tip"


def test_without_a_number_the_case_gets_one(client: FlaskClient) -> None:
    numbers = []
    for _ in range(2):
        case = case_of(concluded(client)[0])
        assert case is not None
        numbers.append(case.case_no)
    assert [number.rpartition("〕")[2] for number in numbers] == ["1号", "2号"]


def test_tips_join_a_case_many_to_one(client: FlaskClient) -> None:
    case_id = office.case(client)
    tips = [concluded(client, case_no="乌非集〔2021〕7号")[0] for _ in range(2)]
    shown = office.shown(client, case_id, office.HANDLER)
    assert [tip["id"] for tip in shown["tips"]] == [str(tip) for tip in tips]


def test_a_closed_case_is_joined_by_nobody(client: FlaskClient) -> None:
    stages = {"admin_stage": "admin_handled", "restitution_stage": "completed"}
    case_id = office.case(client, username=office.REVIEWER, stages=stages)
    office.act(client, office.LEADER, case_id, "close", reason="结案。")
    tip_id, answer = concluded(client, case_no="乌非集〔2021〕7号")
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["case_no"])
    assert case_of(tip_id) is None


@pytest.mark.parametrize("outcome", ["SUBSTANTIATED", "NOT_ILLEGAL_FUNDRAISING"])
def test_any_other_conclusion_opens_nothing(client: FlaskClient, outcome: str) -> None:
    tip_id, answer = concluded(client, {"outcome": outcome, "text": "已核查。"}, case_no="乌非集〔2026〕4号")
    assert answer.status_code == 200
    assert case_of(tip_id) is None


def test_each_reporter_still_sees_the_own_tip_alone(client: FlaskClient) -> None:
    receipts = [factories.file_tip(client, reporter=factories.REPORTER) for _ in range(2)]
    case_id = office.case(client)
    for receipt in receipts:
        headers = factories.office_headers(office.REVIEWER)
        body = {
            "tip_id": str(factories.tip_id_of(receipt["receipt_number"])),
            "expected_version": office.shown(client, case_id)["version"],
        }
        assert client.post(f"{office.CASES}/{case_id}/tips", json=body, headers=headers).status_code == 200
    told = [
        client.post("/api/v1/tips/query", json={n: receipt[n] for n in ("receipt_number", "query_code")}).get_json()
        for receipt in receipts
    ]
    for own, other, answer in zip(receipts, receipts[::-1], told, strict=True):
        text = json.dumps(answer, ensure_ascii=False)
        assert own["receipt_number"] != other["receipt_number"]
        assert answer["status"] == "registered"
        assert not any(trace in text for trace in (other["receipt_number"], case_id, "瑞丰源案", "乌非集"))
