"""Payments: each share is paid once, what failed or came back is paid anew, and the bank's list alone is in clear."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any, ClassVar

import pytest
import python_calamine
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.cases.payment_states import RESULTS, PaymentState
from app.foundation.database import db
from tests import factories, rows
from tests.cases import ledgers, office, sheets
from tests.cases.ledgers import CLAIMS, PERSON, batch, ledger, settle


@pytest.fixture
def case_id(client: FlaskClient) -> str:
    return ledgers.paying_case(client, [CLAIMS[0] | {"participant": PERSON}, *CLAIMS[1:]])


def export(
    client: FlaskClient, case_id: str, file_format: str, username: str = office.HANDLER, number: int = 1, **changes: Any
) -> Any:
    body = {"format": file_format, "reason": "送银行代发。"} | changes
    return ledgers.post(client, case_id, f"batches/{number}/export", body, username)


def listed(client: FlaskClient, case_id: str, number: int = 1) -> list[list[str]]:
    """The lines of a batch's list."""
    content = export(client, case_id, "csv", number=number).get_data().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content)))[1:]


class TestPaying:
    def test_what_was_paid_is_what_was_returned(self, client: FlaskClient, case_id: str) -> None:
        told = batch(client, case_id).get_json()["batches"]
        assert (told[0]["count"], told[0]["total_yuan"], told[0]["states"]) == (3, "100.00", {"sent": 3})
        told = settle(client, case_id, 债1="paid", 债2="failed").get_json()
        assert (told["paid_yuan"], told["paid_ratio"]) == ("33.33", "0.1110")
        assert told["batches"][0]["states"] == {"paid": 1, "failed": 1, "sent": 1}
        case = office.shown(client, case_id)
        assert case["returned_yuan"] == "33.33"
        typed = {"expected_version": case["version"], "facts": {"returned_yuan": "99.00"}}
        headers = factories.office_headers(office.HANDLER)
        refused = client.patch(f"{office.CASES}/{case_id}", json=typed, headers=headers)
        assert list(refused.get_json()["errors"]) == ["returned_yuan"]
        content = sheets.workbook([["案件编号", "案件名称", "已清退（元）"], [case["case_no"], case["name"], 99]])
        told = sheets.take_in(client, content)
        assert (told["unchanged"], told["faults"][0]["note"]) == (1, True)

    def test_what_failed_or_came_back_is_paid_anew_and_nothing_twice(self, client: FlaskClient, case_id: str) -> None:
        batch(client, case_id)
        nothing = batch(client, case_id)
        assert (nothing.status_code, nothing.get_json()["code"]) == (409, "nothing_to_pay")
        settle(client, case_id, 债1="paid", 债2="failed", 债3="paid")
        settle(client, case_id, 债3="returned")
        assert ledger(client, case_id).get_json()["paid_yuan"] == "33.33"
        again = batch(client, case_id).get_json()["batches"][1]
        assert (again["count"], again["total_yuan"]) == (2, "66.67")
        settle(client, case_id, 2, 债2="paid", 债3="paid")
        assert ledger(client, case_id).get_json()["paid_yuan"] == "100.00"
        assert rows.scalar("SELECT max(attempt) FROM case_payments") == 2

    def test_a_result_that_cannot_follow_is_refused_with_all_the_others(
        self, client: FlaskClient, case_id: str
    ) -> None:
        batch(client, case_id)
        settle(client, case_id, 债2="failed")
        refused = settle(client, case_id, 债1="paid", 债2="paid", 债9="paid")
        assert refused.get_json()["errors"]["results"] == ["债9：不在该批次中", "债2：已登记过结果，不能再改为此结果"]
        assert ledger(client, case_id).get_json()["paid_yuan"] == "0.00"

    def test_a_claim_that_waits_to_be_verified_anew_is_not_paid(self, client: FlaskClient, case_id: str) -> None:
        change = {"participant": {"account": "6222000099998888"}, "reason": "换账号。"}
        ledgers.patch(client, case_id, "claims/债1", change)
        assert batch(client, case_id).get_json()["batches"][0]["count"] == 2
        ledgers.verify_all(client, case_id)
        assert batch(client, case_id).get_json()["batches"][1]["count"] == 1

    def test_the_banks_answers_come_as_a_sheet(self, client: FlaskClient, case_id: str) -> None:
        batch(client, case_id)
        content = sheets.workbook(
            [["债权编号", "处理结果", "交易日期", "流水号", "原因"],
             ["债1", "成功", "2025.5.8", 20250508001, None], ["债2", "退汇", 45785, None, "账号有误"], ["债9", "成功", "2025-05-08", None, None]]
        )  # fmt: skip
        to = f"{office.CASES}/{case_id}/batches/1/results/imports"
        told = sheets.take_in(client, content, office.HANDLER, to=to, by_row=True)
        assert (told["updated"], [fault["cell"] for fault in told["faults"]]) == (2, ["A4"]), told
        figures = ledger(client, case_id).get_json()
        assert (figures["paid_yuan"], figures["batches"][0]["states"]) == (
            "33.33",
            {"paid": 1, "returned": 1, "sent": 1},
        )

    @pytest.mark.parametrize(
        ("username", "status"), [(office.REVIEWER, 403), (office.OBSERVER, 403), (office.OTHER, 404)]
    )
    def test_others_neither_pay_nor_settle_nor_export(
        self, client: FlaskClient, case_id: str, username: str, status: int
    ) -> None:
        batch(client, case_id)
        for answer in (
            batch(client, case_id, username=username),
            settle(client, case_id, username=username, 债1="paid"),
            export(client, case_id, "csv", username),
        ):
            assert answer.status_code == status, answer.get_json()


class TestACorrection:
    """Two people have looked at whatever the bank is to pay, and nothing is paid twice."""

    CHANGE: ClassVar = {"participant": {"account": "6222000099998888", "account_name": "张处理"}, "reason": "换账号。"}

    def change(self, client: FlaskClient, case_id: str) -> Any:
        return ledgers.patch(client, case_id, "claims/债1", self.CHANGE)

    def test_before_the_list_leaves_takes_the_payment_out_until_another_has_verified_it(
        self, client: FlaskClient, case_id: str
    ) -> None:
        batch(client, case_id)
        assert self.change(client, case_id).status_code == 200
        told = ledger(client, case_id).get_json()["batches"][0]
        assert (told["states"], told["listed_at"]) == ({"sent": 2, "withdrawn": 1}, None)
        assert [line[1] for line in listed(client, case_id)] == ["债2", "债3"]
        assert rows.scalar("SELECT details->'count' FROM audit_events WHERE action = 'cases.export_payments'") == 2
        assert batch(client, case_id).get_json()["code"] == "nothing_to_pay"
        refused = settle(client, case_id, 债1="paid")
        assert refused.get_json()["errors"]["results"] == ["债1：债权更正后已撤出该批次，未送银行"]
        ledgers.verify_all(client, case_id, office.HANDLER)
        assert batch(client, case_id).status_code == 409
        ledgers.verify_all(client, case_id)
        again = batch(client, case_id).get_json()["batches"][1]
        assert (again["count"], again["total_yuan"]) == (1, "33.33")
        assert [line[2:4] for line in listed(client, case_id, 2)] == [["张处理", "6222000099998888"]]
        history = office.shown(client, case_id)["history"]
        assert [step["details"]["withdrawn_from"] for step in history if step["action"] == "change_claim"] == [[1]]

    @pytest.mark.parametrize("file_format", ["csv", "xlsx", "by_a_job"])
    def test_waits_for_the_banks_answer_once_the_list_has_left(
        self, client: FlaskClient, case_id: str, file_format: str
    ) -> None:
        batch(client, case_id)
        if file_format == "by_a_job":
            asked = {"kind": "bank_file", "batch": 1, "reason": "送银行代发。"}
            assert ledgers.post(client, case_id, "tasks", asked).status_code == 202
        else:
            assert export(client, case_id, file_format).status_code == 200
        assert ledger(client, case_id).get_json()["batches"][0]["listed_at"]
        refused = self.change(client, case_id)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "payment_under_way")
        assert "第 1 批" in refused.get_json()["detail"]
        assert rows.scalar("SELECT count(*) FROM case_claims WHERE verified_at IS NULL") == 0
        settle(client, case_id, 债1="failed")
        assert self.change(client, case_id).status_code == 200
        assert ledger(client, case_id).get_json()["batches"][0]["states"] == {"sent": 2, "failed": 1}

    def test_of_a_claim_that_was_paid_changes_nothing_of_the_payment(self, client: FlaskClient, case_id: str) -> None:
        batch(client, case_id)
        export(client, case_id, "csv")
        settle(client, case_id, 债1="paid")
        assert self.change(client, case_id).status_code == 200
        assert ledger(client, case_id).get_json()["batches"][0]["states"] == {"sent": 2, "paid": 1}

    def test_leaves_the_share_to_be_paid_as_its_owner_sees_it(self, client: FlaskClient, case_id: str) -> None:
        batch(client, case_id)
        codes = {"claim_nos": ["债1"], "reason": "发放。"}
        slip = ledgers.post(client, case_id, "claims/codes", codes).get_json()["items"][0]
        asked = {name: slip[name] for name in ("query_number", "query_code")}

        def state() -> str:
            told: str = client.post("/api/v1/claims/query", json=asked).get_json()["rounds"][0]["state"]
            return told

        assert state() == "sent"
        self.change(client, case_id)
        assert state() == "waiting"

    def test_of_an_earlier_version_holds_every_list_back_until_it_is_verified(
        self, client: FlaskClient, case_id: str
    ) -> None:
        """A claim that was corrected while its payment stayed in the batch."""
        batch(client, case_id)
        unverified = "UPDATE case_claims SET verified_at = NULL WHERE claim_no = '债1' RETURNING 1"
        assert rows.scalar(unverified) == 1
        asked = {"kind": "bank_file", "batch": 1, "reason": "送银行代发。"}
        for answer in (
            export(client, case_id, "csv"),
            export(client, case_id, "xlsx"),
            ledgers.post(client, case_id, "tasks", asked),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (409, "claims_wait")
            assert "债1" in answer.get_json()["detail"]
        assert rows.scalar("SELECT count(*) FROM case_batches WHERE listed_at IS NOT NULL") == 0
        ledgers.verify_all(client, case_id)
        assert len(listed(client, case_id)) == 3


class TestTheBanksList:
    def test_holds_accounts_in_clear_and_the_auditor_knows_why(self, client: FlaskClient, case_id: str) -> None:
        batch(client, case_id)
        answer = export(client, case_id, "xlsx")
        table = python_calamine.load_workbook(io.BytesIO(answer.get_data())).get_sheet_by_index(0).to_python()
        assert table[1][1:7] == ["债1", PERSON["name"], PERSON["account"], PERSON["bank"], PERSON["id_number"], 33.33]
        assert table[2][7] == "缺少银行账号"
        assert export(client, case_id, "xlsx", reason="").status_code == 422
        reason = rows.scalar("SELECT details->>'reason' FROM audit_events WHERE action = 'cases.export_payments'")
        assert reason == "送银行代发。"

    def test_as_csv_no_cell_starts_a_formula(self, client: FlaskClient) -> None:
        person = PERSON | {"account_name": "=cmd|'/c calc'!A0"}
        case_id = ledgers.paying_case(client, [CLAIMS[0] | {"participant": person}])
        batch(client, case_id)
        content = export(client, case_id, "csv").get_data().decode("utf-8-sig")
        line = list(csv.reader(io.StringIO(content)))[1]
        assert line[2:4] == ["'=cmd|'/c calc'!A0", PERSON["account"]]
        assert line[6] == "100.00"

    def test_leaves_out_what_the_bank_has_answered(self, client: FlaskClient, case_id: str) -> None:
        batch(client, case_id)
        settle(client, case_id, 债1="paid")
        assert [line[1] for line in listed(client, case_id)] == ["债2", "债3"]


class TestClaimsFromASheet:
    HEADINGS = ("债权编号", "姓名", "身份证号", "手机号", "投资金额（万元）", "开户行", "卡号")
    LINE = ("甲1", "李测试", "650102199001010017", 13900001234, 12.5, "测试银行", "6222000011112222")

    def _take_in(
        self, client: FlaskClient, case_id: str, *lines: Any, username: str = office.HANDLER, **more: Any
    ) -> Any:
        content = sheets.workbook([self.HEADINGS, *lines])
        return sheets.take_in(client, content, username, to=f"{office.CASES}/{case_id}/claims/imports", **more)

    def test_enter_sealed_and_again_by_number(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        assert self._take_in(client, case_id, self.LINE)["created"] == 1
        found = ledgers.post(client, case_id, "claims/search", {"phone": "13900001234"}).get_json()["items"]
        assert (found[0]["claimed_yuan"], found[0]["participant"]["name"]) == ("125000.00", "李＊＊")
        told = self._take_in(client, case_id, self.LINE, ("甲2", None, None, None, 1, None, None))
        assert (told["created"], told["unchanged"]) == (1, 1)
        changed = (*self.LINE[:-1], "6222000033334444")
        assert self._take_in(client, case_id, changed)["updated"] == 1
        ledgers.verify_all(client, case_id)
        refused = self._take_in(client, case_id, self.LINE)
        assert refused["faults"][0]["reason"] == "该债权已核实，不能由导入改动"

    def test_completed_by_a_colleague_are_verified_by_neither(self, client: FlaskClient) -> None:
        case_id, colleague = ledgers.returning_case(client), factories.colleague_of(office.HANDLER)
        self._take_in(client, case_id, self.LINE)
        changed = (*self.LINE[:-1], "6222000033334444")
        assert self._take_in(client, case_id, changed, username=colleague)["updated"] == 1
        for username, waiting in ((office.HANDLER, 1), (colleague, 1), (office.REVIEWER, 0)):
            assert ledgers.verify_all(client, case_id, username).get_json()["waiting_claims"] == waiting

    def test_faults_name_cells_and_never_persons(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        wrong_id = ("甲1", "李测试", "650102199001010016", "13900001234", 1, None, "6222x")
        told = self._take_in(client, case_id, wrong_id)
        assert [fault["cell"] for fault in told["faults"]] == ["C2", "G2"]
        assert not any(said in str(told) for said in ("李测试", "650102199001010016", "13900001234", "6222x"))

    def test_are_the_responsible_districts_alone(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        for username, status in ((office.OTHER, 404), (office.REVIEWER, 403)):
            to = f"{office.CASES}/{case_id}/claims/imports"
            answer = sheets.hand_in(client, sheets.workbook([self.HEADINGS, self.LINE]), username, to=to)
            assert answer.status_code == status


STEP = st.tuples(st.sampled_from(["债1", "债2", "债3"]), st.sampled_from(["paid", "failed", "returned", "batch"]))


def test_whatever_the_bank_says_no_share_is_paid_twice(app: Flask, client: FlaskClient) -> None:
    """A model of each share's attempts beside the real thing, over any order of batches and answers."""
    case_id = ledgers.paying_case(client)

    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEP, max_size=6))
    def run(steps: list[tuple[str, str]]) -> None:
        db.session.execute(text("SAVEPOINT model"))
        newest: dict[str, tuple[int, str]] = {}
        batches = 0
        for claim_no, said in steps:
            if said == "batch":
                due = [no for no in ("债1", "债2", "债3") if newest.get(no, (0, "failed"))[1] in {"failed", "returned"}]
                answer = batch(client, case_id)
                assert answer.status_code == (201 if due else 409)
                batches += bool(due)
                newest |= dict.fromkeys(due, (batches, "sent"))
            else:
                number, state = newest.get(claim_no, (0, "none"))
                possible = state != "none" and said in RESULTS[PaymentState(state)]
                answer = settle(client, case_id, number or 1, **{claim_no: said})
                assert (answer.status_code == 200) is possible, (state, said, answer.get_json())
                if possible:
                    newest[claim_no] = (number, said)
            shares = {"债1": "33.33", "债2": "33.33", "债3": "33.34"}
            paid = sum((Decimal(shares[no]) for no, (_, state) in newest.items() if state == "paid"), Decimal(0))
            assert Decimal(ledger(client, case_id).get_json()["paid_yuan"]) == paid
        clear = "DELETE FROM case_payments; DELETE FROM case_batches; UPDATE fundraising_cases SET returned_yuan = NULL"
        connection = db.session.connection()
        connection.execute(text("RESET ROLE"))
        for statement in clear.split(";"):
            connection.execute(text(statement))
        connection.execute(text("SET ROLE shudi_app"))
        db.session.commit()

    run()
    assert factories.office_headers(office.HANDLER)
