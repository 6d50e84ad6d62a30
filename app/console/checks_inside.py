"""Checks of the set-up that look into the database alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from flask import current_app
from sqlalchemy import func, select

from app.audit.models import AuditEvent
from app.console.findings import Finding, bad, good, warning
from app.foundation import clock
from app.foundation.config import Settings
from app.foundation.crypto import Crypto
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import InvalidInput
from app.foundation.permissions import Role
from app.geo.divisions import divisions
from app.geo.queries import zones_without_agreement
from app.geo.service import region_code
from app.identity.models import Account, Unit
from app.identity.separation import ADMINISTRATORS
from app.notifications import wording
from app.outbox.service import given_up, oldest_waiting
from app.tips.key_rotation import keys_in_use
from app.workflow import calendar, limits

DEMO_TEMPLATE: Final = "tip-progress-demo"
_NAMES_TOLD: Final = 6
_SEALED_WITHIN: Final = timedelta(minutes=5)
_LATE_SECONDS: Final = 120.0
_CITY_ROLES: Final = (Role.CITY_REVIEWER, Role.CITY_ADJUSTER, Role.CITY_LEADER)


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f"等 {len(known)} 个" if len(known) > _NAMES_TOLD else ""
    return "、".join(known[:_NAMES_TOLD]) + more


def units() -> Finding:
    """The city's unit, and one for each district and county."""
    with transaction(OPEN_WALL):
        known = {unit.division_code: unit for unit in db.session.scalars(select(Unit).where(Unit.active))}
    missing = [one.name for one in divisions().children(region_code()) if one.code not in known]
    if region_code() not in known:
        return bad("没有市级单位", "在“组织机构”新增市级单位，或者用 units import 导入名单。")
    if missing:
        return bad(f"没有单位的区（县）：{_listed(missing)}", "在“组织机构”新增；缺少单位的，线索由市级承办。")
    silent = [unit.name for unit in known.values() if not unit.phone]
    if silent:
        return warning(f"未登记电话：{_listed(silent)}", "举报人咨询和单位间联系都用这个电话。")
    return good(f"在用单位 {len(known)} 个，每个区（县）都有承办单位。")


def people() -> Finding:
    """A reviewer, an adjuster and a leader in the city, a handler in each unit below."""
    with transaction(OPEN_WALL):
        rows = db.session.execute(
            select(Unit.name, Unit.kind, Unit.division_code, Account.role)
            .join(Account, (Account.unit_id == Unit.id) & Account.in_office(clock.today()), isouter=True)
            .where(Unit.active)
        ).all()
    city = {row.role for row in rows if row.division_code == region_code()}
    lacking = [role.text for role in _CITY_ROLES if role.value not in city]
    if lacking:
        hint = "属地调整的申请、审核、调整须由三个不同的人办理，各岗位至少一人。"
        return bad(f"市级缺少：{'、'.join(lacking)}", hint)
    handled = {row.name for row in rows if row.role == Role.DISTRICT_HANDLER.value}
    empty = sorted({row.name for row in rows if row.kind not in {"region", "city"}} - handled)
    if empty:
        return bad(f"没有承办人的单位：{_listed(empty)}", "由系统管理员创建账号，安全管理员授予“区县承办人”。")
    return good(f"在岗 {sum(row.role is not None for row in rows)} 人，各单位都有承办人。")


def administrators() -> Finding:
    """Each of the three administrators, three persons."""
    with transaction(OPEN_WALL):
        held = db.session.execute(
            select(Account.role, Account.display_name, Account.sealed_otp_secret.is_not(None).label("second")).where(
                Account.in_office(clock.today()), Account.role.in_(sorted(ADMINISTRATORS))
            )
        ).all()
    lacking = sorted(role.text for role in ADMINISTRATORS if role.value not in {row.role for row in held})
    if lacking:
        return bad(f"缺少：{'、'.join(lacking)}", "系统、安全、审计三类管理员须各有一人，不得兼任。")
    names = {row.display_name: {one.role for one in held if one.display_name == row.display_name} for row in held}
    if twice := [name for name, roles in names.items() if len(roles) > 1]:
        return bad(f"疑似一人兼任：{_listed(twice)}", "三类管理员不得由一人兼任，请另行任命。")
    if not all(row.second for row in held):
        return warning("有管理员尚未启用动态码", "请本人登录后在账号页启用。")
    return good(f"三类管理员共 {len(held)} 人，互不兼任，均已启用动态码。")


def calendar_years() -> Finding:
    """Holidays of this year; those of the next once they are announced, which is in November."""
    with transaction(OPEN_WALL):
        years = {day.day.year for day in calendar.days_listed()}
    today = clock.today()
    if today.year not in years:
        return bad(f"没有 {today.year} 年的工作日历", "没有日历的年度不能计算期限，请立即导入。")
    if today.year + 1 not in years:
        late = today.month == 12  # noqa: PLR2004  # the State Council announces them in November
        told = f"没有 {today.year + 1} 年的工作日历"
        return (bad if late else warning)(told, "放假安排公布后（一般在 11 月）尽快导入，跨年的期限要用到。")
    return good(f"{today.year} 年和 {today.year + 1} 年的工作日历已导入。")


def zones() -> Finding:
    """Every functional zone of the city with an agreed unit."""
    with transaction(OPEN_WALL):
        left = [zone.name for zone in zones_without_agreement(region_code())]
    if left:
        hint = "与有关单位商定后，由市级审核人在“功能区约定”登记；未约定的，线索不自动交办。"
        return warning(f"尚未约定承办单位：{_listed(left)}", hint)
    return good("名录中的功能区都已登记约定。")


def messages() -> Finding:
    """Every wording that leaves or is read passes the checks, and the operators' templates are named."""
    settings: Settings = current_app.extensions["shudi_settings"]
    unfit = []
    with transaction(OPEN_WALL):
        for kind in (wording.NOTICE, wording.SUBJECT, wording.MAIL):
            unfit += [f"{kind}/{code}" for code, text in limits.wordings(kind).items() if not _is_fit(kind, code, text)]
    if unfit:
        return bad(f"不合要求的文字：{_listed(unfit)}", "在“消息文字”改正：外部消息不能有占位符、号码和网址。")
    if settings.wechat_template_progress == DEMO_TEMPLATE:
        return warning("没有填写微信订阅消息模板", "在小程序后台申请模板，填入 WECHAT_TEMPLATE_PROGRESS。")
    return good("站内消息和邮件的文字都合要求，微信模板已填写。")


def _is_fit(kind: str, code: str, text: str) -> bool:
    try:
        limits.check_wording(kind, code, text)
    except InvalidInput:
        return False
    return True


def keys() -> Finding:
    """Every key that something is sealed with is loaded, what is sealed opens, and none belongs to the demo."""
    settings: Settings = current_app.extensions["shudi_settings"]
    crypto: Crypto = current_app.extensions["shudi_crypto"]
    with transaction(OPEN_WALL):
        used = keys_in_use()
    if lost := sorted(set(used) - set(crypto.key_ids)):
        count = sum(used[name] for name in lost)
        return bad(f"{count} 项密文的密钥（{_listed(lost)}）没有加载", "请从密钥保管处取回，加入 SEALING_KEYS。")
    if crypto.open(crypto.seal(b"probe", bound_to=b"first-day"), bound_to=b"first-day") != b"probe":
        return bad("现用密钥不能解开刚封装的内容", "请检查 SEALING_KEYS。")
    if settings.demo:
        return warning("正在使用演示密钥", "正式使用前换成本单位保管的密钥，演示数据不带入。")
    old = sum(count for name, count in used.items() if name != crypto.current_key_id)
    if old:
        return warning(f"{old} 项密文仍由旧密钥封装", "在“密钥”页启动轮换，完成后再移除旧密钥。")
    return good(f"现用密钥 {crypto.current_key_id}，全部密文由它封装。")


def sealing() -> Finding:
    """What is recorded is sealed into the chain within minutes."""
    with transaction(OPEN_WALL):
        oldest = db.session.scalar(select(func.min(AuditEvent.at)).where(AuditEvent.seq.is_(None)))
    if oldest is not None and oldest < clock.now() - _SEALED_WITHIN:
        told = f"最早一条待封存记录已等待 {int((clock.now() - oldest).total_seconds() // 60)} 分钟"
        return bad(told, "请检查后台任务是否运行，再由审计管理员校验日志链。")
    return good("审计记录随时封存，没有积压。")


def delivery() -> Finding:
    """Relay and worker carry what is left for them."""
    with transaction(OPEN_WALL):
        waited, stopped = oldest_waiting(), given_up()
    if stopped:
        told = f"{stopped} 条后台任务多次失败，已停止重试"
        return bad(told, "请先查看日志、排除故障，再运行 flask outbox retry 重新安排。")
    if waited > _LATE_SECONDS:
        told = f"最早一条后台任务已等待 {int(waited // 60)} 分钟"
        return bad(told, "请检查 flask outbox relay 和 flask worker 两个进程是否运行。")
    return good("后台任务及时处理，没有积压。")
