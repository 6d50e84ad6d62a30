"""The filled demo: what it holds agrees with the rules of the program, and a failed run leaves nothing."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit import chain
from app.demo import filling
from app.demo.filling import fill
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.permissions import Actor
from app.tips import queries, receipts, search
from app.tips.models import Tip
from app.tips.service import crypto
from app.workflow import clocks
from app.workflow.calendar import region_calendar
from app.workflow.models import Handling, HandlingEvent
from app.workflow.states import HANDLING, OPEN_STATUSES, Status
from tests import factories, rows
from tests.console.office import Officer

TIPS = 600


@pytest.fixture
def filled(committed_app: Flask) -> Actor:
    with transaction(OPEN_WALL):
        assert sum(fill(TIPS, seed=3)) == TIPS
    return factories.actor("city.reviewer")


def test_an_office_can_be_filled_again_with_the_same_seed(filled: Actor) -> None:
    assert sum(fill(TIPS, seed=3)) == TIPS
    assert len(set(db.session.scalars(select(Tip.receipt_number)))) == 2 * TIPS


def test_a_filled_office_agrees_with_its_own_rules(filled: Actor) -> None:
    handlings = {one.tip_id: one for one in db.session.scalars(select(Handling))}
    tips = db.session.scalars(select(Tip)).all()
    assert len(tips) == len(handlings) == TIPS
    assert all(receipts.well_formed(tip.receipt_number, receipts.RECEIPT_DIGITS) for tip in tips)
    assert len(Counter(one.status for one in handlings.values())) > 6
    _histories_follow_the_table(handlings)
    for one in handlings.values():
        running = one.status in OPEN_STATUSES and not one.paused_on and not one.clock_natural
        if running and one.clock_from and one.due_on:
            assert one.due_on == clocks.due_on(region_calendar(), one)
        if one.merged_into is None:  # it lies where its main tip lies, and was delivered to nobody
            assert (one.unit_id is None) == (one.delivered_on is None)
        assert (one.status == Status.MERGED) == (one.merged_into is not None)


def _histories_follow_the_table(handlings: dict[Any, Handling]) -> None:
    moves = {(row.action, source, target) for row in HANDLING for source in row.sources for target in row.targets}
    moves |= {(row.action, source, source) for row in HANDLING for source in row.sources if not row.targets}
    last: dict[Any, HandlingEvent] = {}
    for event in db.session.scalars(select(HandlingEvent).order_by(HandlingEvent.tip_id, HandlingEvent.version)):
        before = last.get(event.tip_id)
        if before is None:
            assert (event.action, event.version) == ("register", 1)
        else:
            assert (event.action, before.to_status, event.to_status) in moves
            assert (event.from_status, event.version) == (before.to_status, before.version + 1)
            assert event.at >= before.at
        last[event.tip_id] = event
    for tip_id, handling in handlings.items():
        assert (last[tip_id].to_status, last[tip_id].version) == (handling.status, handling.version)
        assert last[tip_id].to_unit_id == handling.unit_id


def test_a_filled_office_can_be_read_searched_and_proved(filled: Actor, committed_app: Flask) -> None:
    client, headers = committed_app.test_client(), factories.office_headers("city.reviewer")
    for line in queries.queue_page(filled, queries.QueueFilter(), None, 5)[0]:
        answer = client.get(f"/api/v1/office/tips/{line.tip_id}", headers=headers)
        assert answer.status_code == 200
    officer = Officer(committed_app, "city.reviewer")
    for page in ("/", "/tips", "/reassignments", "/statistics", "/clusters", "/supervisions", "/disputes"):
        named = re.findall(r' id="([^"]*)"', officer.text(page))
        assert len(named) == len(set(named)) > 1, page  # a label leads to one field
    name = rows.scalar("SELECT name FROM tip_subjects WHERE kind = 'organization' LIMIT 1")
    assert len(search.candidates(name, None, TIPS)) >= 1
    with transaction(OPEN_WALL):
        assert chain.seal_pending(crypto()) > 0
        assert list(chain.verify(crypto()))[-1].intact
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'demo.fill'") == 1


def test_a_fill_that_fails_leaves_nothing(committed_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third batch of four cannot be written: the two before it are gone as well, and so is the audit row."""
    written, copy = [], filling._copy

    def failing(*arguments: Any) -> None:
        written.append(copy(*arguments))
        if len(written) == 3:
            raise ConnectionError

    monkeypatch.setattr(filling, "_A_BATCH", 5)
    monkeypatch.setattr(filling, "_copy", failing)
    before = rows.row_counts()
    with pytest.raises(ConnectionError), transaction(OPEN_WALL):
        list(fill(20, seed=5))
    assert rows.row_counts() == before
    assert rows.scalar("SELECT count(*) FROM pg_indexes WHERE indexname = :name", name=filling._BUILT_LAST) == 1


def test_a_real_office_refuses_to_be_filled(committed_app: Flask) -> None:
    answer = committed_app.test_cli_runner().invoke(args=["demo", "fill", "--tips", "10"])
    assert answer.exit_code == 1
    assert "演示环境" in answer.output
    assert rows.scalar("SELECT count(*) FROM tips") == 0
