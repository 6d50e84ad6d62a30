"""The office's rules at the console: dated figures and reasons, and a calendar whose effect is shown before it holds."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.workflow import limits
from tests import rows
from tests.console.office import Officer, csrf_token
from tests.rewards import office as rewards
from tests.workflow import office as handling

HOLIDAY = "date,kind,holiday,region,note\n2026-03-04,off,试验假日,650000,\n2026-03-05,off,试验假日,650000,\n"


def test_a_figure_changes_from_its_day_on_and_its_history_is_told(officer: Callable[[str], Officer]) -> None:
    admin, reviewer = officer("sysadmin"), officer("city.reviewer")
    given = {"action": "set_limit", "name": "registered", "value": "7", "valid_from": "2026-03-10"}
    assert admin.post("/rules", seen="/rules", **given).status_code == 303
    page = reviewer.text("/rules")
    assert "自 2026年3月10日 起：7 个工作日（测试系统管理员" in page
    assert limits.value("registered") == 5, "its day has not come"
    assert admin.post("/rules", seen="/rules", **given | {"valid_from": "2026-03-02"}).status_code == 303
    assert limits.value("registered") == 7
    assert "workflow.set_limit" in str(rows.scalar("SELECT string_agg(action, ',') FROM audit_events"))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("valid_from", "2026-03-01", "生效日期不能早于今天"),
        ("valid_from", "昨天", "应为 YYYY-MM-DD 格式的有效日期"),
        ("value", "0", "数值超出允许范围"),
        ("value", "五", "应为整数"),
        ("name", "no_such_rule", "没有名为 no_such_rule 的规则"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_beside_its_field(
    officer: Callable[[str], Officer], field: str, value: str, told: str
) -> None:
    given = {"action": "set_limit", "name": "registered", "value": "7", "valid_from": "2026-03-10"} | {field: value}
    answer = officer("sysadmin").post("/rules", seen="/rules", **given)
    assert answer.status_code == 422
    assert told in answer.get_data(as_text=True)


def test_a_reason_is_added_and_taken_out_of_use(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    admin, reviewer = officer("sysadmin"), officer("city.reviewer")
    new = {"code": "TOO_OLD", "text": "超过追究时效", "valid_from": "2026-03-02", "in_use": "true"}
    assert admin.post("/rules/reasons", seen="/rules/reasons", **new).status_code == 303
    assert "超过追究时效" in reviewer.text(f"/tips/{tip_id}")
    assert admin.post("/rules/reasons", seen="/rules/reasons", **new | {"in_use": "false"}).status_code == 303
    assert "超过追究时效" not in reviewer.text(f"/tips/{tip_id}")
    assert "超过追究时效" in reviewer.text("/rules/reasons"), "what was once used can still be read"
    assert admin.post("/rules/reasons", seen="/rules/reasons", **new | {"code": "bad code"}).status_code == 422


def preview(admin: Officer, content: bytes) -> tuple[int, str]:
    token = csrf_token(admin.text("/rules/calendar"))
    data = {"csrf_token": token, "action": "import_calendar", "file": (io.BytesIO(content), "日历.csv")}
    answer = admin.open("/rules/calendar/preview", method="POST", data=data, content_type="multipart/form-data")
    return answer.status_code, answer.get_data(as_text=True)


def test_a_calendar_shows_its_effect_before_it_holds(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    admin = officer("sysadmin")
    due = "SELECT due_on FROM handlings WHERE tip_id = :id"
    before = rows.scalar(due, id=tip_id)
    status, page = preview(admin, HOLIDAY.encode("utf-8-sig"))
    assert status == 200
    assert "1 项期限变动" in page
    assert "2026年3月9日" in page
    assert "2026年3月11日" in page
    assert rows.scalar(due, id=tip_id) == before
    text = re.search(r'<textarea name="text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert text
    sent = {"action": "import_calendar", "text": unescape(text[1])}
    assert admin.post("/rules/calendar", seen="/rules/calendar", **sent).status_code == 303
    assert str(rows.scalar(due, id=tip_id)) == "2026-03-11"
    assert "试验假日" in admin.text("/rules/calendar")
    history = rows.scalar("SELECT count(*) FROM handling_events WHERE action = 'recount' AND tip_id = :id", id=tip_id)
    assert history == 1
    assert "没有期限变动" in preview(admin, HOLIDAY.encode())[1]


def test_the_effect_tells_the_terms_of_rewards_too(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    handling.do("city.reviewer", rewards.concluded(client)[1], "archive")
    page = preview(officer("sysadmin"), HOLIDAY.encode())[1]
    assert "1 项期限变动" in page, "the tip itself is settled"
    assert "2026年4月16日" in page


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "请选择日历文件"),
        ("节日".encode("gb18030"), "文件应为 UTF-8 编码的 CSV"),
        (b"date,kind\n", "文件中没有日子"),
        (b"date,kind,holiday,region\n2026-13-01,off,x,CN\n", "应为 YYYY-MM-DD 格式的日期"),
        (b"date,kind,holiday,region\n2026-12-01,free,x,CN\n", "应为 off（放假）或 work（调休上班）"),
    ],
)
def test_a_calendar_that_cannot_be_read_names_what_is_wrong(
    officer: Callable[[str], Officer], content: bytes, told: str
) -> None:
    before = rows.row_counts()["calendar_days"]
    status, page = preview(officer("sysadmin"), content)
    assert status == 422
    assert told in page
    assert rows.row_counts()["calendar_days"] == before


@pytest.mark.parametrize("path", ["/rules", "/rules/reasons", "/rules/calendar"])
def test_rules_are_read_by_who_handles_and_changed_by_the_administrator_alone(
    officer: Callable[[str], Officer], path: str
) -> None:
    for username in ("city.reviewer", "city.leader", "district.650104", "observer.650000"):
        person = officer(username)
        assert "由系统管理员维护" in person.text(path)
        assert person.post(path).status_code == 403
    assert officer("auditor").get(path).status_code == 403
