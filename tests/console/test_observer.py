"""The region's observer reads how tips are handled and nothing of what was reported (domain.md §9.4)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import Forbidden
from app.foundation.http import Audience
from app.foundation.permissions import ROLE_PERMISSIONS, Permission, Role
from app.tips import jobs as tip_jobs
from app.tips.queries import tip_in_progress, whole_tip
from app.workflow import disclosure, police
from tests import factories, rows
from tests.cases import office as cases
from tests.console.office import Officer
from tests.tips import reporters
from tests.workflow import office
from tests.workflow.office import HANDLER, OTHER

OBSERVER = "observer.650000"
OFFICE = "/api/v1/office"
MARK = "QZMARK"
"""Stands in every text that somebody wrote about the tip, in every name, number and address."""
PHONE = "0991-7788990"
NOTE = "自治区观察员仅查看办理进度，不查看举报内容"
SUBJECT = {
    "kind": "organization",
    "name": f"乌鲁木齐{MARK}投资咨询有限公司",
    "uscc": "91650100MA77QZ123X",
    "registered_address": f"新疆乌鲁木齐市新市区长春中路{MARK}大厦1号",
    "operating_address": f"新疆乌鲁木齐市天山区解放北路{MARK}商厦2号",
    "contact": PHONE,
    "online_presence": [f"https://{MARK}.example"],
}
SAYS = {"description": f"{MARK}我是张测试，承诺保本付息。", "promised_return": f"年化18%{MARK}"}
HIDDEN_WORDS = (MARK, PHONE, "91650100MA77QZ123X", "长春中路", "解放北路")
LOOKED_FOR = (MARK, "投资咨询", "长春中路", "7788990", "91650100MA77QZ123X", "张测试")


@pytest.fixture
def ids(client: FlaskClient) -> dict[str, str]:
    """A tip that went through everything, with marked words at every step; ids by the names of path arguments."""
    first = _filed(client)
    tip_id = factories.tip_id_of(first["receipt_number"])
    request_id = _moved(client, tip_id)
    transfer_id = _proposed(tip_id)
    office.do(OTHER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text=f"核查{MARK}")
    office.do("city.reviewer", tip_id, "rework", reason=f"重办{MARK}")
    office.do(OTHER, tip_id, "submit_feedback", outcome="SUBSTANTIATED", text=f"再查{MARK}")
    office.do("city.reviewer", tip_id, "conclude")
    office.do("city.reviewer", tip_id, "reply", text=f"答复{MARK}")
    assert reporters.call(client, "withdraw", first, reason=f"撤回{MARK}").status_code == 201
    assert reporters.call(client, "rating", first, score=1, comment=f"敷衍{MARK}").status_code == 201
    other_id = factories.tip_id_of(_filed(client)["receipt_number"])  # of the same company, disputed, still open
    office.do("city.reviewer", other_id, "supervise", kind="listed", reason=f"督办{MARK}")
    case_id = cases.case(client)
    linked = {"tip_id": str(tip_id), "expected_version": cases.shown(client, case_id)["version"]}
    path, headers = f"{cases.CASES}/{case_id}/tips", factories.office_headers("city.reviewer")
    assert client.post(path, json=linked, headers=headers).status_code in {200, 201}
    reporters.run_outbox()
    tip_jobs.link_tips()
    tip_jobs.index_for_search()
    return {
        "tip_id": str(tip_id), "file_id": str(rows.scalar("SELECT file_id FROM tip_evidence WHERE tip_id = :id", id=tip_id)),
        "request_id": str(request_id), "transfer_id": str(transfer_id), "case_id": case_id, "kind": "precedents",
        "cluster_id": str(rows.scalar("SELECT cluster_id FROM tip_links WHERE tip_id = :id", id=tip_id)),
        "number": "1", "receipt_number": first["receipt_number"], "other_id": str(other_id),
    }  # fmt: skip


def _filed(client: FlaskClient) -> dict[str, Any]:
    file = factories.upload(client, name=f"{MARK}合同.png").get_json()["id"]
    conduct = factories.tip_body()["conduct"] | SAYS
    receipt = factories.file_tip(
        client,
        subject=SUBJECT,
        conduct=conduct,
        evidence=[file],
        reporter=factories.REPORTER | {"name": f"{MARK}张测试"},
    )
    for way, text in (("messages", f"我是{MARK}张测试"), ("supplement", f"补充{MARK}")):
        said = reporters.call(client, way, receipt, text=text, client_request_id=str(uuid4()))
        assert said.status_code == 201, said.get_json()
    return receipt


def _moved(client: FlaskClient, tip_id: UUID) -> UUID:
    office.do("city.reviewer", tip_id, "accept")
    office.do("city.reviewer", tip_id, "assign", division=factories.XINSHI, reason=f"交办{MARK}")
    office.do(HANDLER, tip_id, "sign_for")
    headers = factories.office_headers(HANDLER)
    file = UUID(factories.upload(client, headers, name=f"{MARK}迁址.png").get_json()["id"])
    request = office.apply(client, tip_id, reason=f"已迁址{MARK}", evidence=[file])
    office.step("city.reviewer", request, "ask_view")
    office.step(OTHER, request, "object", reason=f"意见{MARK}")
    office.step("city.reviewer", request, "approve", reason=f"同意{MARK}")
    office.step("city.adjuster", request, "adjust", reason=f"调整{MARK}")
    office.step(OTHER, request, "confirm", reason=f"接收{MARK}")
    return request.id


def _proposed(tip_id: UUID) -> UUID:
    person = factories.actor(OTHER)
    with transaction(OPEN_WALL):
        row = police.propose(person, tip_id, [f"甲{MARK}", f"乙{MARK}"], f"涉嫌诈骗{MARK}")
    leader = factories.actor("city.leader")
    with transaction(OPEN_WALL):
        police.act(leader, row.id, "decline", row.version, {"reason": f"不移送{MARK}"})
    return row.id


def _addresses(app: Flask, ids: dict[str, str], audience: Audience) -> Iterator[str]:
    """Every address to read at, with what its arguments stand for; what the role may not open is tried as well."""
    for rule in app.url_map.iter_rules():
        policy = getattr(app.view_functions[rule.endpoint], "policy", None)
        if policy is None or policy.audience is not audience or "GET" not in (rule.methods or ()):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids.get(found[1], str(uuid4())), rule.rule)
        if path not in {"/session/alive", "/sign-out"}:
            yield path


def _text(answer: Any) -> str:
    """What an answer says, a workbook unpacked."""
    content = answer.get_data()
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = b"\n".join(packed.read(name) for name in packed.namelist())
    text = content.decode("utf-8", "replace")
    return text.encode().decode("unicode_escape", "replace") + text if "\\u" in text else text


def _silent(answer: Any, address: str) -> str:
    text = _text(answer)
    assert answer.status_code < 500, address
    assert not [word for word in HIDDEN_WORDS if word in text], address
    return text


def test_no_answer_of_the_office_api_says_what_was_reported(
    app: Flask, client: FlaskClient, ids: dict[str, str]
) -> None:
    headers = factories.office_headers(OBSERVER)
    found = {}
    for path in _addresses(app, ids, Audience.OFFICER):
        answer = client.get(path, headers=headers)
        _silent(answer, path)
        found[path] = answer.status_code
    opened = {path for path, status in found.items() if status == 200}
    tip, request = f"{OFFICE}/tips/{ids['tip_id']}", f"{OFFICE}/reassignments/{ids['request_id']}"
    lists = {f"{OFFICE}/{name}" for name in ("tips", "reassignments", "rechecks", "cases", "notices")}
    assert {tip, f"{tip}/police-transfers", request, *lists} <= opened
    assert found[f"{OFFICE}/clusters"] == 403


def test_no_page_of_the_console_says_it(app: Flask, officer: Callable[[str], Officer], ids: dict[str, str]) -> None:
    person = officer(OBSERVER)
    found = {path: person.get(path) for path in _addresses(app, ids, Audience.CONSOLE)}
    for path, answer in found.items():
        _silent(answer, path)
    opened = {path for path, answer in found.items() if answer.status_code == 200}
    told = {f"/tips/{ids['tip_id']}", f"/reassignments/{ids['request_id']}", "/tips", "/reassignments", "/rechecks"}
    told |= {"/", "/supervisions", "/police"}
    assert told | {"/statistics", "/cases", "/notices", "/palette"} <= opened
    for path in told:
        assert NOTE in found[path].get_data(as_text=True), path
        assert disclosure.HIDDEN in found[path].get_data(as_text=True), path
    for path in ("/clusters", "/exclusions"):
        assert found[path].status_code == 403


def test_the_facts_of_handling_are_told_by_the_api(client: FlaskClient, ids: dict[str, str]) -> None:
    headers = factories.office_headers(OBSERVER)
    tip = client.get(f"{OFFICE}/tips/{ids['tip_id']}", headers=headers).get_json()
    assert (tip["receipt_number"], tip["status"], tip["division"]) == (ids["receipt_number"], "replied", "650102")
    assert (tip["subject_name"], tip["subject"], tip["masked"]) == ("＊＊＊", {"name": "＊＊＊"}, NOTE)
    assert tip["statement"] == {
        "channel": "web",
        "conduct_type": "entrusted_wealth",
        "amount_band": "lt_500k",
        "participants_band": "30_150",
    }
    assert tip["clocks"].keys() == {"name", "due_at", "working_days_left", "paused", "overall_due_at"}
    assert tip["handling"]["priority"] in {"P1", "P2", "P3", "P4"}
    assert tip["jurisdiction"]["lead"] == "650104"
    assert tip["jurisdiction"]["sources"]["registered"]["county"] == "650104"
    assert tip["jurisdiction"]["sources"]["registered"]["confidence"] > 0
    signed = next(step for step in tip["history"] if step["action"] == "sign_for")
    assert (signed["role"], signed["by"]) == ("district_handler", "区县承办人")
    assert (signed["from_status"], signed["to_status"]) == ("assigned", "verifying")
    assert {step["reason"] for step in tip["history"]} == {"", "＊＊＊"}
    moved = client.get(f"{OFFICE}/reassignments/{ids['request_id']}", headers=headers).get_json()
    assert (moved["status"], moved["to_division"], moved["ground"]) == ("confirmed", "650102", "registered_elsewhere")
    assert (moved["reason"], moved["evidence"], moved["view"]["text"]) == ("＊＊＊", [], "＊＊＊")
    (way,) = client.get(f"{OFFICE}/tips/{ids['tip_id']}/police-transfers", headers=headers).get_json()["items"]
    assert (way["state"], way["officers"], way["documents"]) == ("declined", [], {})
    (asked,) = client.get(f"{OFFICE}/rechecks", headers=headers).get_json()["items"]
    assert (asked["score"], asked["comment"]) == (1, "＊＊＊")


def test_the_facts_of_handling_are_told_on_the_page(officer: Callable[[str], Officer], ids: dict[str, str]) -> None:
    person = officer(OBSERVER)
    page = person.text(f"/tips/{ids['tip_id']}")
    for told in (
        ids["receipt_number"],
        "已答复",
        "天山区",
        "委托理财",
        "50万元以下",
        "30—150人",
        "置信度",
        "区县承办人",
    ):
        assert told in page, told
    assert "实名" not in page
    late = person.text(f"/tips/{ids['other_id']}")
    assert "受理期限" in late
    listed = person.text("/tips").split('id="results"')[1]
    assert ids["receipt_number"] in listed
    assert listed.count("＊＊＊") == 2


def test_searching_finds_a_receipt_number_and_nothing_else(
    client: FlaskClient, officer: Callable[[str], Officer], ids: dict[str, str]
) -> None:
    headers, person, number = factories.office_headers(OBSERVER), officer(OBSERVER), ids["receipt_number"]
    reviewer = factories.office_headers("city.reviewer")
    assert client.get(f"{OFFICE}/tips", query_string={"q": "投资咨询"}, headers=reviewer).get_json()["items"]
    for words, order in product(LOOKED_FOR, ("newest", "oldest", "due")):
        asked = {"q": words, "order": order}
        found = client.get(f"{OFFICE}/tips", query_string=asked, headers=headers).get_json()
        assert (found["items"], found["total_estimate"]) == ([], 0), words
        assert number not in person.get("/tips", query_string=asked).get_data(as_text=True), words
        assert number not in person.get("/palette", query_string={"q": words}).get_data(as_text=True), words
    same = client.get(f"{OFFICE}/tips", query_string={"cluster": ids["cluster_id"]}, headers=headers).get_json()
    assert same["items"] == []
    by_number = client.get(f"{OFFICE}/tips", query_string={"q": number}, headers=headers).get_json()["items"]
    assert [one["id"] for one in by_number] == [ids["tip_id"]]
    assert by_number[0]["cluster"] is None
    assert number in person.get("/palette", query_string={"q": number}).get_data(as_text=True)


def test_standing_aside_from_a_company_is_no_way_to_ask_whose_tip_it_is(
    client: FlaskClient, ids: dict[str, str]
) -> None:
    headers = factories.office_headers(OBSERVER)
    body = {"company": SUBJECT["name"], "reason": "亲属任职"}
    assert client.post(f"{OFFICE}/exclusions", json=body, headers=headers).status_code == 403
    assert client.get(f"{OFFICE}/tips/{ids['tip_id']}", headers=headers).status_code == 200


def test_a_new_field_of_a_tip_is_hidden_until_it_is_named(client: FlaskClient) -> None:
    observer = factories.actor(OBSERVER)
    new = {"receipt_number": "1", "note": "说明", "people": ["甲"], "more": {"甲": 1}, "figure": 3}
    hidden = {"receipt_number": "1", "note": "＊＊＊", "people": [], "more": {}, "figure": None}
    assert disclosure.told(observer, new, {"receipt_number"}) == hidden
    assert disclosure.told(factories.actor("city.leader"), new, {"receipt_number"}) == new


def test_what_is_built_on_the_whole_tip_is_closed_to_the_observer(ids: dict[str, str]) -> None:
    observer, tip_id = factories.actor(OBSERVER), UUID(ids["tip_id"])
    with pytest.raises(Forbidden, match=NOTE):
        whole_tip(observer, tip_id)
    assert tip_in_progress(observer, tip_id).tip.receipt_number == ids["receipt_number"]


def test_who_reads_what_was_reported() -> None:
    readers = {role for role in Role if Permission.STATEMENT_READ in ROLE_PERMISSIONS[role]}
    handling = {Role.DISTRICT_HANDLER, Role.CITY_REVIEWER, Role.CITY_ADJUSTER, Role.CITY_LEADER}
    assert readers == handling
