"""Long work at a page: starting it with its audit row, and how far it is."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, render_template, url_for

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import transaction
from app.foundation.permissions import Actor
from app.outbox import tasks
from app.outbox.models import OfficeTask
from app.outbox.tasks import UNDER_WAY, TaskState

_TONES: Final = {TaskState.QUEUED: "wait", TaskState.RUNNING: "run", TaskState.DONE: "done", TaskState.FAILED: "urgent"}


def begin(actor: Actor, kind: str) -> None:
    """Queue a task; raise ``Conflict`` while one of its kind is under way."""
    with transaction():
        tasks.start(kind, actor.account_id)
        audit.record(actor, "outbox.start_task", "task", kind)


def task_view(kind: str, state_endpoint: str) -> dict[str, Any] | None:
    """The newest task of a kind as ``console/task_state.html`` shows it; none where nobody ever asked for one."""
    task = tasks.latest(kind)
    return None if task is None else _view(task, state_endpoint)


def _view(task: OfficeTask, state_endpoint: str) -> dict[str, Any]:
    state = TaskState(task.state)
    return {
        "text": state.text,
        "tone": _TONES[state],
        "under_way": state in UNDER_WAY,
        "failed": state is TaskState.FAILED,
        "done": task.done,
        "whole": task.whole,
        "share": min(task.done / task.whole, 1) if task.whole else 0,
        "asked_at": clock.beijing(task.asked_at),
        "finished_at": clock.beijing(task.finished_at) if task.finished_at else None,
        "memory": task.memory,
        "state_url": url_for(state_endpoint),
    }


def progress(kind: str, state_endpoint: str) -> Response:
    """What the page asks each second; once the task has ended the page is loaded anew."""
    view = task_view(kind, state_endpoint)
    answer = Response(render_template("console/task_state.html", task=view), mimetype="text/html")
    if view is None or not view["under_way"]:
        answer.headers["HX-Refresh"] = "true"
    return answer
