"""Checks of the set-up that look beyond the database: what answers behind an address, the disk, the backup.

No check holds a transaction while it waits; each client has short time-outs of its own.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import text

from app.console.findings import Finding, bad, good, off, warning
from app.console.views import chinese
from app.files import antivirus
from app.files import service as files
from app.files.models import Scan
from app.files.storage import StorageFault
from app.foundation import clock
from app.foundation.config import Settings
from app.foundation.crypto import CannotOpen
from app.foundation.database import OPEN_WALL, db, new_id, transaction
from app.identity.wechat import WeChatError
from app.notifications import faults
from app.notifications.reasons import reason_text

_BACKUP_WITHIN: Final = timedelta(hours=26)
"""A nightly backup may be two hours late."""
_LEAST_FREE_BYTES: Final = 5 * 1024**3
_LEAST_FREE_SHARE: Final = 0.1


def _settings() -> Settings:
    settings: Settings = current_app.extensions["shudi_settings"]
    return settings


def wechat_answers() -> Finding:
    """An access token, asked for anew at the configured address with the configured secret."""
    settings = _settings()
    try:
        current_app.extensions["shudi_wechat"].prove()
    except WeChatError as fault:
        told = f"取不到接口凭证：{reason_text(str(fault.errcode)) if fault.errcode else '连接不上微信服务器'}"
        return bad(told, "核对 WECHAT_APP_ID、WECHAT_APP_SECRET，以及小程序后台的 IP 白名单和本机出网。")
    except RedisError:
        return bad("连接不上 Redis，接口凭证无处存放", "请检查 REDIS_URL 和 Redis 服务。")
    if settings.demo:
        return warning("使用演示用的微信替身", "正式使用前填写本单位小程序的 WECHAT_APP_ID 等配置。")
    return good(f"已从微信取得接口凭证（{settings.wechat_app_id}）。")


def mail_answers() -> Finding:
    """The mail server lets us in and answers; no message is sent."""
    mailer = current_app.extensions["shudi_mailer"]
    if mailer is None:
        return off("没有配置邮件服务器", "配置 SMTP_URL、MAIL_FROM 后，督办和每日提醒可以发到工作邮箱。")
    try:
        mailer.prove()
    except faults.ChannelFault as fault:
        return bad(f"邮件服务器：{reason_text(fault.code)}", "核对 SMTP_URL 的主机、端口、用户名、密码和证书。")
    return good("邮件服务器已登录并应答。")


def sms_answers() -> Finding:
    """The gateway takes our signature: asked to write to a number that cannot be, it must refuse the number alone."""
    gateway, settings = current_app.extensions["shudi_sms"], _settings()
    if gateway is None or settings.sms is None:
        return off("没有配置短信网关", "配置 SMS_URL 等之后，没有微信的举报人可以收到短信。")
    try:
        gateway.send("0", settings.sms.template_progress, str(new_id()))
    except faults.Refused:
        return good("短信网关接受本单位的签名（未发出短信）。")
    except faults.ChannelFault as fault:
        hint = "核对 SMS_URL、SMS_KEY_ID、SMS_KEY_SECRET，以及账户余额和白名单。"
        return bad(f"短信网关：{reason_text(fault.code)}", hint)
    return warning("短信网关没有核对号码就接收了短信", "请与网关服务商核实接口是否为正式环境。")


def backup() -> Finding:
    """A file in the folder of backups, or PostgreSQL's own archive, not older than a day and a bit."""
    folder = _settings().backup_path
    if folder:
        return _backup_in(Path(folder))
    with transaction(OPEN_WALL):
        mode = db.session.scalar(text("SELECT current_setting('archive_mode')"))
        last = db.session.scalar(text("SELECT last_archived_time FROM pg_stat_archiver"))
    if mode == "off":
        hint = "设置 BACKUP_PATH 指向备份目录（每日 pg_dump），或者启用 PostgreSQL 连续归档。"
        return bad("没有发现数据库备份", hint)
    return _aged("最近一次连续归档", last)


def _backup_in(folder: Path) -> Finding:
    try:
        kept = [one.stat() for one in os.scandir(folder) if one.is_file()]
    except OSError as fault:
        return bad(f"打不开备份目录（{type(fault).__name__}）", "核对 BACKUP_PATH 和目录权限。")
    if not (whole := [one.st_mtime for one in kept if one.st_size]):
        return bad("备份目录中没有备份文件", "请安排每日备份，并试着恢复一次。")
    return _aged("最近一次备份", datetime.fromtimestamp(max(whole), UTC))


def _aged(what: str, at: datetime | None) -> Finding:
    if at is None:
        return bad(f"还没有{what.removeprefix('最近一次')}", "请检查备份任务。")
    told = f"{what}：{chinese.moment(clock.beijing(at))}"
    if at < clock.now() - _BACKUP_WITHIN:
        return bad(told, "超过一天没有备份，请检查备份任务和磁盘空间。")
    return good(told + "。请每季度试着恢复一次。")


def storage() -> Finding:
    """Something written to the configured storage comes back as it was, and goes."""
    probe = os.urandom(32)
    try:
        place = files.vault().put(new_id(), [probe])
        same = b"".join(files.vault().stream(place)) == probe
        files.vault().drop(place.storage_key)
    except (StorageFault, CannotOpen, ValueError) as fault:
        return bad(f"文件存储不能读写（{type(fault).__name__}）", "核对 FILES_URL、目录权限或者对象存储的密钥。")
    if not same:
        return bad("写入的内容与读出的不一致", "请停止使用该存储并检查设备。")
    kind = "对象存储" if _settings().files_url.startswith("s3") else "本机目录"
    return good(f"{kind}写入、读出、删除正常。")


def antivirus_answers() -> Finding:
    """clamd gives its verdict on a harmless text."""
    url = _settings().clamd_url
    if not url:
        return off("没有配置病毒扫描", "配置 CLAMD_URL 后，举报材料扫描通过才能打开。")
    try:
        verdict = antivirus.ask(url, [b"harmless"])
    except antivirus.ScannerAway:
        return bad("连接不上病毒扫描服务", "请检查 CLAMD_URL 和 clamd 服务；在此期间新材料暂不能打开。")
    if verdict is not Scan.CLEAN:
        return bad("病毒扫描服务的回答不正常", "请更新病毒库，检查 clamd 的日志。")
    return good("病毒扫描服务应答正常。")


def disk() -> Finding:
    """Room where the program writes: its data, and its files where they lie on this machine."""
    settings = _settings()
    places = [settings.data_dir]
    if settings.files_url.startswith("file:"):
        places.append(Path(unquote(urlsplit(settings.files_url).path)))
    usages = [shutil.disk_usage(next(one for one in (place, *place.parents) if one.exists())) for place in places]
    least = min(usages, key=lambda one: one.free)
    told = f"可用 {least.free / 1024**3:.1f} GB，占 {least.free / least.total:.0%}"
    if least.free < _LEAST_FREE_BYTES or least.free < least.total * _LEAST_FREE_SHARE:
        return bad(told, "请扩充磁盘或者清理；空间耗尽后不能受理新的举报。")
    return good(told + "。")
