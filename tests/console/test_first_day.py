"""The set-up of a new office, looked at for real: what is missing is found, what is there is believed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.console import checks_inside, checks_outside, first_day
from app.console.findings import Finding, State
from app.demo import sms_standin
from app.demo.sms_standin import SmsStandIn
from app.demo.wechat_standin import WeChatStandIn
from app.foundation import clock
from app.foundation.config import SmsSettings
from app.foundation.database import OPEN_WALL, transaction
from app.notifications import channels
from app.workflow import limits
from tests import rows
from tests.console.office import Officer
from tests.files.test_antivirus import clamd as clamd_server  # noqa: F401  # a fixture
from tests.notifications import mail_server


@pytest.fixture
def use(app: Flask) -> Iterator[Callable[..., None]]:
    """Runs the application with other settings."""
    before = app.extensions["shudi_settings"]

    def change(**changes: Any) -> None:
        settings = dataclasses.replace(app.extensions["shudi_settings"], **changes)
        app.extensions["shudi_settings"] = settings
        channels.connect(app, settings)

    yield change
    app.extensions["shudi_settings"] = before
    channels.connect(app, before)


def state_of(found: Finding) -> State:
    return found.state


def test_the_page_is_the_system_administrators_and_nothing_is_ticked(officer: Callable[[str], Officer]) -> None:
    admin = officer("sysadmin")
    page = admin.text("/first-day")
    assert page.count("未检查") == len(first_day.CHECKS)
    assert admin.post("/first-day", seen="/first-day").status_code == 303
    assert 'id="task-state"' in admin.text("/first-day")
    assert admin.post("/first-day", seen="/first-day").status_code == 409
    from tests import factories

    factories.deliver()
    page = admin.text("/first-day")
    assert "未检查" not in page
    assert "项未完成" in page, "this office has no backup"
    assert "没有发现数据库备份" in page
    assert "2026年3月2日 10:00" in page
    assert admin.get("/first-day/progress").headers["HX-Refresh"] == "true"
    for other in ("secadmin", "auditor", "city.leader"):
        assert officer(other).get("/first-day").status_code == 403


def test_every_point_is_found_out_without_breaking(app: Flask) -> None:
    for name in first_day.CHECKS:
        found = first_day.look(name)
        assert "检查时出错" not in found.told, (name, found)
        assert found.told
        assert found.hint or found.state is State.GOOD


def test_a_check_that_breaks_is_a_finding(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Finding:
        raise OSError("broken")

    broken_check = dataclasses.replace(first_day.CHECKS["disk"], look=broken)
    monkeypatch.setattr(first_day, "CHECKS", {"disk": broken_check})
    assert first_day.look("disk").state is State.BAD


def execute(statement: str) -> None:
    from sqlalchemy import text

    with transaction(OPEN_WALL) as session:
        session.execute(text(statement))


def test_missing_units_and_people_are_named(app: Flask) -> None:
    assert state_of(checks_inside.units()) is State.GOOD
    assert state_of(checks_inside.people()) is State.GOOD
    execute("UPDATE accounts SET role_until = '2026-03-01' WHERE username IN ('district.650102', 'city.leader')")
    assert "市级负责人" in checks_inside.people().told
    execute("UPDATE accounts SET role_until = NULL WHERE username = 'city.leader'")
    found = checks_inside.people()
    assert (found.state, "天山区" in found.told) == (State.BAD, True)
    execute("UPDATE units SET active = false WHERE division_code = '650102'")
    found = checks_inside.units()
    assert (found.state, "天山区" in found.told) == (State.BAD, True)


def test_three_administrators_are_three_persons(app: Flask) -> None:
    assert checks_inside.administrators().state is State.WARNING, "the second factor is missing"
    execute("UPDATE accounts SET display_name = '同一个人' WHERE username IN ('auditor', 'secadmin')")
    assert "同一个人" in checks_inside.administrators().told
    execute("UPDATE accounts SET active = false WHERE username = 'auditor'")
    found = checks_inside.administrators()
    assert (found.state, "审计管理员" in found.told) == (State.BAD, True)


def test_the_calendar_of_the_next_year_is_wanted_in_time(app: Flask) -> None:
    for day, state in (("2026-03-02", State.WARNING), ("2026-12-10", State.BAD), ("2031-01-05", State.BAD)):
        moment = clock.start_of_today().fromisoformat(f"{day}T10:00:00+08:00")
        with clock.stopped_at(moment):
            assert checks_inside.calendar_years().state is state, day


def test_sealed_things_without_their_key_are_found(app: Flask) -> None:
    assert checks_inside.keys().state is State.GOOD
    execute("UPDATE accounts SET sealed_work_email = '\\x046c6f7374'::bytea || sha256('x') WHERE username = 'auditor'")
    found = checks_inside.keys()
    assert (found.state, "lost" in found.told) == (State.BAD, True)


def test_wechat_is_asked_for_a_token(app: Flask, wechat: WeChatStandIn, use: Callable[..., None]) -> None:
    before = len(wechat.calls)
    assert checks_outside.wechat_answers().state is State.GOOD
    assert checks_outside.wechat_answers().state is State.GOOD
    assert len(wechat.calls) == before + 2, "the kept token is not believed"
    client = app.extensions["shudi_wechat"]
    kept, client._secret = client._secret, "wrong"
    try:
        found = checks_outside.wechat_answers()
    finally:
        client._secret = kept
    assert (found.state, "WECHAT_APP_SECRET" in found.hint) == (State.BAD, True)


def test_words_and_templates_of_messages_are_looked_through(app: Flask, use: Callable[..., None]) -> None:
    assert checks_inside.messages().state is State.WARNING, "the template is the demo's"
    use(wechat_template_progress="own-template")
    assert checks_inside.messages().state is State.GOOD
    execute(
        "INSERT INTO workflow_reasons (kind, code, text, in_use, valid_from, changed_at)"
        " VALUES ('mail_text', 'urgent', '急件 {编号}', true, '2026-03-01', '2026-03-01')"
    )
    limits.forget()
    found = checks_inside.messages()
    assert (found.state, "mail_text/urgent" in found.told) == (State.BAD, True)


def test_mail_is_asked_for_nothing(app: Flask, use: Callable[..., None], tmp_path: Path) -> None:
    assert checks_outside.mail_answers().state is State.OFF
    with mail_server.serving(tmp_path) as server:
        use(mail=server.settings)
        assert checks_outside.mail_answers().state is State.GOOD
        assert server.messages == []
        use(mail=dataclasses.replace(server.settings, password="wrong"))
        found = checks_outside.mail_answers()
        assert (found.state, "不接受我方账号" in found.told) == (State.BAD, True)
        use(mail=server.settings)
    assert "连接不上" in checks_outside.mail_answers().told


def test_the_sms_gateway_takes_our_signature_and_no_message_leaves(app: Flask, use: Callable[..., None]) -> None:
    assert checks_outside.sms_answers().state is State.OFF
    with clock.stopped_at(datetime.now(UTC)), sms_standin.serving(SmsStandIn()) as gateway:  # it looks at the date
        sms = SmsSettings("acs3", gateway.base_url, gateway.key_id, gateway.secret, "属地", "SMS_1", "SMS_2")
        use(sms=sms)
        assert checks_outside.sms_answers().state is State.GOOD
        assert gateway.messages == []
        use(sms=dataclasses.replace(sms, secret="wrong"))
        found = checks_outside.sms_answers()
        assert (found.state, "SMS_KEY_SECRET" in found.told) == (State.BAD, True)


def test_a_backup_is_believed_for_a_day(app: Flask, use: Callable[..., None], tmp_path: Path) -> None:
    assert checks_outside.backup().state is State.BAD
    use(backup_path=str(tmp_path / "nowhere"))
    assert "打不开备份目录" in checks_outside.backup().told
    use(backup_path=str(tmp_path))
    assert "没有备份文件" in checks_outside.backup().told
    kept = tmp_path / "shudi.dump"
    kept.touch()
    assert "没有备份文件" in checks_outside.backup().told, "an empty file is no backup"
    kept.write_bytes(b"dump")
    for age, state in ((timedelta(hours=2), State.GOOD), (timedelta(hours=30), State.BAD)):
        moment = (clock.now() - age).timestamp()
        os.utime(kept, (moment, moment))
        assert checks_outside.backup().state is state


def test_the_storage_is_written_to_and_read(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks_outside.storage().state is State.GOOD
    from app.files.storage import LocalStorage, StorageFault

    def full(*_: Any) -> int:
        raise StorageFault("full")

    monkeypatch.setattr(LocalStorage, "write", full)
    assert checks_outside.storage().state is State.BAD


@pytest.mark.usefixtures("clamd_server")
def test_the_scanner_gives_its_verdict(app: Flask) -> None:
    assert checks_outside.antivirus_answers().state is State.GOOD


def test_a_scanner_that_is_away_is_told(app: Flask, use: Callable[..., None]) -> None:
    assert checks_outside.antivirus_answers().state is State.OFF
    use(clamd_url="tcp://127.0.0.1:9")
    assert checks_outside.antivirus_answers().state is State.BAD


def test_the_command_says_the_same_and_ends_with_a_fault(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["office", "checklist"])
    assert result.exit_code == 1
    assert "[未完成] 数据库备份：没有发现数据库备份" in result.output
    assert result.output.count("[") == len(first_day.CHECKS)
    assert rows.scalar("SELECT count(*) FROM office_tasks") == 0
