"""The audit log: for the auditor alone, searchable, with the state of its chain."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from app.audit import chain
from app.audit import service as audit
from app.console.views.audit_words import ATTEMPTS, DEEDS, OTHER, deed_text, object_text
from app.foundation import clock
from app.foundation.config import REPOSITORY
from app.foundation.database import db, transaction
from app.foundation.permissions import PROGRAM
from tests import factories, rows
from tests.console.office import Officer
from tests.moments import MONDAY_MORNING


def lines(page: str) -> int:
    return page.split('id="results"')[1].count("<tr>") - 1


def test_the_log_tells_who_did_what(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    officer("city.reviewer").act(tip_id, "accept")
    page = officer("auditor").text("/audit")
    row = page.split("线索：受理</td>")[0].rsplit("<tr>", 1)[1]
    assert "测试市级审核人" in row
    assert "市处置非法集资办公室（演示） · 市级审核人" in row
    assert "2026年3月2日 10:00" in row


def test_the_log_is_filtered(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    officer("city.reviewer").act(tip_id, "accept")
    officer("district.650102").get(f"/tips/{tip_id}")
    auditor = officer("auditor")
    assert lines(auditor.text("/audit?action=workflow.accept")) == 1
    assert lines(auditor.text(f"/audit?q={tip_id}")) == 3
    assert lines(auditor.text(f"/audit?q={tip_id}&result=refused")) == 1
    today, tomorrow = (MONDAY_MORNING + timedelta(days=days) for days in (0, 1))
    assert lines(auditor.text(f"/audit?from={today:%Y-%m-%d}&to={today:%Y-%m-%d}&action=workflow.accept")) == 1
    assert "没有符合条件的日志" in auditor.text(f"/audit?from={tomorrow:%Y-%m-%d}&to={tomorrow:%Y-%m-%d}")


def test_the_log_is_filtered_by_person_thing_and_unit(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    officer("city.reviewer").act(tip_id, "accept")
    auditor = officer("auditor")
    assert lines(auditor.text("/audit?q=测试市级审核人&action=workflow.accept")) == 1
    assert lines(auditor.text("/audit?q=city.reviewer&action=workflow.accept")) == 1
    assert "没有符合条件的日志" in auditor.text("/audit?q=测试市级负责人&action=workflow.accept")
    city = rows.scalar("SELECT id FROM units WHERE division_code = '650100'")
    district = rows.scalar("SELECT id FROM units WHERE division_code = '650102'")
    assert lines(auditor.text(f"/audit?unit={city}&action=workflow.accept")) == 1
    assert "没有符合条件的日志" in auditor.text(f"/audit?unit={district}&action=workflow.accept")
    assert "线索：受理" in auditor.text("/audit?kind=tip").split('id="results"')[1]
    assert "线索：受理" not in auditor.text("/audit?kind=account").split('id="results"')[1]


def test_days_are_found_however_the_rows_lie(app: Flask, officer: Callable[[str], Officer]) -> None:
    auditor = officer("auditor")
    for later in range(5):
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=later)), transaction():
            for _ in range(7):
                audit.record(PROGRAM, "demo.fill", "database", f"day-{later}")
    page = auditor.text("/audit?action=demo.fill&from=2026-03-03&to=2026-03-04")
    assert lines(page) == 14
    assert "day-1" in page
    assert "day-2" in page
    assert lines(auditor.text("/audit?action=demo.fill&from=2026-03-05")) == 14
    assert lines(auditor.text("/audit?action=demo.fill&to=2026-03-02")) == 7


def test_changes_are_told_with_before_and_after(officer: Callable[[str], Officer]) -> None:
    who = rows.scalar("SELECT id FROM accounts WHERE username = 'city.leader'")
    given = {"action": "disable_account", "reason": "停职"}
    officer("sysadmin").post(f"/people/{who}/disable", seen=f"/people/{who}", **given)
    page = officer("auditor").text(f"/audit?kind=account&q={who}")
    assert "状态：在用 → 停用" in page
    assert "停职" in page


def test_the_log_is_exported_with_a_mark_and_the_export_is_on_record(
    officer: Callable[[str], Officer], tip_id: UUID
) -> None:
    auditor = officer("auditor")
    answer = auditor.post("/audit/export", seen="/audit", action="identity.sign_in", cursor="5")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert "测试审计管理员" in str(sheet[0][0])
    assert "2026年3月2日 10:00 导出，内部资料，不得外传" in str(sheet[0][0])
    assert [row[1] for row in sheet[2:]] == [MONDAY_MORNING.replace(tzinfo=None)]
    assert [row[5] for row in sheet[2:]] == ["登录"]
    assert "导出审计日志" in auditor.text("/audit?action=audit.export")
    for other in ("sysadmin", "secadmin", "city.leader"):
        assert officer(other).post("/audit/export").status_code == 403
    assert "没有符合条件" not in auditor.text("/audit")


def test_the_chain_is_verified_on_demand(app: Flask, officer: Callable[[str], Officer], tip_id: UUID) -> None:
    auditor = officer("auditor")
    assert "最近一次整链校验" not in auditor.text("/audit")
    assert auditor.post("/audit/verification", seen="/audit").status_code == 303
    assert 'id="task-state"' in auditor.text("/audit")
    assert auditor.post("/audit/verification", seen="/audit").status_code == 409, "one at a time"
    assert "HX-Refresh" not in auditor.get("/audit/verification").headers
    factories.deliver()
    assert auditor.get("/audit/verification").headers["HX-Refresh"] == "true"
    assert "最近一次整链校验：" in auditor.text("/audit")
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'audit.verify'") == 1
    assert officer("sysadmin").post("/audit/verification").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "result=failed", "from=yesterday", "from=0001-01-01", "to=9999-12-31", "cursor=x", "cursor=-1", "nothing=1",
    ],
)  # fmt: skip
def test_impossible_filters_are_refused(officer: Callable[[str], Officer], query: str) -> None:
    assert officer("auditor").get(f"/audit?{query}").status_code == 422


def test_the_log_is_paged_by_keyset(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    for _ in range(51):
        factories.file_tip(client)
    auditor = officer("auditor")
    first = auditor.text("/audit?action=tips.submit")
    assert lines(first) == 50
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert lines(auditor.text(following)) == 1


def test_the_chain_is_verified_for_the_page(app: Flask, officer: Callable[[str], Officer], tip_id: UUID) -> None:
    with transaction():
        chain.seal_pending(app.extensions["shudi_crypto"])
    auditor = officer("auditor")
    assert "日志链完整" in auditor.text("/audit")
    with transaction():
        db.session.execute(text("RESET ROLE"))
        db.session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        db.session.execute(text("UPDATE audit_events SET actor_name = '他人' WHERE seq = 1"))
        db.session.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))
        db.session.execute(text("SET ROLE shudi_app"))
    page = auditor.text("/audit")
    assert "日志链校验未通过" in page
    assert "第 1 条记录" in page


def test_deeds_and_attempts_are_named_once() -> None:
    assert not DEEDS.keys() & ATTEMPTS.keys()


def test_doors_named_in_the_log_exist(app: Flask) -> None:
    assert ATTEMPTS.keys() <= set(app.view_functions)


def test_every_deed_in_the_code_has_chinese_words() -> None:
    """What is written literally at a call of the audit service; what is put together there is told by its room."""
    found = set()
    for path in (REPOSITORY / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Call) and ast.unparse(node.func) in {"audit.record", "audit.event_row"}
            if named and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
                found.add(node.args[1].value)
    assert len(found) > 25
    assert {deed for deed in found if deed not in DEEDS} == set()


def test_no_row_of_the_log_shows_a_technical_name(app: Flask) -> None:
    from app.foundation.http import Audience

    doors = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if getattr(getattr(app.view_functions[rule.endpoint], "policy", None), "audience", None)
        in {Audience.OFFICER, Audience.CONSOLE}
    }
    assert {door for door in doors if deed_text(door) == OTHER} == set()
    assert deed_text("nowhere.known") == OTHER
    assert object_text("nothing_known") == "对象"
