"""Laws about refusals: every one has a status, a stable code and a Chinese title, and none tells too much."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app.foundation import errors
from app.foundation.http_errors import STATUS_OF, problem_of, status_of


def _family(cls: type[errors.DomainError]) -> list[type[errors.DomainError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _family(child))]


@pytest.mark.usefixtures("session_app")
def test_every_refusal_has_a_row_in_the_table_of_statuses() -> None:
    assert {cls.__name__ for cls in _family(errors.DomainError)} == {cls.__name__ for cls in STATUS_OF}


def test_codes_are_stable_english_and_titles_chinese() -> None:
    for cls in _family(errors.DomainError):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", cls.code), cls
        assert re.search(r"[\u4e00-\u9fff]", cls.title), cls


def test_codes_are_told_apart() -> None:
    """Two refusals share a code only where the caller must not tell them apart."""
    codes: dict[str, list[str]] = {}
    for cls in _family(errors.DomainError):
        codes.setdefault(cls.code, []).append(cls.__name__)
    assert [names for names in codes.values() if len(names) > 1] == [["NotFound", "OutOfScope"]]


def test_statuses_are_those_of_refusals() -> None:
    assert all(400 <= status < 600 for status in STATUS_OF.values())
    assert STATUS_OF[errors.OutOfScope] == STATUS_OF[errors.NotFound] == 404


def test_a_new_kind_of_refusal_takes_the_status_of_its_nearest_ancestor() -> None:
    class FinerConflict(errors.Conflict):
        """A conflict of one's own."""

    try:
        assert status_of(FinerConflict()) == 409
    finally:
        del FinerConflict


@pytest.mark.parametrize("error", [errors.SignInFailed, errors.OutOfScope, errors.Forbidden, errors.AccountLocked])
def test_what_the_auditor_is_told_stays_with_the_auditor(session_app: Flask, error: type[errors.DomainError]) -> None:
    """The object of a refused attempt is for the audit row: in the answer it would tell which accounts exist."""
    with session_app.test_request_context("/"):
        problem = problem_of(error(extra={"audit_object": ("account", "some-id"), "retry_after": 3}))
    assert "audit_object" not in problem
    assert "some-id" not in str(problem)
    assert problem["retry_after"] == 3
