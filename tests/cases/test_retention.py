"""The files of imports go after their time; what came of them stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.cases.jobs import sweep_cases
from app.files import service
from app.files.jobs import remove_orphans
from app.foundation import clock
from app.workflow import limits
from tests import factories, rows
from tests.cases import office, sheets


def later(days: int) -> None:
    with clock.stopped_at(clock.now() + timedelta(days=days)):
        sweep_cases()


def test_files_go_after_their_time_with_their_bytes_and_the_figures_stay(client: FlaskClient) -> None:
    told = sheets.take_in(client, sheets.table(sheets.row(1), sheets.row(2, 发案时间="昨天")), by_row=True)
    waiting = sheets.hand_in(client, sheets.table(sheets.row(3))).get_json()
    kept = set(rows.scalar("SELECT array_agg(storage_key) FROM stored_files"))
    later(89)
    assert rows.scalar("SELECT count(*) FROM stored_files") == 3
    later(91)
    assert rows.scalar("SELECT count(*) FROM stored_files") == 0
    later(92)
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'cases.remove_import_file'") == 2
    headers = factories.office_headers("city.reviewer")
    factories.file_tip(client, evidence=[factories.upload(client).get_json()["id"]])  # an office has other files too
    shown = client.get(f"{sheets.IMPORTS}/{told['id']}", headers=headers).get_json()
    assert (shown["created"], shown["refused"], shown["has_result"]) == (1, 1, False)
    assert [one["cell"] for one in shown["faults"]] == ["I3"]
    assert client.get(f"{sheets.IMPORTS}/{told['id']}/result", headers=headers).status_code == 404
    refused = client.post(f"{sheets.IMPORTS}/{waiting['id']}/start", json={}, headers=headers)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "import_file_removed")
    with clock.stopped_at(clock.now() + timedelta(days=93)):
        assert kept <= set(service.vault().written_before(clock.now()))
        remove_orphans()
        assert not kept & set(service.vault().written_before(clock.now()))


def test_the_office_sets_the_time_itself(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets.take_in(client, sheets.table(sheets.row(1)))
    before = limits.value
    monkeypatch.setattr(limits, "value", lambda name: 10 if name == limits.CASE_IMPORT_RETENTION else before(name))
    later(9)
    assert rows.scalar("SELECT count(*) FROM stored_files") == 1
    later(11)
    assert rows.scalar("SELECT count(*) FROM stored_files") == 0


def test_a_sheet_that_waits_for_its_job_keeps_its_file(client: FlaskClient) -> None:
    told = sheets.hand_in(client, sheets.table(sheets.row(1)), office.REVIEWER).get_json()
    headers = factories.office_headers(office.REVIEWER)
    assert client.post(f"{sheets.IMPORTS}/{told['id']}/start", json={}, headers=headers).status_code == 202
    later(91)
    assert rows.scalar("SELECT count(*) FROM stored_files") == 1
