"""A long list goes to a job: one at a time, followed, told of, fetched by its owner alone, removed after its days."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from app.console import queue
from app.files.storage import StorageFault
from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.notifications import jobs as jobs_of_notices
from app.outbox import service as outbox
from app.outbox import single_run
from app.outbox.single_run import RUN_ENDED
from app.tips import exports, jobs, list_exports
from app.tips.export_models import ListExport
from tests import factories, rows
from tests.console.office import Officer

TIPS = 3


@pytest.fixture
def reviewer(client: FlaskClient, officer: Callable[[str], Officer], monkeypatch: pytest.MonkeyPatch) -> Officer:
    """Three tips are many here."""
    monkeypatch.setattr(queue, "COUNTED_UP_TO", 2)
    monkeypatch.setattr(exports, "_TOLD_EVERY", 1)
    for _ in range(TIPS):
        factories.file_tip(client)
    return officer("city.reviewer")


def ask(person: Officer, kind: str = "xlsx", query: str = "status=registered&order=oldest") -> str:
    answer = person.post("/tips/export", query=query, format=kind)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    address: str = answer.headers["Location"]
    assert re.fullmatch(r"/tips/exports/[0-9a-f-]{36}", address)
    return address


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_long_list_is_written_by_a_job_and_its_owner_hears_of_it(reviewer: Officer, kind: str) -> None:
    address = ask(reviewer, kind)
    waiting = reviewer.text(address)
    assert "排队中" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    assert "状态：待受理" in waiting
    assert "已写入" in reviewer.text(f"{address}/state")
    factories.deliver()
    assert reviewer.get(f"{address}/state").headers["HX-Refresh"] == "true"
    assert f'共 <span class="num">{TIPS}</span> 件' in reviewer.text(address)
    assert f'href="{address}"' in reviewer.text("/notices")
    assert f"线索清单已导出（{TIPS} 件）" in reviewer.text("/")
    file = reviewer.get(f"{address}/file")
    assert file.status_code == 200
    if kind == "csv":
        assert file.data.decode("utf-8-sig").count("\n") == TIPS + 2
    else:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()
        assert "测试市级审核人 于 " in sheet[0][0]
        assert len(sheet) == TIPS + 2
    for action in ("tips.export", "tips.fetch_export"):
        assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = :a", a=action) == 1
    assert address in reviewer.text("/tips/exports")


def test_a_short_list_comes_at_once(officer: Callable[[str], Officer], client: FlaskClient) -> None:
    factories.file_tip(client)
    answer = officer("city.reviewer").post("/tips/export", query="", format="csv")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert rows.scalar("SELECT count(*) FROM list_exports") == 0


def test_one_list_at_a_time_for_each_person(reviewer: Officer, officer: Callable[[str], Officer]) -> None:
    ask(reviewer)
    assert reviewer.post("/tips/export", query="", format="xlsx").status_code == 409
    ask(officer("city.reviewer2"))
    factories.deliver()
    ask(reviewer)


def test_nobody_else_finds_it(reviewer: Officer, officer: Callable[[str], Officer]) -> None:
    address = ask(reviewer)
    factories.deliver()
    for who in ("city.reviewer2", f"district.{factories.XINSHI}"):
        other = officer(who)
        for path in (address, f"{address}/state", f"{address}/file"):
            assert other.get(path).status_code == 404, (who, path)
        assert address not in other.text("/tips/exports")
    for who in ("observer.650000", "auditor"):
        assert officer(who).get(address).status_code == 403


def test_a_district_gets_its_own_tips_also_from_a_job(
    reviewer: Officer, officer: Callable[[str], Officer], client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "COUNTED_UP_TO", 1)
    factories.verifying_tip(client)
    handler = officer(f"district.{factories.XINSHI}")
    address = ask(handler, "csv", "")
    factories.deliver()
    assert handler.get(f"{address}/file").data.decode("utf-8-sig").count("\n") == 1 + 2


def test_running_twice_writes_once(reviewer: Officer) -> None:
    address = ask(reviewer)
    message = rows.scalar("SELECT id FROM outbox_messages WHERE topic = :t", t=list_exports.EXPORT_LIST)
    outbox.run_message(message)
    before = rows.row_counts()
    with transaction(OPEN_WALL) as session:
        from app.outbox.models import OutboxMessage

        session.get_one(OutboxMessage, message).done_at = None
    outbox.run_message(message)
    assert rows.row_counts() == before
    factories.deliver()
    told = rows.scalar("SELECT payload FROM outbox_messages WHERE topic = :t", t=RUN_ENDED)
    with transaction(OPEN_WALL):
        jobs_of_notices.announce_end_of_run(told)
    assert rows.scalar("SELECT count(*) FROM notices WHERE run_id = (SELECT id FROM list_exports)") == 1
    assert reviewer.get(f"{address}/file").status_code == 200


def test_a_killed_run_is_begun_again_by_another(reviewer: Officer) -> None:
    address = ask(reviewer)
    with transaction(OPEN_WALL):
        assert single_run.claim(ListExport, rows.scalar("SELECT id FROM list_exports"))
    factories.deliver()
    assert "导出中" in reviewer.text(address)
    with clock.stopped_at(clock.now() + single_run.GIVEN_UP_AFTER + timedelta(minutes=2)):
        factories.deliver()
        assert rows.scalar("SELECT state FROM list_exports") == "done"


def test_what_goes_wrong_is_told(reviewer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    address = ask(reviewer)
    factories.deliver()
    assert "一次最多导出 2 件" in reviewer.text(address)
    assert "未能导出" in reviewer.text("/notices")
    monkeypatch.setattr(exports, "MOST_ROWS", 50)

    def broken(*_: object, **__: object) -> None:
        raise StorageFault("full")

    monkeypatch.setattr("app.files.vault.Vault.put", broken)
    address = ask(reviewer)
    factories.deliver()
    assert "文件暂时无法保存" in reviewer.text(address)
    assert reviewer.get(f"{address}/file").status_code == 404


def test_the_file_is_removed_after_its_days(reviewer: Officer) -> None:
    address = ask(reviewer)
    factories.deliver()
    jobs.remove_exports()
    assert rows.scalar("SELECT count(*) FROM stored_files") == 1
    with clock.stopped_at(clock.now() + list_exports.KEPT + timedelta(minutes=1)):
        jobs.remove_exports()
        jobs.remove_exports()
    assert rows.scalar("SELECT count(*) FROM stored_files") == 0
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'tips.remove_export'") == 1
    assert "文件已保存满 7 日并清除" in reviewer.text(address)
    assert reviewer.get(f"{address}/file").status_code == 404
