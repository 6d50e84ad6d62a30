"""The restitution ledger: sources, claims verified by another, rounds that add up to the fen, never more than is owed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.cases import claims
from app.foundation.database import db, enter_wall, transaction
from tests import factories, rows
from tests.cases import ledgers, office, sheets
from tests.cases.ledgers import CLAIMS, PERSON, enter, ledger, receive, share, verify_all


@pytest.fixture
def case_id(client: FlaskClient) -> str:
    """A case that returns money, with three verified claims and enough of it."""
    case = ledgers.returning_case(client)
    enter(client, case)
    verify_all(client, case)
    receive(client, case, "1000.00")
    return case


class TestRounds:
    def test_share_what_is_owed_to_the_last_fen(self, client: FlaskClient, case_id: str) -> None:
        first = share(client, case_id, "100.00")
        assert first.status_code == 201, first.get_json()
        assert [line["yuan"] for line in first.get_json()["shares"]] == ["33.33", "33.33", "33.34"]
        told = ledger(client, case_id).get_json()
        expected = {
            "claims": 3, "waiting_claims": 0, "verified_yuan": "300.01", "received_yuan": "1000.00",
            "distributed_yuan": "100.00", "distributed_ratio": "0.3333", "paid_yuan": "0.00", "paid_ratio": "0.0000",
        }  # fmt: skip
        assert {name: told[name] for name in expected} == expected
        assert told["sources"] == [{"source": "balance", "received_yuan": "1000.00", "shared_out_yuan": "100.00"}]
        last = share(client, case_id, "200.01").get_json()
        assert sum(Decimal(line["yuan"]) for line in last["shares"]) == Decimal("200.01")
        assert ledger(client, case_id).get_json()["distributed_ratio"] == "1.0000"
        settled = rows.scalar(
            "SELECT count(*) FROM (SELECT c.id FROM case_claims c JOIN case_shares s ON s.claim_id = c.id "
            "GROUP BY c.id HAVING sum(s.yuan) = c.verified_yuan) settled"
        )
        assert settled == 3
        assert office.shown(client, case_id)["history"][-1]["action"] == "distribute"

    @pytest.mark.parametrize("total", ["200.02", "1000.01"])
    def test_nobody_gets_more_than_is_owed(self, client: FlaskClient, case_id: str, total: str) -> None:
        share(client, case_id, "100.00")
        over = share(client, case_id, total)
        assert (over.status_code, list(over.get_json()["errors"])) == (422, ["total_yuan"])
        assert len(ledger(client, case_id).get_json()["rounds"]) == 1

    def test_only_what_came_in_from_a_source_is_shared(self, client: FlaskClient, case_id: str) -> None:
        body = {"total_yuan": "1.00", "source": "proceeds"}
        refused = ledgers.post(client, case_id, "restitution", body)
        assert "到账" in refused.get_json()["errors"]["total_yuan"][0]
        receive(client, case_id, "1.00", source="proceeds")
        assert ledgers.post(client, case_id, "restitution", body).status_code == 201

    def test_money_is_shared_while_it_is_being_returned_only(self, client: FlaskClient) -> None:
        case_id = office.case(client)
        enter(client, case_id)
        early = share(client, case_id, "100.00")
        assert (early.status_code, early.get_json()["code"]) == (409, "transition_not_allowed")

    def test_the_lines_come_page_by_page(self, client: FlaskClient, case_id: str) -> None:
        share(client, case_id, "100.00")
        path, headers = f"{office.CASES}/{case_id}/restitution/1/shares", factories.office_headers(office.HANDLER)
        first = client.get(path, query_string={"limit": 2}, headers=headers).get_json()
        assert ([line["claim_no"] for line in first["items"]], first["next_after"]) == (["债1", "债2"], "债2")
        rest = client.get(path, query_string={"limit": 2, "after": "债2"}, headers=headers).get_json()
        assert (rest["items"], rest["next_after"]) == ([{"claim_no": "债3", "yuan": "33.34"}], None)


class TestSources:
    def test_a_correction_is_a_further_receipt_and_never_below_what_was_shared(
        self, client: FlaskClient, case_id: str
    ) -> None:
        share(client, case_id, "100.00")
        assert receive(client, case_id, "-900.01").status_code == 422
        assert receive(client, case_id, "-900.00").get_json()["received_yuan"] == "100.00"
        assert [fund["yuan"] for fund in ledger(client, case_id).get_json()["funds"]] == ["1000.00", "-900.00"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"source": "gift"},
            {"yuan": "0"},
            {"received_on": "2999-01-01"},
            {"received_on": "0001-01-01"},
            {"asset_id": "01890a5d-ac96-774b-bcce-b302099a8057"},
        ],
    )
    def test_what_cannot_be_is_refused(self, client: FlaskClient, case_id: str, changes: dict[str, str]) -> None:
        body = {"yuan": "1.00"} | changes
        answer = receive(client, case_id, body.pop("yuan"), **body)
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, list(changes))

    def test_an_asset_goes_from_seizure_to_sale_and_into_the_sources(self, client: FlaskClient, case_id: str) -> None:
        asset = {
            "kind": "real_estate", "description": "商铺一处", "place": "天山区解放北路2号", "holder": "测试公司",
            "state": "seized", "seized_by": "某公安分局", "seized_on": "2025-03-01",
        }  # fmt: skip
        told = ledgers.post(client, case_id, "assets", asset).get_json()["assets"]
        assert (told[0]["state"], told[0]["version"]) == ("seized", 1)
        path = f"assets/{told[0]['id']}"
        unpriced = ledgers.patch(client, case_id, path, {"expected_version": 1, "asset": {"state": "realised"}})
        assert list(unpriced.get_json()["errors"]) == ["realised_yuan"]
        sold = {"state": "realised", "realised_yuan": "500.00", "realised_on": "2025-05-01"}
        told = ledgers.patch(client, case_id, path, {"expected_version": 1, "asset": sold}).get_json()["assets"]
        assert (told[0]["realised_yuan"], told[0]["holder"], told[0]["version"]) == ("500.00", "测试公司", 2)
        stale = ledgers.patch(client, case_id, path, {"expected_version": 1, "asset": {"description": "旧"}})
        assert (stale.status_code, stale.get_json()["code"]) == (409, "stale_version")
        linked = receive(client, case_id, "500.00", source="other_assets", asset_id=told[0]["id"])
        assert linked.get_json()["funds"][-1]["asset_id"] == told[0]["id"]
        changed = office.shown(client, case_id)["history"][-2]["details"]["changed"]
        assert changed["realised_yuan"] == [None, "500.00"]

    def test_what_is_under_control_and_realised_is_the_sum_of_the_assets_and_nobody_types_it(
        self, client: FlaskClient, case_id: str
    ) -> None:
        typed = {"facts": {"controlled_yuan": "9.00"}}
        headers = factories.office_headers(office.HANDLER)

        def amounts() -> tuple[str, str]:
            facts = office.shown(client, case_id)["facts"]
            return facts["controlled_yuan"], facts["realised_yuan"]

        def change(**body: Any) -> Any:
            body |= {"expected_version": office.shown(client, case_id)["version"]}
            return client.patch(f"{office.CASES}/{case_id}", json=body, headers=headers)

        assert change(**typed).status_code == 200
        ids = []
        for state, value in (("seized", "100.01"), ("valued", "200.02"), ("found", "400.00")):
            asset = {"kind": "vehicle", "description": "轿车", "state": state, "valuation_yuan": value}
            ids.append(ledgers.post(client, case_id, "assets", asset).get_json()["assets"][-1]["id"])
        assert amounts() == ("300.03", "0.00")
        sold = {"expected_version": 1, "asset": {"state": "realised", "realised_yuan": "150.00"}}
        ledgers.patch(client, case_id, f"assets/{ids[1]}", sold)
        assert amounts() == ("300.03", "150.00")
        ledgers.patch(client, case_id, f"assets/{ids[0]}", {"expected_version": 1, "asset": {"state": "released"}})
        assert amounts() == ("200.02", "150.00")
        refused = change(facts={"controlled_yuan": "9.00", "realised_yuan": "9.00", "court": "某法院"})
        assert (refused.status_code, sorted(refused.get_json()["errors"])) == (
            422,
            ["controlled_yuan", "realised_yuan"],
        )
        assert change(facts={"controlled_yuan": "200.02", "court": "某法院"}).status_code == 200
        case = office.shown(client, case_id)
        content = sheets.workbook([["案件编号", "案件名称", "已变现（元）"], [case["case_no"], case["name"], 1]])
        told = sheets.take_in(client, content)
        assert (told["unchanged"], told["faults"][0]["cell"], told["faults"][0]["note"]) == (1, "C2", True)
        assert amounts() == ("200.02", "150.00")


class TestClaims:
    def test_a_number_is_claimed_once_and_claims_enter_all_or_none(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        enter(client, case_id, claims=CLAIMS[:1])
        assert enter(client, case_id).get_json()["errors"] == {"claims": ["编号重复：债1"]}
        assert enter(client, case_id, claims=[CLAIMS[1], CLAIMS[1]]).status_code == 422
        assert enter(client, case_id, claims=[CLAIMS[1] | {"claim_no": "  "}]).status_code == 422
        assert ledger(client, case_id).get_json()["claims"] == 1

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", "x"])
    def test_an_amount_is_money(self, client: FlaskClient, case_id: str, amount: str) -> None:
        assert enter(client, case_id, claims=[{"claim_no": "债9", "claimed_yuan": amount}]).status_code == 422
        assert share(client, case_id, amount).status_code == 422

    def test_nothing_is_shared_before_another_person_has_verified(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        enter(client, case_id)
        receive(client, case_id, "1000.00")
        assert share(client, case_id, "1.00").status_code == 422
        own = ledgers.post(client, case_id, "claims/verification", {"claims": [verdict("债1", "100.00")]})
        assert (own.status_code, own.get_json()["code"]) == (403, "same_person")
        assert verify_all(client, case_id, office.HANDLER).get_json()["waiting_claims"] == 3
        assert verify_all(client, case_id).get_json()["waiting_claims"] == 0
        assert share(client, case_id, "1.00").status_code == 201

    def test_nobody_verifies_what_he_entered_or_corrected_whoever_corrects_it_after_him(
        self, client: FlaskClient
    ) -> None:
        case_id, colleague = ledgers.returning_case(client), factories.colleague_of(office.HANDLER)
        enter(client, case_id, claims=CLAIMS[:1])
        phone = {"participant": {"phone": "13900001234"}, "reason": "补电话。"}
        assert ledgers.patch(client, case_id, "claims/债1", phone, colleague).status_code == 200
        for username in (office.HANDLER, colleague):
            assert verify_all(client, case_id, username).get_json()["waiting_claims"] == 1
            own = verify_one(client, case_id, verdict("债1", "100.00"), username)
            assert (own.status_code, own.get_json()["code"]) == (403, "same_person")
        assert verify_all(client, case_id).get_json()["waiting_claims"] == 0
        own = verify_one(client, case_id, verdict("债1", "120.00", reason="更正。"), office.HANDLER)
        assert own.status_code == 403, "what was verified is no more one's own to verify than what waits"

    def test_a_verification_as_claimed_settles_who_entered_and_another_amount_does_not(
        self, client: FlaskClient
    ) -> None:
        case_id, colleague = ledgers.returning_case(client), factories.colleague_of(office.HANDLER)
        enter(client, case_id, claims=CLAIMS[:2])
        less = verdict("债2", "60.00", reason="已收取利息，予以扣减。")
        verify_one(client, case_id, less, office.REVIEWER)
        verify_all(client, case_id)
        phone = {"participant": {"phone": "13900001234"}, "reason": "补电话。"}
        for claim_no in ("债1", "债2"):
            ledgers.patch(client, case_id, f"claims/{claim_no}", phone, colleague)
        restored = verify_one(client, case_id, verdict("债2", "100.00", reason="恢复。"), office.HANDLER)
        assert restored.get_json()["code"] == "same_person"
        assert verify_one(client, case_id, verdict("债1", "100.00"), office.HANDLER).status_code == 200

    def test_less_or_nothing_holds_with_a_reason(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        enter(client, case_id)
        less = [verdict("债1", "60.00"), verdict("债2", "0"), verdict("债3", "100.01")]
        unexplained = ledgers.post(client, case_id, "claims/verification", {"claims": less}, office.REVIEWER)
        assert len(unexplained.get_json()["errors"]["claims"]) == 2
        explained = [one | {"reason": "已收取利息，予以扣减。"} for one in less]
        told = ledgers.post(client, case_id, "claims/verification", {"claims": explained}, office.REVIEWER).get_json()
        assert told["verified_yuan"] == "160.01"
        receive(client, case_id, "1000.00")
        lines = share(client, case_id, "160.01").get_json()["shares"]
        assert {line["claim_no"]: line["yuan"] for line in lines} == {"债1": "60.00", "债3": "100.01"}
        below = [verdict("债1", "59.99", reason="更正。")]
        refused = ledgers.post(client, case_id, "claims/verification", {"claims": below}, office.REVIEWER)
        assert "少于已分配" in refused.get_json()["errors"]["claims"][0]

    def test_all_as_claimed_leaves_what_differs_from_an_earlier_verdict(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        four = [*CLAIMS, {"claim_no": "债4", "claimed_yuan": "50.00"}]
        enter(client, case_id, claims=four)
        less = verdict("债2", "60.00", reason="已收取利息，予以扣减。")
        ledgers.post(client, case_id, "claims/verification", {"claims": [less]}, office.REVIEWER)
        assert verify_all(client, case_id).get_json()["verified_yuan"] == "310.01"
        account = {"participant": {"account": "6222000099998888"}}
        corrections = {"债1": {"claimed_yuan": "120.00"}, "债2": account, "债3": account}
        for claim_no, change in corrections.items():
            ledgers.patch(client, case_id, f"claims/{claim_no}", change | {"reason": "更正。"})
        told = verify_all(client, case_id).get_json()
        assert (told["waiting_claims"], told["verified_yuan"]) == (2, "310.01")
        found = ledgers.post(client, case_id, "claims/search", {}).get_json()["items"]
        shown = {one["claim_no"]: (one["state"], one["verified_yuan"], one["differs_from_verified"]) for one in found}
        assert shown == {
            "债1": ("waiting", "100.00", True), "债2": ("waiting", "60.00", True), "债3": ("verified", "100.01", False),
            "债4": ("verified", "50.00", False),
        }  # fmt: skip
        bare = ledgers.post(
            client, case_id, "claims/verification", {"claims": [verdict("债1", "120.00")]}, office.REVIEWER
        )
        assert "须说明理由" in bare.get_json()["errors"]["claims"][0]
        by_hand = [verdict("债1", "120.00", reason="凭证相符。"), less]
        told = ledgers.post(client, case_id, "claims/verification", {"claims": by_hand}, office.REVIEWER).get_json()
        assert (told["waiting_claims"], told["verified_yuan"]) == (0, "330.01")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"all_as_claimed": True, "claims": [{"claim_no": "债1", "verified_yuan": "1"}]},
            {"claims": [{"claim_no": "无"}]},
        ],
    )
    def test_a_verdict_is_complete(self, client: FlaskClient, case_id: str, body: Any) -> None:
        assert ledgers.post(client, case_id, "claims/verification", body, office.REVIEWER).status_code == 422


def verify_one(client: FlaskClient, case_id: str, said: dict[str, str], username: str) -> Any:
    return ledgers.post(client, case_id, "claims/verification", {"claims": [said]}, username)


def verdict(claim_no: str, yuan: str, **more: str) -> dict[str, str]:
    return {"claim_no": claim_no, "verified_yuan": yuan, **more}


class TestPersons:
    @pytest.fixture
    def person_case(self, client: FlaskClient) -> str:
        case_id = ledgers.returning_case(client)
        claims = [CLAIMS[0] | {"participant": PERSON}, CLAIMS[1]]
        assert enter(client, case_id, claims=claims).status_code == 201
        return case_id

    def test_nothing_of_a_person_is_stored_in_clear(self, client: FlaskClient, person_case: str) -> None:
        stored = [line for lines in rows.dump().values() for line in lines]
        for secret in (PERSON["name"], PERSON["id_number"], PERSON["phone"], PERSON["account"]):
            assert not any(secret in line or secret.encode().hex() in line for line in stored), secret

    def test_is_masked_found_by_digest_and_opened_with_a_reason(self, client: FlaskClient, person_case: str) -> None:
        for wanted in ({"id_number": PERSON["id_number"]}, {"phone": PERSON["phone"]}, {"claim_no": "债1"}):
            found = ledgers.post(client, person_case, "claims/search", wanted).get_json()["items"]
            assert [one["claim_no"] for one in found] == ["债1"], wanted
        assert found[0]["participant"] == {
            "name": "王＊＊", "id_number": "6501**********0017", "phone": "139****1234", "account": "************2222",
            "account_name": "王＊＊", "bank": PERSON["bank"],
        }  # fmt: skip
        assert ledgers.post(client, person_case, "claims/search", {"phone": "13900009999"}).get_json()["items"] == []
        path = "claims/债1/person"
        for nothing in ({}, {"reason": " "}, {"reason": "\u200b"}):
            assert ledgers.post(client, person_case, path, nothing).status_code == 422
        assert ledgers.post(client, person_case, path, {"reason": "核对"}, office.REVIEWER).status_code == 403
        assert ledgers.post(client, person_case, path, {"reason": "核对账号"}).get_json() == PERSON

    @pytest.mark.parametrize("number", ["%00", "%E5%80%BA1%00"])
    def test_a_number_that_no_table_holds_is_not_found(
        self, client: FlaskClient, person_case: str, number: str
    ) -> None:
        body = {"reason": "核对", "claimed_yuan": "1.00"}
        assert ledgers.post(client, person_case, f"claims/{number}/person", {"reason": "核对"}).status_code == 404
        assert ledgers.patch(client, person_case, f"claims/{number}", body).status_code == 404

    def test_every_look_is_seen_by_the_auditor_and_tells_nobodys_name(
        self, client: FlaskClient, person_case: str
    ) -> None:
        ledgers.post(client, person_case, "claims/search", {"phone": PERSON["phone"]})
        ledgers.post(client, person_case, "claims/search", {}, office.OBSERVER)
        ledgers.post(client, person_case, "claims/债1/person", {"reason": "核对账号"})
        answer = client.get("/api/v1/office/audit", headers=factories.office_headers("auditor")).get_json()["items"]
        told = [(row["action"], row["details"].get("by")) for row in answer if row["action"].startswith("cases.view")]
        assert sorted(told) == [("cases.view_claims", "list"), ("cases.view_claims", "phone")]
        opened = next(row for row in answer if row["action"] == "cases.open_participant")
        assert opened["details"]["reason"] == "核对账号"
        assert not any(PERSON[name] in str(answer) for name in ("name", "phone", "id_number", "account"))

    def test_a_correction_is_verified_anew(self, client: FlaskClient, person_case: str) -> None:
        verify_all(client, person_case)
        body = {"participant": {"account": "6222000099998888"}, "reason": "本人提供新账号。"}
        told = ledgers.patch(client, person_case, "claims/债1", body).get_json()
        assert (told["state"], told["participant"]["account"]) == ("waiting", "************8888")
        assert told["participant"]["name"] == "王＊＊"
        assert "6222" not in str(office.shown(client, person_case)["history"])

    def test_a_correction_ends_a_verification_that_came_after_its_page_was_read(
        self, client: FlaskClient, person_case: str
    ) -> None:
        handler, case_id = factories.actor(office.HANDLER), UUID(person_case)
        with transaction(handler.wall):
            claim = claims.claim_for(handler, case_id, "债1")
            db.session.execute(text("UPDATE case_claims SET verified_yuan = claimed_yuan, verified_at = now()"))
            claims.change_claim(handler, case_id, claim.claim_no, {"claimed_yuan": Decimal("90.00")}, "更正。")
        assert ledger(client, person_case).get_json()["waiting_claims"] == 1


class TestWhoMay:
    def test_only_the_responsible_district_writes_and_the_other_sees_nothing(
        self, client: FlaskClient, case_id: str
    ) -> None:
        for username, status in (
            (office.REVIEWER, 403),
            (office.LEADER, 403),
            (office.OBSERVER, 403),
            (office.OTHER, 404),
        ):
            assert enter(client, case_id, username, [{"claim_no": "债9", "claimed_yuan": "1"}]).status_code == status
            assert share(client, case_id, "1.00", username).status_code == status
            assert receive(client, case_id, "1.00", username).status_code == status
            asset = {"kind": "vehicle", "description": "轿车"}
            assert ledgers.post(client, case_id, "assets", asset, username).status_code == status
            assert (
                ledgers.post(
                    client, case_id, "claims/codes", {"claim_nos": ["债1"], "reason": "发"}, username
                ).status_code
                == status
            )
        assert ledger(client, case_id, office.OTHER).status_code == 404
        assert ledgers.post(client, case_id, "claims/search", {}, office.OTHER).status_code == 404

    def test_the_observer_sees_figures_and_nobody(self, client: FlaskClient) -> None:
        case_id = ledgers.returning_case(client)
        enter(client, case_id, claims=[CLAIMS[0] | {"participant": PERSON}])
        found = ledgers.post(client, case_id, "claims/search", {}, office.OBSERVER).get_json()["items"]
        assert (found[0]["claim_no"], found[0]["participant"]) == ("债1", {})
        by_phone = ledgers.post(client, case_id, "claims/search", {"phone": PERSON["phone"]}, office.OBSERVER)
        assert by_phone.status_code == 403

    def test_the_database_hides_the_ledger_of_another_district(self, client: FlaskClient, case_id: str) -> None:
        share(client, case_id, "1.00")
        ledgers.post(client, case_id, "assets", {"kind": "vehicle", "description": "轿车"})
        assert ledgers.batch(client, case_id).status_code == 201
        tables = (
            "case_claims",
            "case_rounds",
            "case_shares",
            "case_funds",
            "case_assets",
            "case_batches",
            "case_payments",
        )
        for division, visible in ((factories.XINSHI, True), (factories.TIANSHAN, False)):
            enter_wall("open")
            unit = rows.scalar("SELECT id FROM units WHERE division_code = :code", code=division)
            db.session.remove()
            enter_wall(str(unit))
            for table in tables:
                assert bool(db.session.scalar(text(f"SELECT count(*) FROM {table}"))) is visible, (table, division)
