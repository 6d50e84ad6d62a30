"""The office's rules as dated rows: limits, thresholds and switches; reasons; the working calendar with its effect."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from flask import Response, request, url_for

from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import rule_words, rules
from app.console.views.actions import refused_form
from app.console.views.fields import FormState
from app.console.views.problems import problem_views
from app.foundation.database import OPEN_WALL, transaction
from app.foundation.errors import InvalidInput
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission
from app.rewards import recount as reward_recount
from app.workflow import calendar, limits, recount
from app.workflow.schemas import SetLimitBody, SetReasonBody, SetWordBody
from app.workflow.states import Status

LARGEST_CALENDAR: Final = 200_000
"""Characters of a calendar's CSV; ten years of days off are a tenth of it."""


@pages.get("/rules", defaults={"kind": "figures"})
@pages.get("/rules/reasons", defaults={"kind": "reasons"})
@pages.get("/rules/calendar", defaults={"kind": "calendar"})
@pages.get("/rules/words", defaults={"kind": "words"})
@pages.get("/rules/messages", defaults={"kind": "messages"})
@page(permission=Permission.RULES_READ)
def show_rules(actor: Actor, kind: str) -> str:
    """What holds today, what will hold, and since when; with forms for who keeps the rules."""
    return rules_page(actor, kind)


def rules_page(actor: Actor, kind: str, *, problem: dict[str, Any] | None = None) -> str:
    """One page of rules; after a refusal with the problem and what was typed."""
    refused, errors = refused_form(problem)
    state = FormState(refused=refused, errors=errors)
    view = rules.VIEWS[kind](actor.may(Permission.RULES_MANAGE), state)
    return rendered(
        "console/rules.html",
        actor,
        tabs=rules.tabs(kind),
        **view,
        **problem_views(problem, view["forms"], [], Status),
    )


@pages.post("/rules")
@page(permission=Permission.RULES_MANAGE, changes=True)
def set_limit(actor: Actor) -> Response:
    """Let a figure have another value from a day on; clocks that run keep theirs."""
    on_refusal_show(rules_page, actor, "figures")
    body = load(SetLimitBody(), forms.typed_fields("name", "value", "valid_from"))
    limits.set_value(actor, body["name"], body["value"], body["valid_from"])
    return done(f"已登记，自 {body['valid_from']} 起生效。", "console.show_rules", kind="figures")


@pages.post("/rules/reasons")
@page(permission=Permission.RULES_MANAGE, changes=True)
def set_reason(actor: Actor) -> Response:
    """Word a reason, add one, or take one out of use, from a day on."""
    on_refusal_show(rules_page, actor, "reasons")
    body = load(SetReasonBody(), forms.typed_fields("code", "text", "valid_from", "in_use"))
    limits.set_reason(actor, limits.REJECTION, body["code"], body["text"], body["valid_from"], in_use=body["in_use"])
    return done(f"已登记，自 {body['valid_from']} 起生效。", "console.show_rules", kind="reasons")


@pages.post("/rules/words")
@page(permission=Permission.RULES_MANAGE, changes=True)
def set_word(actor: Actor) -> Response:
    """Word, order or retire what reporters choose from, from a day on."""
    on_refusal_show(rules_page, actor, "words")
    body = load(SetWordBody(), forms.typed_fields("entry", "text", "position", "in_use", "valid_from"))
    kind, code = _entry(body["entry"], rule_words.DICTIONARIES)
    used, place = body["in_use"], body["position"]
    limits.set_reason(actor, kind, code, body["text"], body["valid_from"], in_use=used, position=place)
    return done(f"已登记，自 {body['valid_from']} 起生效。", "console.show_rules", kind="words")


@pages.post("/rules/messages/preview")
@page(permission=Permission.RULES_MANAGE)  # a form like the deed itself; nothing changes
def preview_message(actor: Actor) -> str:
    """How a message would read, once its words were found fit."""
    on_refusal_show(rules_page, actor, "messages")
    body, kind, code = _message()
    limits.check_wording(kind, code, body["text"])
    return rendered(
        "console/rules_message.html",
        actor,
        **rule_words.change_preview(kind, code, body["text"], limits.entries(kind)[code]),
        fields=body | {"valid_from": body["valid_from"].isoformat()},
        set_url=url_for("console.set_message"),
        list_url=url_for("console.show_rules", kind="messages"),
    )


@pages.post("/rules/messages")
@page(permission=Permission.RULES_MANAGE, changes=True)
def set_message(actor: Actor) -> Response:
    """Word a message from a day on."""
    on_refusal_show(rules_page, actor, "messages")
    body, kind, code = _message()
    limits.set_reason(actor, kind, code, body["text"], body["valid_from"])
    return done(f"已登记，自 {body['valid_from']} 起生效。", "console.show_rules", kind="messages")


def _message() -> tuple[dict[str, Any], str, str]:
    body = load(SetWordBody(only=["entry", "text", "valid_from"]), forms.typed_fields("entry", "text", "valid_from"))
    return body, *_entry(body["entry"], rule_words.MESSAGES)


def _entry(said: str, kinds: Sequence[str]) -> tuple[str, str]:
    kind, _, code = said.partition("/")
    if kind not in kinds or code not in limits.REASONS[kind].seed:
        raise InvalidInput(errors={"entry": ["请从列表中选择"]})
    return kind, code


@pages.post("/rules/calendar/preview")
@page(permission=Permission.RULES_MANAGE)  # a form because a file is sent; nothing changes
def preview_calendar(actor: Actor) -> str:
    """What an import would change: days, and the open limits that would move."""
    on_refusal_show(rules_page, actor, "calendar")
    text = _sent_calendar()
    days = calendar.parsed(io.StringIO(text))
    with transaction(OPEN_WALL):  # who keeps the calendar sees no tip, but must know how many limits move
        changed = calendar.as_if(days)
        moved = [*recount.effect_of(changed), *reward_recount.effect_of(changed)]
    return rendered(
        "console/rules_calendar.html",
        actor,
        text=text,
        **rules.calendar_effect(days, moved),
        import_url=url_for("console.import_calendar"),
        list_url=url_for("console.show_rules", kind="calendar"),
    )


def _sent_calendar() -> str:
    sent = request.files.get("file")
    raw = sent.stream.read(LARGEST_CALENDAR * 4 + 1) if sent else b""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InvalidInput(errors={"file": ["文件应为 UTF-8 编码的 CSV"]}) from fault
    if not text.strip():
        raise InvalidInput(errors={"file": ["请选择日历文件"]})
    if len(text) > LARGEST_CALENDAR:
        raise InvalidInput(errors={"file": ["文件过大，工作日历不会有这么多天"]})
    return text


@pages.post("/rules/calendar")
@page(permission=Permission.RULES_MANAGE, changes=False)  # counts behind an open wall
def import_calendar(actor: Actor) -> Response:
    """Import the calendar that was previewed, and count every open limit again. Twice changes nothing twice."""
    on_refusal_show(rules_page, actor, "calendar")
    text = request.form.get("text", "")
    with transaction(OPEN_WALL):
        days = calendar.import_calendar(actor, io.StringIO(text))
    return done(f"已导入 {days} 天，在办期限已重新计算。", "console.show_rules", kind="calendar")
