"""The sealing keys: which are loaded, since when, what hangs on each, and sealing everything with the newest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Response, request, url_for
from sqlalchemy import func, select

from app.audit.models import AuditEvent
from app.console import long_tasks
from app.console.blueprint import pages
from app.console.shell import done, rendered
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import InvalidInput
from app.foundation.http import page
from app.foundation.permissions import Actor, Permission
from app.outbox import tasks
from app.outbox.models import OfficeTask
from app.outbox.tasks import TaskState
from app.tips.service import crypto

ROTATE: Final = "keys-rotate"
COUNT: Final = "keys-count"


@pages.get("/keys")
@page(permission=Permission.ROLE_GRANT)
def show_keys(actor: Actor) -> str:
    """Ids, ages and use of the keys; never the keys themselves."""
    counted = _counted()
    return rendered(
        "console/keys.html",
        actor,
        keys=_keys(counted.memory["used"] if counted else None),
        counted_at=clock.beijing(counted.finished_at) if counted and counted.finished_at else None,
        current=crypto().current_key_id,
        task=long_tasks.task_view(ROTATE, "console.show_key_rotation"),
        counting=long_tasks.task_view(COUNT, "console.show_key_count"),
        urls_of={"rotate": url_for("console.rotate_keys"), "count": url_for("console.count_keys")},
    )


def _counted() -> OfficeTask | None:
    """The newest count: counting reads every sealed value, too long for a page of a large office."""
    ended = (tasks.latest(kind, state=TaskState.DONE) for kind in (ROTATE, COUNT))
    return max((one for one in ended if one and one.finished_at), key=lambda one: one.asked_at, default=None)


def _keys(used: Mapping[str, int] | None) -> list[dict[str, Any]]:
    since, loaded, present = _used_since(), crypto().key_ids, crypto().current_key_id
    return [
        {
            "id": name,
            "count": used.get(name, 0) if used is not None else None,
            "since": clock.beijing(since[name]) if name in since else None,
            "days": max((clock.now() - since[name]).days, 0) if name in since else None,
            "current": name == present,
            "root": name == loaded[-1],
            "loaded": name in loaded,
            "removable": used is not None and not used.get(name) and name not in {present, loaded[-1]},
        }
        for name in dict.fromkeys([*loaded, *(used or ())])
    ]


def _used_since() -> dict[str, datetime]:
    """When each key began to seal: by the log of rotations; the oldest one since the log began."""
    rows = db.session.execute(
        select(AuditEvent.object_id, func.min(AuditEvent.at).label("began"))
        .where(AuditEvent.action == "tips.rotate_keys", AuditEvent.object_type == "keys")
        .group_by(AuditEvent.object_id)
    )
    known = {row.object_id: row.began for row in rows}
    began = db.session.scalar(select(AuditEvent.at).order_by(AuditEvent.id).limit(1))
    return {crypto().key_ids[-1]: began, **known} if began else known


@pages.post("/keys/count")
@page(permission=Permission.ROLE_GRANT, changes=False)  # queues the task
def count_keys(actor: Actor) -> Response:
    """Count in the background what hangs on each key."""
    long_tasks.begin(actor, COUNT)
    return done("已开始统计，完成后本页自动更新。", "console.show_keys")


@pages.get("/keys/count")
@page(permission=Permission.ROLE_GRANT)
def show_key_count(_actor: Actor) -> Response:
    """How far the counting is, for the page that waits for it."""
    return long_tasks.progress(COUNT, "console.show_key_count")


@pages.post("/keys/rotation")
@page(permission=Permission.ROLE_GRANT, changes=False)  # queues the task
def rotate_keys(actor: Actor) -> Response:
    """Seal everything with today's key, in the background, once its id was typed as a confirmation."""
    if request.form.get("key_id", "").strip() != crypto().current_key_id:
        raise InvalidInput(errors={"key_id": [f"请输入现用密钥的编号 {crypto().current_key_id} 以确认"]})
    long_tasks.begin(actor, ROTATE)
    return done("已开始轮换，完成后本页自动更新。", "console.show_keys")


@pages.get("/keys/rotation")
@page(permission=Permission.ROLE_GRANT)
def show_key_rotation(_actor: Actor) -> Response:
    """How far the rotation is, for the page that waits for it."""
    return long_tasks.progress(ROTATE, "console.show_key_rotation")
