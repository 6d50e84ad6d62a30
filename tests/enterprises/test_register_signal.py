"""The register as a signal of jurisdiction: in filing, in the preview, when a tip is looked at anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.enterprises.queries import register_entry
from app.enterprises.states import RegistrationStatus
from app.foundation.database import db
from tests import factories
from tests.console.office import Officer
from tests.enterprises.lists import NOVEMBER, code, known, line
from tests.geo.knowing import nothing_known

NAME = "乌鲁木齐云杉源商务有限公司"


@pytest.fixture(autouse=True)
def _register(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        known(line(NAME, uscc=code(1), registered_address="新市区云杉街3号", former_names=("白桦林商务有限公司",)))
        yield


def known_by(name: str | None = None, uscc: str | None = None, kind: str = "organization") -> str | None:
    entry = register_entry(kind, name, uscc)
    return entry.known_by if entry else None


class TestFindingTheEnterprise:
    @pytest.mark.parametrize(
        ("name", "uscc", "by"),
        [
            (None, code(1), "code"),
            ("完全不同的公司", " ".join(code(1)).lower(), "code"),
            ("乌鲁木齐云杉源商务有限责任公司", None, "name"),
            ("乌鲁木齐云杉源商务有限公司", "写错的代码", "name"),
            ("白桦林商务有限公司", None, "former_name"),
            (NAME, code(2), None),
            ("没有这家公司", code(2), None),
            ("（）", None, None),
            (None, None, None),
        ],
    )
    def test_by_code_else_by_a_name_that_one_alone_bears(self, name: str, uscc: str, by: str | None) -> None:
        assert known_by(name, uscc) == by

    def test_namesakes_are_not_guessed(self) -> None:
        known(line(NAME, uscc=code(2)))
        assert known_by(NAME) is None
        assert known_by(NAME, code(2)) == "code"

    def test_a_present_name_goes_before_a_former_one(self) -> None:
        known(line("白桦林商务有限公司", uscc=code(3)))
        entry = register_entry("organization", "白桦林商务有限公司", None)
        assert entry is not None
        assert (entry.uscc, entry.known_by) == (code(3), "name")

    def test_a_person_is_not_looked_up(self) -> None:
        assert known_by(NAME, None, "individual") is None
        assert known_by(NAME, None, "unknown") == "name"

    def test_a_code_under_another_name_is_noticed(self) -> None:
        entry = register_entry("organization", "另一家公司", code(1))
        assert entry is not None
        assert entry.name_differs
        former = register_entry("organization", "白桦林商务有限公司", code(1))
        assert former is not None
        assert not former.name_differs

    def test_a_new_list_is_noticed(self) -> None:
        assert known_by("红柳商务有限公司") is None
        known(line("红柳商务有限公司", uscc=code(9)))
        assert known_by("红柳商务有限公司") == "name"


def _statements(of: Any) -> list[str]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "enterprise" in statement:
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        of()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return seen


def test_one_statement_the_first_time_and_none_after(app: Flask) -> None:
    assert len(_statements(lambda: register_entry("organization", NAME, code(1)))) == 1
    assert _statements(lambda: register_entry("organization", NAME, code(1))) == []
    assert _statements(lambda: register_entry("organization", None, None)) == []
    assert _statements(lambda: register_entry("individual", NAME, None)) == []


def subject(**changes: Any) -> dict[str, Any]:
    empty = {"name": NAME, "uscc": None, "registered_address": None, "operating_address": None}
    return factories.tip_body()["subject"] | empty | changes


def test_filing_takes_the_register_into_account(client: FlaskClient) -> None:
    hint = factories.file_tip(client, subject=subject())["jurisdiction_hint"]
    assert (hint["lead"], hint["rule"], hint["needs_review"]) == ("650104", "unit_registered_place", False)
    assert hint["register"]["name"] == NAME


def test_the_preview_too(client: FlaskClient) -> None:
    asked = {"subject_kind": "organization", "name": NAME, "registered_address": "天山区青松巷1号"}
    answer = client.post("/api/v1/jurisdiction/preview", json=asked)
    assert answer.status_code == 200, answer.get_json()
    told = answer.get_json()
    assert (told["lead"], told["dispute_reasons"]) == ("650104", ["register_and_address_differ"])


def test_a_deregistered_company_is_left_to_a_person(client: FlaskClient) -> None:
    known(line(NAME, uscc=code(1), status=RegistrationStatus.DEREGISTERED), as_of=NOVEMBER)
    receipt = factories.file_tip(client, subject=subject(registered_address="新市区云杉街3号"))
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    shown = client.get(f"/api/v1/office/tips/{tip_id}", headers=factories.office_headers("city.reviewer")).get_json()
    assert shown["jurisdiction"]["dispute_reasons"] == ["company_deregistered"]
    assert shown["jurisdiction"]["needs_review"]
    assert shown["division"] is None or shown["status"] == "registered"


def test_the_officer_sees_the_registers_address_with_its_evidence(app: Flask, client: FlaskClient) -> None:
    receipt = factories.file_tip(client, subject=subject(registered_address="天山区青松巷1号"))
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    page = Officer(app, "city.reviewer").text(f"/tips/{tip_id}")
    assert "市场主体登记住所" in page
    assert "所填登记地址与市场主体登记信息不在同一区县" in page
