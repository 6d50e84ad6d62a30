"""The office's own Word templates: checked, in versions, used for documents from then on, and back again."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from docx import Document
from flask import Flask
from flask.testing import FlaskClient

from app.cases import own_templates
from app.cases.document_kinds import KIND_TEXTS, NEEDED, PLACES
from app.files import word
from tests import factories, rows
from tests.cases import ledgers, office
from tests.cases.test_documents import LETTER, download
from tests.threads import twice_at_once
from tests.workflow import office as handling

PATH = "/api/v1/office/case-document-templates"
LINES = ("市处非办专用", "{{ number }}", "{{ recipient }}：", "{{ text }}", "{{ sender }} {{ day }}")


def template(*lines: str, header: str = "") -> bytes:
    document = Document()
    for line in lines or LINES:
        document.add_paragraph(line)
    if header:
        document.sections[0].header.paragraphs[0].text = header
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def hand_in(
    client: FlaskClient, content: bytes, kind: str = "supervision_letter", username: str = office.REVIEWER, **more: Any
) -> Any:
    asked = {"note": "按新公文格式修改。"} | more
    data = {"file": (io.BytesIO(content), "模板.docx")}
    headers = factories.office_headers(username)
    return client.post(f"{PATH}/{kind}", data=data, query_string=asked, headers=headers)


def faults(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.get_json()
    found: list[str] = answer.get_json()["errors"]["file"]
    return found


def made(client: FlaskClient, case_id: str) -> tuple[Any, str]:
    answer = ledgers.post(client, case_id, "documents", LETTER, office.REVIEWER).get_json()
    return answer["template_version"], word.text_of(download(client, case_id, answer, "docx").data)


def test_two_that_set_one_at_once(committed_app: Flask) -> None:
    person = factories.actor(office.REVIEWER)

    def set_one() -> None:
        own_templates.set_template(person, "supervision_letter", template(), "按新公文格式修改。")

    assert twice_at_once(committed_app, person.wall, set_one) == ["done", "refused"]


def test_documents_are_made_from_it_until_it_is_taken_back(client: FlaskClient) -> None:
    case_id = office.case(client)
    assert made(client, case_id)[0] is None
    assert hand_in(client, template()).get_json()["version"] == 1
    version, text = made(client, case_id)
    assert version == 1
    assert "市处非办专用" in text
    assert "该案逾期未填报进展。" in text
    assert hand_in(client, template(*LINES, "第二版")).get_json()["version"] == 2
    assert "第二版" in made(client, case_id)[1]
    headers = factories.office_headers(office.LEADER)
    back = client.post(f"{PATH}/supervision_letter/withdrawal", json={"note": "暂停。"}, headers=headers)
    assert (back.status_code, back.get_json()["version"], back.get_json()["in_use"]) == (200, 3, False)
    assert made(client, case_id)[0] is None
    again = client.post(f"{PATH}/supervision_letter/withdrawal", json={"note": "暂停。"}, headers=headers)
    assert again.get_json()["code"] == "template_not_in_use"
    audited = "SELECT count(*) FROM audit_events WHERE action = 'cases.set_document_template'"
    assert rows.scalar(audited) == 3


def test_every_version_is_kept_and_fetched(client: FlaskClient) -> None:
    first, second = template(), template(*LINES, "第二版")
    hand_in(client, first)
    hand_in(client, second)
    headers = factories.office_headers(office.HANDLER)
    listed = client.get(PATH, headers=headers).get_json()
    assert [(one["version"], one["note"]) for one in listed["items"]] == [
        (2, "按新公文格式修改。"),
        (1, "按新公文格式修改。"),
    ]
    assert listed["places"]["supervision_letter"]["recipient"] == "主送单位"
    where = f"{PATH}/supervision_letter/file"
    assert client.get(where, headers=headers).get_data() == second
    assert client.get(where, query_string={"version": 1}, headers=headers).get_data() == first
    assert client.get(where, query_string={"version": 9}, headers=headers).status_code == 404
    assert client.get(f"{PATH}/nonsense/file", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("{{ number }} {{ text }} {{ recipient }} {{ reporter }}",), "没有“reporter”这个占位符"),
        (("{{ number }} {{ text }}",), "缺少占位符 {{ recipient }}（主送单位）"),
        (("没有占位符",), "缺少占位符 {{ number }}（文号）"),
        ((*LINES, "{{ number"), "模板中的占位符写法有误，请检查 {{ }} 和 {% %} 是否成对"),
        ((*LINES, "{% if name %}"), "模板中的占位符写法有误，请检查 {{ }} 和 {% %} 是否成对"),
        ((*LINES, "{{ 'x' * 1000000000 }}"), "模板中只能使用占位符、循环和条件，不能使用计算、函数或者过滤器"),
        ((*LINES, "{{ name.upper() }}"), "模板中只能使用占位符、循环和条件，不能使用计算、函数或者过滤器"),
        ((*LINES, "{{ name | center(100000000) }}"), "模板中只能使用占位符、循环和条件，不能使用计算、函数或者过滤器"),
        ((*LINES, "{{ name.__class__ }}"), "占位符的名称不能以下划线开头"),
        ((*LINES, "{{ name.x.y }}"), "按示例数据生成文书时出错，请检查循环和条件的写法"),
    ],
)
def test_what_is_no_template_is_refused_and_says_why(client: FlaskClient, lines: tuple[str, ...], reason: str) -> None:
    assert reason in faults(hand_in(client, template(*lines)))
    assert rows.scalar("SELECT count(*) FROM case_document_templates") == 0


def test_places_in_the_header_count_too(client: FlaskClient) -> None:
    assert faults(hand_in(client, template(header="{{ secret }}"))) == ["没有“secret”这个占位符"]
    assert hand_in(client, template(header="{{ case_no }}")).status_code == 201
    case_id = office.case(client)
    assert "乌非集〔2021〕7号" in made(client, case_id)[1]


HIDDEN = ("first_page_header", "even_page_footer", "comments")


def hiding(where: str, said: str) -> bytes:
    """A template that says something more where nobody looks at once."""
    document, target = (
        Document(io.BytesIO(template("{{ number }} {{ recipient }} {% if text %}有正文{% endif %}"))),
        io.BytesIO(),
    )
    if where == "comments":
        document.core_properties.comments = said
    else:
        getattr(document.sections[0], where).paragraphs[0].text = said
    document.save(target)
    return target.getvalue()


@pytest.mark.parametrize("where", HIDDEN)
def test_places_where_nobody_looks_are_checked_and_filled_and_kept_free_of_reporters(
    client: FlaskClient, where: str
) -> None:
    assert faults(hand_in(client, hiding(where, "{{ secret }}"))) == ["没有“secret”这个占位符"]
    assert hand_in(client, hiding(where, "函字{{ text }}")).status_code == 201
    case_id = case_with_a_tip(client)
    assert f"函字{LETTER['text']}" in made(client, case_id)[1]
    refused = ledgers.post(client, case_id, "documents", EXPOSING, office.REVIEWER)
    assert refused.get_json()["code"] == "reporter_exposed"


def test_a_template_that_fetches_from_elsewhere_is_refused(client: FlaskClient) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template())) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "word/_rels/document.xml.rels":
                foreign = (
                    b'<Relationship Id="rIdX" TargetMode="External" Target="http://example.test/x.dotx" '
                    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/>'
                )
                content = content.replace(b"</Relationships>", foreign + b"</Relationships>")
            after.writestr(name, content)
    assert faults(hand_in(client, target.getvalue())) == [
        "模板引用了外部文件（如链接的图片、附加模板），请改为嵌入后再上传"
    ]


def test_what_is_no_word_file_is_refused(client: FlaskClient) -> None:
    assert hand_in(client, b"%PDF-1.7\n").status_code in {415, 422}
    assert hand_in(client, template(), "nonsense").status_code == 404


@pytest.mark.parametrize("username", [office.HANDLER, office.OBSERVER])
def test_the_city_alone_sets_templates(client: FlaskClient, username: str) -> None:
    assert hand_in(client, template(), username=username).status_code == 403


def case_with_a_tip(client: FlaskClient) -> str:
    case_id = office.case(client, username=office.REVIEWER)
    tip_id = handling.verifying(client, reporter=factories.REPORTER)
    body = {"tip_id": str(tip_id), "expected_version": office.shown(client, case_id)["version"]}
    assert ledgers.post(client, case_id, "tips", body, office.REVIEWER).status_code == 200
    return case_id


EXPOSING = LETTER | {"text": f"举报人{factories.REPORTER['name']}反映。"}


def test_nothing_of_a_reporter_leaves_by_a_header(client: FlaskClient) -> None:
    only_above = template("{{ number }} {{ recipient }}", header="{{ text }}")
    assert hand_in(client, only_above).status_code == 201
    refused = ledgers.post(client, case_with_a_tip(client), "documents", EXPOSING, office.REVIEWER)
    assert refused.get_json()["code"] == "reporter_exposed"
    assert rows.scalar("SELECT count(*) FROM case_documents") == 0


@pytest.mark.parametrize("kind", list(KIND_TEXTS))
def test_the_templates_of_the_program_pass_their_own_check(kind: str) -> None:
    names = word.names_in(own_templates.seed(kind).read_bytes())
    assert set(NEEDED[kind]) <= names <= PLACES[kind].keys()
