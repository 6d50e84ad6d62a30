"""The audit log: for the auditor alone, searchable, with the state of its chain."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.audit import chain
from app.console.views.audit_words import ATTEMPTS, DEEDS, OTHER, deed_text, object_text
from app.foundation.config import REPOSITORY
from app.foundation.database import db, transaction
from tests import factories
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
    assert "2026-03-02 10:00" in row


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


@pytest.mark.parametrize("query", ["result=failed", "from=yesterday", "cursor=x", "cursor=-1", "nothing=1"])
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
