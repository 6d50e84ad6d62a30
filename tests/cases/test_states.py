"""The tables of a case: complete, without contradictions, and the closing rule over every combination of stages."""

from __future__ import annotations

from itertools import product

import pytest

from app.cases.states import (
    MOVES,
    STAGES,
    STEPS,
    AdminStage,
    CaseAction,
    CaseStatus,
    JudicialStage,
    RestitutionStage,
    Track,
    find_move,
    missing_for_closing,
)
from app.foundation.permissions import ROLE_PERMISSIONS, Permission, Role


@pytest.mark.parametrize("track", list(Track))
class TestTrack:
    def test_every_stage_is_reached_from_none(self, track: Track) -> None:
        reached, grew = {"none"}, True
        while grew:
            more = {m.target for m in MOVES if m.track is track and m.sources & reached} - reached
            grew, reached = bool(more), reached | more
        assert reached == set(STAGES[track])

    def test_no_pair_has_two_rows_and_none_stays_where_it_is(self, track: Track) -> None:
        pairs = [(source, m.target) for m in MOVES if m.track is track for source in m.sources]
        assert len(pairs) == len(set(pairs))
        assert all(source != target for source, target in pairs)

    def test_rows_name_stages_of_their_own_track(self, track: Track) -> None:
        for row in (m for m in MOVES if m.track is track):
            assert row.sources | {row.target} <= set(STAGES[track])


@pytest.mark.parametrize(
    ("source", "target"),
    [("prosecuting", "investigating"), ("judged", "trial"), ("investigating", "none"), ("prosecuting", "none")],
)
def test_the_back_moves_of_the_courts_need_a_reason(source: str, target: str) -> None:
    """退回补充侦查, 发回重审, 撤案, 不起诉 (domain.md §9.3)."""
    move = find_move(Track.JUDICIAL, source, target)
    assert move is not None
    assert move.back


def test_only_what_cannot_be_returned_needs_the_leader() -> None:
    led = {(m.track, m.target) for m in MOVES if m.confirmed_under is Permission.CASE_LEAD}
    assert led == {(Track.RESTITUTION, RestitutionStage.IMPOSSIBLE)}


def test_every_action_has_one_row_and_somebody_who_may() -> None:
    assert sorted(row.action for row in STEPS) == sorted(CaseAction)
    for row in STEPS:
        assert any(row.permissions & granted for granted in ROLE_PERMISSIONS.values())
        assert not any(permission.reads_only for permission in row.permissions)


def test_no_role_both_enters_and_confirms() -> None:
    deciding = {Permission.CASE_REVIEW, Permission.CASE_LEAD}
    assert not any(Permission.CASE_HANDLE in granted and granted & deciding for granted in ROLE_PERMISSIONS.values())
    closing = next(row for row in STEPS if row.action is CaseAction.CLOSE)
    assert closing.target is CaseStatus.CLOSED
    assert [role for role in Role if closing.permissions & ROLE_PERMISSIONS[role]] == [Role.CITY_LEADER]


def test_the_closing_rule_over_every_combination() -> None:
    """Closed only if the courts, or the office where there is no crime, are done AND the money is settled."""
    for admin, judicial, restitution in product(AdminStage, JudicialStage, RestitutionStage):
        by_office = judicial == "none" and admin in {"excluded", "admin_handled"}
        settled = (by_office or judicial == "concluded") and restitution in {"completed", "impossible"}
        assert (missing_for_closing(admin, judicial, restitution) == []) is settled
