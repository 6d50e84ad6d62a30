"""``GET /api/v1/enterprises``: suggestions for the form, and nothing that the public register does not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.enterprises.lists import NOVEMBER, code, known, line
from tests.geo.knowing import nothing_known


@pytest.fixture(autouse=True)
def _register(app: Flask) -> Iterator[None]:
    with nothing_known(app):
        known(line("乌鲁木齐云杉源商务有限公司", uscc=code(1), registered_address="新市区云杉街3号"))
        known(line("云杉源（新疆）农业有限公司", uscc=code(2), former_names=("白桦林农业有限公司",)))
        known(*(line(f"青松{number}号合作社", uscc=code(100 + number)) for number in range(12)))
        yield


def suggested(client: FlaskClient, q: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/enterprises", query_string={"q": q})
    assert answer.status_code == 200, answer.get_json()
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_a_part_of_a_name(client: FlaskClient) -> None:
    found = suggested(client, "云杉源")
    assert [one["name"] for one in found] == ["云杉源（新疆）农业有限公司", "乌鲁木齐云杉源商务有限公司"]
    assert found[1] == {
        "name": "乌鲁木齐云杉源商务有限公司", "uscc": code(1), "district": "650104",
        "district_name": "新疆维吾尔自治区乌鲁木齐市新市区",
    }  # fmt: skip
    assert (found[0]["district"], found[0]["district_name"]) == (None, "")


@pytest.mark.parametrize("q", ["雲杉源(新疆)", "白桦林", code(2), code(2)[:16].lower(), "云杉源新疆农业有限责任公司"])
def test_other_ways_to_ask_for_it(client: FlaskClient, q: str) -> None:
    assert code(2) in [one["uscc"] for one in suggested(client, q)]


def test_no_more_than_ten(client: FlaskClient) -> None:
    assert len(suggested(client, "青松")) == 10
    assert len(suggested(client, "9165010")) == 10


@pytest.mark.parametrize("q", ["云", "（）", "%%", "__", "云%源", "没有这家", "'; --", "𠮷𠮷", "9" * 200])
def test_nothing_to_suggest(client: FlaskClient, q: str) -> None:
    assert suggested(client, q) == []


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "云" * 201}, {"q": "云杉", "limit": "5"}, {"q": "云\x00杉"}])
def test_bad_questions_are_refused_by_field(client: FlaskClient, query: dict[str, str]) -> None:
    answer = client.get("/api/v1/enterprises", query_string=query)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) <= {"q", "limit"}


def test_a_crowd_is_asked_for_work(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tips.guard._times_over", lambda *_: 2.0)
    answer = client.get("/api/v1/enterprises", query_string={"q": "云杉"})
    assert (answer.status_code, answer.get_json()["code"]) == (429, "proof_of_work_required")


def test_a_name_that_changed_is_found_by_both(client: FlaskClient) -> None:
    known(line("红柳商务有限公司", uscc=code(1)), as_of=NOVEMBER)
    assert [one["name"] for one in suggested(client, "红柳")] == ["红柳商务有限公司"]
    assert "红柳商务有限公司" in [one["name"] for one in suggested(client, "乌鲁木齐云杉源")]
