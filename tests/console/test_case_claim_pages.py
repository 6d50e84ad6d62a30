"""One claim at the console: shares and payments, corrections with their history, the owner's slip; a round's lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from tests import rows
from tests.cases import ledgers, office
from tests.cases.ledgers import CLAIMS, PERSON
from tests.console.office import Officer

SignIn = Callable[[str], Officer]


def claim_path(person: Officer, case_id: str, claim_no: str) -> str:
    listed = person.text(f"/cases/{case_id}/claims")
    found = re.search(rf'href="(/cases/[^"]+/claims/[0-9a-f-]+)">{claim_no}</a>', listed)
    assert found is not None
    return found[1]


def paying(client: FlaskClient) -> str:
    return ledgers.paying_case(client, [CLAIMS[0] | {"participant": PERSON}, *CLAIMS[1:]])


def test_a_claim_tells_what_each_round_gave_and_whether_it_was_paid(client: FlaskClient, officer: SignIn) -> None:
    case_id = paying(client)
    ledgers.batch(client, case_id)
    ledgers.settle(client, case_id, 债1="paid")
    person = officer(office.HANDLER)
    path = claim_path(person, case_id, "债1")
    page = person.text(path)
    assert "第 1 轮" in page
    assert "33.33" in page
    assert "已发放" in page
    assert PERSON["id_number"] not in page
    assert "王＊" in page
    views = "SELECT count(*) FROM audit_events WHERE action = 'cases.view_claims' AND details->>'by' = 'claim'"
    assert rows.scalar(views) == 1
    assert officer(office.OTHER).open(path).status_code == 404
    observer = officer(office.OBSERVER).text(path)
    assert "王" not in observer.split("<main")[1].split("</main>")[0]


def test_a_correction_has_a_reason_a_history_and_is_verified_anew(client: FlaskClient, officer: SignIn) -> None:
    case_id = paying(client)
    person = officer(office.HANDLER)
    path = claim_path(person, case_id, "债1")
    without = person.post(path, seen=path, claimed_yuan="120", action="change_claim")
    assert without.status_code == 422
    given = {"claimed_yuan": "120.5", "account": "6222 0000 9999 8888", "reason": "凭证重新核对。"}
    assert person.post(path, seen=path, action="change_claim", **given).status_code == 303
    page = person.text(path)
    assert "待核实" in page
    assert "120.50" in page
    assert "凭证重新核对。" in page
    assert "申报金额、参与人信息" in page
    assert "*8888" in page
    assert "原核定金额" in page
    reviewer = officer(office.REVIEWER)
    assert "更正债权" not in reviewer.text(path)
    assert reviewer.post(path, seen=path, action="change_claim", **given).status_code == 403
    listed = f"/cases/{case_id}/claims"
    assert "须逐笔核定" in reviewer.text(listed).split("<tbody>")[1].split("</tbody>")[0]
    reviewer.post(f"{listed}/verification", seen=listed, action="verify_all")
    page = reviewer.text(listed)
    assert "已按申报金额核定 0 笔债权" in page
    assert "待核实" in page.split("<tbody>")[1].split("</tbody>")[0]
    by_hand = {"claim_no": "债1", "verified_yuan": "120.5", "reason": "凭证相符。"}
    assert reviewer.post(f"{listed}/verification", seen=listed, action="verify_one", **by_hand).status_code == 303
    assert "须逐笔核定" not in reviewer.text(listed).split("<tbody>")[1].split("</tbody>")[0]
    assert "原核定金额" not in reviewer.text(path)


def test_a_correction_leaves_the_batch_or_waits_for_the_banks_answer(client: FlaskClient, officer: SignIn) -> None:
    case_id = paying(client)
    ledgers.batch(client, case_id)
    person, here = officer(office.HANDLER), f"/cases/{case_id}/ledger"
    assert "清单尚未导出" in person.text(here)
    path = claim_path(person, case_id, "债1")
    given = {"account": "6222000099998888", "reason": "本人提供新账号。"}
    assert person.post(path, seen=path, action="change_claim", **given).status_code == 303
    assert "（撤出第 1 批发放）" in person.text(path)
    assert "待发放" in person.text(path)
    assert "已撤出 1" in person.text(here)
    exported = person.post(f"{here}/batches/1/export", seen=here, format="csv", reason="送银行。")
    assert "债1" not in exported.get_data(as_text=True)
    assert "清单首次导出" in person.text(here)
    other = claim_path(person, case_id, "债2")
    refused = person.post(other, seen=other, action="change_claim", **given)
    assert refused.status_code == 409
    page = refused.get_data(as_text=True)
    assert "请先在清退台账登记银行对该笔的处理结果" in page
    assert 'value="6222000099998888"' in page


def test_the_slip_of_the_owner_opens_the_claim(client: FlaskClient, officer: SignIn) -> None:
    case_id = paying(client)
    person = officer(office.HANDLER)
    path = claim_path(person, case_id, "债1")
    answer = person.post(f"{path}/slip", seen=path, reason="当面交给本人。")
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    number, code = re.findall(r"<dd>((?:\d{4} )+\d{4})</dd>", answer.get_data(as_text=True))

    def ask(query_code: str) -> Any:
        return client.post("/api/v1/claims/query", json={"query_number": number, "query_code": query_code})

    assert ask(code).get_json()["claim_no"] == "债1"
    assert code not in person.text(path)
    renewed = person.post(f"{path}/slip", seen=path, reason="原凭单遗失。", renew="true")
    assert code not in renewed.get_data(as_text=True)
    assert ask(code).status_code == 404
    assert person.post(f"{path}/slip", seen=path).status_code == 422
    assert officer(office.REVIEWER).post(f"{path}/slip", seen=path, reason="看看。").status_code == 403


def test_the_lines_of_a_round_by_pages(client: FlaskClient, officer: SignIn, monkeypatch: Any) -> None:
    from app.console import case_claim

    monkeypatch.setattr(case_claim, "_A_PAGE", 2)
    case_id = paying(client)
    person = officer(office.OBSERVER)
    page = person.text(f"/cases/{case_id}/ledger/rounds/1")
    assert "债2" in page
    assert "债3" not in page
    following = re.search(r'href="([^"]+after=[^"]+)"', page)
    assert following is not None
    assert "债3" in person.text(following[1])
    assert f"/cases/{case_id}/ledger/rounds/1" in person.text(f"/cases/{case_id}/ledger")
    assert person.open(f"/cases/{case_id}/ledger/rounds/9").status_code == 404
    views = "SELECT count(*) FROM audit_events WHERE action = 'cases.view_claims' AND details->>'by' = 'round'"
    assert rows.scalar(views) == 2


def test_a_document_gets_a_further_version_on_the_page(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    here = f"/cases/{case_id}/documents"
    person = officer(office.REVIEWER)
    letter = {"kind": "supervision_letter", "recipient": "某单位", "text": "正文。"}
    assert person.post(here, seen=here, action="make_document", **letter).status_code == 303
    target = re.search(rf'action="({here}/[0-9a-f-]+/versions)"', person.text(here))
    assert target is not None
    assert person.post(target[1], seen=here, recipient="某单位", text="新正文。").status_code == 422
    given = {"recipient": "某单位", "text": "新正文。", "reason": "正文有误。"}
    assert person.post(target[1], seen=here, **given).status_code == 303
    page = person.text(here)
    assert "第 2 版" in page
    assert "第 1 版" in page
    assert "正文有误。" in page
    assert page.count("/versions") == 1
    assert "/versions" not in officer(office.HANDLER).text(here)
