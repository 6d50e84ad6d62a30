"""Entering a tip for a visitor, a cluster of tips, and a reward decided by two officers, in a real browser."""

from __future__ import annotations

from flask import Flask
from playwright.sync_api import expect

from app.foundation import clock
from app.tips import jobs
from tests import factories
from tests.browser.access import barriers
from tests.browser.conftest import Desk, Site
from tests.rewards import office


def _clean(desk: Desk, name: str) -> None:
    """No serious finding of axe, and a picture in every size and look."""
    assert barriers(desk.page) == [], name
    desk.picture(name)


def test_a_visit_becomes_a_tip_and_its_slip(committed_app: Flask, site: Site, desk: Desk) -> None:
    desk.open("/intake")
    desk.sign_in("district.650102")
    page = desk.page
    _clean(desk, "intake")
    page.get_by_label("登记渠道").select_option("visit")
    page.get_by_label("类别").select_option("organization")
    page.get_by_label("名称或者姓名").fill("乌鲁木齐瑞丰源投资咨询有限公司")
    page.get_by_label("情况说明").fill("来访人称该公司承诺年化百分之二十，保本付息。")
    page.get_by_label("宣讲会").check()
    page.get_by_role("button", name="登记并出具回执").click()
    expect(page.locator(".slip-codes")).to_contain_text("领奖码")
    _clean(desk, "intake-slip")


def test_a_cluster_and_a_reward_of_two_officers(committed_app: Flask, site: Site, desk: Desk) -> None:
    client = committed_app.test_client()
    with clock.stopped_at(site.moment):
        office.budget()
        _, tip_id = office.concluded(client)
        for _ in range(3):
            factories.file_tip(client)
        jobs.link_tips()
        reward = office.reward_of(tip_id)
    page = desk.page
    desk.open("/clusters")
    desk.sign_in("city.reviewer")
    _clean(desk, "clusters")
    page.get_by_role("link", name="乌鲁木齐瑞丰源投资咨询有限公司").click()
    expect(page.get_by_text("同一对象 4 件").first).to_be_visible()
    desk.open(f"/tips/{tip_id}")
    _clean(desk, "tip-in-a-cluster")
    desk.open("/rewards")
    _clean(desk, "rewards")
    desk.open(f"/rewards/{reward.id}")
    form = page.locator("details.action", has=page.locator("summary", has_text="提出奖励意见"))
    form.locator("summary").click()
    for choice in form.locator("select[name^='answer.']").all():
        choice.select_option("false")
    form.get_by_label("意见").fill("最先举报，查证属实。")
    _clean(desk, "reward-proposing")
    desk.send(form)
    desk.sign_out()
    desk.open(f"/rewards/{reward.id}")
    desk.sign_in("city.leader")
    desk.do("批准")
    expect(page.get_by_text("已决定，待领取").first).to_be_visible()
    _clean(desk, "reward-granted")
    desk.open("/rewards/ledger")
    page.get_by_text("修改规则").click()
    _clean(desk, "reward-ledger")
