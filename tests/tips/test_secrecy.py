"""Texts that leave towards the accused: what would tell of the reporter is held back, ordinary words are not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.tips.secrecy import FILE_NAME, IDENTITY, QUOTATION, exposures
from tests import factories, rows
from tests.tips import reporters
from tests.workflow.test_police import proposed

CONDUCT = factories.tip_body()["conduct"] | {
    "description": "业务员小刘每天早上在我家楼下的菜市场门口发传单，说投十万元一年返还一万八千元，我婆婆投了两次。",
}
COMPANY = "乌鲁木齐瑞丰源投资咨询有限公司"


@pytest.fixture
def tip_id(client: FlaskClient) -> UUID:
    photo = factories.upload(client, name="婆婆的转账记录.png").get_json()["id"]
    receipt = factories.file_tip(client, reporter=factories.REPORTER, conduct=CONDUCT, evidence=[photo])
    reporters.call(client, "messages", receipt, text="另外他们的办公室上个星期三晚上连夜搬到了隔壁大厦的九楼。")
    return factories.tip_id_of(receipt["receipt_number"])


@pytest.mark.parametrize(
    "text",
    [
        "举报人阿依古丽·测试反映",
        "举报人阿依古丽 测试反映",
        "阿 依 古 丽 来电",
        "电话13900001234",
        "电话 139-0000-1234",
        "电话１３９００００１２３４",
        "电话一三九零零零零一二三四",
        "电话幺三九〇〇〇〇幺二三四",
        "尾号0000 1234",
        "证件650102199001011234",
        "证件 650102 19900101 ****",
    ],
)
def test_the_identity_is_held_back(tip_id: UUID, text: str) -> None:
    assert exposures(tip_id, f"关于{COMPANY}的函。{text}，请核查。") == [IDENTITY]


@pytest.mark.parametrize(
    "text",
    [
        "每天早上在我家楼下的菜市场门口发传单",
        "每天，早上在我家楼下的“菜市场”门口\n发传单",
        "上个星期三晚上连夜搬到了隔壁大厦",
    ],
)
def test_a_long_quotation_is_held_back(tip_id: UUID, text: str) -> None:
    assert exposures(tip_id, f"经查，{text}。") == [QUOTATION]


def test_the_name_of_a_file_is_held_back(tip_id: UUID) -> None:
    assert exposures(tip_id, "附件：婆婆的转账记录.pdf") == [FILE_NAME]


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"请贵单位核查{COMPANY}（地址：新疆乌鲁木齐市新市区长春中路1号）是否向社会公开宣传并承诺还本付息。",
        "我单位收到群众反映，该公司在菜市场门口发传单，承诺高额回报。",  # short runs are anybody's words
        "联系电话：0991-0000100，2026年3月2日，第12345678号。",
    ],
)
def test_ordinary_letters_leave(tip_id: UUID, text: str) -> None:
    assert exposures(tip_id, text) == []


def test_the_company_named_in_the_statement_may_be_named(client: FlaskClient) -> None:
    """What makes a quotation long must not be the name of the accused."""
    said = CONDUCT | {"description": f"{COMPANY}骗人。"}
    tip_id = factories.tip_id_of(factories.file_tip(client, conduct=said)["receipt_number"])
    assert exposures(tip_id, f"关于移送{COMPANY}骗人线索的函") == []


def _transfer(client: FlaskClient, tip_id: UUID, reason: str) -> Any:
    return factories.office_act(client, "city.leader", tip_id, "transfer", to="police", reason=reason)


def test_a_transfer_that_tells_is_blocked_and_remembered(client: FlaskClient) -> None:
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    for username, action, given in (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": factories.XINSHI}),
        ("district.650104", "sign_for", {}),
    ):
        assert factories.office_act(client, username, tip_id, action, **given).status_code == 200
    proposed(tip_id)
    blocked = _transfer(client, tip_id, f"据{factories.REPORTER['name']}反映，涉嫌犯罪。")
    assert (blocked.status_code, blocked.get_json()["code"]) == (422, "reporter_exposed")
    assert factories.REPORTER["name"] not in str(blocked.get_json())
    refused = "SELECT count(*) FROM audit_events WHERE NOT succeeded AND object_id = :id"
    assert rows.scalar(refused, id=str(tip_id)) == 1
    assert _transfer(client, tip_id, "涉嫌犯罪，依法移送。").status_code == 200
