"""The restitution ledger, claims and documents at the console: entered, verified by another, shared, paid, fetched."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.cases import tasks
from tests import factories, rows
from tests.cases import ledgers, office
from tests.console.office import Officer, csrf_token

SignIn = Callable[[str], Officer]


def sent(person: Officer, path: str, seen: str, **fields: Any) -> Any:
    return person.open(path, method="POST", data={**hidden(person.text(seen)), **fields})


def hidden(page: str) -> dict[str, str]:
    """What the forms of a page send unseen; the version is that of the last one, of the case."""
    versions = re.findall(r'name="expected_version" value="(\d+)"', page)
    return {"csrf_token": csrf_token(page)} | ({"expected_version": versions[-1]} if versions else {})


def test_money_is_entered_shared_and_paid_by_forms(client: FlaskClient, officer: SignIn) -> None:
    case_id = ledgers.returning_case(client)
    ledgers.enter(client, case_id)
    here = f"/cases/{case_id}/ledger"
    handler, reviewer = officer(office.HANDLER), officer(office.REVIEWER)
    own = sent(handler, f"/cases/{case_id}/claims/verification", f"/cases/{case_id}/claims", action="verify_all")
    assert own.status_code == 303
    assert "待核实" in handler.text(f"/cases/{case_id}/claims").split("<tbody>")[1], "nobody verifies the own entries"
    other = sent(reviewer, f"/cases/{case_id}/claims/verification", f"/cases/{case_id}/claims", action="verify_all")
    assert other.status_code == 303
    fund = {"action": "receive_fund", "source": "balance", "yuan": "150", "received_on": "2026-02-01", "origin": "移交"}
    assert sent(handler, f"{here}/funds", here, **fund).status_code == 303
    too_much = sent(handler, f"{here}/rounds", here, action="distribute", source="balance", total_yuan="150.01")
    assert too_much.status_code == 422
    assert 'value="150.01"' in too_much.get_data(as_text=True)
    given = {"action": "distribute", "source": "balance", "total_yuan": "100"}
    assert sent(handler, f"{here}/rounds", here, **given).status_code == 303
    batch = {"action": "make_batch-1", "round": "1", "reason": "经研究决定。"}
    assert sent(handler, f"{here}/batches", here, **batch).status_code == 303
    assert "发放中 3" in handler.text(here)
    bare = sent(handler, f"{here}/batches/1/export", here, action="export_batch-1", format="csv")
    assert bare.status_code == 422
    fetched = sent(handler, f"{here}/batches/1/export", here, action="export_batch-1", format="csv", reason="送银行。")
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'cases.export_payments'") == 1


@pytest.mark.parametrize(
    ("path", "fields", "counted"),
    [
        ("funds", {"action": "receive_fund", "source": "balance", "yuan": "150", "origin": "移交"}, "received_yuan"),
        ("rounds", {"action": "distribute", "source": "balance", "total_yuan": "50"}, "distributed_yuan"),
        ("assets", {"action": "add_asset", "kind": "real_estate", "description": "商铺", "state": "seized"}, "assets"),
        ("batches", {"action": "make_batch-1", "round": "1", "reason": "经研究决定。"}, "batches"),
    ],
)
def test_going_back_and_sending_again_enters_nothing(
    client: FlaskClient, officer: SignIn, path: str, fields: dict[str, str], counted: str
) -> None:
    case_id = ledgers.paying_case(client)
    here, person = f"/cases/{case_id}/ledger", officer(office.HANDLER)
    form = hidden(person.text(here)) | fields | {"received_on": "2026-02-01"}
    before = ledgers.ledger(client, case_id).get_json()[counted]
    assert person.open(f"{here}/{path}", method="POST", data=form).status_code == 303
    once = ledgers.ledger(client, case_id).get_json()
    assert once[counted] != before
    again = person.open(f"{here}/{path}", method="POST", data=form)
    assert again.status_code == 409
    assert "可能就是刚才提交的这一笔" in again.get_data(as_text=True)
    assert ledgers.ledger(client, case_id).get_json() == once
    bare = {name: value for name, value in form.items() if name != "expected_version"}
    assert person.open(f"{here}/{path}", method="POST", data=bare).status_code == 422


def test_assets_are_described_as_they_go(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    here, person = f"/cases/{case_id}/ledger", officer(office.HANDLER)
    given = {"action": "add_asset", "kind": "real_estate", "description": "友好路商铺", "state": "seized"}
    assert sent(person, f"{here}/assets", here, **given).status_code == 303
    page = person.text(here)
    url = re.search(r'action="(/cases/[^"]+/ledger/assets/[^"]+)"', page)[1]
    changed = given | {"state": "valued", "valuation_yuan": "1,200,000", "expected_version": "1"}
    assert sent(person, url, here, **changed).status_code == 422, "an amount is typed plainly"
    assert sent(person, url, here, **changed | {"valuation_yuan": "1200000"}).status_code == 303
    page = person.text(here)
    assert "已评估" in page
    assert "120.00" in page
    assert sent(person, url, here, **changed | {"valuation_yuan": "1"}).status_code == 409


def test_claims_are_masked_found_by_person_and_opened_for_a_reason(client: FlaskClient, officer: SignIn) -> None:
    case_id = ledgers.returning_case(client)
    ledgers.enter(client, case_id, claims=[{"claim_no": "债9", "claimed_yuan": "9.00", "participant": ledgers.PERSON}])
    here, person = f"/cases/{case_id}/claims", officer(office.HANDLER)
    page = person.text(here)
    assert "王＊＊" in page
    assert not any(ledgers.PERSON[name] in page for name in ("name", "id_number", "phone", "account"))
    found = sent(person, f"{here}/search", here, id_number=ledgers.PERSON["id_number"]).get_data(as_text=True)
    assert "债9" in found.split("<tbody>")[1]
    nobody = sent(person, f"{here}/search", here, phone="13912345678").get_data(as_text=True)
    assert "没有符合条件的债权" in nobody
    assert sent(person, f"{here}/person", here, action="open_person", claim_no="债9").status_code == 422
    opened = sent(person, f"{here}/person", here, action="open_person", claim_no="债9", reason="核对账号。")
    assert ledgers.PERSON["account"] in opened.get_data(as_text=True)
    seen = rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'cases.view_claims'")
    assert seen >= 3
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'cases.open_participant'") == 1


@pytest.mark.parametrize(
    ("username", "status"), [(office.OTHER, 404), ("auditor", 403), ("sysadmin", 403), (office.OBSERVER, 200)]
)
def test_who_opens_the_ledger(client: FlaskClient, officer: SignIn, username: str, status: int) -> None:
    case_id = ledgers.returning_case(client)
    ledgers.enter(client, case_id, claims=[{"claim_no": "债9", "claimed_yuan": "9.00", "participant": ledgers.PERSON}])
    person = officer(username)
    for path in ("ledger", "claims", "documents"):
        answer = person.get(f"/cases/{case_id}/{path}")
        assert answer.status_code == status, path
        assert "王" not in answer.get_data(as_text=True).partition("<main")[2]
        assert '<form class="action-form"' not in answer.get_data(as_text=True)


def test_a_list_of_participants_is_handed_in(client: FlaskClient, officer: SignIn) -> None:
    case_id = ledgers.returning_case(client)
    here, person = f"/cases/{case_id}/claims", officer(office.HANDLER)
    table = "债权编号,姓名,申报金额（元）\n债1,王测试,100\n".encode()
    data = {"csrf_token": person.token(here), "file": (io.BytesIO(table), "名单.csv")}
    answer = person.open(f"{here}/imports", method="POST", data=data, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert "债权编号" in person.text(answer.headers["Location"])


def test_a_document_is_made_and_fetched(client: FlaskClient, officer: SignIn) -> None:
    case_id = office.case(client)
    office.report(client, case_id)
    here, person = f"/cases/{case_id}/documents", officer(office.REVIEWER)
    assert sent(person, here, here, action="make_document", kind="case_card").status_code == 303
    monthly = sent(person, here, here, action="make_document", kind="monthly_sheet", month="2026-03-15")
    assert monthly.status_code == 303, monthly.get_data(as_text=True)
    bare = sent(person, here, here, action="make_document", kind="supervision_letter")
    assert bare.status_code == 422
    page = person.text(here)
    assert "〔2026〕2号" in page
    for ending, first in (("docx", b"PK"), ("pdf", b"%PDF")):
        url = re.search(rf'href="([^"]+format={ending})"', page)[1]
        assert person.get(url).data.startswith(first)


def test_large_rounds_and_lists_are_left_to_a_job_that_the_page_follows(
    client: FlaskClient, officer: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = ledgers.paying_case(client)
    monkeypatch.setattr(tasks, "LARGE", 2)
    here = f"/cases/{case_id}/ledger"
    handler = officer(office.HANDLER)
    assert sent(handler, f"{here}/rounds", here, source="balance", total_yuan="50").status_code == 303
    page = handler.text(here)
    assert 'hx-trigger="every 1s"' in page
    assert "分配 50 元" in page
    assert "排队中" in handler.text(f"{here}/tasks")
    factories.deliver()
    assert handler.open(f"{here}/tasks").headers["HX-Refresh"] == "true"
    assert "第 2 轮" in handler.text(here)
    told = handler.text("/notices")
    assert "第 2 轮清退分配已计算（乌非集〔2021〕7号）" in told
    assert f'href="{here}"' in told
    assert sent(handler, f"{here}/batches", here, round="2", reason="决定发放。").status_code == 303
    assert "制作第 2 轮发放批次" in handler.text(f"{here}/tasks")
    again = sent(handler, f"{here}/batches", here, round="2", reason="决定发放。")
    assert again.status_code == 409
    assert "请等待完成" in again.get_data(as_text=True)
    factories.deliver()
    assert "第 1 批发放清单已制作" in handler.text("/notices")
    assert "发放中 3" in handler.text(here)
    given = {"format": "xlsx", "reason": "送银行。"}
    assert sent(handler, f"{here}/batches/1/export", here, **given).status_code == 303
    factories.deliver()
    assert "第 1 批银行代发清单已生成，请下载" in handler.text("/")
    href = re.search(r'href="([^"]+/tasks/[^"]+/file)"', handler.text(here))
    assert href is not None
    assert "债权编号" in handler.open(href[1]).get_data(as_text=True)
    assert "/file" not in officer(office.REVIEWER).text(here)
