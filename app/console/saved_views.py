"""Arrangements of the queue that an officer keeps under a name: own ones alone, whatever the wall would let through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from flask import Response, url_for
from marshmallow import Schema
from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from app.console import forms
from app.console.blueprint import pages
from app.console.models import SavedView
from app.console.shell import Undo, done, done_for_now
from app.console.views.queue_address import address_of, read_address
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import Conflict, OutOfScope
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.foundation.text_fields import PlainText, RequiredText

MOST: Final = 20


class SaveViewBody(Schema):
    """A name, and the queue's address without its path."""

    name = RequiredText(20)
    query = PlainText(2000, load_default="")


@pages.post("/tips/views")
@page(permission=Permission.SELF_USE, changes=True)
def save_view(actor: Actor) -> Response:
    """Keep the present filters under a name; the same name again takes the new filters."""
    body = load(SaveViewBody(), forms.typed_fields("name", "query"))
    wanted = read_address(body["query"])
    save(actor, body["name"], address_of(wanted))
    return done(f"已保存视图“{body['name']}”。", "console.list_tips", **wanted)


@pages.post("/tips/views/<uuid:view_id>/remove")
@page(permission=Permission.SELF_USE, changes=True)
def remove_view(actor: Actor, view_id: UUID) -> Response:
    """Forget an own view; the toast keeps it again."""
    view = _own(actor, view_id)
    db.session.delete(view)
    db.session.flush()
    undo = Undo(url_for("console.save_view"), {"name": view.name, "query": view.query})
    return done_for_now(f"视图“{view.name}”已删除。", undo, "console.list_tips")


def views_of(actor: Actor) -> Sequence[SavedView]:
    """The own views, in the order they were made."""
    return db.session.scalars(_owned(actor).order_by(SavedView.created_at, SavedView.id)).all()


def as_links(actor: Actor, present: str = "") -> list[dict[str, object]]:
    """The own views as links, the present one marked."""
    return [
        {
            "name": one.name,
            "href": url_for("console.list_tips") + (f"?{one.query}" if one.query else ""),
            "active": bool(present) and one.query == present,
            "remove_url": url_for("console.remove_view", view_id=one.id),
        }
        for one in views_of(actor)
    ]


def save(actor: Actor, name: str, query: str) -> None:
    """Keep filters under a name; raise ``Conflict`` where there are too many already."""
    others = _owned(actor).where(SavedView.name != name).subquery()
    if (db.session.scalar(select(func.count()).select_from(others)) or 0) >= MOST:
        raise Conflict(f"最多保存 {MOST} 个视图，请先删除不用的视图", code="too_many_views")
    kept = insert(SavedView).values(
        id=new_id(), account_id=actor.account_id, name=name, query=query, created_at=clock.now()
    )
    db.session.execute(kept.on_conflict_do_update(index_elements=["account_id", "name"], set_={"query": query}))


def _owned(actor: Actor) -> Select[SavedView]:
    return select(SavedView).where(SavedView.account_id == actor.account_id)


def _own(actor: Actor, view_id: UUID) -> SavedView:
    found = db.session.scalar(_owned(actor).where(SavedView.id == view_id))
    if found is None:
        raise OutOfScope("未找到该视图")
    return found
