"""The path of one tip, from a phone to a reply, through HTTP alone."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests import factories


def test_a_tip_travels_from_phone_to_reply(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    steps = (
        ("city.reviewer", "accept", {}),
        ("city.reviewer", "assign", {"division": "650104"}),
        ("district.650104", "sign_for", {}),
        ("district.650104", "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "情况属实。"}),
        ("city.reviewer", "rework", {"reason": "请补充资金流向。"}),
        ("district.650104", "submit_feedback", {"outcome": "SUBSTANTIATED", "text": "已补充。"}),
        ("city.reviewer", "conclude", {}),
        ("city.reviewer", "reply", {"text": "您反映的情况已依法处理，感谢支持。"}),
    )
    for username, action, given in steps:
        answer = factories.office_act(client, username, tip_id, action, **given)
        assert answer.status_code == 200, (action, answer.get_json())
    progress = client.post(
        "/api/v1/tips/query", json={name: receipt[name] for name in ("receipt_number", "query_code")}
    ).get_json()
    assert progress["status"] == "replied"
    assert progress["reply"] == "您反映的情况已依法处理，感谢支持。"
    assert [step["status"] for step in progress["steps"]][:4] == ["registered", "accepted", "assigned", "verifying"]


def test_reassignment_by_three_people(client: FlaskClient) -> None:
    tip_id = factories.verifying_tip(client)
    handler = factories.office_headers("district.650104")
    file_id = factories.upload(client, handler).get_json()["id"]
    version = client.get(f"/api/v1/office/tips/{tip_id}", headers=handler).get_json()["version"]
    body = {
        "to_division": "650102",
        "ground": "registered_elsewhere",
        "reason": "登记地在天山区，附登记信息。",
        "evidence": [file_id],
        "expected_version": version,
    }
    blank = client.post(f"/api/v1/office/tips/{tip_id}/reassignments", json=body | {"reason": " "}, headers=handler)
    assert (blank.status_code, list(blank.get_json()["errors"])) == (422, ["reason"])
    request = client.post(f"/api/v1/office/tips/{tip_id}/reassignments", json=body, headers=handler)
    assert request.status_code == 201, request.get_json()
    path = f"/api/v1/office/reassignments/{request.get_json()['id']}"
    for username, action in (
        ("city.reviewer", "approve"),
        ("city.adjuster", "adjust"),
        ("district.650102", "confirm"),
    ):
        headers = factories.office_headers(username)
        shown = client.get(path, headers=headers).get_json()
        assert action in shown["available_actions"], shown
        answer = client.post(
            f"{path}/actions",
            json={"action": action, "expected_version": shown["version"], "reason": "证据充分。"},
            headers=headers,
        )
        assert answer.status_code == 200, answer.get_json()
    assert client.get(f"/api/v1/office/tips/{tip_id}", headers=handler).status_code == 404
    new = client.get(f"/api/v1/office/tips/{tip_id}", headers=factories.office_headers("district.650102")).get_json()
    assert new["status"] == "verifying"
    assert new["division"] == "650102"
