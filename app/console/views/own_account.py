"""The own account: what protects it, where it is signed in, and the code to scan."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import url_for
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

from app.foundation import clock
from app.foundation.http import Audience
from app.foundation.permissions import Actor
from app.identity import own_account, passwords, second_factor, sessions
from app.identity.models import Account, StaffSession

_QUIET_ZONE: Final = 4
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("360", "360 浏览器"),
    ("QQBrowser", "QQ 浏览器"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def account_view(actor: Actor) -> dict[str, Any]:
    """What the page of the own account shows."""
    account = own_account.account_of(actor)
    rows = [_session_row(actor, one) for one in sessions.own_sessions(actor)]
    return {
        "password": _password_facts(account),
        "second_factor": _second_factor_facts(account),
        "sessions": rows,
        "end_others_url": url_for("console.end_other_sessions") if len(rows) > 1 else None,
    }


def _password_facts(account: Account) -> dict[str, Any]:
    age = passwords.rules().password_age
    return {
        "changed": clock.beijing(account.password_changed_at),
        "until": clock.beijing(account.password_changed_at + age) if age else None,
        "rule": passwords.rule_text(),
        "href": url_for("console.show_own_password"),
    }


def _second_factor_facts(account: Account) -> dict[str, Any]:
    on = account.sealed_otp_secret is not None
    return {
        "on": on,
        "left": second_factor.recovery_codes_left(account.id) if on else 0,
        "most": second_factor.RECOVERY_CODES,
        "href": url_for("console.show_second_factor"),
        "remake_url": url_for("console.remake_recovery_codes"),
    }


def _session_row(actor: Actor, one: StaffSession) -> dict[str, Any]:
    here = one.id == actor.session_id
    return {
        "device": device(one),
        "address": one.address,
        "since": clock.beijing(one.created_at),
        "seen": clock.beijing(one.seen_at),
        "here": here,
        "end_url": None if here else url_for("console.end_own_session", session_id=one.id),
    }


def device(one: StaffSession) -> str:
    """Browser and system of a session in a few words."""
    if one.audience == Audience.OFFICER.value:
        return "接口"
    browser = next((text for mark, text in _BROWSERS if mark in one.agent), "")
    system = next((text for mark, text in _SYSTEMS if re.search(mark, one.agent)), "")
    return " · ".join(part for part in (browser, system) if part) or "未知设备"


def qr_code(text: str) -> dict[str, Any]:
    """A QR code as one path of an SVG: ``size`` in modules with its quiet zone, ``path`` in those units."""
    code = QRCode(None, QRErrorCorrectLevel.L)
    code.addData(text)
    code.make()
    count = code.getModuleCount()
    dark = [(row, column) for row in range(count) for column in range(count) if code.isDark(row, column)]
    path = "".join(f"M{column + _QUIET_ZONE} {row + _QUIET_ZONE}h1v1h-1z" for row, column in dark)
    return {"size": count + 2 * _QUIET_ZONE, "path": path}


def password_fields(errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Present password, new one, and the new one again; nothing typed is ever sent back."""
    named = [
        ("present", "当前密码", "current-password", ""),
        ("password", "新密码", "new-password", passwords.rule_text()),
        ("repeated", "再次输入新密码", "new-password", ""),
    ]
    return [
        _field(name, label, errors, kind="password", autocomplete=autocomplete, hint=hint, max_length=passwords.LONGEST)
        for name, label, autocomplete, hint in named
    ]


def enrolment(actor: Actor, errors: dict[str, list[str]], offer: str | None) -> dict[str, Any]:
    """What the page of enrolling shows; after a refusal the same code to scan as before."""
    account = own_account.account_of(actor)
    secret = second_factor.opened_offer(actor, offer) if offer else None
    if secret is None:
        secret, offer = second_factor.offer(actor)
    code: dict[str, Any] = {"inputmode": "numeric", "autocomplete": "one-time-code", "max_length": 7}
    fields = [_field("code", "新设备上显示的动态码", errors, hint="6 位数字，每 30 秒更换一次", **code)]
    replacing = account.sealed_otp_secret is not None
    if replacing:
        hint = "证明是您本人在更换；手机已丢失的填写一个恢复码，恢复码也没有的请联系安全管理员解除"
        fields.append(_field("present_code", "原设备上的动态码或者恢复码", errors, hint=hint, max_length=32))
    return {
        "replacing": replacing,
        "qr": qr_code(second_factor.address_of(secret, account.username)),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "offer": offer,
        "fields": fields,
    }


def _field(name: str, label: str, errors: dict[str, list[str]], *, kind: str = "text", **more: Any) -> dict[str, Any]:
    told = "；".join(errors.get(name, []))
    return {"name": name, "label": label, "kind": kind, "required": True, "error": told, "value": "", **more}
