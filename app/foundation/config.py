"""Settings: read once from the environment, frozen, refused with all faults at once, secrets hidden in ``repr``."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from app.foundation.local_services import LocalServices
from app.foundation.permissions import Role

KEY_BYTES: Final = 32
MINIMUM_SECRET_LENGTH: Final = 32
DEMO_MARK: Final = "demo-"
_ON: Final = frozenset({"1", "true", "yes"})
_OFF: Final = frozenset({"0", "false", "no"})
Network: TypeAlias = IPv4Network | IPv6Network
REPOSITORY: Final = Path(__file__).resolve().parents[2]


class SettingsRefused(Exception):
    """The environment cannot be used; the message lists every fault, one a line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("配置有误，程序未启动：\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One 256-bit master key with its id; the first of ``Settings.sealing_keys`` seals, all of them open."""

    key_id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server that messages leave by; ``security``: ``tls``, ``starttls``, or ``none`` on this machine."""

    host: str
    port: int
    security: str
    sender: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """The gateway that short messages leave by, and the codes that it gave to our approved texts."""

    adapter: str
    url: str
    key_id: str
    secret: str = field(repr=False)
    sign_name: str
    template_progress: str
    template_officer: str


@dataclass(frozen=True, slots=True)
class SignInRules:
    """How the office's people prove who they are (GB/T 22239-2019, 8.1.4.1).

    Attributes:
        shortest_password: characters.
        kinds_of_letters: how many of lower case, upper case, digits and signs a password mixes.
        password_age: after it a new password is asked for at the sign-in; ``None``: never.
        second_factor_roles: roles whose people must set a second factor up; ``None``: all of them.
        console_idle: a console session without a request for so long is over.
    """

    shortest_password: int = 10
    kinds_of_letters: int = 3
    password_age: timedelta | None = timedelta(days=90)
    second_factor_roles: frozenset[str] | None = None
    console_idle: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the program is told from outside."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    sealing_keys: tuple[SealingKey, ...] = field(repr=False)
    wechat_app_id: str
    wechat_app_secret: str = field(repr=False)
    wechat_api_base: str
    files_url: str
    region_code: str
    port: int
    data_dir: Path
    demo: bool
    embedded_database: bool
    embedded_redis: bool
    crypto_suite: str = "international"
    trusted_proxies: int = 0
    metrics_networks: tuple[Network, ...] = ()
    """Who may read ``/metrics``: counts by the second tell when somebody filed."""
    wechat_template_progress: str = "tip-progress-demo"
    public_rate_per_minute: int = 600
    clamd_url: str = ""
    backup_path: str = ""
    """Where backups of the database are written, as the checklist looks for them: a folder."""
    mail: MailSettings | None = None
    sms: SmsSettings | None = None
    quiet_hours: tuple[time, time] | None = None
    """Beginning and end on Beijing's clock."""
    public_languages: tuple[str, ...] = ("zh", "en")
    wechat_text_check: bool = True
    sign_in: SignInRules = SignInRules()

    @property
    def local_services(self) -> LocalServices:
        """The embedded PostgreSQL and Valkey of ``data_dir``."""
        return LocalServices(self.data_dir)


class _Reader:
    """Collects faults instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self.environment.get(name, "").strip()
        if value:
            return value
        if default is None:
            self.faults.append(f"{name} 未设置")
        return default or ""

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        raw = self.environment.get(name, "").strip() or str(default)
        if not raw.isdecimal() or not lowest <= int(raw) <= highest:
            self.faults.append(f"{name} 应为 {lowest} 至 {highest} 之间的整数")
            return default
        return int(raw)

    def switch(self, name: str, default: str = "0") -> bool:
        said = self.environment.get(name, default).strip().lower() or default
        if said not in _ON | _OFF:
            self.faults.append(f"{name} 应为 1 或 0")
        return said in _ON

    def matching(self, name: str, default: str, pattern: str, meaning: str) -> str:
        value = self.text(name, default)
        if not re.fullmatch(pattern, value):
            self.faults.append(f"{name} 应为{meaning}")
        return value

    def networks(self, name: str, default: str) -> tuple[Network, ...]:
        try:
            return tuple(ip_network(one.strip()) for one in self.text(name, default).split(","))
        except ValueError:
            self.faults.append(f"{name} 应为用英文逗号分隔的网段，例如 10.0.0.0/8,::1")
            return ()

    def url(self, name: str, value: str, schemes: tuple[str, ...]) -> str:
        try:
            known = urlsplit(value).scheme in schemes
        except ValueError:  # brackets that are no IPv6 address
            known = False
        if value and not known:
            self.faults.append(f"{name} 应以 {'、'.join(s + '://' for s in schemes)} 开头")
        return value

    def keys(self, name: str, raw: str) -> tuple[SealingKey, ...]:
        keys: list[SealingKey] = []
        for part in filter(None, (piece.strip() for piece in raw.split(","))):
            key_id, _, encoded = part.partition(":")
            try:
                secret = base64.b64decode(encoded, validate=True)
            except ValueError:
                secret = b""
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key_id) or len(secret) != KEY_BYTES:
                self.faults.append(f"{name} 第 {len(keys) + 1} 项应为 “编号:32字节密钥的base64”")
            keys.append(SealingKey(key_id, secret))
        if raw and not keys:
            self.faults.append(f"{name} 第 1 项应为 “编号:32字节密钥的base64”")
        if len({key.key_id for key in keys}) != len(keys):
            self.faults.append(f"{name} 中的密钥编号重复")
        return tuple(keys)


# long because every setting is named once, on a line of its own.
def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; raise :class:`SettingsRefused` with every fault at once.

    Without ``DATABASE_URL`` / ``REDIS_URL`` the embedded services of ``DATA_DIR`` are meant. A demo (see
    :func:`demo_environment`) has keys of its own; a production start refuses them.
    """
    given = dict(os.environ if environment is None else environment)
    data_dir = Path(given.get("DATA_DIR", "").strip() or REPOSITORY / "var").absolute()
    reader = _Reader(demo_environment(given, data_dir) | {k: v for k, v in given.items() if v.strip()})
    demo = reader.switch("DEMO")
    database_url, redis_url = _service_urls(reader, data_dir)
    secret_key, sealing_keys = _keys(reader, demo=demo)
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        secret_key=secret_key,
        sealing_keys=sealing_keys,
        wechat_app_id=reader.text("WECHAT_APP_ID"),
        wechat_app_secret=reader.text("WECHAT_APP_SECRET"),
        wechat_api_base=reader.url(
            "WECHAT_API_BASE", reader.text("WECHAT_API_BASE", "https://api.weixin.qq.com"), ("http", "https")
        ),
        files_url=reader.url("FILES_URL", reader.text("FILES_URL", (data_dir / "files").as_uri()), ("file", "s3")),
        region_code=reader.matching("REGION_CODE", "650100", r"[0-9]{6}", "六位行政区划代码"),
        port=reader.number("PORT", 8000, 1, 65535),
        data_dir=data_dir,
        demo=demo,
        embedded_database=not reader.environment.get("DATABASE_URL"),
        embedded_redis=not reader.environment.get("REDIS_URL"),
        crypto_suite=reader.matching(
            "CRYPTO_SUITE", "international", "international|national", "international 或 national"
        ),
        trusted_proxies=reader.number("TRUSTED_PROXIES", 0, 0, 5),
        metrics_networks=reader.networks("METRICS_NETWORKS", "127.0.0.0/8,::1"),
        wechat_template_progress=reader.text("WECHAT_TEMPLATE_PROGRESS", "tip-progress-demo"),
        clamd_url=reader.url("CLAMD_URL", reader.text("CLAMD_URL", ""), ("tcp", "unix")),
        backup_path=reader.text("BACKUP_PATH", ""),
        # The demo is for trying out, load tests from one address included: there nobody is asked to prove work.
        public_rate_per_minute=reader.number("PUBLIC_RATE_PER_MINUTE", 10**6 if demo else 600, 1, 10**6),
        mail=_mail(reader),
        sms=_sms(reader),
        quiet_hours=_quiet_hours(reader),
        wechat_text_check=reader.switch("WECHAT_TEXT_CHECK", default="1"),
        sign_in=_sign_in(reader),
        public_languages=tuple(
            reader.matching("PUBLIC_LANGUAGES", "zh,en", r"zh(,en)?(,ug)?", "以 zh 开头的 zh、en、ug 列表").split(",")
        ),
    )
    if reader.faults:
        raise SettingsRefused(reader.faults)
    return settings


_DEMO_CHANNELS: Final = {"NOTICE_QUIET_HOURS": "off", "SECOND_FACTOR_ROLES": "off", "PASSWORD_AGE_DAYS": "0"}
"""Whoever tries the demo at night wants to see the message arrive, and to sign in with the printed password alone."""


def demo_environment(given: Mapping[str, str], data_dir: Path) -> dict[str, str]:
    """The settings of the demo in ``data_dir``, or nothing where the environment describes a real office.

    It is a demo when ``DEMO=1`` says so, or when no keys are given and either nothing points to a database of
    one's own or ``data_dir`` already holds a demo: so that every command finds the office that ``make run`` made.
    """
    secrets_file = data_dir / "demo_secrets.json"
    has_keys = bool(given.get("SECRET_KEY") or given.get("SEALING_KEYS"))
    implied = not has_keys and (secrets_file.exists() or not given.get("DATABASE_URL"))
    said = given.get("DEMO", "").strip().lower()
    if said not in _ON and (said or not implied):
        return {}
    if not secrets_file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        encoded = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        made = {
            "SECRET_KEY": DEMO_MARK + secrets.token_urlsafe(48),
            "SEALING_KEYS": f"{DEMO_MARK}1:{encoded}",
        }
        draft = secrets_file.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made), encoding="utf-8")
        with contextlib.suppress(FileExistsError):  # two commands at once: the first one's keys stand
            os.link(draft, secrets_file)
        draft.unlink()
    kept: dict[str, str] = json.loads(secrets_file.read_text(encoding="utf-8"))
    return {"DEMO": "1", "WECHAT_APP_ID": "wxdemo", "WECHAT_APP_SECRET": "demo-secret", **_DEMO_CHANNELS, **kept}


_MAIL_SCHEMES: Final = {"smtps": ("tls", 465), "smtp": ("starttls", 587), "smtp+plain": ("none", 25)}
_SMS_SETTINGS: Final = ("SMS_URL", "SMS_KEY_ID", "SMS_KEY_SECRET", "SMS_SIGN_NAME")
_SMS_TEMPLATES: Final = ("SMS_TEMPLATE_PROGRESS", "SMS_TEMPLATE_OFFICER")
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def _mail(reader: _Reader) -> MailSettings | None:
    """``SMTP_URL`` with ``MAIL_FROM``; ``None`` without either: nothing is sent by mail."""
    raw, sender = reader.text("SMTP_URL", ""), reader.text("MAIL_FROM", "")
    if not (raw or sender):
        return None
    try:
        url = urlsplit(raw)
        port = url.port
    except ValueError:
        url, port = SplitResult("", "", "", "", ""), None
    if url.scheme not in _MAIL_SCHEMES or not url.hostname:
        reader.faults.append("SMTP_URL 应为 smtps://用户名:密码@主机:端口，或者以 smtp:// 开头（先 STARTTLS 加密）")
        return None
    security, usual_port = _MAIL_SCHEMES[url.scheme]
    if security == "none" and url.hostname not in _THIS_MACHINE:
        reader.faults.append("SMTP_URL 的 smtp+plain:// 不加密，只能用于本机")
    if not re.fullmatch(r"[!-;=?-~]+@[A-Za-z0-9.-]+", sender):
        reader.faults.append("MAIL_FROM 应为发件地址，例如 notice@example.gov.cn")
    ca_file = reader.text("SMTP_CA_FILE", "")
    if ca_file and not Path(ca_file).is_file():
        reader.faults.append("SMTP_CA_FILE 所指的证书文件不存在")
    username, password = unquote(url.username or ""), unquote(url.password or "")
    return MailSettings(url.hostname, port or usual_port, security, sender, username, password, ca_file)


def _sms(reader: _Reader) -> SmsSettings | None:
    """The SMS gateway; ``None`` when none of its settings is given: nothing is sent by SMS."""
    names = (*_SMS_SETTINGS, *_SMS_TEMPLATES)
    if not any(reader.environment.get(name, "").strip() for name in names):
        return None
    url, key_id, secret, sign_name, progress, officer = (reader.text(name) for name in names)
    reader.url("SMS_URL", url, ("https", "http"))
    if url.startswith("http://") and urlsplit(url).hostname not in _THIS_MACHINE:
        reader.faults.append("SMS_URL 应以 https:// 开头（http:// 只能用于本机）")
    adapter = reader.matching("SMS_ADAPTER", "acs3", r"[a-z0-9_]{1,32}", "接口名称，例如 acs3")
    return SmsSettings(adapter, url, key_id, secret, sign_name, progress, officer)


def _sign_in(reader: _Reader) -> SignInRules:
    """``SECOND_FACTOR_ROLES``: ``all``, ``off``, or role codes with commas between them."""
    days = reader.number("PASSWORD_AGE_DAYS", 90, 0, 3650)
    role = f"({'|'.join(Role)})"
    said = reader.matching(
        "SECOND_FACTOR_ROLES", "all", f"all|off|{role}(,{role})*", " all、off 或者以逗号分隔的岗位代码"
    )
    return SignInRules(
        shortest_password=reader.number("PASSWORD_LENGTH", 10, 8, 64),
        kinds_of_letters=reader.number("PASSWORD_KINDS", 3, 1, 4),
        password_age=timedelta(days=days) if days else None,
        second_factor_roles=None if said == "all" else frozenset(said.split(",")) - {"off"},
        console_idle=timedelta(minutes=reader.number("CONSOLE_IDLE_MINUTES", 15, 5, 480)),
    )


def _quiet_hours(reader: _Reader) -> tuple[time, time] | None:
    """``NOTICE_QUIET_HOURS``: two moments of Beijing's clock, or ``off``. Xinjiang rises two hours after it."""
    raw = reader.text("NOTICE_QUIET_HOURS", "23:00-09:00")
    if raw == "off":
        return None
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", raw)
    if not found or raw[:5] == raw[6:]:
        reader.faults.append("NOTICE_QUIET_HOURS 应为 23:00-09:00 这样的北京时间段，或者 off")
        return None
    return time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))


def _service_urls(reader: _Reader, data_dir: Path) -> tuple[str, str]:
    database_url = reader.environment.get("DATABASE_URL", "").strip()
    redis_url = reader.environment.get("REDIS_URL", "").strip()
    if not (database_url and redis_url):
        endpoints = LocalServices(data_dir).endpoints()
        database_url = database_url or endpoints.database_url
        redis_url = redis_url or endpoints.redis_url
    reader.url("DATABASE_URL", database_url, ("postgresql", "postgres", "postgresql+psycopg"))
    reader.url("REDIS_URL", redis_url, ("redis", "rediss", "unix"))
    return re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", database_url), redis_url


def _keys(reader: _Reader, *, demo: bool) -> tuple[str, tuple[SealingKey, ...]]:
    secret_key = reader.text("SECRET_KEY")
    sealing_keys = reader.keys("SEALING_KEYS", reader.text("SEALING_KEYS"))
    if secret_key and len(secret_key) < MINIMUM_SECRET_LENGTH:
        reader.faults.append(f"SECRET_KEY 至少 {MINIMUM_SECRET_LENGTH} 个字符")
    if not demo:
        _refuse_demo_keys(reader, secret_key, sealing_keys)
    return secret_key, sealing_keys


def _refuse_demo_keys(reader: _Reader, secret_key: str, sealing_keys: tuple[SealingKey, ...]) -> None:
    if secret_key.startswith(DEMO_MARK):
        reader.faults.append("SECRET_KEY 是演示密钥，正式环境不能使用")
    if any(key.key_id.startswith(DEMO_MARK) for key in sealing_keys):
        reader.faults.append("SEALING_KEYS 含演示密钥，正式环境不能使用")
