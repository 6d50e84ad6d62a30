"""Documents of a case: numbered without gaps, in versions, as Word and PDF, and nothing of reporters in any of them."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.cases import documents
from app.files import word
from app.foundation import clock
from app.foundation.database import db, transaction
from tests import factories, rows
from tests.cases import ledgers, office
from tests.moments import MONDAY_MORNING
from tests.threads import at_once
from tests.workflow import office as handling

LETTER = {"kind": "supervision_letter", "recipient": "新市区处置非法集资工作领导小组", "text": "该案逾期未填报进展。"}


def make(client: FlaskClient, case_id: str, username: str = office.REVIEWER, **body: Any) -> Any:
    return ledgers.post(client, case_id, "documents", body or LETTER, username)


def download(
    client: FlaskClient, case_id: str, document: dict[str, Any], file_format: str, username: str = office.REVIEWER
) -> Any:
    path = f"{office.CASES}/{case_id}/documents/{document['id']}/file"
    return client.get(path, query_string={"format": file_format}, headers=factories.office_headers(username))


def pdf_text(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(io.BytesIO(content))
    return "".join(page.get_textpage().get_text_range() for page in pages)


class TestMaking:
    def test_a_letter_as_word_and_as_pdf_says_the_same(self, client: FlaskClient) -> None:
        with clock.stopped_at(MONDAY_MORNING):
            case_id = office.case(client)
            made = make(client, case_id)
            assert made.status_code == 201, made.get_json()
            text = word.text_of(download(client, case_id, made.get_json(), "docx").data)
            pdf = pdf_text(download(client, case_id, made.get_json(), "pdf").data)
        for part in (
            "〔2026〕1号",
            "瑞丰源案",
            "乌非集〔2021〕7号",
            "司法处置：未启动",
            "该案逾期未填报进展。",
            "2026年3月2日",
        ):
            assert part in text, part
            assert part in pdf.replace("\r\n", ""), part
        assert "{{" not in text
        told = rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'cases.download_document'")
        assert told == 2

    def test_the_case_card_holds_facts_plan_and_ledger(self, client: FlaskClient) -> None:
        case_id = ledgers.paying_case(client)
        body = {"expected_version": office.shown(client, case_id)["version"], "facts": {"occurred_on": "2019-05-06"}}
        client.patch(f"{office.CASES}/{case_id}", json=body, headers=factories.office_headers(office.HANDLER))
        office.write_plan(client, case_id)
        office.decide_plan(client, case_id, 1)
        made = make(client, case_id, office.HANDLER, kind="case_card").get_json()
        text = word.text_of(download(client, case_id, made, "docx").data)
        for part in (
            office.COMPANY,
            "30,000,000.00",
            "债权类",
            "年内返还已控制资产",
            "张测试（新市区处非办）",
            "2019年5月6日",
            "2025年9月30日",
            "核定 300.01 元",
            "0.00%",
        ):
            assert part in text, part
        assert download(client, case_id, made, "pdf").data.startswith(b"%PDF")

    def test_the_monthly_sheet_holds_the_entry_of_its_month(self, client: FlaskClient) -> None:
        with clock.stopped_at(MONDAY_MORNING):
            case_id = office.case(client)
            body = {"kind": "monthly_sheet", "month": "2026-03-01"}
            early = make(client, case_id, office.HANDLER, **body)
            assert list(early.get_json()["errors"]) == ["month"]
            office.report(client, case_id, month="2026-03-01")
            made = make(client, case_id, office.HANDLER, **body).get_json()
            text = word.text_of(download(client, case_id, made, "docx").data)
        assert all(part in text for part in ("2026年3月", "一审已开庭。", "500,000.00", "新查封房产两处。"))
        assert made["number"] == 1, "what was refused took no number"

    @pytest.mark.parametrize("kind", ["supervision_letter", "cooperation_letter"])
    def test_a_letter_needs_somebody_to_read_it_and_something_to_say(self, client: FlaskClient, kind: str) -> None:
        answer = make(client, office.case(client), kind=kind)
        assert sorted(answer.get_json()["errors"]) == ["recipient", "text"]

    def test_template_language_in_a_text_is_text(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        made = make(client, case_id, **LETTER | {"text": "{{ 7 * 7 }} <w:p/> & {% raw %}"}).get_json()
        assert "{{ 7 * 7 }} <w:p/> & {% raw %}" in word.text_of(download(client, case_id, made, "docx").data)


class TestNumbersAndVersions:
    def test_units_and_years_count_on_their_own(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        with clock.stopped_at(MONDAY_MORNING):
            first = [make(client, case_id).get_json() for _ in range(2)]
            own = make(client, case_id, office.HANDLER).get_json()
        with clock.stopped_at(MONDAY_MORNING.replace(year=2027)):
            next_year = make(client, case_id).get_json()
        numbers = [(one["year"], one["number"]) for one in (*first, own, next_year)]
        assert numbers == [(2026, 1), (2026, 2), (2026, 1), (2027, 1)]

    def test_a_further_version_keeps_the_number_and_the_earlier_one(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        first = make(client, case_id).get_json()
        body = {"recipient": LETTER["recipient"], "text": "更正后的正文。", "reason": "正文有误。"}
        path = f"documents/{first['id']}/versions"
        second = ledgers.post(client, case_id, path, body, office.REVIEWER).get_json()
        assert (second["number"], second["version"], second["reason"]) == (first["number"], 2, "正文有误。")
        assert "更正后的正文。" in word.text_of(download(client, case_id, second, "docx").data)
        assert LETTER["text"] in word.text_of(download(client, case_id, first, "docx").data)
        assert ledgers.post(client, case_id, path, body, office.HANDLER).status_code == 403

    def test_many_at_once_leave_no_gap(self, committed_app: Flask) -> None:
        client = committed_app.test_client()
        cases = [office.case(client, case_no=f"甲{n}") for n in range(4)]
        person = factories.actor(office.REVIEWER)

        def write(case_id: str) -> None:
            from uuid import UUID

            for attempt in range(3):
                try:
                    with transaction(person.wall):
                        documents.make_document(person, UUID(case_id), dict(LETTER, month=None))
                        if attempt == 1:
                            raise RuntimeError("taken back")
                except RuntimeError:
                    pass
            db.session.remove()

        at_once(committed_app, [lambda c=case_id: write(c) for case_id in cases])
        found = rows.scalar("SELECT array_agg(number ORDER BY number) FROM case_documents")
        assert found == list(range(1, 9))


class TestSecrecy:
    def _case_with_tip(self, client: FlaskClient) -> str:
        case_id = office.case(client, username=office.REVIEWER)
        tip_id = handling.verifying(client, reporter=factories.REPORTER)
        body = {"tip_id": str(tip_id), "expected_version": office.shown(client, case_id)["version"]}
        assert ledgers.post(client, case_id, "tips", body, office.REVIEWER).status_code == 200
        return case_id

    @pytest.mark.parametrize("secret", ["name", "phone", "id_number"])
    def test_no_letter_tells_who_reported_a_linked_tip(self, client: FlaskClient, secret: str) -> None:
        case_id = self._case_with_tip(client)
        said = f"据{factories.REPORTER[secret]}反映，该公司仍在吸收资金。"
        refused = make(client, case_id, **LETTER | {"text": said})
        assert (refused.status_code, refused.get_json()["code"]) == (422, "reporter_exposed")
        assert factories.REPORTER[secret] not in str(refused.get_json())
        assert make(client, case_id).get_json()["number"] == 1

    def test_nor_what_a_reporter_of_another_district_wrote(self, client: FlaskClient) -> None:
        """The letter's writer cannot even see that tip."""
        case_id = office.case(client)
        receipt = factories.file_tip(client, reporter=factories.REPORTER)
        tip_id = factories.tip_id_of(receipt["receipt_number"])
        body = {"tip_id": str(tip_id), "expected_version": office.shown(client, case_id)["version"]}
        assert ledgers.post(client, case_id, "tips", body, office.REVIEWER).status_code == 200
        assert office.shown(client, case_id, office.HANDLER)["tips"] == []
        said = f"群众{factories.REPORTER['name']}反映情况属实。"
        refused = make(client, case_id, office.HANDLER, **LETTER | {"text": said})
        assert refused.get_json()["code"] == "reporter_exposed"

    def test_nobody_guesses_at_a_reporter_all_day(self, client: FlaskClient) -> None:
        case_id, other = self._case_with_tip(client), office.case(client, case_no="乌非集〔2021〕8号")
        for _ in range(3):
            refused = make(client, case_id, office.HANDLER, **LETTER | {"text": factories.REPORTER["name"]})
            assert refused.get_json()["code"] == "reporter_exposed"
            assert "身份" not in refused.get_json()["detail"], "of a case not even the kind is told"
        for _ in range(2):
            stopped = make(client, case_id, office.HANDLER)
            assert (stopped.status_code, stopped.get_json()["code"]) == (422, "guessing_at_reporter")
        refusals = (
            "SELECT count(*) FROM audit_events WHERE NOT succeeded AND object_id = :id AND details->>'code' = :code"
        )
        assert rows.scalar(refusals, id=case_id, code="reporter_exposed") == 3
        assert rows.scalar(refusals, id=case_id, code="guessing_at_reporter") == 2
        factories.deliver()
        told = "SELECT count(*) FROM notices WHERE case_id = :id AND title LIKE '有人多次试写可能暴露举报人的文书%'"
        assert rows.scalar(told, id=case_id) == rows.scalar(
            "SELECT count(*) FROM accounts WHERE role IN ('city_leader', 'city_reviewer') AND active"
        )
        assert make(client, other, office.HANDLER).status_code == 201
        assert make(client, case_id, office.REVIEWER).status_code == 201
        with clock.stopped_at(clock.now() + timedelta(days=1)):
            assert make(client, case_id, office.HANDLER).status_code == 201


class TestWhoMay:
    def test_the_district_and_the_city_alone(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        made = make(client, case_id).get_json()
        for username, writes, reads in (
            (office.OTHER, 404, 404),
            (office.OBSERVER, 403, 404),
            (office.HANDLER, 201, 200),
        ):
            assert make(client, case_id, username).status_code == writes
            assert download(client, case_id, made, "docx", username).status_code == reads
        listed = client.get(f"{office.CASES}/{case_id}/documents", headers=factories.office_headers(office.OBSERVER))
        assert listed.get_json()["items"] == []
