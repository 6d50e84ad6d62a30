"""Searching what was said: what is found, by whom, and that the index and the direct look agree."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.foundation import clock
from app.foundation.database import db, enter_wall
from app.tips import jobs, queries, search
from app.tips.models import TipGrams, TipSubject
from app.tips.queries import Order, QueueFilter, queue_lines, queue_page
from app.workflow.models import Handling
from app.workflow.states import UNDER_WAY, WITH_CITY, Status
from tests import factories
from tests.moments import MONDAY_MORNING

REVIEWER = "city.reviewer"
TEXTS = st.text(st.sampled_from("投资理财返利ＡbB1𠮷，"), max_size=12)


@given(TEXTS, TEXTS, st.integers(0, 11), st.integers(1, 4))
def test_every_text_holds_the_grams_of_its_own_words(text: str, other: str, start: int, length: int) -> None:
    word = text[start : start + length].strip()
    kept = search.grams_of([other, text])
    assert set(search.wanted_grams(word)) <= kept
    assert all(-(2**31) <= gram < 2**31 for gram in kept)


def test_of_a_long_name_what_nearly_every_name_says_is_not_looked_up() -> None:
    place = "新疆维吾尔自治区乌鲁木齐市"
    wanted = search.wanted_grams("乌鲁木齐市昌泰福商务信息咨询有限公司", place)
    told = search.grams("市昌泰福商")
    assert wanted
    assert set(wanted) <= told
    assert search.wanted_grams("投资管理有限公司", place), "a name of nothing else is looked up all the same"


def test_no_gram_reaches_from_one_text_into_the_next() -> None:
    assert not set(search.wanted_grams("财返")) <= search.grams_of(["理财", "返利"])


@pytest.fixture(params=["read directly", "through the index"])
def tips(request: pytest.FixtureRequest, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Receipt number of three tips by the name of the accused; found by a direct look or by their grams alone."""
    receipts = {}
    for name, said in (
        ("鑫融泰养老服务", "销售养老床位"),
        ("玉源商贸", "玉石寄售，承诺100%返利"),
        ("鑫源", "虚拟币Token"),
    ):
        body = factories.tip_body()
        subject = body["subject"] | {
            "name": name,
            "uscc": None,
            "operating_address": f"新市区北京南路{len(receipts)}号",
        }
        conduct = body["conduct"] | {"description": said}
        receipts[name] = factories.file_tip(client, subject=subject, conduct=conduct)["receipt_number"]
    if request.param == "through the index":
        jobs.index_for_search()
        monkeypatch.setattr(queries, "_READ_DIRECTLY", 0)
    return receipts


def found(words: str, order: Order = Order.OLDEST, username: str = REVIEWER, limit: int = 20) -> list[str | None]:
    rows, _ = queue_page(factories.actor(username), QueueFilter(q=words), None, limit, order)
    return [row.subject_name for row in rows]


@pytest.mark.parametrize("order", [Order.NEWEST, Order.OLDEST, Order.DUE])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("鑫", {"鑫融泰养老服务", "鑫源"}),
        ("玉石", {"玉源商贸"}),
        ("养老床位", {"鑫融泰养老服务"}),
        ("老养", set()),
        ("养老 床", {"鑫融泰养老服务"}),
        ("养老 玉石", set()),
        ("token", {"鑫源"}),
        ("100%返", {"玉源商贸"}),
        ("1_0", set()),
        ("北京南路", {"鑫融泰养老服务", "玉源商贸", "鑫源"}),
        ("鑫泰", set()),
    ],
)
def test_words_are_found_wherever_they_stand(
    tips: dict[str, str], words: str, expected: set[str], order: Order
) -> None:
    assert set(found(words, order)) == expected


def test_pages_of_a_search_show_each_hit_once(tips: dict[str, str]) -> None:
    person, seen, after = factories.actor(REVIEWER), [], None
    while True:
        rows, _ = queue_page(person, QueueFilter(q="北京南路"), after, 1, Order.NEWEST)
        seen += [row.subject_name for row in rows[:1]]
        if len(rows) == 1:
            break
        after = queries.queue_key(rows[0], Order.NEWEST)
    assert seen == list(tips)[::-1]


def test_a_receipt_number_is_found_whole_and_by_its_beginning(tips: dict[str, str]) -> None:
    for name, number in tips.items():
        assert found(number) == [name]
        assert found(f"{number[:4]} {number[4:8]}-{number[8:]}") == [name]
        assert name in found(number[:6])


@pytest.mark.parametrize("newest", [True, False])
def test_hits_of_several_months_come_in_order_and_in_pieces(client: FlaskClient, newest: bool) -> None:
    made = []
    for days in (0, 20, 45, 140, 141):
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=days)):
            made.append(factories.tip_id_of(factories.file_tip(client)["receipt_number"]))
    jobs.index_for_search()
    expected = made[::-1] if newest else made
    for most in (1, 2, 3, 9):
        after, seen = None, []
        while keys := search.candidates("瑞丰源", after, most, newest=newest):
            seen += [key.tip_id for key in keys]
            after = keys[-1].registered_at, keys[-1].tip_id
        assert seen == expected


@pytest.mark.parametrize("known", [0, 1, 1_000], ids=["walked", "walked where two hold it", "looked up and sorted"])
@pytest.mark.parametrize("directly", [0, 2])
def test_a_search_by_deadline_leaves_nothing_out(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, known: int, directly: int
) -> None:
    monkeypatch.setattr(queries, "_SORTED", known)
    monkeypatch.setattr(queries, "_WALKED", 2)
    monkeypatch.setattr(queries, "_READ_DIRECTLY", directly)
    subject = factories.tip_body()["subject"]
    for days in (5, None, 1, 5, None, 3, 3, None):
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=days or 0)):
            said = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
            factories.file_tip(client, subject=subject | {"name": "玉源商贸"})
        db.session.get_one(Handling, said).due_on = MONDAY_MORNING.date() + timedelta(days=days) if days else None
    db.session.flush()
    jobs.index_for_search()
    hits = db.session.scalars(
        select(Handling)
        .join(TipSubject, TipSubject.tip_id == Handling.tip_id)
        .where(TipSubject.name.contains("瑞丰源"))
    )
    expected = [one.tip_id for one in sorted(hits, key=lambda one: (one.due_on or date.max, one.tip_id))]
    person, after, seen = factories.actor(REVIEWER), None, []
    while True:
        rows, _ = queue_page(person, QueueFilter(q="瑞丰源"), after, 2, Order.DUE)
        seen += [row.tip_id for row in rows[:2]]
        if len(rows) <= 2:
            break
        after = queries.queue_key(rows[1], Order.DUE)
    assert seen == expected
    assert len(seen) == 8
    assert [one.tip_id for one in queue_lines(person, QueueFilter(q="瑞丰源"), Order.DUE, 100)] == expected


def test_a_search_may_say_how_far_back_it_reaches(client: FlaskClient) -> None:
    made = []
    for days in (0, 20, 45, 140):
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=days)):
            made.append(factories.tip_id_of(factories.file_tip(client)["receipt_number"]))
    jobs.index_for_search()
    since = MONDAY_MORNING + timedelta(days=20)
    for newest, expected in ((True, made[:0:-1]), (False, made[1:])):
        assert [key.tip_id for key in search.candidates("瑞丰源", None, 9, newest=newest, since=since)] == expected


def test_nothing_of_a_reporter_is_searched(client: FlaskClient) -> None:
    factories.file_tip(client, reporter=factories.REPORTER)
    jobs.index_for_search()
    assert found(factories.REPORTER["name"]) == []
    assert found(factories.REPORTER["phone"]) == []


def test_the_index_shows_a_district_its_own_tips_alone(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.verifying_tip(client)
    jobs.index_for_search()
    monkeypatch.setattr(queries, "_READ_DIRECTLY", 0)
    own, other = factories.actor("district.650104"), factories.actor("district.650102")
    for person, hits in ((own, 1), (other, 0)):
        enter_wall(person.wall)
        assert len(search.candidates("瑞丰源", None, 10)) == hits
        assert len(queue_page(person, QueueFilter(q="瑞丰源"), None, 20)[0]) == hits
    enter_wall("")
    assert search.candidates("瑞丰源", None, 10) == []


def test_indexing_twice_keeps_each_tip_once_and_catches_up(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_A_BATCH", 2)
    for _ in range(2):
        for _ in range(3):
            factories.file_tip(client)
        jobs.index_for_search()
        jobs.index_for_search()
    assert db.session.scalar(select(func.count()).select_from(TipGrams)) == 6


@pytest.mark.parametrize(
    ("name", "statuses"), [("ix_handlings_open", UNDER_WAY), ("ix_handlings_to_decide", WITH_CITY)]
)
def test_an_index_of_some_statuses_covers_all_of_them(name: str, statuses: frozenset[Status]) -> None:
    """The planner uses it only while its condition says the same as the table of states."""
    index = next(one for one in Handling.__table__.indexes if one.name == name)  # type: ignore[attr-defined]
    told = str(index.dialect_options["postgresql"]["where"])
    assert {word.strip("' ") for word in told[told.rindex("(") + 1 : -1].split(",")} == {s.value for s in statuses}
