"""In-app notices of the person who is signed in, and where that person is reached outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import Response, current_app, request, url_for
from marshmallow import Schema, fields

from app.cases.ledger_models import CaseTask
from app.cases.models import SheetImport
from app.console.blueprint import pages
from app.console.forms import typed_fields
from app.console.refusals import on_refusal_show
from app.console.shell import Undo, done, done_for_now, rendered
from app.console.views import chinese
from app.console.views.tip_list import paging
from app.foundation import clock
from app.foundation.config import Settings
from app.foundation.database import db
from app.foundation.http import load, page
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.identity import contacts
from app.identity.models import Account
from app.notifications import service
from app.notifications.models import Notice
from app.notifications.queries import notice_page, unread_count
from app.notifications.schemas import ListNoticesQuery
from app.tips.export_models import ListExport
from app.tips.merge_models import ClusterMerge

_A_PAGE = 20


@pages.get("/notices")
@page(permission=Permission.SELF_USE)
def list_notices(actor: Actor) -> str:
    """The own notices, newest first."""
    return _notices_page(actor)


def _notices_page(actor: Actor) -> str:
    """The page of notices."""
    query = load(ListNoticesQuery(), {name: value for name, value in request.args.items() if value})
    rows = notice_page(actor, unread=query["unread"], after=from_cursor(query["cursor"]), limit=_A_PAGE)
    shown, unread = rows[:_A_PAGE], unread_count(actor)
    wanted = {"unread": "true"} if query["unread"] else {}
    following = to_cursor(shown[-1].created_at, shown[-1].id) if len(rows) > len(shown) else None
    return rendered(
        "console/notices.html",
        actor,
        quick=_quick(query["unread"], unread),
        contact_url=url_for("console.show_contact"),
        mark_all_url=url_for("console.mark_all_notices_read") if unread else None,
        notices=_lines(shown),
        page=paging("console.list_notices", wanted, query["cursor"], following, None),
    )


def _quick(only_unread: bool, unread: int) -> list[dict[str, Any]]:
    address = url_for("console.list_notices")
    return [
        {"label": "全部", "href": address, "number": None, "active": not only_unread},
        {
            "label": "未读",
            "href": f"{address}?unread=true",
            "number": unread,
            "active": only_unread,
        },
    ]


def _lines(rows: Sequence[Notice]) -> list[dict[str, Any]]:
    return [
        {
            "title": one.title,
            "at": clock.beijing(one.created_at),
            "read": one.read_at is not None,
            "href": _address(one),
            "icon": _icon(one),
            "mark_url": url_for("console.mark_notice_read", notice_id=one.id),
        }
        for one in rows
    ]


def brief_notices(notices: Sequence[Notice]) -> list[dict[str, Any]]:
    """Notices as short rows of the home page."""
    return [
        {
            "href": _address(one),
            "title": one.title,
            "note": chinese.moment(clock.beijing(one.created_at)),
            "kind": "notice",
        }
        for one in notices
    ]


def _icon(one: Notice) -> str:
    if one.run_of:
        return _ICONS.get(one.run_of, "download")
    if one.case_id:
        return "briefcase"
    return "arrows-exchange" if one.reassignment_id else "clipboard-list"


_ICONS: Final = {SheetImport.__tablename__: "upload", ClusterMerge.__tablename__: "clipboard-list"}


def _address(one: Notice) -> str:
    if one.run_of:
        return _RUNS[one.run_of](one)
    if one.case_id:
        return url_for("console.show_case", case_id=one.case_id)
    if one.reassignment_id:
        return url_for("console.show_reassignment", request_id=one.reassignment_id)
    return url_for("console.show_tip", tip_id=one.tip_id)


_RUNS: Final[Mapping[str, Callable[[Notice], str]]] = {
    ListExport.__tablename__: lambda one: url_for("console.show_list_export", export_id=one.run_id),
    SheetImport.__tablename__: lambda one: url_for("console.show_case_import", import_id=one.run_id),
    CaseTask.__tablename__: lambda one: url_for("console.show_case_ledger", case_id=one.case_id),
    ClusterMerge.__tablename__: lambda one: url_for("console.show_cluster_merge", merge_id=one.run_id),
}
"""Where long work that has ended is looked at."""


@pages.post("/notices/<uuid:notice_id>/read")
@page(permission=Permission.SELF_USE, changes=True)
def mark_notice_read(actor: Actor, notice_id: UUID) -> Response:
    """Mark one own notice read; the toast makes it unread again."""
    return _read("消息已标为已读。", service.mark_read(actor, notice_id).read_at)


@pages.post("/notices/read-all")
@page(permission=Permission.SELF_USE, changes=True)
def mark_all_notices_read(actor: Actor) -> Response:
    """Mark every own notice read."""
    moment = clock.now()
    service.mark_all_read(actor, moment)
    return _read("全部消息已标为已读。", moment)


def _read(text: str, at: datetime | None) -> Response:
    assert at is not None  # noqa: S101  # it was read just now
    undo = Undo(url_for("console.mark_notices_unread"), {"at": at.isoformat()})
    return done_for_now(text, undo, "console.list_notices")


class UnreadBody(Schema):
    """When the notices were marked read."""

    at = fields.AwareDateTime(required=True)


@pages.post("/notices/unread")
@page(permission=Permission.SELF_USE, changes=True)
def mark_notices_unread(actor: Actor) -> Response:
    """Take back that own notices were marked read at a moment."""
    service.mark_unread(actor, load(UnreadBody(), typed_fields("at"))["at"])
    return done("已恢复为未读。", "console.list_notices")


# Where one is reached outside the console ---------------------------------------------------------------------------


@pages.get("/notices/contact")
@page(permission=Permission.SELF_USE)
def show_contact(actor: Actor) -> str:
    """The own work addresses, and what is sent there."""
    return _contact_page(actor)


def _contact_page(actor: Actor, *, problem: dict[str, Any] | None = None) -> str:
    contact = contacts.work_contact(db.session.get_one(Account, actor.account_id))
    shown = {"email": contact.email or "", "mobile": contact.mobile or ""}
    errors: dict[str, list[str]] = {}
    if problem is not None:
        shown, errors = {name: request.form.get(name, "") for name in shown}, problem.get("errors", {})
    settings: Settings = current_app.extensions["shudi_settings"]
    return rendered(
        "console/contact.html",
        actor,
        fields=[
            {"name": name, "value": shown[name], "error": "；".join(errors.get(name, [])), **_CONTACT_FIELDS[name]}
            for name in shown
        ],
        save_url=url_for("console.save_contact"),
        back_url=url_for("console.list_notices"),
        channels={"mail": settings.mail is not None, "sms": settings.sms is not None},
    )


_CONTACT_FIELDS: Final = {
    "email": {"label": "工作邮箱", "kind": "email", "max_length": contacts.LONGEST_ADDRESS, "autocomplete": "email"},
    "mobile": {"label": "工作手机", "kind": "tel", "max_length": 20, "autocomplete": "tel", "inputmode": "tel"},
}


@pages.post("/notices/contact")
@page(permission=Permission.SELF_USE, changes=True)
def save_contact(actor: Actor) -> Response:
    """Replace the own work addresses; an empty field removes one."""
    on_refusal_show(_contact_page, actor)
    given = typed_fields("email", "mobile")
    assert actor.account_id is not None  # noqa: S101  # an officer has an account
    contacts.set_work_contact(actor, actor.account_id, given.get("email", "").strip(), given.get("mobile", "").strip())
    return done("通知方式已保存。", "console.show_contact")
