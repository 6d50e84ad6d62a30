"""Steps that tests of cases take through the API. All companies and persons invented."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests import factories

CASES = "/api/v1/office/cases"
HANDLER = f"district.{factories.XINSHI}"
OTHER = f"district.{factories.TIANSHAN}"
REVIEWER, LEADER, OBSERVER = "city.reviewer", "city.leader", "observer.650000"
COMPANY = "乌鲁木齐瑞丰源投资咨询有限公司"
FACTS: dict[str, Any] = {
    "parties": [
        {"kind": "organization", "role": "fundraiser", "name": COMPANY, "uscc": None},
        {"kind": "individual", "role": "assistant", "name": "阿卜杜拉·测试", "uscc": None},
    ],
    "registered_place": "新疆乌鲁木齐市新市区长春中路1号",
    "occurrence_place": "新疆乌鲁木齐市天山区解放北路2号",
    "industry": "J69",
    "business_category": "debt",
    "involved_yuan": "30000000.00",
    "outstanding_yuan": "12000000.00",
    "responsible_person": "负责人测试",
    "responsible_phone": "0991-7654321",
}


def register(client: FlaskClient, username: str = HANDLER, **changes: Any) -> Any:
    """Enter a case; returns the response."""
    body = {"case_no": "乌非集〔2021〕7号", "name": "瑞丰源案", "facts": FACTS} | changes
    return client.post(CASES, json=body, headers=factories.office_headers(username))


def case(client: FlaskClient, **changes: Any) -> str:
    """The id of a case of 新市区 just entered."""
    answer = register(client, **changes)
    assert answer.status_code == 201, answer.get_json()
    case_id: str = answer.get_json()["id"]
    return case_id


def shown(client: FlaskClient, case_id: str, username: str = REVIEWER) -> Any:
    """The case as this officer sees it."""
    answer = client.get(f"{CASES}/{case_id}", headers=factories.office_headers(username))
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def act(client: FlaskClient, username: str, case_id: str, action: str, **given: Any) -> Any:
    """Do an action with the version that the city sees now; returns the response."""
    given.setdefault("expected_version", shown(client, case_id)["version"])
    headers = factories.office_headers(username)
    return client.post(f"{CASES}/{case_id}/actions", json={"action": action, **given}, headers=headers)


def move(
    client: FlaskClient, case_id: str, track: str, stage: str, confirming: str = REVIEWER, reason: str = "依文书。"
) -> None:
    """Bring a track to a stage: entered by the district, confirmed by the city."""
    entered = act(client, HANDLER, case_id, "propose_stage", track=track, stage=stage, on="2025-06-01", reason=reason)
    assert entered.status_code == 200, entered.get_json()
    confirmed = act(client, confirming, case_id, "confirm_stage", track=track)
    assert confirmed.status_code == 200, confirmed.get_json()


PLAN: dict[str, Any] = {
    "goal": "年内返还已控制资产，化解涉稳风险。",
    "measures": [{"text": "清点查封房产并评估。", "owner": "张测试", "unit": "新市区处非办", "due_on": "2025-09-30"}],
    "reason": "首次制定。",
}
ENTRY: dict[str, Any] = {"situation": "一审已开庭。", "movement": "新查封房产两处。", "recovered_yuan": "500000.00"}


def write_plan(client: FlaskClient, case_id: str, username: str = HANDLER, **changes: Any) -> Any:
    """Put a version of the plan before the leader; returns the response."""
    headers = factories.office_headers(username)
    return client.post(f"{CASES}/{case_id}/plans", json=PLAN | changes, headers=headers)


def decide_plan(client: FlaskClient, case_id: str, number: int, username: str = LEADER, **given: Any) -> Any:
    """Decide on a version of the plan; returns the response."""
    headers = factories.office_headers(username)
    body = {"number": number, "approved": True} | given
    return client.post(f"{CASES}/{case_id}/plans/decision", json=body, headers=headers)


def report(client: FlaskClient, case_id: str, username: str = HANDLER, **changes: Any) -> Any:
    """Add an entry of progress; returns the response."""
    headers = factories.office_headers(username)
    return client.post(f"{CASES}/{case_id}/progress", json=ENTRY | changes, headers=headers)
