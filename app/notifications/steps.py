"""Who hears of which step (pure: no Flask, no database). One row an action; a test holds the tables complete.

Officers are told inside the console; what presses reaches their work addresses too. Reporters are told of the few steps
that change something for them, and of nothing but that there is news
(检察机关《关于保护、奖励职务犯罪举报人的若干规定》Art. 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.notifications.states import Kind
from app.workflow.states import Action, AlertKind, ReassignmentAction


class Circle(StrEnum):
    """A circle of officers, as seen from one step."""

    LEADERS = "leaders"
    REVIEWERS = "reviewers"
    ADJUSTERS = "adjusters"
    HANDLERS = "handlers"
    """The district handlers of the unit that holds the tip after the step; of the one before where none holds it."""
    FROM_UNIT = "from_unit"
    """The district handlers of the unit that a request would take the tip from."""
    TO_UNIT = "to_unit"
    """The district handlers of the unit that a request gives the tip to."""
    APPLICANT = "applicant"


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of step.

    Attributes:
        titles: what each circle reads, in front of the receipt number.
        told_to_reporter: whether the reporter hears of it; of a step also those whose tips were merged into this one.
        told_to_all: whether these hear of what was said, too.
        outward: also told to the officers' work addresses, as a message of this kind.
    """

    titles: Mapping[Circle, str]
    told_to_reporter: bool = False
    told_to_all: bool = False
    outward: Kind | None = None


REGISTER: Final = "register"
"""The step that intake itself takes; it is no action of anybody."""

_REVIEWERS, _ADJUSTERS, _HANDLERS = Circle.REVIEWERS, Circle.ADJUSTERS, Circle.HANDLERS
_LEADERS = Circle.LEADERS
_FROM, _TO, _APPLICANT = Circle.FROM_UNIT, Circle.TO_UNIT, Circle.APPLICANT

HANDLING_STEPS: Final[Mapping[str, Step]] = {
    REGISTER: Step({_REVIEWERS: "新举报待受理"}, told_to_reporter=True),
    Action.ACCEPT: Step({_REVIEWERS: "线索已受理，待交办"}, told_to_reporter=True),
    Action.ASK_SUPPLEMENT: Step({_REVIEWERS: "已要求举报人补正"}, told_to_reporter=True),
    Action.SUPPLEMENT_RECEIVED: Step({_REVIEWERS: "已收到补正材料，待受理"}),
    Action.REJECT: Step({_REVIEWERS: "线索不予受理"}, told_to_reporter=True),
    Action.MERGE: Step({_REVIEWERS: "线索已并案"}, told_to_reporter=True),
    Action.ASSIGN: Step({_HANDLERS: "新交办线索，请签收"}, told_to_reporter=True),
    Action.RECALL: Step({_HANDLERS: "交办已收回，不再由本单位办理"}),
    Action.SIGN_FOR: Step({_REVIEWERS: "承办单位已签收，开始核查"}),
    Action.REQUEST_RETURN: Step({_REVIEWERS: "承办单位申请退回，待审定"}),
    Action.DECIDE_RETURN: Step({_HANDLERS: "退回申请已审定"}),
    Action.EXTEND: Step({_HANDLERS: "核查期限已延长"}),
    Action.SUBMIT_FEEDBACK: Step({_REVIEWERS: "核查反馈待审核"}),
    Action.CONCLUDE: Step({_HANDLERS: "线索已办结，请答复举报人"}, told_to_reporter=True),
    Action.REWORK: Step({_HANDLERS: "核查反馈被退回，请重办"}),
    Action.TRANSFER: Step({_HANDLERS: "线索已移送"}),
    Action.RECORD_RECEIPT: Step({_HANDLERS: "移送回执已登记"}),
    Action.REPLY: Step({_HANDLERS: "已答复举报人", _REVIEWERS: "已答复举报人"}, told_to_reporter=True),
    Action.ARCHIVE: Step({_HANDLERS: "线索已归档"}),
    Action.REOPEN: Step({_REVIEWERS: "线索重新启动，待交办"}),
    Action.SUPERVISE: Step({_HANDLERS: "线索已列入督办，请尽快办理"}, outward=Kind.SUPERVISION),
    # Both units hear of a move through the request that asked for it; one deed, one message.
    Action.REASSIGN: Step({}),
    Action.MARK_URGENT: Step({_HANDLERS: "线索已标记涉稳紧急，办理期限减半"}),
    Action.RECOUNT: Step({_HANDLERS: "工作日历已调整，办理期限已重算"}),
}

REASSIGNMENT_STEPS: Final[Mapping[str, Step]] = {
    ReassignmentAction.APPLY: Step({_REVIEWERS: "属地调整申请待审核", _FROM: "已申请属地调整"}),
    ReassignmentAction.RESUBMIT: Step({_REVIEWERS: "属地调整申请已补证，待审核", _FROM: "已重新提交属地调整申请"}),
    ReassignmentAction.APPROVE: Step(
        {_ADJUSTERS: "属地调整待执行", _FROM: "属地调整申请已获同意", _APPLICANT: "属地调整申请已获同意"}
    ),
    ReassignmentAction.REJECT: Step({_FROM: "属地调整申请未予批准", _APPLICANT: "属地调整申请未予批准"}),
    ReassignmentAction.RETURN_FOR_EVIDENCE: Step(
        {_FROM: "属地调整申请被退回，请补充佐证", _APPLICANT: "属地调整申请被退回，请补充佐证"}
    ),
    ReassignmentAction.ASK_VIEW: Step({_TO: "请就属地调整申请发表意见，逾期视为无意见"}),
    ReassignmentAction.CONSENT: Step({_REVIEWERS: "对方区县同意接收，属地调整申请待审核"}),
    ReassignmentAction.OBJECT: Step({_REVIEWERS: "对方区县不同意接收，属地调整申请待审核"}),
    ReassignmentAction.ADJUST: Step({_TO: "线索已调整至本单位，请签收", _FROM: "线索已调整至其他单位"}),
    ReassignmentAction.CONFIRM: Step(
        {_FROM: "属地调整已完成，新单位已签收", _APPLICANT: "属地调整已完成，新单位已签收"}
    ),
    ReassignmentAction.CANCEL: Step({_REVIEWERS: "属地调整申请已撤回", _FROM: "属地调整申请已撤回"}),
    ReassignmentAction.LAPSE: Step(
        {
            _FROM: "属地调整申请逾期未补证，视为撤回，核查计时继续",
            _APPLICANT: "属地调整申请逾期未补证，视为撤回",
            _REVIEWERS: "属地调整申请逾期未补证，视为撤回",
        }
    ),
}

ALERTS: Final[Mapping[AlertKind, Step]] = {
    AlertKind.URGENT: Step({_LEADERS: "紧急线索，请关注", _HANDLERS: "紧急线索，办理期限减半"}, outward=Kind.URGENT),
    AlertKind.MANY_MOVES: Step(
        {_LEADERS: "线索多次调整属地，已转负责人督办", _HANDLERS: "线索已由负责人督办"}, outward=Kind.SUPERVISION
    ),
    AlertKind.YELLOW: Step({_HANDLERS: "黄色提醒：办理期限已过半"}),
    AlertKind.ORANGE: Step({_HANDLERS: "橙色提醒：办理期限仅余五分之一", _REVIEWERS: "橙色提醒：办理期限仅余五分之一"}),
    AlertKind.RED: Step(
        {
            _LEADERS: "红色提醒：线索已超期",
            _REVIEWERS: "红色提醒：线索已超期",
            _HANDLERS: "红色提醒：线索已超期，请立即办理",
        },
        outward=Kind.SUPERVISION,
    ),
}
"""Warnings; the handlers are whoever the running limit binds, the city's reviewers while the tip lies with them."""

CONVERSATION_STEPS: Final[Mapping[str, Step]] = {
    "message": Step({_HANDLERS: "举报人有新留言"}),
    "supplement": Step({_HANDLERS: "举报人补充了材料"}),
    "withdrawal": Step({_HANDLERS: "举报人申请撤回举报"}),
    "recheck": Step({_REVIEWERS: "举报人评价不满意，请另行指定人员复核"}),
    "recheck_closed": Step({_HANDLERS: "举报人不满意的评价已由市级复核，请查看结果"}, told_to_reporter=True),
    "recovery": Step({_REVIEWERS: "举报人遗失查询码，请拨打其登记的电话核实后补发"}),
    "answer": Step({}, told_to_reporter=True),
    "extension": Step({}, told_to_all=True),
}
"""What is said after filing. The handlers are those of the unit that holds the tip; while none does, the reviewers."""

GUESSED_AT: Final = dict.fromkeys((_LEADERS, _REVIEWERS), "有人多次试写可能暴露举报人的文书，已被制止，请核查")
"""Of whoever was stopped from writing about a tip or a case; the auditor reads who it was."""
