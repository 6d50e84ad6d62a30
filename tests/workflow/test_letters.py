"""Letters of transfers: Word files from templates, and nothing of the reporter in them (domain rule 16)."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from app.files import word
from app.tips import letters
from tests import factories
from tests.workflow import office
from tests.workflow.office import HANDLER
from tests.workflow.test_police import OFFICERS, approved, proposed


def fetched(client: FlaskClient, tip_id: Any, username: str = "city.reviewer") -> Any:
    return client.get(f"/api/v1/office/tips/{tip_id}/letter", headers=factories.office_headers(username))


def text_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as document:
        assert document.testzip() is None
        assert "[Content_Types].xml" in document.namelist()
        tree = ET.fromstring(document.read("word/document.xml"))
    return "\n".join(node.text or "" for node in tree.iter() if node.tag.endswith("}t"))


def test_the_letter_to_the_police_names_the_accused_and_the_officers(client: FlaskClient) -> None:
    tip_id = office.verifying(client, reporter=factories.REPORTER)
    assert fetched(client, tip_id).status_code == 404, "nothing was approved yet"
    approved(tip_id, "涉嫌集资诈骗，<金额>较大 & 人数众多。")
    answer = fetched(client, tip_id)
    assert answer.status_code == 200
    text = text_of(answer.data)
    for part in (
        "公安机关",
        "乌鲁木齐瑞丰源投资咨询有限公司",
        "涉嫌集资诈骗，<金额>较大 & 人数众多。",
        *OFFICERS,
        "2026年3月2日",
    ):
        assert part in text
    assert "{{" not in text


@pytest.mark.parametrize(
    ("to", "recipient"), [("xpcc", "兵团"), ("other_province", "外省"), ("other_authority", "其他主管机关")]
)
def test_other_authorities_get_a_letter_too(client: FlaskClient, to: str, recipient: str) -> None:
    tip_id = office.verifying(client)
    office.do("city.leader", tip_id, "transfer", to=to, reason="属其管辖。")
    assert recipient in text_of(fetched(client, tip_id).data)


def test_rule_16_no_letter_holds_the_reporters_data_or_words(client: FlaskClient) -> None:
    tip_id = office.verifying(client, reporter=factories.REPORTER)
    approved(tip_id)
    plain = text_of(fetched(client, tip_id).data)
    described = factories.tip_body()["conduct"]["description"]
    for told in (factories.REPORTER["name"], factories.REPORTER["phone"], factories.REPORTER["id_number"], described):
        assert str(told) not in plain


@pytest.mark.parametrize("officer", [factories.REPORTER["name"], "丙，电话 139-0000-1234", "丁 650102 19900101 1234"])
def test_rule_16_whatever_an_officer_wrote_is_looked_through(client: FlaskClient, officer: str) -> None:
    tip_id = office.verifying(client, reporter=factories.REPORTER)
    proposed(tip_id, officers=[*OFFICERS, officer])
    office.do("city.leader", tip_id, "transfer", to="police", reason="涉嫌犯罪。")
    assert fetched(client, tip_id).get_json()["code"] == "reporter_exposed"


def test_another_district_gets_no_letter(client: FlaskClient) -> None:
    tip_id = office.verifying(client)
    approved(tip_id)
    assert fetched(client, tip_id, office.OTHER).status_code == 404
    assert fetched(client, tip_id, HANDLER).status_code == 200


@pytest.mark.parametrize("template", ["police", "referral"])
def test_every_place_of_a_template_is_filled(template: str) -> None:
    names = {"recipient", "accused", "uscc", "registered_address", "reason", "officers", "sender", "day"}
    text = text_of(word.filled(letters.TEMPLATES / f"{template}.docx", {name: f"〔{name}〕" for name in names}))
    assert set(re.findall(r"〔(\w+)〕", text)) >= names - {"officers"}
