"""The queue at the console: chips, saved views, the palette, and several tips assigned at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.console import saved_views
from app.tips import jobs
from tests import factories, rows
from tests.console.office import Officer
from tests.threads import twice_at_once


@pytest.fixture
def accepted(client: FlaskClient) -> list[UUID]:
    """Two clear tips of 新市区 and a disputed one, accepted."""
    clear = factories.clear_subject()
    made = [
        factories.tip_id_of(factories.file_tip(client, **body)["receipt_number"])
        for body in ({"subject": clear}, {"subject": clear}, {})
    ]
    for tip_id in made:
        assert factories.office_act(client, "city.reviewer", tip_id, "accept").status_code == 200
    return made


def chosen(tips: list[UUID]) -> list[str]:
    return [f"{tip_id}:{rows.scalar('SELECT version FROM handlings WHERE tip_id = :id', id=tip_id)}" for tip_id in tips]


def chip_addresses(page: str) -> dict[str, str]:
    found = re.findall(r'class="chip" href="([^"]+)" aria-label="去掉筛选条件 ([^"]+)"', page)
    return {label: unescape(href) for href, label in found}


def test_chips_say_what_narrows_the_list_and_take_it_away_one_by_one(officer: Callable[[str], Officer]) -> None:
    page = officer("city.reviewer").text("/tips?status=accepted&priority=P1&division=650104&overdue=true&order=due")
    found = chip_addresses(page)
    assert set(found) == {"状态：已受理", "优先级：一级（特急）", "属地：新市区", "期限：已超期"}
    left = parse_qs(urlsplit(found["优先级：一级（特急）"]).query)
    assert left == {"status": ["accepted"], "division": ["650104"], "overdue": ["true"], "order": ["due"]}


def test_numbers_on_the_ready_made_filters_are_those_of_their_lists(
    officer: Callable[[str], Officer], accepted: list[UUID]
) -> None:
    reviewer = officer("city.reviewer")
    quick = reviewer.text("/tips").split('id="quick"')[1].split("</nav>")[0]
    told = dict(re.findall(r'href="([^"]+)"[^>]*>[^<]+<span class="num">([^<]+)</span>', quick))
    assert told["/tips?status=accepted"] == "3"
    for href, number in told.items():
        assert reviewer.text(unescape(href)).count('class="row-link"') == int(number), href


def test_a_settled_dispute_waits_for_nobody(
    officer: Callable[[str], Officer], client: FlaskClient, accepted: list[UUID]
) -> None:
    reviewer = officer("city.reviewer")
    address = "/tips?stage=city&amp;dispute=true"
    assert f'href="{address}"' in reviewer.text("/")
    assert reviewer.text(unescape(address)).count("row-link") == 1
    assert factories.office_act(client, "city.reviewer", accepted[2], "assign", division="650104").status_code == 200
    assert reviewer.text(unescape(address)).count("row-link") == 0


def test_a_view_is_kept_for_its_owner_alone(officer: Callable[[str], Officer]) -> None:
    reviewer, other = officer("city.reviewer"), officer("city.reviewer2")
    kept = reviewer.post("/tips/views", name="新市区 特急", query="priority=P1&division=650104&order=due&status=")
    assert kept.status_code == 303
    assert kept.headers["Location"] == "/tips?division=650104&priority=P1&order=due"
    page = reviewer.text("/tips?priority=P1&division=650104&order=due")
    assert re.search(
        r'class="quick-own" href="/tips\?division=650104&amp;order=due&amp;priority=P1" aria-current', page
    )
    assert "新市区 特急" in reviewer.text("/palette?q=特急")
    assert "新市区 特急" not in other.text("/tips")
    address = re.search(r'action="(/tips/views/[^"]+/remove)"', page)
    assert address
    assert other.post(address[1]).status_code == 404
    assert reviewer.post(address[1]).status_code == 303
    reviewer.text("/tips")  # with the toast, which names the view and takes it back
    assert "新市区 特急" not in reviewer.text("/tips")


def test_a_view_that_is_sent_twice_is_kept_once(committed_app: Flask) -> None:
    person = factories.actor("city.reviewer")
    kept = twice_at_once(committed_app, person.wall, lambda: saved_views.save(person, "特急", "priority=P1"))
    assert kept == ["done", "done"]
    assert rows.scalar("SELECT count(*) FROM saved_views") == 1


def test_a_view_takes_known_filters_only_and_there_is_an_end_of_them(officer: Callable[[str], Officer]) -> None:
    reviewer = officer("city.reviewer")
    for fields in ({"name": "坏", "query": "status=never"}, {"name": "坏", "query": "x=1"}, {"name": " ", "query": ""}):
        assert reviewer.post("/tips/views", **fields).status_code == 422
    for number in range(20):
        assert reviewer.post("/tips/views", name=f"视图{number}", query="").status_code == 303
    assert reviewer.post("/tips/views", name="视图3", query="overdue=true").status_code == 303
    refused = reviewer.post("/tips/views", name="再来一个", query="")
    assert refused.status_code == 409
    assert "最多保存 20 个视图" in refused.get_data(as_text=True)


def test_several_tips_are_assigned_after_a_preview_and_each_has_its_outcome(
    officer: Callable[[str], Officer], client: FlaskClient, accepted: list[UUID]
) -> None:
    reviewer = officer("city.reviewer")
    picked = chosen(accepted)
    preview = reviewer.post("/tips/bulk", seen="/tips", tip=picked).get_data(as_text=True)
    assert preview.count("（研判牵头属地）") == 2
    assert "有属地争议风险或者须人工确认" in preview
    assert "交办 2 件" in preview
    assert rows.scalar("SELECT count(*) FROM handlings WHERE status = 'assigned'") == 0

    factories.office_act(client, "city.reviewer2", accepted[1], "assign", division="650102")
    targets = {f"division-{tip_id}": "650104" for tip_id in accepted}
    done = reviewer.post("/tips/bulk/assign", seen="/tips", tip=picked, reason="请依法核查", **targets)
    told = done.get_data(as_text=True)
    assert done.status_code == 200
    assert "已交办 1 件，未办成 2 件" in told
    assert "有属地争议风险" in told
    reasons = rows.scalar("SELECT count(*) FROM handling_events WHERE action = 'assign' AND reason = '请依法核查'")
    assert reasons == 1
    again = reviewer.post("/tips/bulk/assign", seen="/tips", tip=picked, **targets).get_data(as_text=True)
    assert "已交办 0 件，未办成 3 件" in again
    assert rows.scalar("SELECT count(*) FROM handling_events WHERE action = 'assign'") == 2


def test_a_bulk_assignment_is_taken_back_but_for_what_somebody_has_acted_on(
    officer: Callable[[str], Officer], client: FlaskClient, accepted: list[UUID]
) -> None:
    reviewer, clear = officer("city.reviewer"), accepted[:2]
    targets = {f"division-{tip_id}": "650104" for tip_id in clear}
    page = reviewer.post("/tips/bulk/assign", seen="/tips", tip=chosen(clear), **targets).get_data(as_text=True)
    form = page.split('action="/tips/bulk/recall"')[1].split("</form>")[0]
    made = re.findall(r'name="tip" value="([^"]+)"', form)
    assert made == chosen(clear)
    assert factories.office_act(client, "district.650104", clear[1], "sign_for").status_code == 200

    told = reviewer.post("/tips/bulk/recall", seen="/tips", tip=made, reason="交办有误。").get_data(as_text=True)
    assert "已收回 1 件，未办成 1 件" in told
    assert re.search("交办之后，[^<]+已办理“签收”", told)
    assert 'action="/tips/bulk/recall"' not in told
    statuses = [rows.scalar("SELECT status FROM handlings WHERE tip_id = :id", id=tip_id) for tip_id in clear]
    assert statuses == ["accepted", "verifying"]
    again = reviewer.post("/tips/bulk/recall", seen="/tips", tip=made, reason="交办有误。").get_data(as_text=True)
    assert "已收回 0 件，未办成 2 件" in again
    unexplained = reviewer.post("/tips/bulk/recall", seen="/tips", tip=chosen(clear), reason="").get_data(as_text=True)
    assert "已收回 0 件" in unexplained
    assert officer("district.650104").post("/tips/bulk/recall", tip=made).status_code == 403


@pytest.mark.parametrize("picked", [[], ["nonsense"], [f"{uuid4()}:x"], [f"{uuid4()}:1"] * 101])
def test_a_selection_that_makes_no_sense_is_told_so(officer: Callable[[str], Officer], picked: list[str]) -> None:
    answer = officer("city.reviewer").post("/tips/bulk", seen="/tips", tip=picked)
    assert answer.status_code == 422
    assert re.search("请先勾选|页面内容不完整|一次最多交办", answer.get_data(as_text=True))


def test_who_does_not_assign_is_not_asked_to_choose(officer: Callable[[str], Officer], accepted: list[UUID]) -> None:
    handler = officer("district.650104")
    assert 'form="bulk"' not in handler.text("/tips")
    assert handler.post("/tips/bulk", tip=chosen(accepted)).status_code == 403
    assert handler.post("/tips/bulk/assign", tip=chosen(accepted)).status_code == 403


def test_the_palette_finds_pages_and_tips_within_sight(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    number = rows.scalar("SELECT receipt_number FROM tips WHERE id = :id", id=tip_in_district)
    own, other = officer("district.650104"), officer("district.650102")
    assert "/reassignments" in own.text("/palette?q=属地调")
    for words in (number, "瑞丰源"):
        assert f"/tips/{tip_in_district}" in own.text(f"/palette?q={words}")
        assert str(tip_in_district) not in other.text(f"/palette?q={words}")
    assert "没有符合" in own.text("/palette?q=没有这样的东西")
    assert "/tips" not in officer("sysadmin").text("/palette?q=")


def test_hidden_columns_are_remembered_by_the_browser(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    reviewer = officer("city.reviewer")
    assert 'data-hide="priority channel"' in reviewer.text("/tips")
    reviewer.client.set_cookie("shudi_columns", "marks.clock")
    assert 'data-hide="clock marks"' in reviewer.text("/tips")


@pytest.mark.parametrize(("kind", "begins"), [("xlsx", b"PK"), ("csv", "\ufeff市处置非法集资办公室".encode())])
def test_the_list_is_taken_away_as_it_stands_marked_and_audited(
    officer: Callable[[str], Officer], accepted: list[UUID], kind: str, begins: bytes
) -> None:
    reviewer = officer("city.reviewer")
    assert "export-dialog" in reviewer.text("/tips")
    sent = reviewer.post("/tips/export", seen="/tips", format=kind, query="status=accepted&dispute=true")
    assert sent.status_code == 200
    assert sent.data.startswith(begins)
    assert sent.headers["Content-Disposition"] == f"attachment; filename=tips.{kind}"
    assert rows.scalar("SELECT details->>'rows' FROM audit_events WHERE action = 'tips.export'") == "1"
    assert reviewer.post("/tips/export", seen="/tips", format="pdf").status_code == 422
    assert reviewer.post("/tips/export", seen="/tips", format=kind, query="status=never").status_code == 422


def test_who_only_looks_on_takes_no_list_away(officer: Callable[[str], Officer], tip_in_district: UUID) -> None:
    observer, stranger = officer("observer.650000"), officer("district.650102")
    assert "export-dialog" not in observer.text("/tips")
    assert observer.post("/tips/export", format="csv").status_code == 403
    taken = stranger.post("/tips/export", seen="/tips", format="csv").data.decode()
    assert "瑞丰源" not in taken


def test_the_lists_behind_figures_say_what_they_hold(officer: Callable[[str], Officer], accepted: list[UUID]) -> None:
    """Counted in the background: a tip that no run has seen yet is on none of these lists."""
    reviewer = officer("city.reviewer")
    told = {
        "matched=dispute": "属地有争议", "took=accept": "已受理", "took=conclude-30": "办结用时不少于 30 个工作日",
        "on_time=false": "逾期", "corrected=true": "属地已改派", "score=2": "2 分", "prefecture=650100": "乌鲁木齐市",
    }  # fmt: skip
    for asked, chip in told.items():
        assert chip in reviewer.text(f"/tips?{asked}"), asked
    assert reviewer.text("/tips?took=accept").count("row-link") == 0
    jobs.count_tips()
    assert reviewer.text("/tips?took=accept").count("row-link") == len(accepted)
    assert reviewer.text("/tips?took=accept-1").count("row-link") == 0
    assert reviewer.text("/tips?prefecture=650100").count("row-link") == len(accepted)
    assert reviewer.text("/tips?prefecture=652300").count("row-link") == 0
    for wrong in ("took=archive", "took=accept-", "score=6", "prefecture=650104", "matched=perhaps"):
        assert reviewer.get(f"/tips?{wrong}").status_code == 422, wrong
