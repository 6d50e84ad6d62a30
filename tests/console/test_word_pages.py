"""Words that the office sets: what reporters choose from, what messages say; dated, checked, on record."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation import clock
from app.notifications import wording
from app.notifications.states import Kind
from app.notifications.steps import HANDLING_STEPS
from app.tips import dictionaries
from app.workflow import limits
from tests import factories, rows
from tests.console.office import Officer
from tests.moments import MONDAY_MORNING

WORD = {"action": "set_word", "valid_from": "2026-03-02", "in_use": "true"}
MESSAGE = {"action": "set_message", "valid_from": "2026-03-02"}
ACCEPTED = "notice/handling.accept.reviewers"


def offered(client: FlaskClient) -> str:
    return client.get("/report/statement").get_data(as_text=True) + client.get("/report/").get_data(as_text=True)


def test_a_choice_is_worded_anew_for_forms_and_for_what_was_said_before(
    officer: Callable[[str], Officer], tip_id: UUID
) -> None:
    admin, reviewer = officer("sysadmin"), officer("city.reviewer")
    given = WORD | {"entry": "conduct_type/entrusted_wealth", "text": "委托理财、代客投资"}
    assert admin.post("/rules/words", seen="/rules/words", **given).status_code == 303
    assert "委托理财、代客投资" in reviewer.text(f"/tips/{tip_id}")
    assert "委托理财、代客投资" in reviewer.text("/intake")
    page = reviewer.text("/rules/words")
    assert "原来：委托理财、融资租赁" in page
    assert "修改一个选项" not in page
    assert reviewer.post("/rules/words", **given).status_code == 403


def test_a_retired_choice_is_offered_no_more_and_can_still_be_read(
    officer: Callable[[str], Officer], client: FlaskClient, tip_id: UUID
) -> None:
    admin, reviewer = officer("sysadmin"), officer("city.reviewer")
    given = WORD | {"entry": "conduct_type/entrusted_wealth", "text": "委托理财、融资租赁", "in_use": "false"}
    assert admin.post("/rules/words", seen="/rules/words", **given).status_code == 303
    assert "entrusted_wealth" not in dictionaries.offered(dictionaries.CONDUCT)
    assert "entrusted_wealth" not in reviewer.text("/intake")
    assert "委托理财、融资租赁" in reviewer.text(f"/tips/{tip_id}")
    factories.file_tip(client)  # a phone with an older list still sends it


def test_the_order_is_the_offices(officer: Callable[[str], Officer]) -> None:
    given = WORD | {"entry": "relation/insider", "text": "知情人", "position": "1"}
    assert officer("sysadmin").post("/rules/words", seen="/rules/words", **given).status_code == 303
    assert next(iter(dictionaries.offered(dictionaries.RELATION))) == "insider"
    later = given | {"position": "999", "valid_from": "2026-03-05"}
    officer("sysadmin").post("/rules/words", seen="/rules/words", **later)
    assert next(iter(dictionaries.offered(dictionaries.RELATION))) == "insider", "its day has not come"
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=3)):
        assert list(dictionaries.offered(dictionaries.RELATION))[-1] == "insider"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"entry": "conduct_type/ponzi"}, "请从列表中选择"),
        ({"entry": "notice/handling.accept.reviewers"}, "请从列表中选择"),
        ({"entry": "rejection/OTHER"}, "请从列表中选择"),
        ({"valid_from": "2026-03-01"}, "生效日期不能早于今天"),
        ({"position": "0"}, "应为 1 至 9999"),
        ({"text": ""}, "文字"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(
    officer: Callable[[str], Officer], given: dict[str, str], told: str
) -> None:
    fields = WORD | {"entry": "relation/insider", "text": "知情<b>人"} | given
    answer = officer("sysadmin").post("/rules/words", seen="/rules/words", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in page
    assert "知情<b>人" not in page
    assert rows.scalar("SELECT count(*) FROM workflow_reasons") == 0


def test_one_choice_stays(officer: Callable[[str], Officer]) -> None:
    admin = officer("sysadmin")
    codes = list(dictionaries.offered(dictionaries.RELATION))
    for code in codes[:-1]:
        given = WORD | {"entry": f"relation/{code}", "text": "停", "in_use": "false"}
        assert admin.post("/rules/words", seen="/rules/words", **given).status_code == 303
    last = WORD | {"entry": f"relation/{codes[-1]}", "text": "停", "in_use": "false"}
    answer = admin.post("/rules/words", seen="/rules/words", **last)
    assert answer.status_code == 422
    assert "至少保留一项" in answer.get_data(as_text=True)


def test_a_notice_is_previewed_confirmed_and_written_so(
    officer: Callable[[str], Officer], tip_id: UUID, client: FlaskClient
) -> None:
    admin = officer("sysadmin")
    given = MESSAGE | {"entry": ACCEPTED, "text": "编号 {受理编号} 已受理，请尽快交办"}
    page = admin.post("/rules/messages/preview", seen="/rules/messages", **given).get_data(as_text=True)
    assert "编号 6501000000000000 已受理，请尽快交办" in page
    assert "线索已受理，待交办（6501000000000000）" in page
    assert rows.scalar("SELECT count(*) FROM workflow_reasons") == 0, "a preview changes nothing"
    assert admin.post("/rules/messages", seen="/rules/messages", **given).status_code == 303
    officer("city.reviewer").act(tip_id, "accept")
    factories.deliver()
    number = rows.scalar("SELECT receipt_number FROM tips WHERE id = :id", id=tip_id)
    assert rows.scalar("SELECT count(*) FROM notices WHERE title = :t", t=f"编号 {number} 已受理，请尽快交办") == 1
    assert "事项" in officer("city.leader").text("/rules/messages")


@pytest.mark.parametrize(
    ("entry", "text", "told"),
    [
        (ACCEPTED, "举报人 {姓名} 的线索已受理", "不能使用 {姓名}"),
        (ACCEPTED, "线索{", "不能使用 {"),
        (ACCEPTED, "字" * 61, "2 至 60 字"),
        ("mail_text/progress", "您的举报 {受理编号} 有新进展", "发往外部的消息不能使用占位符"),
        ("mail_text/progress", "您举报的 650100260302 有新进展", "不能含有编号、号码"),
        ("mail_text/progress", "有新进展，请打开 https://example.org 查看", "不能含有编号、号码、网址"),
        ("mail_subject/urgent", "紧急：{被举报对象}", "发往外部的消息不能使用占位符"),
        ("mail_subject/urgent", "急", "2 至 30 字"),
        ("sms/progress", "短信", "请从列表中选择"),
    ],
)
def test_words_that_must_not_be_said_are_refused_at_both_doors(
    officer: Callable[[str], Officer], entry: str, text: str, told: str
) -> None:
    admin = officer("sysadmin")
    for door in ("/rules/messages/preview", "/rules/messages"):
        answer = admin.post(door, seen="/rules/messages", **MESSAGE | {"entry": entry, "text": text})
        assert answer.status_code == 422, door
        assert told in answer.get_data(as_text=True)
    assert rows.scalar("SELECT count(*) FROM workflow_reasons") == 0


def test_the_words_of_the_program_pass_its_own_checks() -> None:
    for kind in (wording.NOTICE, wording.SUBJECT, wording.MAIL):
        for code, text in limits.REASONS[kind].seed.items():
            limits.check_wording(kind, code, text)


def test_a_mail_says_what_the_office_worded(officer: Callable[[str], Officer], app: Flask) -> None:
    given = MESSAGE | {"entry": "mail_text/urgent", "text": "您有急件，请登录系统查看。"}
    assert officer("sysadmin").post("/rules/messages", seen="/rules/messages", **given).status_code == 303
    assert wording.mail_of(Kind.URGENT) == ("紧急事项提醒", "您有急件，请登录系统查看。")
    assert wording.titles_of("handling", "accept", HANDLING_STEPS["accept"])
    page = officer("sysadmin").text("/rules/messages")
    assert re.search(r"您有急件，请登录系统查看。\s*本邮件由系统自动发出", page)


def test_changes_are_on_record_with_before_and_after(officer: Callable[[str], Officer]) -> None:
    given = WORD | {"entry": "relation/insider", "text": "内部知情人"}
    officer("sysadmin").post("/rules/words", seen="/rules/words", **given)
    page = officer("auditor").text("/audit?action=workflow.set_reason")
    assert "文字：知情人 → 内部知情人" in page
