"""Texts that leave towards the accused: what would tell of the reporter is held back, ordinary words are not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import ReporterExposed
from app.tips import secrecy
from app.tips.secrecy import FILE_NAME, IDENTITY, MOST_REFUSALS_A_DAY, QUOTATION, exposures, refuse_exposure
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


@pytest.fixture
def main_id(client: FlaskClient, tip_id: UUID) -> UUID:
    """A tip of somebody else, which the tip of the family at the market was merged into."""
    other = CONDUCT | {"description": "他们在微信群里拉人。", "promised_return": None}
    receipt = factories.file_tip(client, conduct=other, subject=factories.clear_subject())
    main = factories.tip_id_of(receipt["receipt_number"])
    assert factories.office_act(client, "city.reviewer", tip_id, "merge", into=str(main)).status_code == 200
    return main


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("举报人阿依古丽·测试反映", [IDENTITY]),
        ("电话13900001234", [IDENTITY]),
        ("附件：婆婆的转账记录.pdf", [FILE_NAME]),
        ("经查，每天早上在我家楼下的菜市场门口发传单。", [QUOTATION]),
        ("经查，上个星期三晚上连夜搬到了隔壁大厦。", [QUOTATION]),
        (f"请核查{COMPANY}是否向社会公开宣传。", []),
    ],
)
def test_who_reported_the_same_matter_is_held_back_too(main_id: UUID, text: str, found: list[str]) -> None:
    assert exposures(main_id, text) == found


def test_a_crowd_is_looked_through_part_by_part(
    client: FlaskClient, main_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrecy, "_AT_ONCE", 1)
    assert exposures(main_id, "电话13900001234，每天早上在我家楼下的菜市场门口发传单") == [IDENTITY, QUOTATION]
    assert factories.office_act(client, "city.reviewer", main_id, "accept").status_code == 200
    proposed(main_id, "city.reviewer")
    assert _transfer(client, main_id, f"据{factories.REPORTER['name']}反映，涉嫌犯罪。").get_json()["code"] == (
        "reporter_exposed"
    )


def test_the_full_name_of_the_company_is_free_whoever_gave_it(client: FlaskClient) -> None:
    """One reporter knew it in short, another in full, a third wrote it into the statement."""
    short = factories.clear_subject() | {"name": "瑞丰源", "uscc": None}
    full = factories.clear_subject() | {"name": COMPANY}
    said = CONDUCT | {"description": f"{COMPANY}骗了我们整栋楼的人。"}
    main, *later = (
        factories.tip_id_of(factories.file_tip(client, subject=subject, conduct=conduct)["receipt_number"])
        for subject, conduct in ((short, CONDUCT), (full, CONDUCT), (short, said))
    )
    for one in later:
        assert factories.office_act(client, "city.reviewer", one, "merge", into=str(main)).status_code == 200
    assert exposures(main, f"关于移送{COMPANY}涉嫌非法集资线索的函") == []


def test_after_three_refusals_nothing_more_is_written_about_the_tip_today(app: Flask, tip_id: UUID) -> None:
    person, about = factories.actor("city.leader"), ("tip", tip_id)
    with transaction(OPEN_WALL):
        for _ in range(MOST_REFUSALS_A_DAY):
            with pytest.raises(ReporterExposed, match=IDENTITY):
                refuse_exposure(person, about, [tip_id], factories.REPORTER["name"])
        with pytest.raises(ReporterExposed, match="今天不能再就此事制作文书"):
            refuse_exposure(person, about, [tip_id], "依法移送。")
        refuse_exposure(factories.actor("city.reviewer"), about, [tip_id], "依法移送。")
