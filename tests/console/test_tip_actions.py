"""Every move of the table has a form here, and the forms lead all the way: refuse, merge, extend, supervise, transfer."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.console.views.actions import is_asked_for
from app.workflow.states import HANDLING, POLICE_ACTION_TEXTS, POLICE_STATE_TEXTS, PoliceAction, PoliceState
from tests import factories, rows
from tests.console.office import Officer, csrf_token
from tests.files import samples


def status_of(tip_id: UUID) -> str:
    return str(rows.scalar("SELECT status FROM handlings WHERE tip_id = :id", id=tip_id))


def test_every_move_that_people_make_has_a_form() -> None:
    assert [row.action for row in HANDLING if row.permission and not is_asked_for(row)] == []
    assert set(POLICE_ACTION_TEXTS) == set(PoliceAction)
    assert set(POLICE_STATE_TEXTS) == set(PoliceState)


def test_a_refusal_names_its_reason_and_the_right_route(officer: Callable[[str], Officer], tip_id: UUID) -> None:
    reviewer = officer("city.reviewer")
    assert "一般民间借贷或合同纠纷" in reviewer.text(f"/tips/{tip_id}")
    given = {"reason_code": "CIVIL_DISPUTE", "reason": "双方为合同纠纷", "route": "请向人民法院起诉"}
    for lacking in given:
        part = {name: text for name, text in given.items() if name != lacking}
        assert reviewer.act(tip_id, "reject", **part).status_code == 422
    assert reviewer.act(tip_id, "reject", **given).status_code == 303
    assert status_of(tip_id) == "rejected"


def test_a_tip_is_merged_by_the_receipt_number_of_the_main_one(
    officer: Callable[[str], Officer], client: FlaskClient, tip_id: UUID
) -> None:
    main = factories.file_tip(client)["receipt_number"]
    reviewer = officer("city.reviewer")
    refused = reviewer.act(tip_id, "merge", into="26030299999999")
    assert refused.status_code == 422
    assert "没有这个受理编号的线索" in refused.get_data(as_text=True)
    assert reviewer.act(tip_id, "merge", into=f" {main} ").status_code == 303
    main_id = factories.tip_id_of(main)
    assert rows.scalar("SELECT merged_into FROM handlings WHERE tip_id = :id", id=tip_id) == main_id
    assert f'href="/tips/{main_id}"' in reviewer.text(f"/tips/{tip_id}").split('id="h-merged"')[1]
    assert f'href="/tips/{tip_id}"' in reviewer.text(f"/tips/{main_id}").split('id="h-merged"')[1]


def test_limits_are_extended_tips_supervised_and_transferred(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    leader, reviewer = officer("city.leader"), officer("city.reviewer")
    assert leader.act(tip_in_district, "extend", clock="overall", reason="涉及人数多").status_code == 303
    assert reviewer.act(tip_in_district, "supervise", kind="listed", reason="重大").status_code == 303
    assert "督办" in reviewer.text(f"/tips/{tip_in_district}").split('class="summary-state"')[1].split("</p>")[0]
    assert leader.act(tip_in_district, "transfer", to="other_authority", reason="属证监部门职责").status_code == 303
    assert status_of(tip_in_district) == "transferred"
    page = reviewer.text(f"/tips/{tip_in_district}")
    letter = reviewer.get(f"/tips/{tip_in_district}/letter")
    assert "下载移送文书" in page
    assert letter.data[:2] == b"PK"
    assert reviewer.act(tip_in_district, "record_receipt", number="回-1", received_on="2026-03-02").status_code == 303
    assert status_of(tip_in_district) == "concluded"


def police_form(page: str, action: str) -> dict[str, str]:
    """Address, action and version of the form of one step."""
    form = next(one for one in page.split("<form") if f'name="action" value="{action}"' in one)
    address = re.search(r'action="([^"]+)"', form)
    version = re.search(r'name="expected_version" value="(\d+)"', form)
    assert address
    assert version
    return {"path": unescape(address[1]), "version": version[1]}


def step(person: Officer, tip_id: UUID, action: str, **fields: object) -> int:
    page = person.text(f"/tips/{tip_id}")
    form = police_form(page, action)
    data = {"csrf_token": csrf_token(page), "action": action, "expected_version": form["version"], **fields}
    status = person.open(form["path"], method="POST", data=data, content_type="multipart/form-data").status_code
    return int(status)


def test_the_way_to_the_police_is_walked_on_the_page(officer: Callable[[str], Officer], tip_in_district: UUID) -> None:
    handler, leader, reviewer = officer("district.650104"), officer("city.leader"), officer("city.reviewer")
    refused = leader.act(tip_in_district, "transfer", to="police", reason="同意移送")
    assert refused.status_code == 409
    assert "尚未提请移送公安" in refused.get_data(as_text=True)
    proposal = {"officers": "测试甲（执法证 1）\n测试乙（执法证 2）", "reason": "涉嫌非法吸收公众存款"}
    assert step(handler, tip_in_district, "propose_police", **proposal | {"officers": "测试甲"}) == 422
    assert step(handler, tip_in_district, "propose_police", **proposal) == 303
    assert "待负责人决定" in leader.text(f"/tips/{tip_in_district}")
    assert 'value="police_decline"' not in reviewer.text(f"/tips/{tip_in_district}")
    assert leader.act(tip_in_district, "transfer", to="police", reason="同意移送").status_code == 303

    def document(name: str) -> tuple[io.BytesIO, str]:
        return io.BytesIO(samples.pdf()), f"{name}.pdf"

    some = {"document-letter": document("移送书")}
    assert step(reviewer, tip_in_district, "police_send", **some) == 422
    whole = {f"document-{code}": document(code) for code in ("letter", "report", "items")}
    assert step(reviewer, tip_in_district, "police_send", **whole) == 303
    page = reviewer.text(f"/tips/{tip_in_district}")
    assert "涉案物品清单（items.pdf）" in page
    address = re.search(r'href="(/tips/[^"]+/police/[^"]+/files/[^"]+)"', page)
    assert address
    assert reviewer.get(address[1]).data == samples.pdf()
    assert officer("district.650102").get(address[1]).status_code == 404
    days = {"decided_on": "2026-03-02", "notified_on": "2026-03-02"}
    assert step(reviewer, tip_in_district, "police_note_refusal", **days, reason="证据不足") == 303
    assert "接到不予立案通知书日期" in reviewer.text(f"/tips/{tip_in_district}")
    assert step(leader, tip_in_district, "police_ask_reconsideration", reason="已补充银行流水") == 303
    assert step(reviewer, tip_in_district, "police_note_filing", decided_on="2026-03-02") == 303
    assert "公安机关已立案" in handler.text(f"/tips/{tip_in_district}")


def test_office_and_reporter_write_to_each_other_without_names(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    handler = officer("district.650104")
    address = f"/tips/{tip_in_district}"
    sent = handler.post(f"{address}/messages", seen=address, action="write_to_reporter", text="请说明合同编号<b>")
    assert sent.status_code == 303
    page = handler.text(address)
    assert "请说明合同编号&lt;b&gt;" in page
    assert "双方互不知道对方身份" in page
    empty = handler.post(f"{address}/messages", seen=address, action="write_to_reporter", text=" ")
    assert empty.status_code == 422
    assert officer("city.leader").post(f"{address}/messages", text="x").status_code == 403


@pytest.mark.parametrize("username", ["city.leader", "observer.650000", "district.650104"])
def test_who_may_not_change_a_tip_sees_no_form_for_it(
    officer: Callable[[str], Officer], tip_id: UUID, username: str
) -> None:
    answer = officer(username).get(f"/tips/{tip_id}")
    assert answer.status_code == (404 if username.startswith("district") else 200)
    assert 'value="reject"' not in answer.get_data(as_text=True)
