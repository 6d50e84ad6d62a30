"""The end points of consents, notices and deliveries, and who sees nothing through them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.notifications.conftest import TEMPLATE, Phone

SUBSCRIPTIONS = "/api/v1/subscriptions"
NOTICES = "/api/v1/office/notices"
DELIVERIES = "/api/v1/office/deliveries"


class TestSubscriptions:
    def test_template_ids_are_no_secret_counts_are(self, client: FlaskClient) -> None:
        answer = client.get(SUBSCRIPTIONS)
        assert answer.status_code == 200
        assert answer.get_json() == {"items": [{"purpose": "tip_progress", "template_id": TEMPLATE, "remaining": None}]}

    def test_each_consent_counts(self, phone: Phone) -> None:
        assert phone.remaining() == 0
        answer = phone.client.post(SUBSCRIPTIONS, json={"accepted": [TEMPLATE]}, headers=phone.headers)
        assert answer.status_code == 200
        assert answer.get_json()["items"][0]["remaining"] == 1
        phone.consent(2)
        assert phone.remaining() == 3

    def test_nothing_accepted_changes_nothing(self, phone: Phone) -> None:
        answer = phone.client.post(SUBSCRIPTIONS, json={"accepted": []}, headers=phone.headers)
        assert answer.status_code == 200
        assert phone.remaining() == 0

    def test_counts_are_each_persons_own(self, phone: Phone) -> None:
        phone.consent(2)
        other = factories.reporter_headers(phone.wechat.openid("another"))
        assert phone.client.get(SUBSCRIPTIONS, headers=other).get_json()["items"][0]["remaining"] == 0

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"accepted": ["somebody-elses"]}, "accepted"),
            ({"accepted": TEMPLATE}, "accepted"),
            ({"accepted": [1]}, "accepted.0"),
            ({"accepted": ["x" * 129]}, "accepted.0"),
            ({"accepted": [TEMPLATE] * 11}, "accepted"),
            ({}, "accepted"),
            ({"accepted": [], "openid": "o"}, "openid"),
            ([], "_schema"),
        ],
    )
    def test_bad_input_leaves_nothing(self, phone: Phone, body: Any, field: str) -> None:
        answer = phone.client.post(SUBSCRIPTIONS, json=body, headers=phone.headers)
        assert answer.status_code == 422
        assert answer.content_type == "application/problem+json"
        assert field in answer.get_json()["errors"]
        assert phone.remaining() == 0

    def test_consents_need_a_session_of_the_mini_program(self, client: FlaskClient) -> None:
        body = {"accepted": [TEMPLATE]}
        assert client.post(SUBSCRIPTIONS, json=body).status_code == 401
        officer = factories.office_headers("city.reviewer")
        assert client.post(SUBSCRIPTIONS, json=body, headers=officer).status_code == 401
        assert client.get(SUBSCRIPTIONS, headers=officer).status_code == 401


def notices(client: FlaskClient, username: str, **query: Any) -> dict[str, Any]:
    answer = client.get(NOTICES, query_string=query, headers=factories.office_headers(username))
    assert answer.status_code == 200, answer.get_json()
    page: dict[str, Any] = answer.get_json()
    return page


def file_tips(client: FlaskClient, number: int) -> list[UUID]:
    tip_ids = [factories.tip_id_of(factories.file_tip(client)["receipt_number"]) for _ in range(number)]
    factories.deliver()
    return tip_ids


class TestNotices:
    def test_newest_first_page_by_page(self, client: FlaskClient) -> None:
        tip_ids = file_tips(client, 5)
        seen, cursor = [], None
        for expected in (2, 2, 1):
            page = notices(client, "city.reviewer", limit=2, **({"cursor": cursor} if cursor else {}))
            assert len(page["items"]) == expected
            assert page["unread"] == 5
            seen += [UUID(item["tip_id"]) for item in page["items"]]
            cursor = page["next_cursor"]
        assert cursor is None
        assert seen == tip_ids[::-1]

    def test_shows_what_happened(self, client: FlaskClient) -> None:
        [tip_id] = file_tips(client, 1)
        [item] = notices(client, "city.reviewer")["items"]
        assert set(item) == {
            "id",
            "title",
            "tip_id",
            "case_id",
            "reassignment_id",
            "run_of",
            "run_id",
            "created_at",
            "read_at",
        }
        assert item["title"].startswith("新举报待受理（")
        assert (item["tip_id"], item["reassignment_id"], item["read_at"]) == (str(tip_id), None, None)
        assert item["created_at"].endswith("+00:00")

    def test_read_once_and_for_all(self, client: FlaskClient) -> None:
        file_tips(client, 3)
        headers = factories.office_headers("city.reviewer")
        first = notices(client, "city.reviewer")["items"][0]["id"]
        answer = client.post(f"{NOTICES}/{first}/read", headers=headers)
        assert answer.status_code == 200
        read_at = answer.get_json()["read_at"]
        assert read_at is not None
        assert client.post(f"{NOTICES}/{first}/read", headers=headers).get_json()["read_at"] == read_at
        unread = notices(client, "city.reviewer", unread="true")
        assert unread["unread"] == len(unread["items"]) == 2
        assert first not in {item["id"] for item in unread["items"]}
        assert client.post(f"{NOTICES}/read-all", headers=headers).get_json() == {"marked": 2}
        assert client.post(f"{NOTICES}/read-all", headers=headers).get_json() == {"marked": 0}
        assert notices(client, "city.reviewer", unread="true")["items"] == []
        assert len(notices(client, "city.reviewer")["items"]) == 3
        assert notices(client, "city.reviewer2")["unread"] == 3  # a colleague reads for himself

    def test_nobody_sees_or_marks_anothers(self, client: FlaskClient) -> None:
        file_tips(client, 1)
        [item] = notices(client, "city.reviewer")["items"]
        for username in ("city.reviewer2", "district.650104", "city.leader", "auditor", "sysadmin"):
            page = notices(client, username)
            assert item["id"] not in {shown["id"] for shown in page["items"]}
            answer = client.post(f"{NOTICES}/{item['id']}/read", headers=factories.office_headers(username))
            assert answer.status_code == 404
            assert answer.get_json()["code"] == "not_found"
        assert notices(client, "city.reviewer")["unread"] == 1

    def test_an_unknown_id_is_not_found(self, client: FlaskClient) -> None:
        answer = client.post(f"{NOTICES}/{uuid4()}/read", headers=factories.office_headers("city.reviewer"))
        assert answer.status_code == 404

    @pytest.mark.parametrize(
        "query", [{"cursor": "not-a-cursor"}, {"limit": 0}, {"limit": 101}, {"unread": "perhaps"}, {"account": "x"}]
    )
    def test_bad_questions_are_refused(self, client: FlaskClient, query: dict[str, Any]) -> None:
        answer = client.get(NOTICES, query_string=query, headers=factories.office_headers("city.reviewer"))
        assert answer.status_code == 422
        assert set(answer.get_json()["errors"]) == set(query)

    def test_needs_an_officer(self, client: FlaskClient) -> None:
        for method, path in (("get", NOTICES), ("post", f"{NOTICES}/read-all"), ("get", DELIVERIES)):
            assert getattr(client, method)(path).status_code == 401
            assert getattr(client, method)(path, headers=factories.reporter_headers()).status_code == 401


class TestDeliveries:
    def test_show_how_far_each_message_got_and_nobody_behind_it(self, phone: Phone) -> None:
        phone.consent(2)
        tip_ids = [phone.file_tip()[1] for _ in range(2)]
        phone.wechat.script("/cgi-bin/message/subscribe/send", answer={"errcode": 47003, "errmsg": "refused"})
        factories.deliver()
        for username in ("city.reviewer", "city.leader", "sysadmin"):
            page = phone.client.get(DELIVERIES, headers=factories.office_headers(username)).get_json()
            assert {item["tip_id"] for item in page["items"]} == {str(tip_id) for tip_id in tip_ids}
            got = sorted((item["channel"], item["state"]) for item in page["items"])
            assert got == [("in_app", "sent"), ("wechat", "failed"), ("wechat", "sent")]
            shown = "id tip_id kind channel state attempts error error_text created_at due_at sending_at finished_at"
            assert set(page["items"][0]) == set(shown.split())
        failed = phone.client.get(
            DELIVERIES, query_string={"state": "failed"}, headers=factories.office_headers("sysadmin")
        ).get_json()
        assert [item["error"] for item in failed["items"]] == ["47003"]

    def test_page_by_page(self, phone: Phone) -> None:
        phone.consent(3)
        for _ in range(3):
            phone.file_tip()
        factories.deliver()
        headers = factories.office_headers("city.reviewer")
        first = phone.client.get(DELIVERIES, query_string={"limit": 2}, headers=headers).get_json()
        rest = phone.client.get(
            DELIVERIES, query_string={"limit": 2, "cursor": first["next_cursor"]}, headers=headers
        ).get_json()
        assert len({item["id"] for item in [*first["items"], *rest["items"]]}) == 3
        assert rest["next_cursor"] is None

    @pytest.mark.parametrize("username", ["district.650104", "city.adjuster", "observer.650000", "auditor", "secadmin"])
    def test_are_not_everybodys(self, client: FlaskClient, username: str) -> None:
        answer = client.get(DELIVERIES, headers=factories.office_headers(username))
        assert answer.status_code == 403

    def test_an_unknown_state_is_refused(self, client: FlaskClient) -> None:
        answer = client.get(
            DELIVERIES, query_string={"state": "lost"}, headers=factories.office_headers("city.reviewer")
        )
        assert answer.status_code == 422
