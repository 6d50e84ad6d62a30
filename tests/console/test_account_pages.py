"""People and roles at the console: three administrators apart, nobody for himself, every change on record."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.audit.queries import changed_at_number
from app.foundation import clock
from tests import factories, rows
from tests.console.office import Officer, Visitor
from tests.moments import MONDAY_MORNING


def account_id(username: str) -> UUID:
    found = rows.scalar("SELECT id FROM accounts WHERE username = :name", name=username)
    assert isinstance(found, UUID)
    return found


def opened(admin: Officer, username: str, division: str, name: str) -> tuple[UUID, str]:
    """A new account, and the password that the page shows."""
    given = {"action": "open_account", "username": username, "display_name": name, "division": division}
    answer = admin.post("/people", seen="/people", **given)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert "no-store" in answer.headers["Cache-Control"]
    password = re.search(r"<dt>密码</dt><dd>([^<]+)</dd>", answer.get_data(as_text=True))
    assert password
    return account_id(username), password[1]


def make(admin: Officer, username: str = "new.person", division: str = "650104", name: str = "新来的人") -> UUID:
    return opened(admin, username, division, name)[0]


def sign_in(app: Flask, username: str, password: str) -> TestResponse:
    return Visitor(app).post("/sign-in", seen="/sign-in", username=username, password=password)


def grant(security: Officer, who: UUID, role: str, **given: str) -> int:
    fields = {"action": "grant_role", "role": role, "starts_on": "2026-03-02", "reason": "任命"} | given
    return security.post(f"/people/{who}/role", seen=f"/people/{who}", **seen(who), **fields).status_code


def seen(who: UUID) -> dict[str, str]:
    """The version that the page of this account would send just now."""
    return {"expected_version": str(changed_at_number("account", who))}


def test_an_account_is_made_by_one_administrator_and_gets_its_role_from_another(
    officer: Callable[[str], Officer], app: Flask
) -> None:
    admin, security = officer("sysadmin"), officer("secadmin")
    who, password = opened(admin, "new.person", "650104", "新来的人")
    assert "尚未授予岗位" in sign_in(app, "new.person", password).get_data(as_text=True)
    assert grant(admin, who, "district_handler") == 403
    assert grant(security, who, "district_handler") == 303
    assert sign_in(app, "new.person", password).status_code == 303
    page = security.text(f"/people/{who}")
    assert "岗位：（无）" in page
    assert "区县承办人" in page
    assert "理由：任命" in page
    assert security.post(f"/people/{who}/disable", seen=f"/people/{who}", reason="测试").status_code == 403


def test_roles_hold_from_a_day_to_a_day(officer: Callable[[str], Officer], app: Flask) -> None:
    who, password = opened(officer("sysadmin"), "new.person", "650104", "新来的人")
    days = {"starts_on": "2026-03-03", "ends_on": "2026-03-04"}
    assert grant(officer("secadmin"), who, "district_handler", **days) == 303
    for later, status in ((0, 401), (1, 303), (2, 303), (3, 401)):
        with clock.stopped_at(MONDAY_MORNING + timedelta(days=later)):
            assert sign_in(app, "new.person", password).status_code == status, later


def test_nobody_administers_himself(officer: Callable[[str], Officer]) -> None:
    admin, security = officer("sysadmin"), officer("secadmin")
    own = account_id("secadmin")
    assert grant(security, own, "city_leader") == 403
    assert grant(security, own, "security_admin") == 403
    mine = account_id("sysadmin")
    assert admin.post(f"/people/{mine}/disable", seen=f"/people/{mine}", reason="试").status_code == 403
    page = admin.text(f"/people/{mine}")
    assert "本人的账号由另一名管理员办理" in page
    assert "/disable" not in page
    assert "被拒绝：授予岗位" in officer("auditor").text("/audit?action=console.grant_role&result=refused")


def test_no_person_is_two_of_the_three_administrators(officer: Callable[[str], Officer]) -> None:
    admin, security = officer("sysadmin"), officer("secadmin")
    who = make(admin, "other.account", "650100", "测试审计管理员")
    for role in ("sys_admin", "security_admin"):
        answer = security.post(
            f"/people/{who}/role", seen=f"/people/{who}", **seen(who), action="grant_role", role=role,
            starts_on="2026-03-02", reason="兼任",
        )  # fmt: skip
        assert answer.status_code == 409
        assert "三类管理员不得由一人兼任" in answer.get_data(as_text=True)
    assert grant(security, who, "auditor") == 303, "a second account of the same office is no second office"
    other = make(admin, "third.account", "650100", "另一个人")
    assert grant(security, other, "sys_admin") == 303


def test_who_is_disabled_or_loses_the_role_is_out_at_once(officer: Callable[[str], Officer]) -> None:
    admin, security, person = officer("sysadmin"), officer("secadmin"), officer("city.adjuster")
    who = account_id("city.adjuster")
    assert person.get("/tips").status_code == 200
    url = f"/people/{who}"
    assert security.post(f"{url}/role/withdraw", seen=url, action="withdraw_role", reason="调离").status_code == 303
    assert person.get("/tips").status_code == 303, "asked to sign in"
    assert grant(security, who, "city_adjuster") == 303
    person = officer("city.adjuster")
    assert admin.post(f"{url}/disable", seen=url, action="disable_account", reason="停用").status_code == 303
    assert person.get("/tips").status_code == 303
    assert grant(security, who, "city_adjuster") == 409
    assert admin.post(f"{url}/disable", seen=url, action="disable_account", reason="停用").status_code == 409
    assert admin.post(f"{url}/enable", seen=url, action="enable_account", reason="恢复").status_code == 303
    assert person.get("/tips").status_code == 303, "the sessions of before stay ended"
    assert rows.scalar("SELECT role FROM accounts WHERE id = :id", id=who) is None
    assert grant(security, who, "city_adjuster") == 303
    assert officer("city.adjuster").get("/tips").status_code == 200


def test_moving_to_another_unit_ends_the_role(officer: Callable[[str], Officer]) -> None:
    admin, who = officer("sysadmin"), account_id("district.650102")
    url = f"/people/{who}"
    given = {"action": "change_account", "display_name": "改名的人", "division": "650102", "reason": "更名"}
    assert admin.post(f"{url}/change", seen=url, **seen(who), **given).status_code == 303
    assert rows.scalar("SELECT role FROM accounts WHERE id = :id", id=who) == "district_handler"
    moved = given | {"division": "650104"}
    assert admin.post(f"{url}/change", seen=url, **seen(who), **moved).status_code == 303
    assert rows.scalar("SELECT role FROM accounts WHERE id = :id", id=who) is None
    page = admin.text(url)
    assert "天山区" in page
    assert "改名的人" in page
    answer = admin.post(f"{url}/change", seen=url, **seen(who), **moved)
    assert answer.status_code == 422
    assert "内容没有变化" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ({"role": "king"}, 422, "岗位"),
        ({"starts_on": "2026-03-01"}, 422, "开始日期不能早于今天"),
        ({"ends_on": "2026-03-01"}, 422, "结束日期不能早于开始日期"),
        ({"role": "city_leader"}, 422, "不能担任市级负责人"),
        ({"reason": ""}, 422, "理由"),
    ],
)
def test_a_grant_that_cannot_be_is_told_beside_its_field(
    officer: Callable[[str], Officer], given: dict[str, str], status: int, told: str
) -> None:
    who = make(officer("sysadmin"))
    fields = {"action": "grant_role", "role": "district_handler", "starts_on": "2026-03-02", "reason": "任<b>命"}
    answer = officer("secadmin").post(f"/people/{who}/role", seen=f"/people/{who}", **seen(who) | fields | given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert told in page
    assert "任<b>命" not in page
    assert rows.scalar("SELECT role FROM accounts WHERE id = :id", id=who) is None


def test_the_list_is_filtered_and_paged(officer: Callable[[str], Officer]) -> None:
    admin = officer("sysadmin")
    make(admin, "zz.new", "650104", "赵钱孙")
    assert "赵钱孙" in admin.text("/people?q=赵钱")
    assert "赵钱孙" in admin.text("/people?state=no_role")
    assert "赵钱孙" not in admin.text("/people?state=in_office")
    assert admin.text("/people?role=auditor").count("row-link") == 1
    assert admin.get("/people?state=happy").status_code == 422
    assert admin.text("/people?cursor=zz.l").count("row-link") == 1
    for other in ("city.leader", "auditor", "district.650104"):
        assert officer(other).get("/people").status_code == 403


def test_the_first_password_is_stored_nowhere(officer: Callable[[str], Officer]) -> None:
    _, password = opened(officer("sysadmin"), "n.p", "650104", "人")
    assert password not in str(rows.dump())


def test_delegations_end_with_the_role(officer: Callable[[str], Officer]) -> None:
    given = {"to": "city.adjuster", "starts_on": "2026-03-02", "ends_on": "2026-03-03", "reason": "出差"}
    officer("city.reviewer").post("/delegations", seen="/delegations", action="delegate", **given)
    assert "/tips" in officer("city.adjuster").text("/")
    who = account_id("city.reviewer")
    officer("secadmin").post(f"/people/{who}/role/withdraw", seen=f"/people/{who}", reason="离岗")
    assert rows.scalar("SELECT count(*) FROM delegations WHERE ended_at IS NULL") == 0
    assert factories.actor("city.adjuster").acting == frozenset()


def test_a_lost_password_and_a_lost_device_need_two_administrators(
    officer: Callable[[str], Officer], app: Flask
) -> None:
    admin, security, person = officer("sysadmin"), officer("secadmin"), officer("city.leader")
    url = f"/people/{account_id('city.leader')}"
    reason = {"seen": url, "reason": "本人当面申请"}
    assert security.post(f"{url}/password", **reason).status_code == 403
    answer = admin.post(f"{url}/password", action="reset_password", **reason)
    password = re.search(r"<dt>密码</dt><dd>([^<]+)</dd>", answer.get_data(as_text=True))
    assert password
    assert "no-store" in answer.headers["Cache-Control"]
    assert person.get("/tips").status_code == 303, "signed out everywhere"
    assert sign_in(app, "city.leader", factories.PASSWORD).status_code == 401
    assert sign_in(app, "city.leader", password[1]).status_code == 303
    assert admin.post(f"{url}/second-factor/remove", **reason).status_code == 403
    assert security.post(f"{url}/second-factor/remove", **reason).status_code == 409, "there is none"
    page = admin.text(url)
    assert "重置密码" in page
    assert "本人当面申请" in page


@pytest.mark.parametrize(
    ("username", "told"), [("secadmin", "由另一名安全管理员"), ("auditor", "由运维人员在服务器上用命令")]
)
def test_the_system_administrator_resets_no_overseer(
    officer: Callable[[str], Officer], app: Flask, username: str, told: str
) -> None:
    admin, url = officer("sysadmin"), f"/people/{account_id(username)}"
    assert 'action="' + url + '/password"' not in admin.text(url)
    refused = admin.post(f"{url}/password", seen=url, action="reset_password", reason="忘记")
    assert (refused.status_code, told in refused.get_data(as_text=True)) == (403, True)
    assert admin.post(f"{url}/disable", seen=url, reason="离岗").status_code == 303
    assert admin.post(f"{url}/password", seen=url, reason="忘记").status_code == 403, "closed, it still has the role"
    assert admin.post(f"{url}/enable", seen=url, reason="回岗").status_code == 303
    answer = admin.post(f"{url}/password", seen=url, reason="忘记")
    password = re.search(r"<dt>密码</dt><dd>([^<]+)</dd>", answer.get_data(as_text=True))
    assert password
    assert sign_in(app, username, password[1]).status_code == 401, "open again, it has no role any more"


@pytest.mark.parametrize("role", ["security_admin", "auditor"])
def test_the_first_password_of_an_account_opens_no_overseer(
    officer: Callable[[str], Officer], app: Flask, role: str
) -> None:
    who, password = opened(officer("sysadmin"), "new.overseer", "650100", "新任管理员")
    security, url = officer("secadmin"), f"/people/{who}"
    assert grant(security, who, role) == 303
    assert sign_in(app, "new.overseer", password).status_code == 401, "the system administrator has read it"
    assert "原密码随之作废" in security.text(url)
    answer = security.post(f"{url}/password", seen=url, action="reset_password", reason="新任")
    assert answer.status_code == (200 if role == "security_admin" else 403), "nor does one administrator become another"
    given = ["--username", "new.overseer", "--reason", "新任"]
    handed = app.test_cli_runner().invoke(args=["accounts", "reset-password", *given]).output.split("：")[-1].strip()
    assert sign_in(app, "new.overseer", handed).status_code == 303
    assert grant(security, who, role, ends_on="2026-12-31") == 303
    assert sign_in(app, "new.overseer", handed).status_code == 303, "other days of the same role leave the password"


def test_a_locked_name_is_told_and_unlocked(officer: Callable[[str], Officer], app: Flask) -> None:
    admin, url = officer("sysadmin"), f"/people/{account_id('city.leader')}"
    for _ in range(5):
        sign_in(app, "city.leader", "Wrong-Pass-1")
    assert "登录锁定" in admin.text("/people?q=city.leader")
    assert admin.post(f"{url}/unlock", seen=url, action="unlock_account").status_code == 303
    assert sign_in(app, "city.leader", factories.PASSWORD).status_code == 303
    curious = officer("city.reviewer").post(f"{url}/sessions/end", reason="试")  # a colleague of the same unit
    assert curious.status_code == 403
    assert "测试市级负责人" not in curious.get_data(as_text=True)
    assert admin.post(f"{url}/sessions/end", seen=url, action="end_account_sessions", reason="核查").status_code == 303


def test_whoever_saw_an_older_page_is_told_what_changed(officer: Callable[[str], Officer]) -> None:
    admin, who = officer("sysadmin"), account_id("district.650102")
    url, before = f"/people/{who}", seen(account_id("district.650102"))
    given = {"action": "change_account", "display_name": "第一次改", "division": "650102", "reason": "更名"}
    assert f'name="expected_version" value="{before["expected_version"]}"' in admin.text(url)
    assert admin.post(f"{url}/change", seen=url, **before, **given).status_code == 303
    answer = admin.post(f"{url}/change", seen=url, **before, **given | {"display_name": "第二次改"})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "内容已被他人更新" in page
    assert "第一次改" in page
    assert rows.scalar("SELECT display_name FROM accounts WHERE id = :id", id=who) == "第一次改"


def test_the_command_makes_no_second_administrator_of_one_person(app: Flask) -> None:
    given = ["--username", "second", "--name", "测试审计管理员", "--role", "sys_admin", "--division", "650100"]
    said = f"{factories.PASSWORD}\n{factories.PASSWORD}\n"
    result = app.test_cli_runner().invoke(args=["accounts", "create", *given], input=said)
    assert result.exit_code == 1
    assert "三类管理员不得由一人兼任" in result.output
