"""The desk where tips by telephone, letter and visit are entered, and the slip that is handed over."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from app.foundation.database import OPEN_WALL, transaction
from tests import factories, rows
from tests.console.office import Officer

FORM = {
    "channel": "visit",
    "received_on": "2026-03-02",
    "tip.subject.kind": "organization",
    "tip.subject.name": "乌鲁木齐瑞丰源投资咨询有限公司",
    "tip.conduct.description": "来访人称该公司承诺年化百分之二十。",
    "tip.conduct.participants": "60",
    "tip.conduct.publicity": ["seminar", "leaflet"],
    "naming": "named",
    "tip.reporter.name": "阿依古丽·测试",
    "tip.reporter.phone": "13900001234",
    "tip.reporter.wants_reward": "true",
}


def _send(person: Officer, **changes: Any) -> Any:
    form = FORM | {"tip.client_request_id": str(uuid4())} | changes
    return person.post("/intake", seen="/intake", **form)


def _number(page: str, label: str) -> str:
    found = re.search(rf"<dt>{label}</dt><dd>(.*?)</dd>", page)
    assert found, label
    return re.sub(r"\D", "", re.sub(r"<[^>]+>", "", found[1]))


def test_the_slip_holds_what_the_reporter_needs(officer: Callable[[str], Officer]) -> None:
    page = _send(officer("district.650102")).get_data(as_text=True)
    assert (len(_number(page, "受理编号")), len(_number(page, "查询码"))) == (16, 20)
    assert "领奖码" not in page
    assert "/report/follow" in page
    tip_id = factories.tip_id_of(_number(page, "受理编号"))
    reviewer = officer("city.reviewer")
    shown = reviewer.text(f"/tips/{tip_id}")
    assert "来访" in shown
    assert "宣讲会、传单" in shown
    assert factories.REPORTER["phone"] not in shown


def test_an_anonymous_visitor_takes_a_claim_code_along_and_leaves_no_name(officer: Callable[[str], Officer]) -> None:
    page = _send(officer("city.reviewer"), naming="anonymous").get_data(as_text=True)
    assert len(_number(page, "领奖码")) == 12
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any("13900001234" in line for line in stored)
    assert rows.scalar("SELECT count(*) FROM reporters") == 0


def test_a_refusal_keeps_what_was_typed_and_names_the_field(officer: Callable[[str], Officer]) -> None:
    answer = _send(officer("city.reviewer"), **{"tip.reporter.phone": "没有"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "电话：请填写可以联系到您的电话号码" in page
    assert "来访人称该公司承诺年化百分之二十。" in page
    assert re.search(r'value="seminar" checked', page)
    with transaction(OPEN_WALL):
        assert rows.scalar("SELECT count(*) FROM tips") == 0


def test_a_scan_becomes_evidence(officer: Callable[[str], Officer]) -> None:
    page = _send(officer("city.reviewer"), evidence=(io.BytesIO(factories.PNG), "来信.png")).get_data(as_text=True)
    tip_id = factories.tip_id_of(_number(page, "受理编号"))
    assert rows.scalar("SELECT count(*) FROM tip_evidence WHERE tip_id = :id", id=tip_id) == 1


def test_sent_twice_the_slip_is_the_same(officer: Callable[[str], Officer]) -> None:
    person, request_id = officer("city.reviewer"), str(uuid4())
    pages = [_send(person, **{"tip.client_request_id": request_id}).get_data(as_text=True) for _ in range(2)]
    assert _number(pages[0], "查询码") == _number(pages[1], "查询码")
    assert rows.scalar("SELECT count(*) FROM tips") == 1


def test_only_who_may_enter_finds_the_desk(officer: Callable[[str], Officer]) -> None:
    assert 'href="/intake"' in officer("district.650104").text("/")
    leader = officer("city.leader")
    assert 'href="/intake"' not in leader.text("/")
    assert leader.get("/intake").status_code == 403


def test_who_wants_an_answer_by_mail_leaves_an_address(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    refused = _send(person, **{"tip.reporter.reply_channel": "email"})
    assert refused.status_code == 422
    assert "电子邮箱：请填写完整的电子邮箱地址" in refused.get_data(as_text=True)
    taken = _send(person, **{"tip.reporter.reply_channel": "email", "tip.reporter.email": "reporter@example.org"})
    assert "受理编号" in taken.get_data(as_text=True)
    stored = [line for lines in rows.dump().values() for line in lines]
    assert not any("reporter@example.org" in line for line in stored)


def test_an_officer_sees_what_was_entered_by_him_and_no_more_of_it(officer: Callable[[str], Officer]) -> None:
    district, reviewer = officer("district.650102"), officer("city.reviewer")
    assert "还没有代为登记过" in district.text("/intake/entered")
    own = _number(_send(district, source_number="来电7号").get_data(as_text=True), "受理编号")
    other = _number(_send(reviewer, channel="letter").get_data(as_text=True), "受理编号")
    page = district.text("/intake/entered")
    assert own in page
    assert "来电7号" in page
    assert "已交市级" in page
    assert f'href="/tips/{factories.tip_id_of(own)}"' not in page
    for hidden in (other, FORM["tip.subject.name"], FORM["tip.reporter.name"]):
        assert str(hidden) not in page
    mine = reviewer.text("/intake/entered")
    assert f'href="/tips/{factories.tip_id_of(other)}"' in mine
    assert own not in mine
    assert 'href="/intake/entered"' in reviewer.text("/intake")
    assert district.get(f"/tips/{factories.tip_id_of(own)}").status_code == 404  # the wall stands again


def test_the_list_of_own_entries_turns_its_pages(officer: Callable[[str], Officer]) -> None:
    person = officer("city.reviewer")
    numbers = {_number(_send(person, naming="anonymous").get_data(as_text=True), "受理编号") for _ in range(21)}
    first = person.text("/intake/entered")
    following = re.search(r'href="(/intake/entered\?[^"]+)" rel="next"', first)
    assert following is not None
    second = person.text(following[1].replace("&amp;", "&"))
    on = [{number for number in numbers if number in page} for page in (first, second)]
    assert (len(on[0]), len(on[1]), on[0] & on[1]) == (20, 1, set())


def test_only_who_enters_tips_has_the_list(officer: Callable[[str], Officer]) -> None:
    for username in ("city.leader", "observer.650000", "auditor", "sysadmin"):
        assert officer(username).get("/intake/entered").status_code == 403, username
