"""The pages around intake in a real browser: re-checks, removals, a whole cluster merged, what one entered oneself."""

from __future__ import annotations

from uuid import uuid4

from flask.testing import FlaskClient
from playwright.sync_api import expect

from app.foundation import clock
from app.tips import jobs
from tests import factories, rows
from tests.browser.access import barriers
from tests.browser.conftest import Desk
from tests.tips import reporters

CONDUCT = factories.tip_body()["conduct"] | {"started_on": None}


def _rejected(client: FlaskClient) -> None:
    receipt = factories.file_tip(client, reporter=factories.REPORTER, conduct=CONDUCT)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    given = {"reason_code": "CIVIL_DISPUTE", "reason": "属于民间借贷", "route": "人民法院"}
    assert factories.office_act(client, "city.reviewer", tip_id, "reject", **given).status_code == 200


def test_a_recheck_is_decided_and_a_cluster_merged(desk: Desk) -> None:
    client = desk.site.app.test_client()
    with clock.stopped_at(desk.site.moment):
        for comment in ("没有人联系我", "答复没有说到我反映的第二个门店，请另外派人核实"):
            receipt, _ = reporters.replied_tip(client, reporter=factories.REPORTER)
            reporters.call(client, "rating", receipt, score=1, comment=comment)
        for _ in range(24):
            factories.file_tip(client, subject={"kind": "unknown", "name": "天山区某某养老服务中心"})
        jobs.link_tips()
    page = desk.page
    desk.open("/rechecks")
    desk.sign_in("city.reviewer2")
    assert barriers(desk.page) == []
    card = page.locator("article", has_text="没有人联系我")
    card.locator("summary").click()
    card.get_by_label("复核结果").select_option(label="维持原处理")
    card.get_by_label("复核情况和理由").fill("已电话回访，处理无误。")
    desk.picture("rechecks")
    desk.send(card)
    desk.open("/rechecks?all=true")
    expect(page.locator("article", has_text="没有人联系我")).to_contain_text("维持原处理")
    assert barriers(desk.page) == []

    desk.open("/clusters")
    assert barriers(desk.page) == []
    desk.picture("clusters")
    page.locator("tr", has_text="养老服务中心").get_by_role("link", name="整组并案").click()
    expect(page.get_by_role("button", name="并入主件 23 件")).to_be_visible()
    assert barriers(desk.page) == []
    desk.picture("cluster-merge")
    page.get_by_role("button", name="并入主件 23 件").click()
    expect(page.locator("#merge-state")).to_contain_text("正在办理")
    assert barriers(desk.page) == []
    with clock.stopped_at(desk.site.moment):
        reporters.run_outbox()
    expect(page.locator("#merge-state")).to_contain_text("已并入 23 件")  # the page asks by itself
    desk.picture("cluster-merged")

    desk.open("/intake")
    person = {
        "channel": "phone",
        "received_on": "2026-03-02",
        "tip": factories.tip_body(client_request_id=str(uuid4())),
    }
    headers = factories.office_headers("city.reviewer2")
    with clock.stopped_at(desk.site.moment):
        assert client.post("/api/v1/office/assisted-filings", json=person, headers=headers).status_code == 201
    page.get_by_role("link", name="我登记的举报").click()
    expect(page.locator("table.rows tbody tr")).to_have_count(1)
    assert barriers(desk.page) == []
    desk.picture("entered")


def test_identities_are_removed_in_two_steps(desk: Desk) -> None:
    client = desk.site.app.test_client()
    with clock.stopped_at(desk.site.moment):
        for _ in range(3):
            _rejected(client)
    desk.site.wait(days=3 * 366)
    with clock.stopped_at(desk.site.moment):
        jobs.propose_removals()
    page = desk.page
    desk.open("/removals")
    desk.sign_in("city.leader")
    page.locator("input[form=bulk]").nth(0).check()
    page.locator("input[form=bulk]").nth(2).check()
    expect(page.locator("[data-picked]")).to_contain_text("2")
    assert barriers(desk.page) == []
    desk.picture("removals")
    page.get_by_role("button", name="清除所选").click()
    expect(page.get_by_role("heading", name="确认清除身份信息")).to_be_visible()
    assert barriers(desk.page) == []
    page.get_by_label("理由").fill("保存期限届满，逐件核对无误。")
    page.get_by_role("button", name="清除 2 件").click()  # the browser wants the tick first
    assert rows.scalar("SELECT count(*) FROM reporters") == 3
    page.get_by_text("我已核对以上线索").click()
    desk.picture("removals-confirm")
    page.get_by_role("button", name="清除 2 件").click()
    expect(page.locator(".page-head")).to_contain_text("已清除 2 件")
    assert barriers(desk.page) == []
    assert rows.scalar("SELECT count(*) FROM reporters") == 1


def test_the_reward_stands_beside_its_tip(desk: Desk) -> None:
    client = desk.site.app.test_client()
    with clock.stopped_at(desk.site.moment):
        _, tip_id = reporters.replied_tip(client, reporter=factories.REPORTER)
        reporters.run_outbox()
    desk.open(f"/tips/{tip_id}")
    desk.sign_in("city.reviewer")
    assert barriers(desk.page) == []
    desk.picture("tip-with-reward")
    desk.page.get_by_role("link", name="打开奖励事项").click()
    expect(desk.page.get_by_role("heading", name="奖励条件")).to_be_visible()
