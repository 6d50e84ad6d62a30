"""The office's own Word templates at the console: handed in, refused with what is wrong, taken back."""

from __future__ import annotations

import io
from collections.abc import Callable

from flask.testing import FlaskClient

from tests.cases import office
from tests.cases.test_own_templates import LINES, template
from tests.console.office import Officer, csrf_token

SignIn = Callable[[str], Officer]
HERE = "/cases/document-templates"


def hand_in(person: Officer, content: bytes | None, **fields: str) -> tuple[int, str]:
    file = {"file": (io.BytesIO(content), "模板.docx")} if content else {}
    data = {"csrf_token": csrf_token(person.text(HERE)), "note": "新公文格式。", "action": "set", **fields, **file}
    answer = person.open(f"{HERE}/supervision_letter", method="POST", data=data)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_template_is_handed_in_and_taken_back(client: FlaskClient, officer: SignIn) -> None:
    reviewer = officer(office.REVIEWER)
    assert reviewer.text(HERE).count("系统模板") >= 4
    status, page = hand_in(reviewer, template("{{ number }} {{ wrong }}"))
    assert status == 422
    assert "没有“wrong”这个占位符" in page
    assert hand_in(reviewer, None)[0] == 422
    assert hand_in(reviewer, template(*LINES))[0] == 303
    assert "自有模板第 1 版" in reviewer.text(HERE)
    handler = officer(office.HANDLER)
    assert "上传新模板" not in handler.text(HERE)
    fetched = handler.open(f"{HERE}/supervision_letter/file")
    assert fetched.get_data()[:2] == b"PK"
    assert handler.open(f"{HERE}/supervision_letter/versions/1").get_data() == fetched.get_data()
    assert hand_in(handler, template(*LINES))[0] == 403
    assert hand_in(reviewer, None, action="withdraw")[0] == 303
    assert "自有模板" not in reviewer.text(HERE).split("历次版本")[0].split("关于督促")[1]
