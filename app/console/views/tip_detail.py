"""One tip as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flask import url_for

from app.console import queries
from app.console.views import chinese
from app.console.views.actions import application, form_of, is_asked_for, tip_action
from app.console.views.clocks import clocks_of, working_days_used
from app.console.views.fields import FormState, text
from app.console.views.files import reporters_files
from app.console.views.jurisdiction import jurisdiction_view
from app.console.views.place_map import place_map
from app.console.views.precedents import precedents_of
from app.console.views.tip_list import CHANNEL_TEXTS, brief_rows
from app.foundation import clock
from app.foundation.permissions import Actor, Permission
from app.geo.divisions import divisions
from app.tips import dictionaries
from app.tips.models import Tip, TipSubject
from app.tips.queries import WholeTip
from app.tips.schemas import REPLY_CHANNELS, SUBJECT_KINDS
from app.workflow import limits, reassignment, transfers
from app.workflow.limits import PRIORITIES
from app.workflow.models import Handling, HandlingEvent, Reassignment
from app.workflow.states import (
    ACTION_TEXTS,
    HANDLING,
    OUTCOME_TEXTS,
    SUPERVISION_TEXTS,
    Action,
    Outcome,
    ReassignmentStatus,
    Status,
    SupervisionKind,
    find,
)

_HIDDEN: Final = "••••••"
Pairs = list[tuple[str, Any]]


def tip_view(actor: Actor, found: WholeTip, whole: Mapping[str, Any], state: FormState) -> dict[str, Any]:
    """Everything of the page but the requests, the reporter and the problem; ``whole`` is ``office_views.whole``."""
    handling = found.handling
    file_address = None
    if actor.may(Permission.EVIDENCE_READ):

        def file_address(file_id: Any) -> str:
            return url_for("console.view_tip_file", tip_id=handling.tip_id, file_id=file_id)

    return {
        "tip": _summary(found, whole),
        "jurisdiction": jurisdiction_view(whole["jurisdiction"], found.tip, found.subject),
        "merged": _merged(actor, handling),
        "exclude_url": url_for("console.list_exclusions", tip=found.tip.receipt_number),
        "map": place_map(found.jurisdiction.decision, found.tip),
        "precedents": precedents_of(actor, found.subject),
        "files": reporters_files(found.evidence, file_address),
        "clocks": clocks_of(handling),
        "steps": steps_of(whole["history"]),
        "findings": _findings(handling),
        "letter_url": letter_url(actor, handling),
        "actions": _actions(whole["available_actions"], handling.status, state),
        "reassignment_action": (
            application(state, handling.unit_id, stops_clock=reassignment.stops_clock(handling))
            if whole["can_apply_reassignment"]
            else None
        ),
    }


def _merged(actor: Actor, handling: Handling) -> dict[str, Any] | None:
    """The main tip that this one follows, and the tips that follow this one."""
    main, followers = queries.merged_with(actor, handling)
    if not (main or followers):
        return None
    return {"main": brief_rows(main), "followers": brief_rows(followers)}


def _summary(found: WholeTip, whole: Mapping[str, Any]) -> dict[str, Any]:
    tip, handling = found.tip, found.handling
    return {
        "receipt_number": tip.receipt_number,
        "status": Status(handling.status),
        "version": handling.version,
        "subject_name": found.subject.name,
        "registered_at": clock.beijing(tip.registered_at),
        "division_name": whole["division_name"],
        "channel_text": CHANNEL_TEXTS.get(tip.channel, tip.channel),
        "dispute": handling.dispute,
        "priority": PRIORITIES.index(handling.priority) + 1,
        "supervised": handling.supervision is not None,
        "remarks": _remarks(handling),
        "open_reassignment": whole["open_reassignment"],
        "subject": _subject(found.subject),
        "conduct": [*_conduct(tip), *([("文字安全提示", whole["text_flag"])] if whole["text_flag"] else [])],
        "description": tip.description,
    }


def _remarks(handling: Handling) -> list[str]:
    """What the office should know besides the status, in whole sentences."""
    kind = handling.supervision
    told = {
        f"本件已{SUPERVISION_TEXTS[SupervisionKind(kind)]}。" if kind else "": kind is not None,
        "涉稳紧急：办理期限减半，已报负责人。": handling.stability_risk,
        "由系统自动交办（无属地争议，置信度达到设定值）。": handling.dispatched_automatically,
        f"已调整属地 {handling.moves} 次。": handling.moves > 0,
        "属地由市级决定，承办单位不得再申请退回。": handling.decided_by_city,
    }
    return [text for text, holds in told.items() if holds]


def _subject(subject: TipSubject) -> Pairs:
    individual = subject.kind == "individual"
    return [
        ("类别", SUBJECT_KINDS[subject.kind]),
        ("名称", subject.name),
        ("统一社会信用代码", subject.uscc),
        ("住所地" if individual else "登记地址", subject.registered_address),
        ("居住或活动地" if individual else "经营地址", subject.operating_address),
        ("联系方式", subject.contact),
        ("网站、账号", "、".join(subject.online_presence)),
    ]


def _conduct(tip: Tip) -> Pairs:
    ways = limits.wordings(dictionaries.PUBLICITY)
    return [
        ("行为类型", dictionaries.worded(dictionaries.CONDUCT, tip.conduct_type)),
        ("承诺回报", tip.promised_return),
        ("宣传方式", "、".join(ways.get(one, one) for one in tip.publicity)),
        ("开始时间", chinese.day(tip.started_on) if tip.started_on else None),
        ("是否仍在进行", {True: "是", False: "否", None: None}[tip.ongoing]),
        ("涉及金额", money_text(tip.amount_yuan)),
        ("参与人数", f"{tip.participants:,} 人" if tip.participants is not None else None),
        ("举报人损失", money_text(tip.loss_yuan)),
        ("举报人与对象关系", dictionaries.worded(dictionaries.RELATION, tip.relation)),
        ("举报人所选区县", divisions().name(tip.district_guess) if tip.district_guess else None),
    ]


def money_text(yuan: Any) -> str | None:
    """Money as officials count: 万元 from ten thousand on."""
    if yuan is None:
        return None
    return f"{yuan / 10000:,.2f} 万元" if yuan >= 10000 else f"{yuan:,.2f} 元"  # noqa: PLR2004  # that is what 万 means


def _findings(handling: Handling) -> dict[str, Any] | None:
    """What the district found, and what was answered to the reporter."""
    if not (handling.outcome or handling.reply):
        return None
    return {
        "outcome": OUTCOME_TEXTS[Outcome(handling.outcome)] if handling.outcome else None,
        "feedback": handling.feedback,
        "reply": handling.reply,
    }


def steps_of(history: Sequence[HandlingEvent]) -> list[dict[str, Any]]:
    """The steps of a tip, newest first, with the working days that each state took."""
    units = queries.unit_names({event.actor_unit_id for event in history})
    steps = [
        {
            "at": clock.beijing(event.at),
            "actor_name": event.actor_name,
            "actor_unit": units.get(event.actor_unit_id, ""),
            "action_text": _action_text(event.action),
            "from_status": Status(event.from_status) if event.from_status else None,
            "to_status": Status(event.to_status),
            "reason": event.reason,
            "days_used": working_days_used(before.at, event.at) if before else None,
        }
        for before, event in zip([None, *history], history, strict=False)
    ]
    return steps[::-1]


def _action_text(action: str) -> str:
    return "登记" if action == "register" else ACTION_TEXTS[Action(action)]


def _actions(available: Sequence[Mapping[str, Any]], status: str, state: FormState) -> list[dict[str, Any]]:
    rows = [find(HANDLING, one["action"], status) for one in available]
    return [tip_action(row, state) for row in rows if row is not None and is_asked_for(row)]


def reporter_view(tip: Tip, *, may_open: bool, reason: str, opened: Mapping[str, Any] | None) -> dict[str, Any]:
    """The reporter's panel: nothing, masks, or the opened identity with its watermark."""
    if not tip.real_name:
        return {"kind": "anonymous"}
    reveal_url = url_for("console.open_identity", tip_id=tip.id) if may_open and opened is None else None
    masked = [(label, _HIDDEN) for label in ("姓名", "联系电话", "证件号码")]
    return {"kind": "real_name", "masked": masked, "reveal_url": reveal_url, "reason": reason, "revealed": opened}


def opened_identity(actor: Actor, identity: Mapping[str, Any]) -> dict[str, Any]:
    """An opened identity with who opened it and when."""
    return {
        "pairs": [
            ("姓名", identity["name"]),
            ("联系电话", identity["phone"]),
            ("电子邮箱", identity.get("email")),
            ("证件号码", identity["id_number"]),
            ("申请奖励", "是" if identity["wants_reward"] else "否"),
            ("答复方式", REPLY_CHANNELS.get(identity["reply_channel"] or "", None)),
        ],
        "opened_by": actor.name,
        "opened_unit": actor.unit_name,
        "opened_at": clock.beijing(clock.now()),
    }


def messages_of(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What office and reporter wrote to each other, oldest first."""
    return [
        {
            "at": clock.beijing(one["at"]),
            "from_reporter": one["sender"] == "reporter",
            "author": one["sender_text"],
            "text": one["text"],
            "kind_text": _MESSAGE_KINDS.get(one["kind"], ""),
            "files": one["files"],
            "due_on": one["due_on"],
        }
        for one in messages
    ]


_MESSAGE_KINDS: Final = {"supplement_request": "要求补正", "supplement": "补充材料"}
ANSWER: Final = "write_to_reporter"


def answer_form(tip_id: UUID, state: FormState) -> dict[str, Any]:
    """The form for a message to the reporter."""
    hint = "举报人凭查询码看到这段话；不要重复举报内容，不要写承办人姓名"
    described = "以承办单位名义发送，不显示您的姓名；发送后不能撤回。"
    form = form_of(ANSWER, "给举报人留言", [text("text", "留言内容", 2000, hint=hint)], described, state)
    return form | {"url": url_for("console.write_to_reporter", tip_id=tip_id), "irreversible": True}


def letter_url(actor: Actor, handling: Handling) -> str | None:
    """Where the letter of a transfer is downloaded; none before one was approved."""
    if handling.status not in _WITH_LETTER or not actor.may(Permission.EVIDENCE_READ):
        return None
    sent = transfers.was_transferred(handling.tip_id)
    return url_for("console.download_letter", tip_id=handling.tip_id) if sent else None


_WITH_LETTER: Final = frozenset({Status.TRANSFERRED, Status.CONCLUDED, Status.REPLIED, Status.ARCHIVED})


def requests_of(requests: Sequence[Reassignment]) -> list[dict[str, Any]]:
    """The chain of moves of a tip, newest first."""
    moves = queries.moves_of(requests)
    return [
        {
            "href": url_for("console.show_reassignment", request_id=one.id),
            "status": ReassignmentStatus(one.status),
            "from_name": moves[one.id][0],
            "to_name": moves[one.id][1],
            "applied_at": clock.beijing(one.applied_at),
        }
        for one in reversed(requests)
    ]
