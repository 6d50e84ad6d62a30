"""``flask accounts`` and ``flask units``: the set-up of a real office, all faults told at once, nothing half written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import delete, select, update

from app.audit.models import AuditEvent
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.permissions import PROGRAM, Role
from app.identity import address_ranges, lockout, service
from app.identity.models import Account, Unit
from tests.rows import growth, row_counts
from tests.threads import twice_at_once

PASSWORD = "Blue-Kettle-9"


def run(app: Flask, *arguments: str, said: str | None = None) -> Result:
    result = app.test_cli_runner().invoke(args=arguments, input=said)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


class TestCreateAccount:
    def create(
        self,
        app: Flask,
        username: str = "new.handler",
        division: str = "650104",
        password: str = PASSWORD,
        role: str = "district_handler",
    ) -> Result:
        given = ["--username", username, "--name", "测试员", "--role", role, "--division", division]
        return run(app, "accounts", "create", *given, said=f"{password}\n{password}\n")

    def test_makes_an_account_that_can_sign_in_and_must_change_its_password(self, app: Flask) -> None:
        result = self.create(app)
        assert (result.exit_code, result.output.splitlines()[-1]) == (0, "已创建账号 new.handler（区县承办人）。")
        body = {"username": "new.handler", "password": PASSWORD}
        answer = app.test_client().post("/api/v1/office/session", json=body)
        assert (answer.status_code, answer.get_json()["step"]) == (403, "password")
        with transaction(OPEN_WALL) as session:
            session.execute(update(Account).where(Account.username == "new.handler").values(must_change_password=False))
        answer = app.test_client().post("/api/v1/office/session", json=body)
        assert answer.status_code == 201
        assert answer.get_json()["actor"]["division"] == "650104"

    def test_a_name_is_given_once_however_often_it_is_asked_for(self, committed_app: Flask) -> None:
        def create() -> None:
            service.create_account(PROGRAM, "new.handler", "测试员", Role.DISTRICT_HANDLER, "650104", PASSWORD)

        try:
            assert twice_at_once(committed_app, OPEN_WALL, create) == ["done", "refused"]
        finally:
            with transaction(OPEN_WALL) as session:  # accounts are kept from test to test
                session.execute(delete(Account).where(Account.username == "new.handler"))

    def test_shows_the_password_nowhere_and_keeps_its_hash_alone(self, app: Flask) -> None:
        assert PASSWORD not in self.create(app).output
        with transaction(OPEN_WALL) as session:
            account = session.scalars(select(Account).where(Account.username == "new.handler")).one()
            row = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        assert account.password_hash.startswith("$argon2id$")
        assert (row.action, row.object_id, row.actor_kind) == ("identity.create_account", str(account.id), "program")
        assert row.details["before"] is None
        assert (row.details["after"]["role"], row.details["after"]["division"]) == ("district_handler", "650104")

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"username": "city.reviewer"}, "用户名 city.reviewer 已被使用"),
            ({"division": "650199"}, "division：没有区划代码为 650199 的单位"),
            ({"password": "Short-1"}, "password：密码应为 10 至 128 位"),
            ({"password": "only-small-letters"}, "password：密码应为 10 至 128 位"),
            ({"password": "Aa1-" + "x" * 125}, "password：密码应为 10 至 128 位"),
            ({"password": "NEW.HANDLER-x1"}, "password：密码不能包含用户名"),
            ({"username": "x" * 65}, "username：用户名应为 1 至 64 位"),
            ({"username": "with space"}, "username：用户名应为 1 至 64 位"),
            ({"username": ""}, "username：用户名应为 1 至 64 位"),
        ],
    )
    def test_refuses_with_a_reason_and_writes_nothing(self, app: Flask, given: dict[str, str], said: str) -> None:
        before = row_counts()
        result = self.create(app, **given)
        assert result.exit_code == 1
        assert said in result.output
        assert growth(before) == {}

    def test_knows_the_roles_of_the_contract_alone(self, app: Flask) -> None:
        assert self.create(app, role="superuser").exit_code == 2

    def test_wants_the_password_twice(self, app: Flask) -> None:
        given = ["--username", "new.handler", "--name", "测试员", "--role", "auditor", "--division", "650100"]
        result = run(app, "accounts", "create", *given, said=f"{PASSWORD}\nanother\n")
        assert result.exit_code == 1
        with transaction(OPEN_WALL) as session:
            assert session.scalar(select(Account).where(Account.username == "new.handler")) is None


HEADING = "division_code,name,kind,phone,email\n"


class TestImportUnits:
    def imported(self, app: Flask, tmp_path: Path, content: str, encoding: str = "utf-8") -> Result:
        file = tmp_path / "units.csv"
        file.write_bytes(content.encode(encoding))
        return run(app, "units", "import", str(file))

    def unit(self, code: str) -> Unit:
        with transaction(OPEN_WALL) as session:
            return session.scalars(select(Unit).where(Unit.division_code == code)).one()

    def test_creates_what_is_new_and_updates_what_is_known(self, app: Flask, tmp_path: Path) -> None:
        lines = (
            "650104003,测试街道办事处,township,0991-1,t@unit.example\n650104,新市区处非办（新名称）,district,0991-2,\n"
        )
        known = self.unit("650104").id
        result = self.imported(app, tmp_path, HEADING + lines)
        assert (result.exit_code, result.output) == (0, "新增 1 个单位，更新 1 个。\n")
        township, district = self.unit("650104003"), self.unit("650104")
        assert (district.id, district.name, district.phone) == (known, "新市区处非办（新名称）", "0991-2")
        assert (township.parent_id, township.email, township.active) == (known, "t@unit.example", True)
        assert district.parent_id == self.unit("650100").id

    def test_the_order_of_lines_and_columns_does_not_matter(self, app: Flask, tmp_path: Path) -> None:
        lines = "township,某街道,650107001,,,\nzone,某开发区,650171,,,\n"
        result = self.imported(app, tmp_path, "kind,name,division_code,email,phone,remark\n" + lines, "utf-8-sig")
        assert (result.exit_code, result.output) == (0, "新增 2 个单位，更新 0 个。\n")
        assert self.unit("650107001").parent_id == self.unit("650107").id

    def test_telephone_and_mailbox_may_be_left_out(self, app: Flask, tmp_path: Path) -> None:
        result = self.imported(app, tmp_path, "division_code,name,kind\n650104003,测试街道办事处,township\n")
        assert (result.exit_code, result.output) == (0, "新增 1 个单位，更新 0 个。\n")

    def test_twice_changes_nothing(self, app: Flask, tmp_path: Path) -> None:
        content = HEADING + "650104,新市区处非办,district,0991-2,\n"
        self.imported(app, tmp_path, content)
        units = row_counts()["units"]
        assert self.imported(app, tmp_path, content).output == "新增 0 个单位，更新 1 个。\n"
        assert row_counts()["units"] == units

    def test_all_faults_are_listed_at_once_and_nothing_is_written(self, app: Flask, tmp_path: Path) -> None:
        before, name = row_counts(), self.unit("650104").name
        content = HEADING + (
            "650104,改名,district,,\n"
            "650105,某单位,office,,\n"
            "650106,,district,,\n"
            "999999,某单位,district,,\n"
            "650104,再改名,district,,\n"
            "园区,某开发区,zone,,\n"
            ",,,,\n"
        )
        result = self.imported(app, tmp_path, content)
        assert result.exit_code == 1
        kinds = "应为 region、city、district、township、zone 之一"
        assert result.output.splitlines() == [
            "Error: 名单有误，未导入任何单位",
            f"第 3 行 kind：{kinds}",
            "第 4 行 name：单位名称必填",
            "第 5 行 division_code：999999 不是现行行政区划代码",
            "第 6 行 division_code：650104 与第 2 行重复",
            "第 7 行 division_code：园区 不是现行行政区划代码",
            f"第 8 行 kind：{kinds}",
            "第 8 行 name：单位名称必填",
            "第 8 行 division_code：（空） 不是现行行政区划代码",
        ]
        assert growth(before) == {}
        assert self.unit("650104").name == name

    def test_a_file_without_its_heading_is_refused(self, app: Flask, tmp_path: Path) -> None:
        result = self.imported(app, tmp_path, "650104,新市区处非办,district,,\n")
        assert (result.exit_code, "缺少 division_code、name、kind\n" in result.output) == (1, True)
        assert self.imported(app, tmp_path, "").exit_code == 1

    def test_a_file_in_another_encoding_is_refused(self, app: Flask, tmp_path: Path) -> None:
        result = self.imported(app, tmp_path, HEADING + "650104,新市区处非办,district,,\n", "gb18030")
        assert (result.exit_code, "不是 UTF-8 编码" in result.output) == (1, True)

    def test_a_file_that_is_not_there(self, app: Flask, tmp_path: Path) -> None:
        assert run(app, "units", "import", str(tmp_path / "missing.csv")).exit_code == 2

    def test_is_remembered_for_the_auditor(self, app: Flask, tmp_path: Path) -> None:
        self.imported(app, tmp_path, HEADING + "650104003,测试街道办事处,township,,\n")
        with transaction(OPEN_WALL) as session:
            row = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        assert (row.action, row.details) == ("identity.import_units", {"created": 1, "updated": 0})


class TestTheWayBackIn:
    """For an office where nobody is left who could do it at the console."""

    def test_gives_a_first_password_that_is_told_once(self, app: Flask) -> None:
        result = run(app, "accounts", "reset-password", "--username", "secadmin", "--reason", "本人忘记")
        password = result.output.strip().rpartition("：")[2]
        body = {"username": "secadmin", "password": password}
        answer = app.test_client().post("/api/v1/office/session", json=body)
        assert (answer.status_code, answer.get_json()["step"]) == (403, "password")

    def test_unlocks_and_opens_addresses(self, app: Flask) -> None:
        with transaction(OPEN_WALL):
            for _ in range(lockout.MOST_FAILURES):
                lockout.note_failure("secadmin")
            networks = address_ranges.parsed("10.1.0.0/16")
            address_ranges.set_networks(PROGRAM, Role.SECURITY_ADMIN, networks, None, "等保要求", address=None)
        assert "已解除 secadmin" in run(app, "accounts", "unlock", "--username", "secadmin").output
        told = run(app, "accounts", "open-addresses", "--role", "security_admin", "--reason", "填错").output
        assert "已取消“安全管理员”的登录地址限制" in told
        with transaction(OPEN_WALL):
            assert lockout.locked_until("secadmin") is None
            assert address_ranges.networks_of(Role.SECURITY_ADMIN) == ()

    def test_says_what_cannot_be_done(self, app: Flask) -> None:
        for command, told in (
            (["reset-password", "--username", "nobody", "--reason", "x"], "没有用户名为 nobody 的账号"),
            (["reset-password", "--username", "secadmin", "--reason", " "], "reason：请填写 1 至 500 字"),
            (["remove-second-factor", "--username", "secadmin", "--reason", "x"], "该账号未启用动态码"),
        ):
            result = run(app, "accounts", *command)
            assert result.exit_code == 1
            assert told in result.output
