"""Following a tip on the web page: everything a reporter can do with the two numbers."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories, rows
from tests.files import samples
from tests.public_pages.visitor import read, send, words
from tests.rewards import office as rewards
from tests.tips import reporters


def _open(client: FlaskClient, receipt: dict[str, Any]) -> str:
    page = client.get("/report/follow").get_data(as_text=True)
    answer = send(client, page, "/follow", **reporters.codes_of(receipt))
    assert answer.status_code == 200
    html: str = answer.get_data(as_text=True)
    return html


def test_progress_is_told_in_plain_words(client: FlaskClient) -> None:
    receipt, _ = reporters.replied_tip(client)
    text = words(_open(client, receipt))
    assert "您反映的情况已依法处理。" in text
    assert receipt["receipt_number"] in text
    assert "测试" not in text  # the officers' names
    assert receipt["query_code"] not in text


def test_codes_may_be_typed_with_spaces(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    spaced = {name: f" {value[:4]} {value[4:]} " for name, value in reporters.codes_of(receipt).items()}
    page = client.get("/report/follow").get_data(as_text=True)
    assert send(client, page, "/follow", **spaced).status_code == 200


def test_wrong_codes_keep_the_number_and_say_nothing_more(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    page = client.get("/report/follow").get_data(as_text=True)
    wrong = send(client, page, "/follow", receipt_number=receipt["receipt_number"], query_code="1" * 20)
    unknown = send(client, page, "/follow", receipt_number="2506051234567891", query_code="1" * 20)
    assert (wrong.status_code, unknown.status_code) == (404, 404)
    html = wrong.get_data(as_text=True)
    assert read(html).forms[0][1]["receipt_number"] == receipt["receipt_number"]
    assert words(html) == words(unknown.get_data(as_text=True))


def test_messages_and_supplements_reach_the_office_once(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    page = _open(client, receipt)
    for _ in range(2):  # a page sent again after a lost answer
        assert "留言已送达" in words(send(client, page, "/message", text="请问进展？").get_data(as_text=True))
    files = [(io.BytesIO(samples.png(9, 9)), "一.png"), (io.BytesIO(samples.pdf()), "二.pdf")]
    answer = send(client, page, "/supplement", text="补充凭证", file=files)
    assert answer.status_code == 200, words(answer.get_data(as_text=True))
    seen = reporters.office_sees(client, factories.tip_id_of(receipt["receipt_number"]))
    assert [(row["text"], row["files"]) for row in seen["messages"]] == [("请问进展？", 0), ("补充凭证", 2)]


def test_a_refused_message_is_not_lost(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    answer = send(client, _open(client, receipt), "/message", text="长" * 2001)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert "长" * 2001 in html
    assert send(client, html, "/follow").status_code == 200  # the way back


def test_an_empty_supplement_is_refused_with_a_way_back(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    answer = send(client, _open(client, receipt), "/supplement", text="  ")
    assert answer.status_code == 422
    assert send(client, answer.get_data(as_text=True), "/follow").status_code == 200


def test_withdrawal_is_recorded(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    page = send(client, _open(client, receipt), "/withdraw", reason="已退款。").get_data(as_text=True)
    assert "已记录您的撤回申请" in words(page)
    assert "确认撤回" not in words(page)
    assert rows.scalar("SELECT reason FROM tip_withdrawals") == "已退款。"


@pytest.mark.parametrize(("score", "rechecks"), [("1", 1), ("5", 0)])
def test_rating(client: FlaskClient, score: str, rechecks: int) -> None:
    receipt, _ = reporters.replied_tip(client)
    page = _open(client, receipt)
    rated = send(client, page, "/rating", score=score, comment="无人联系")
    assert "感谢您的评价" in words(rated.get_data(as_text=True))
    assert "提交评价" not in words(rated.get_data(as_text=True))
    assert rows.scalar("SELECT count(*) FROM recheck_requests") == rechecks
    assert send(client, page, "/rating", score="3").status_code == 409


def test_a_rating_without_a_score_is_refused(client: FlaskClient) -> None:
    receipt, _ = reporters.replied_tip(client)
    assert send(client, _open(client, receipt), "/rating", comment="好").status_code == 422


def test_the_filing_proof_is_downloaded_and_verified(client: FlaskClient) -> None:
    receipt = factories.file_tip(client)
    answer = send(client, _open(client, receipt), "/proof")
    assert answer.mimetype == "application/pdf"
    assert receipt["query_code"] not in answer.headers["Content-Disposition"]
    page = client.get("/report/verify").get_data(as_text=True)
    assert "不是本平台出具的证明" in words(send(client, page, "/verify", proof="SHUDI1.x.y").get_data(as_text=True))


def test_a_lost_code_is_answered_alike_for_everybody(client: FlaskClient) -> None:
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    page = client.get("/report/recover").get_data(as_text=True)
    right = send(client, page, "/recover", receipt_number=receipt["receipt_number"], phone=factories.REPORTER["phone"])
    wrong = send(client, page, "/recover", receipt_number=receipt["receipt_number"], phone="13911112222")
    assert right.status_code == wrong.status_code == 200
    assert right.get_data() == wrong.get_data()


def test_no_address_ever_holds_a_code(client: FlaskClient) -> None:
    """Every form that carries codes is sent by POST, and no link repeats them."""
    receipt = factories.file_tip(client)
    html = _open(client, receipt)
    for address, _ in read(html).forms:
        assert receipt["query_code"] not in address
    assert f"={receipt['query_code']}" not in html


def test_a_reward_is_claimed_on_the_page_by_who_stayed_anonymous(client: FlaskClient) -> None:
    receipt, tip_id = rewards.concluded(client, named=False)
    page = _open(client, receipt)
    assert "可以申请奖励" in page
    wrong = send(client, page, "/follow/reward", claim_code="1" * 12)
    assert "领奖码不正确" in wrong.get_data(as_text=True)
    right = send(client, page, "/follow/reward", claim_code=receipt["claim_code"])
    assert "奖励事项正在审查" in right.get_data(as_text=True)
    assert rewards.reward_of(tip_id).claimed_with_code


def test_the_page_of_rewards_promises_no_amount(client: FlaskClient) -> None:
    """Amounts are data of the office, provisional until it enters its own: the public reads conditions alone."""
    shown = words(client.get("/report/rewards").get_data(as_text=True))
    assert "以公布的办法为准" in shown
    assert re.search(r"\d[\d,.]*\s*(万)?元|万分之|百分之|%", shown) is None
