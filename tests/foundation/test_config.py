"""Settings: all faults at once and in Chinese, demo keys for the demo alone, and embedded services only where meant."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import sys
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.config import REPOSITORY, Settings, SettingsRefused, SignInRules, load_settings
from app.foundation.redis import connect_redis

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def office(tmp_path: Path) -> dict[str, str]:
    """The environment of a real office."""
    return {
        "DATABASE_URL": "postgresql://shudi:db-password@db.example/shudi",
        "REDIS_URL": "redis://:redis-password@redis.example:6379/0",
        "SECRET_KEY": "office-secret-" + "s" * 40,
        "SEALING_KEYS": f"2026:{KEY}",
        "WECHAT_APP_ID": "wx-office",
        "WECHAT_APP_SECRET": "wechat-password",
        "DATA_DIR": str(tmp_path / "var"),
    }


def faults(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsRefused) as refused:
        load_settings(environment)
    return refused.value.faults


def made_in(environment: dict[str, str]) -> set[str]:
    data_dir = Path(environment["DATA_DIR"])
    return {path.name for path in data_dir.iterdir()} if data_dir.exists() else set()


class TestFaults:
    def test_are_listed_all_at_once_in_chinese(self, tmp_path: Path) -> None:
        found = faults(
            {
                "DEMO": "0",
                "DATABASE_URL": "mysql://x",
                "REDIS_URL": "http://x",
                "SECRET_KEY": "short",
                "SEALING_KEYS": "2026:c2hvcnQ=",
                "PORT": "70000",
                "REGION_CODE": "乌鲁木齐",
                "CRYPTO_SUITE": "rot13",
                "FILES_URL": "ftp://x",
                "WECHAT_API_BASE": "gopher://x",
                "TRUSTED_PROXIES": "-1",
                "METRICS_NETWORKS": "10.0.0.1/8",
                "PUBLIC_RATE_PER_MINUTE": "0",
                "DATA_DIR": str(tmp_path),
            }
        )
        assert sorted(found) == sorted(
            [
                "DATABASE_URL 应以 postgresql://、postgres://、postgresql+psycopg:// 开头",
                "REDIS_URL 应以 redis://、rediss://、unix:// 开头",
                "SECRET_KEY 至少 32 个字符",
                "SEALING_KEYS 第 1 项应为 “编号:32字节密钥的base64”",
                "PORT 应为 1 至 65535 之间的整数",
                "REGION_CODE 应为六位行政区划代码",
                "CRYPTO_SUITE 应为international 或 national",
                "FILES_URL 应以 file://、s3:// 开头",
                "WECHAT_API_BASE 应以 http://、https:// 开头",
                "TRUSTED_PROXIES 应为 0 至 5 之间的整数",
                "METRICS_NETWORKS 应为用英文逗号分隔的网段，例如 10.0.0.0/8,::1",
                "PUBLIC_RATE_PER_MINUTE 应为 1 至 1000000 之间的整数",
                "WECHAT_APP_ID 未设置",
                "WECHAT_APP_SECRET 未设置",
            ]
        )

    def test_of_a_start_are_told_without_a_trace_of_the_program(self, office: dict[str, str]) -> None:
        broken = office | {"SECRET_KEY": "too-short-to-be-told", "PORT": "x", "PATH": os.environ["PATH"]}
        ran = subprocess.run(
            [sys.executable, "-c", "import wsgi"],
            env=broken,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 1
        assert ran.stderr.splitlines() == [
            "配置有误，程序未启动：",
            "  - SECRET_KEY 至少 32 个字符",
            "  - PORT 应为 1 至 65535 之间的整数",
        ]

    @pytest.mark.parametrize("name", ["SECRET_KEY", "SEALING_KEYS", "WECHAT_APP_ID", "WECHAT_APP_SECRET"])
    @pytest.mark.parametrize("value", ["", "   ", None])
    def test_a_setting_that_is_missing_or_blank(self, office: dict[str, str], name: str, value: str | None) -> None:
        given_environment = {k: v for k, v in office.items() if k != name} | (
            {name: value} if value is not None else {}
        )
        assert faults(given_environment) == [f"{name} 未设置"]
        assert made_in(office) == set()

    @pytest.mark.parametrize(
        "keys",
        [
            KEY,
            f"2026:{KEY},",
            f":{KEY}",
            f"a b:{KEY}",
            "2026:not base64",
            "2026:密钥",
            f"2026:{base64.b64encode(b'k' * 31).decode()}",
            f"2026:{base64.b64encode(b'k' * 33).decode()}",
            ",",
        ],
    )
    def test_sealing_keys_that_are_none(self, office: dict[str, str], keys: str) -> None:
        if keys == f"2026:{KEY},":
            assert [key.key_id for key in load_settings(office | {"SEALING_KEYS": keys}).sealing_keys] == ["2026"]
        else:
            assert faults(office | {"SEALING_KEYS": keys}) == ["SEALING_KEYS 第 1 项应为 “编号:32字节密钥的base64”"]

    def test_a_key_id_used_twice(self, office: dict[str, str]) -> None:
        assert faults(office | {"SEALING_KEYS": f"a:{KEY},a:{KEY}"}) == ["SEALING_KEYS 中的密钥编号重复"]

    @pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "FILES_URL", "WECHAT_API_BASE"])
    def test_an_address_that_is_none(self, office: dict[str, str], name: str) -> None:
        (fault,) = faults(office | {name: "postgresql://[::1/shudi"})
        assert fault.startswith(f"{name} ")

    def test_a_demo_that_is_neither_on_nor_off(self, office: dict[str, str]) -> None:
        assert faults(office | {"DEMO": "perhaps"}) == ["DEMO 应为 1 或 0"]

    @given(
        name=st.sampled_from(["PORT", "REGION_CODE", "SEALING_KEYS", "DATABASE_URL", "REDIS_URL", "FILES_URL", "DEMO"]),
        value=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30),
    )
    def test_nothing_else_than_a_refusal_comes_of_garbage(
        self, tmp_path_factory: pytest.TempPathFactory, name: str, value: str
    ) -> None:
        garbage = {"SECRET_KEY": "s" * 40, "DATA_DIR": str(tmp_path_factory.getbasetemp() / "garbage"), name: value}
        with contextlib.suppress(SettingsRefused):
            load_settings(garbage)

    def test_quote_no_secret(self, office: dict[str, str]) -> None:
        broken = {
            "SECRET_KEY": "tell-nobody",
            "SEALING_KEYS": "tell-nobody:tell-nobody",
            "DATABASE_URL": "mysql://tell-nobody",
            "REDIS_URL": "tell-nobody://[",
        }
        with pytest.raises(SettingsRefused) as refused:
            load_settings(office | broken)
        assert len(refused.value.faults) == len(broken)
        assert "tell-nobody" not in str(refused.value)


class TestSecrets:
    def test_are_shown_by_nothing(self, office: dict[str, str]) -> None:
        settings = load_settings(office)
        shown = (
            f"{settings!r} {settings} {settings.sealing_keys!r} {settings.sealing_keys[0]} {settings.local_services!r}"
        )
        for secret in ("db-password", "redis-password", office["SECRET_KEY"], "wechat-password", KEY, "kkkk"):
            assert secret not in shown

    def test_cannot_be_changed_once_read(self, office: dict[str, str]) -> None:
        with pytest.raises(AttributeError):
            load_settings(office).secret_key = "another"  # type: ignore[misc]


class TestDemo:
    def test_keys_are_refused_in_production(self, office: dict[str, str]) -> None:
        taken = {"SECRET_KEY": "demo-" + "s" * 40, "SEALING_KEYS": f"2026:{KEY},demo-1:{KEY}"}
        assert faults(office | taken) == [
            "SECRET_KEY 是演示密钥，正式环境不能使用",
            "SEALING_KEYS 含演示密钥，正式环境不能使用",
        ]

    def test_a_fresh_machine_gets_a_demo_with_keys_of_its_own(self, tmp_path: Path) -> None:
        one, other = (load_settings({"DATA_DIR": str(tmp_path / name)}) for name in ("one", "other"))
        again = load_settings({"DATA_DIR": str(tmp_path / "one")})
        assert one.demo
        assert one == again, "a second start keeps the keys"
        assert one.secret_key != other.secret_key
        assert one.sealing_keys[0].secret != other.sealing_keys[0].secret
        assert (tmp_path / "one" / "demo_secrets.json").stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("said", ["1", "true", "yes", "TRUE"])
    def test_may_use_servers_of_ones_own(self, office: dict[str, str], said: str) -> None:
        for name in ("SECRET_KEY", "SEALING_KEYS", "WECHAT_APP_ID", "WECHAT_APP_SECRET"):
            del office[name]
        settings = load_settings(office | {"DEMO": said})
        assert settings.demo
        assert not settings.embedded_database

    @pytest.mark.parametrize("said", ["0", "false", "no", "No"])
    def test_switched_off_makes_and_lends_nothing(self, office: dict[str, str], said: str) -> None:
        load_settings({"DATA_DIR": office["DATA_DIR"]})
        before = made_in(office)
        del office["WECHAT_APP_ID"]
        assert faults(office | {"DEMO": said}) == ["WECHAT_APP_ID 未设置"]
        assert not load_settings(office | {"DEMO": said, "WECHAT_APP_ID": "wx"}).demo
        assert made_in(office) == before

    def test_an_office_that_forgot_its_keys_does_not_become_a_demo(self, office: dict[str, str]) -> None:
        del office["SECRET_KEY"], office["SEALING_KEYS"]
        assert faults(office) == ["SECRET_KEY 未设置", "SEALING_KEYS 未设置"]
        assert made_in(office) == set()


class TestServices:
    def test_of_ones_own_leave_nothing_to_start(self, office: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        settings = load_settings(office)
        assert (settings.embedded_database, settings.embedded_redis) == (False, False)
        assert settings.database_url == "postgresql+psycopg://shudi:db-password@db.example/shudi"
        assert settings.redis_url == office["REDIS_URL"]
        assert connect_redis(settings).connection_pool.connection_class.__name__ == "Connection"
        assert made_in(office) == set(), "no port chosen, no directory made"

    @pytest.mark.parametrize(("missing", "embedded"), [("DATABASE_URL", (True, False)), ("REDIS_URL", (False, True))])
    def test_the_one_that_is_missing_is_embedded(
        self, office: dict[str, str], missing: str, embedded: tuple[bool, bool]
    ) -> None:
        settings = load_settings({name: value for name, value in office.items() if name != missing})
        assert (settings.embedded_database, settings.embedded_redis) == embedded
        assert not settings.demo
        local = settings.local_services.endpoints()
        assert settings.redis_url == (local.redis_url if settings.embedded_redis else office["REDIS_URL"])
        own = local.database_url if settings.embedded_database else office["DATABASE_URL"]
        assert settings.database_url == own.replace("postgresql://", "postgresql+psycopg://")

    def test_both_missing_are_both_embedded_below_the_data_directory(self, office: dict[str, str]) -> None:
        del office["DATABASE_URL"], office["REDIS_URL"]
        settings = load_settings(office)
        assert (settings.embedded_database, settings.embedded_redis) == (True, True)
        assert made_in(office) >= {"services.json"}

    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
    def test_every_usual_way_to_write_the_address_is_understood(self, office: dict[str, str], scheme: str) -> None:
        settings = load_settings(office | {"DATABASE_URL": f"{scheme}://db.example/shudi"})
        assert settings.database_url == "postgresql+psycopg://db.example/shudi"


def test_the_defaults_are_those_of_the_contract(office: dict[str, str]) -> None:
    settings: Settings = load_settings(office)
    assert (settings.region_code, settings.port, settings.crypto_suite) == ("650100", 8000, "international")
    assert settings.files_url == (Path(office["DATA_DIR"]) / "files").as_uri()
    assert settings.wechat_api_base == "https://api.weixin.qq.com"
    del office["DATA_DIR"]
    assert load_settings(office).data_dir == REPOSITORY / "var"


MAIL = {"SMTP_URL": "smtp://notice%40office:p%40ss@mail.example:2587", "MAIL_FROM": "notice@office.example"}
SMS = {
    "SMS_URL": "https://sms.example/",
    "SMS_KEY_ID": "key",
    "SMS_KEY_SECRET": "sms-password",
    "SMS_SIGN_NAME": "处非办",
    "SMS_TEMPLATE_PROGRESS": "SMS_1",
    "SMS_TEMPLATE_OFFICER": "SMS_2",
}


class TestChannels:
    def test_without_their_settings_they_are_absent(self, office: dict[str, str]) -> None:
        made = load_settings(office)
        assert (made.mail, made.sms) == (None, None)
        assert made.quiet_hours == (time(23), time(9))

    def test_are_read_and_show_no_secret(self, office: dict[str, str]) -> None:
        made = load_settings(office | MAIL | SMS | {"NOTICE_QUIET_HOURS": "off"})
        assert made.mail is not None
        assert made.sms is not None
        assert (made.mail.host, made.mail.port, made.mail.security) == ("mail.example", 2587, "starttls")
        assert (made.mail.username, made.mail.password) == ("notice@office", "p@ss")
        assert made.quiet_hours is None
        assert not any(secret in repr(made) for secret in ("p@ss", "notice@office'", "sms-password"))

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"SMTP_URL": "http://mail.example"}, "SMTP_URL"),
            ({"SMTP_URL": "smtp://"}, "SMTP_URL"),
            ({"SMTP_URL": "smtp://mail.example:many"}, "SMTP_URL"),
            ({"SMTP_URL": "smtp+plain://mail.example"}, "SMTP_URL"),
            ({"MAIL_FROM": "nobody"}, "MAIL_FROM"),
            ({"MAIL_FROM": "a@b.example\nBcc: c@d.example"}, "MAIL_FROM"),
            ({"MAIL_FROM": ""}, "MAIL_FROM"),
            ({"SMTP_URL": ""}, "SMTP_URL"),
            ({"SMTP_CA_FILE": "/nowhere/ca.pem"}, "SMTP_CA_FILE"),
            *(({name: ""}, name) for name in SMS),
            ({"SMS_URL": "http://sms.example/"}, "SMS_URL"),
            ({"SMS_URL": "ftp://sms.example/"}, "SMS_URL"),
            ({"SMS_ADAPTER": "not one"}, "SMS_ADAPTER"),
            ({"NOTICE_QUIET_HOURS": "22-8"}, "NOTICE_QUIET_HOURS"),
            ({"NOTICE_QUIET_HOURS": "09:00-09:00"}, "NOTICE_QUIET_HOURS"),
            ({"NOTICE_QUIET_HOURS": "24:00-09:00"}, "NOTICE_QUIET_HOURS"),
        ],
    )
    def test_one_fault_is_told_by_name(self, office: dict[str, str], given: dict[str, str], told: str) -> None:
        [fault] = faults(office | MAIL | SMS | given)
        assert fault.startswith(told)


class TestSignIn:
    def test_a_real_office_asks_for_everything_and_the_demo_for_the_password_alone(
        self, office: dict[str, str], tmp_path: Path
    ) -> None:
        assert load_settings(office).sign_in == SignInRules()
        demo = load_settings({"DEMO": "1", "DATA_DIR": str(tmp_path / "demo")}).sign_in
        assert (demo.second_factor_roles, demo.password_age) == (frozenset(), None)

    def test_is_the_offices_own(self, office: dict[str, str]) -> None:
        given = {"PASSWORD_LENGTH": "14", "PASSWORD_KINDS": "4", "PASSWORD_AGE_DAYS": "0", "CONSOLE_IDLE_MINUTES": "30"}
        rules = load_settings(office | given | {"SECOND_FACTOR_ROLES": "auditor,sys_admin"}).sign_in
        expected = SignInRules(14, 4, None, frozenset({"auditor", "sys_admin"}), timedelta(minutes=30))
        assert rules == expected

    @pytest.mark.parametrize(
        "given",
        [
            {"PASSWORD_LENGTH": "7"},
            {"PASSWORD_KINDS": "5"},
            {"PASSWORD_AGE_DAYS": "-1"},
            {"CONSOLE_IDLE_MINUTES": "4"},
            {"SECOND_FACTOR_ROLES": "管理员"},
            {"SECOND_FACTOR_ROLES": "auditor,auditors"},
            {"SECOND_FACTOR_ROLES": "all,auditor"},
        ],
    )
    def test_faults_name_the_setting(self, office: dict[str, str], given: dict[str, str]) -> None:
        (fault,) = faults(office | given)
        assert fault.startswith(next(iter(given)))
