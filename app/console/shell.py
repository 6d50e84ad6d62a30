"""What surrounds every page: navigation by role, the person, the look; and the redirect after a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flask import Response, flash, redirect, render_template, request, url_for

from app.foundation.permissions import Actor, Permission
from app.geo.service import region_code
from app.identity import queries as people
from app.identity.passwords import rules
from app.notifications import queries as notifications
from app.workflow.disclosure import why_hidden

SEE_OTHER: Final = 303

# section → label, endpoint, icon, permission; the beginning of an address tells which entry is the present one
_NAVIGATION: Final = {
    "线索": (
        ("工作台", "console.home", "home", Permission.TIP_READ),
        ("举报线索", "console.list_tips", "clipboard-list", Permission.TIP_READ),
        ("数据看板", "console.show_tip_statistics", "chart-bar", Permission.TIP_READ),
        ("登记举报", "console.ask_for_statement", "edit", Permission.TIP_ENTER),
        ("属地争议", "console.list_disputes", "scale", Permission.TIP_TRIAGE),
        ("属地调整", "console.list_reassignments", "arrows-exchange", Permission.REASSIGNMENT_READ),
        ("举报奖励", "console.list_rewards", "award", Permission.REWARD_READ),
        ("督办", "console.list_supervisions", "eye-check", Permission.TIP_READ),
        ("移送公安", "console.list_police_transfers", "gavel", Permission.TIP_READ),
        ("评价复核", "console.list_rechecks", "message", Permission.TIP_REVIEW),
        ("身份信息清除", "console.list_removals", "shield-lock", Permission.TIP_LEAD),
    ),
    "案件与企业": (
        ("存量案件", "console.list_cases", "briefcase", Permission.CASE_READ),
        ("市场主体", "console.list_enterprises", "building", Permission.ENTERPRISE_READ),
    ),
    "规则与人员": (
        ("地址研判", "console.ask_for_address", "map-pin", Permission.GEO_READ),
        ("办理规则", "console.show_rules", "adjustments", Permission.RULES_READ),
        ("代行职责", "console.list_delegations", "user-share", Permission.SELF_USE),
        ("回避登记", "console.list_exclusions", "user-off", Permission.STATEMENT_READ),
        ("离任移交", "console.ask_for_hand_over", "users", Permission.ACCOUNT_MANAGE),
    ),
    "系统": (
        ("系统管理", "console.home", "settings", Permission.ACCOUNT_MANAGE),
        ("安全管理", "console.home", "shield-lock", Permission.ROLE_GRANT),
        ("组织机构", "console.list_units", "building-bank", Permission.SELF_USE),
        ("人员与岗位", "console.list_accounts", "users-group", Permission.ACCOUNT_READ),
        ("登录地址", "console.list_address_ranges", "world", Permission.ROLE_GRANT),
        ("审计日志", "console.list_audit_events", "shield-check", Permission.AUDIT_READ),
        ("消息发送", "console.list_deliveries", "mail", Permission.DELIVERY_READ),
        ("站内消息", "console.list_notices", "bell", Permission.SELF_USE),
    ),
}


def rendered(template: str, actor: Actor, **view: Any) -> str:
    """A page for a signed-in officer; ``view`` holds the variables that the template's head names."""
    unread = notifications.unread_count(actor)
    return render_template(
        template,
        **_look(),
        office_name=office_name(),
        viewer=_viewer(actor),
        nav=navigation(actor, unread),
        unread=unread,
        hidden_note=why_hidden(actor),
        idle_seconds=int(rules().console_idle.total_seconds()),
        urls={
            "home": url_for("console.home"),
            "notices": url_for("console.list_notices"),
            "palette": url_for("console.palette"),
            "account": url_for("console.show_own_account"),
            "sign_out": url_for("console.sign_out"),
            "alive": url_for("console.stay_signed_in"),
            "sign_in": url_for("console.ask_to_sign_in"),
        },
        **view,
    )


def _viewer(actor: Actor) -> dict[str, str]:
    role = actor.role.text if actor.role else ""
    return {"key": str(actor.account_id), "name": actor.name, "role_text": role, "unit_name": actor.unit_name}


def rendered_plain(template: str, *, office: str, **view: Any) -> str:
    """A page before anybody has signed in; ``office`` is given, because the database may be away."""
    return render_template(template, **_look(), office_name=office, **view)


def office_name() -> str:
    """The name of the city's office."""
    unit = people.unit_at(region_code())
    return unit.name if unit else ""


class Undo(NamedTuple):
    """The form that makes undone what was just done: where it goes, and what it says."""

    url: str
    fields: Mapping[str, str]


def done(text: str, endpoint: str, **values: Any) -> Response:
    """After a form: say that it is done, and send the browser to a page that can be loaded again."""
    flash(text, "success")
    return see_other(url_for(endpoint, **values))


def done_for_now(text: str, undo: Undo, endpoint: str) -> Response:
    """The same after what can be taken back wholly: beside the words stands a button that does."""
    flash({"text": text, "undo": undo._asdict()}, "success")  # type: ignore[arg-type]  # the session keeps any JSON
    return see_other(url_for(endpoint))


def see_other(address: str) -> Response:
    """Redirect with 303, so that a reload sends no form again."""
    return redirect(address, SEE_OTHER)  # type: ignore[return-value]  # werkzeug's type names its base class


def _look() -> dict[str, str]:
    return {
        "theme": "dark" if request.cookies.get("shudi_theme") == "dark" else "light",
        "text_size": "large" if request.cookies.get("shudi_text") == "large" else "normal",
    }


def navigation(actor: Actor, unread: int) -> list[dict[str, Any]]:
    """The entries that this person may open; ``unread`` notices are told beside theirs."""
    return [
        {
            "section": section,
            "label": label,
            "href": _address(endpoint),
            "icon": icon,
            "active": _is_here(_address(endpoint)),
            "badge": unread if endpoint == "console.list_notices" and unread else None,
        }
        for section, entries in _NAVIGATION.items()
        for label, endpoint, icon, permission in entries
        if actor.may(permission)
    ]


def _address(endpoint: str) -> str:
    return url_for(endpoint, kind="figures") if endpoint == "console.show_rules" else url_for(endpoint)


def _is_here(address: str) -> bool:
    return request.path == address if address == url_for("console.home") else request.path.startswith(address)
