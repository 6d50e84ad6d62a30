"""The term to decide is counted again when the calendar changes, and each changed one leaves a step (domain rule 9)."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM
from app.rewards import jobs, ledger, recount, rules
from app.workflow import calendar
from tests import factories, rows
from tests.moments import MONDAY_MORNING
from tests.rewards import office

HOLIDAYS = ("2026-03-10,off,试验假日,650000,", "2026-03-11,off,试验假日,650000,")


@pytest.fixture
def tip_id(client: FlaskClient) -> UUID:
    return office.concluded(client)[1]


def _import(*days: str) -> None:
    with transaction(OPEN_WALL):
        calendar.import_calendar(PROGRAM, io.StringIO("date,kind,holiday,region,note\n" + "\n".join(days)))


def _steps() -> list[str]:
    found = rows.scalar("SELECT array_agg(reason ORDER BY at) FROM reward_events WHERE action = 'recount'")
    return found or []


def test_rule_9_a_changed_calendar_moves_the_term_and_leaves_a_step(tip_id: UUID) -> None:
    assert office.reward_of(tip_id).decide_by == date(2026, 4, 14)
    _import(*HOLIDAYS)
    found = office.reward_of(tip_id)
    assert (found.decide_by, found.state, found.version) == (date(2026, 4, 16), "open", 2)
    assert _steps() == ["按现行工作日历重新计算，审查期限由2026年4月14日改为2026年4月16日"]
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'rewards.recount'") == 1
    with transaction(OPEN_WALL):
        assert recount.count_again(PROGRAM) == 0


def test_a_term_that_reached_beyond_the_calendar_is_set_by_the_next_import(client: FlaskClient) -> None:
    with clock.stopped_at(datetime(2026, 11, 25, 10, tzinfo=clock.BEIJING)):
        tip_id = office.concluded(client)[1]
        assert office.reward_of(tip_id).decide_by is None
    with clock.stopped_at(datetime(2026, 12, 20, 10, tzinfo=clock.BEIJING)):
        _import("2027-01-01,off,元旦,CN,")
        assert office.reward_of(tip_id).decide_by == date(2027, 1, 7)


def test_what_was_counted_by_a_calendar_just_replaced_is_mended_within_the_hour(tip_id: UUID) -> None:
    rows.scalar("UPDATE rewards SET decide_by = NULL RETURNING 1")
    jobs.lapse_rewards()
    jobs.lapse_rewards()
    assert office.reward_of(tip_id).decide_by == date(2026, 4, 14)
    assert len(_steps()) == 1


def test_what_is_decided_keeps_its_term(client: FlaskClient) -> None:
    reward = office.granted(client)
    _import(*HOLIDAYS)
    assert office.reward_of(reward.tip_id).decide_by == date(2026, 4, 14)
    assert _steps() == []


def test_the_days_are_those_of_the_rules_under_which_the_review_began(tip_id: UUID) -> None:
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=1)):
        with transaction(OPEN_WALL):
            shorter = dict(rules.DEFAULT) | {"decide_days": 10}
            ledger.set_rules(factories.actor("city.leader"), shorter, clock.today())
        _import(*HOLIDAYS)
    assert office.reward_of(tip_id).decide_by == date(2026, 4, 16)


def test_a_review_that_begins_again_has_its_whole_term_again(tip_id: UUID) -> None:
    reward = office.reward_of(tip_id)
    office.do("city.reviewer", reward.id, "propose_refusal", reason="不符合。")
    office.do("city.leader", reward.id, "approve")
    with clock.stopped_at(MONDAY_MORNING + timedelta(days=1)):
        office.do("city.leader", reward.id, "reopen", reason="有新事实。")
        assert office.reward_of(tip_id).decide_by == date(2026, 4, 15)
        _import(*HOLIDAYS)
        assert office.reward_of(tip_id).decide_by == date(2026, 4, 17)
