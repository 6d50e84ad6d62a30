"""States and the transition tables of handling and of reassignment (pure: no Flask, no database).

The tables follow the office's rules: one row says which action moves which statuses where, with which permission, and
what must be given. Buttons on the page, the API's ``available_actions`` and the one writer of statuses all read them.
Limits: 河南 5 working days to accept; 信访工作条例 Art. 23, 34; 市场监督管理投诉举报处理暂行办法 Art. 23.
"""

# long because three tables with their texts are read side by side.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.foundation.permissions import Permission as P  # noqa: N817  # the table is read by its columns


class Status(StrEnum):
    """Where the handling of a tip stands."""

    REGISTERED = "registered"
    NEED_SUPPLEMENT = "need_supplement"
    REJECTED = "rejected"
    MERGED = "merged"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    RETURN_REQUESTED = "return_requested"
    VERIFYING = "verifying"
    FEEDBACK_SUBMITTED = "feedback_submitted"
    REWORK = "rework"
    TRANSFERRED = "transferred"
    CONCLUDED = "concluded"
    REPLIED = "replied"
    ARCHIVED = "archived"

    @property
    def text(self) -> str:
        """The status as the office says it."""
        return STATUS_TEXTS[self]

    @property
    def public_text(self) -> str:
        """The status in plain words for the reporter."""
        return PUBLIC_TEXTS[self]


STATUS_TEXTS: Final[Mapping[Status, str]] = {
    Status.REGISTERED: "待受理",
    Status.NEED_SUPPLEMENT: "待补正",
    Status.REJECTED: "不予受理",
    Status.MERGED: "并案",
    Status.ACCEPTED: "已受理",
    Status.ASSIGNED: "待签收",
    Status.RETURN_REQUESTED: "申请退回",
    Status.VERIFYING: "核查中",
    Status.FEEDBACK_SUBMITTED: "待审核",
    Status.REWORK: "退回重办",
    Status.TRANSFERRED: "已移送",
    Status.CONCLUDED: "已办结",
    Status.REPLIED: "已答复",
    Status.ARCHIVED: "已归档",
}

PUBLIC_TEXTS: Final[Mapping[Status, str]] = {
    Status.REGISTERED: "已登记，等待受理审查",
    Status.NEED_SUPPLEMENT: "需要您补充材料",
    Status.REJECTED: "不予受理",
    Status.MERGED: "已与同一事项合并办理",
    Status.ACCEPTED: "已受理，正在确定承办单位",
    Status.ASSIGNED: "已交承办单位",
    Status.RETURN_REQUESTED: "正在确定承办单位",
    Status.VERIFYING: "正在核查",
    Status.FEEDBACK_SUBMITTED: "核查结果审核中",
    Status.REWORK: "正在补充核查",
    Status.TRANSFERRED: "已移送有关机关",
    Status.CONCLUDED: "已办结，准备答复",
    Status.REPLIED: "已答复",
    Status.ARCHIVED: "已归档",
}

OPEN_STATUSES: Final = frozenset(Status) - {Status.REJECTED, Status.MERGED, Status.ARCHIVED}
UNDER_WAY: Final = OPEN_STATUSES - {Status.CONCLUDED, Status.REPLIED}
"""Statuses in which the matter itself is not settled yet."""
WITH_CITY: Final = frozenset({Status.REGISTERED, Status.NEED_SUPPLEMENT, Status.ACCEPTED})
"""Statuses in which the city's desk holds the tip and nobody was asked to handle it yet."""
REPORTERS_TERMS: Final = frozenset({Status.NEED_SUPPLEMENT})
"""Statuses whose limit was given to the reporter: no officer is warned of it, and urgency does not shorten it."""
CITY_ACTS: Final = frozenset(
    {Status.REGISTERED, Status.ACCEPTED, Status.RETURN_REQUESTED, Status.FEEDBACK_SUBMITTED, Status.TRANSFERRED}
)
"""Statuses whose limit binds the city's desk, also where a unit holds the tip."""
WITH_UNIT: Final = frozenset({Status.ASSIGNED, Status.VERIFYING, Status.REWORK})
"""Statuses in which a unit holds the tip and may ask for its reassignment."""


class Action(StrEnum):
    """What can be done to a tip; some are the program's own moves, see ``PROGRAM_ACTIONS``."""

    ACCEPT = "accept"
    ASK_SUPPLEMENT = "ask_supplement"
    SUPPLEMENT_RECEIVED = "supplement_received"
    REJECT = "reject"
    MERGE = "merge"
    ASSIGN = "assign"
    RECALL = "recall"
    SIGN_FOR = "sign_for"
    REQUEST_RETURN = "request_return"
    DECIDE_RETURN = "decide_return"
    EXTEND = "extend"
    SUBMIT_FEEDBACK = "submit_feedback"
    CONCLUDE = "conclude"
    REWORK = "rework"
    TRANSFER = "transfer"
    RECORD_RECEIPT = "record_receipt"
    REPLY = "reply"
    ARCHIVE = "archive"
    REOPEN = "reopen"
    SUPERVISE = "supervise"
    REASSIGN = "reassign"
    MARK_URGENT = "mark_urgent"
    RECOUNT = "recount"


PROGRAM_ACTIONS: Final = frozenset({Action.REASSIGN, Action.SUPPLEMENT_RECEIVED, Action.RECOUNT})
"""Moves that nobody asks for by name."""
CONCLUDING: Final = (Action.CONCLUDE, Action.RECORD_RECEIPT)
"""What concludes a tip: a decision on the unit's feedback, or the receipt of whoever it was transferred to."""

ACTION_TEXTS: Final[Mapping[Action, str]] = {
    Action.ACCEPT: "受理",
    Action.ASK_SUPPLEMENT: "要求补正",
    Action.SUPPLEMENT_RECEIVED: "收到补正材料",
    Action.REJECT: "不予受理",
    Action.MERGE: "并案",
    Action.ASSIGN: "交办",
    Action.RECALL: "收回交办",
    Action.SIGN_FOR: "签收",
    Action.REQUEST_RETURN: "申请退回",
    Action.DECIDE_RETURN: "审定退回申请",
    Action.EXTEND: "延期",
    Action.SUBMIT_FEEDBACK: "提交核查反馈",
    Action.CONCLUDE: "办结",
    Action.REWORK: "退回重办",
    Action.TRANSFER: "移送",
    Action.RECORD_RECEIPT: "登记回执",
    Action.REPLY: "答复举报人",
    Action.ARCHIVE: "归档",
    Action.REOPEN: "重新启动",
    Action.SUPERVISE: "督办",
    Action.REASSIGN: "属地调整",
    Action.MARK_URGENT: "标记涉稳紧急",
    Action.RECOUNT: "重算期限",
}


class Outcome(StrEnum):
    """What the verification found."""

    SUBSTANTIATED = "SUBSTANTIATED"
    PARTLY_SUBSTANTIATED = "PARTLY_SUBSTANTIATED"
    UNSUBSTANTIATED = "UNSUBSTANTIATED"
    CANNOT_VERIFY = "CANNOT_VERIFY"
    NOT_ILLEGAL_FUNDRAISING = "NOT_ILLEGAL_FUNDRAISING"
    CASE_OPENED = "CASE_OPENED"
    TRANSFERRED_POLICE = "TRANSFERRED_POLICE"
    TRANSFERRED_OTHER = "TRANSFERRED_OTHER"


OUTCOME_TEXTS: Final[Mapping[Outcome, str]] = {
    Outcome.SUBSTANTIATED: "查证属实",
    Outcome.PARTLY_SUBSTANTIATED: "部分属实",
    Outcome.UNSUBSTANTIATED: "查证不属实",
    Outcome.CANNOT_VERIFY: "无法查证",
    Outcome.NOT_ILLEGAL_FUNDRAISING: "不属于非法集资",
    Outcome.CASE_OPENED: "已立案处置",
    Outcome.TRANSFERRED_POLICE: "已移送公安机关",
    Outcome.TRANSFERRED_OTHER: "已移送其他机关",
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of a table.

    Attributes:
        action: what is done.
        sources: statuses it may be done in.
        targets: where it leads; two where the person's decision chooses, empty where the status stays.
        permission: what the actor needs; ``None`` marks a move of the program itself.
        needs: fields that must be given.
        own_unit: only the unit that holds the tip may do it (city-wide roles otherwise).
        irreversible: the page asks for confirmation.
    """

    action: str
    sources: frozenset[str]
    targets: tuple[str, ...]
    permission: P | None
    needs: tuple[str, ...] = ()
    own_unit: bool = False
    irreversible: bool = False


S, A = Status, Action


def _row(action: Action, sources: set[Status], *targets: Status, permission: P | None, **more: object) -> Transition:
    return Transition(action, frozenset(sources), targets, permission, **more)  # type: ignore[arg-type]


HANDLING: Final[tuple[Transition, ...]] = (
    _row(A.ACCEPT, {S.REGISTERED}, S.ACCEPTED, permission=P.TIP_TRIAGE),
    _row(
        A.ASK_SUPPLEMENT,
        {S.REGISTERED},
        S.NEED_SUPPLEMENT,
        permission=P.TIP_TRIAGE,
        needs=("text",),
    ),
    _row(A.SUPPLEMENT_RECEIVED, {S.NEED_SUPPLEMENT}, S.REGISTERED, permission=None),
    _row(
        A.REJECT,
        {S.REGISTERED, S.NEED_SUPPLEMENT},
        S.REJECTED,
        permission=P.TIP_TRIAGE,
        needs=("reason_code", "reason", "route"),
        irreversible=True,
    ),
    _row(
        A.MERGE,
        {S.REGISTERED},
        S.MERGED,
        permission=P.TIP_TRIAGE,
        needs=("into",),
        irreversible=True,
    ),
    _row(A.ASSIGN, {S.ACCEPTED}, S.ASSIGNED, permission=P.TIP_TRIAGE, needs=("division",)),
    _row(A.RECALL, {S.ASSIGNED}, S.ACCEPTED, permission=P.TIP_TRIAGE, needs=("reason",)),
    _row(A.SIGN_FOR, {S.ASSIGNED}, S.VERIFYING, permission=P.TIP_HANDLE, own_unit=True),
    _row(
        A.REQUEST_RETURN,
        {S.ASSIGNED, S.VERIFYING},
        S.RETURN_REQUESTED,
        permission=P.TIP_HANDLE,
        needs=("reason",),
        own_unit=True,
    ),
    _row(
        A.DECIDE_RETURN,
        {S.RETURN_REQUESTED},
        S.ACCEPTED,
        S.ASSIGNED,
        permission=P.TIP_TRIAGE,
        needs=("agree", "reason"),
        irreversible=True,
    ),
    _row(A.EXTEND, {S.VERIFYING}, permission=P.TIP_LEAD, needs=("reason",)),
    _row(
        A.SUBMIT_FEEDBACK,
        {S.VERIFYING, S.REWORK},
        S.FEEDBACK_SUBMITTED,
        permission=P.TIP_HANDLE,
        needs=("outcome", "text"),
        own_unit=True,
    ),
    _row(A.CONCLUDE, {S.FEEDBACK_SUBMITTED}, S.CONCLUDED, permission=P.TIP_REVIEW, irreversible=True),
    _row(A.REWORK, {S.FEEDBACK_SUBMITTED}, S.REWORK, permission=P.TIP_REVIEW, needs=("reason",)),
    _row(
        A.TRANSFER,
        {S.ACCEPTED, S.ASSIGNED, S.VERIFYING, S.FEEDBACK_SUBMITTED, S.REWORK},
        S.TRANSFERRED,
        permission=P.TIP_LEAD,
        needs=("to", "reason"),
        irreversible=True,
    ),
    _row(
        A.RECORD_RECEIPT,
        {S.TRANSFERRED},
        S.CONCLUDED,
        permission=P.TIP_REVIEW,
        needs=("number", "received_on"),
    ),
    _row(A.REPLY, {S.CONCLUDED}, S.REPLIED, permission=P.TIP_REPLY, needs=("text",), irreversible=True),
    _row(A.ARCHIVE, {S.REPLIED}, S.ARCHIVED, permission=P.TIP_REVIEW),
    _row(
        A.REOPEN,
        {S.ARCHIVED, S.REJECTED},
        S.ACCEPTED,
        permission=P.TIP_TRIAGE,
        needs=("reason",),
    ),
    _row(A.SUPERVISE, set(UNDER_WAY), permission=P.TIP_REVIEW, needs=("kind", "reason")),
    _row(A.REASSIGN, set(WITH_UNIT), S.ASSIGNED, S.TRANSFERRED, permission=None),
    _row(A.MARK_URGENT, set(UNDER_WAY), permission=P.TIP_TRIAGE, needs=("reason",)),
    _row(A.RECOUNT, set(OPEN_STATUSES), permission=None),
)


LOCKED_WHILE_REASSIGNING: Final = frozenset(
    {Action.RECALL, Action.REQUEST_RETURN, Action.EXTEND, Action.SUBMIT_FEEDBACK, Action.CONCLUDE, Action.TRANSFER}
)
"""What waits until an open request for reassignment is settled."""


@dataclass(frozen=True, slots=True)
class Done:
    """What carrying out an action decided: the status where the table leaves a choice, and what history keeps."""

    target: Status | None = None
    details: Mapping[str, object] = field(default_factory=dict)


class PoliceState(StrEnum):
    """How far a tip is on its way to the police (行政执法机关移送涉嫌犯罪案件的规定 Art. 5 to 9)."""

    PROPOSED = "proposed"
    DECLINED = "declined"
    APPROVED = "approved"
    SENT = "sent"
    RECEIVED = "received"
    FILED = "filed"
    REFUSED = "refused"
    RECONSIDERING = "reconsidering"
    UPHELD = "upheld"


class PoliceAction(StrEnum):
    """What is done on the way to the police; the approval is the tip's own action ``transfer``."""

    DECLINE = "decline"
    SEND = "send"
    NOTE_FILING = "note_filing"
    NOTE_REFUSAL = "note_refusal"
    ASK_RECONSIDERATION = "ask_reconsideration"
    NOTE_UPHELD = "note_upheld"


POLICE_STATE_TEXTS: Final[Mapping[PoliceState, str]] = {
    PoliceState.PROPOSED: "待负责人决定",
    PoliceState.DECLINED: "不予移送",
    PoliceState.APPROVED: "已批准，待送达",
    PoliceState.SENT: "已送达，待回执",
    PoliceState.RECEIVED: "公安机关已签收",
    PoliceState.FILED: "公安机关已立案",
    PoliceState.REFUSED: "公安机关不予立案",
    PoliceState.RECONSIDERING: "已提请复议",
    PoliceState.UPHELD: "复议维持不予立案",
}

POLICE_ENDED: Final = frozenset({PoliceState.DECLINED, PoliceState.FILED, PoliceState.UPHELD})
"""Where a way to the police has come to its end."""

POLICE_ACTION_TEXTS: Final[Mapping[PoliceAction, str]] = {
    PoliceAction.DECLINE: "不予移送",
    PoliceAction.SEND: "登记送达",
    PoliceAction.NOTE_FILING: "登记立案",
    PoliceAction.NOTE_REFUSAL: "登记不予立案",
    PoliceAction.ASK_RECONSIDERATION: "提请复议",
    PoliceAction.NOTE_UPHELD: "登记复议维持",
}

PS, PA = PoliceState, PoliceAction

POLICE: Final[tuple[Transition, ...]] = (
    Transition(PA.DECLINE, frozenset({PS.PROPOSED}), (PS.DECLINED,), P.TIP_LEAD, ("reason",), irreversible=True),
    Transition(PA.SEND, frozenset({PS.APPROVED}), (PS.SENT,), P.TIP_REVIEW, ("documents",)),
    Transition(
        PA.NOTE_FILING, frozenset({PS.SENT, PS.RECEIVED, PS.RECONSIDERING}), (PS.FILED,), P.TIP_REVIEW, ("decided_on",)
    ),
    Transition(
        PA.NOTE_REFUSAL,
        frozenset({PS.SENT, PS.RECEIVED}),
        (PS.REFUSED,),
        P.TIP_REVIEW,
        ("decided_on", "notified_on", "reason"),
    ),
    Transition(PA.ASK_RECONSIDERATION, frozenset({PS.REFUSED}), (PS.RECONSIDERING,), P.TIP_LEAD, ("reason",)),
    Transition(PA.NOTE_UPHELD, frozenset({PS.RECONSIDERING}), (PS.UPHELD,), P.TIP_REVIEW, ("decided_on", "reason")),
)


class PoliceDocument(StrEnum):
    """What goes with a transfer to the police (Art. 6)."""

    LETTER = "letter"
    REPORT = "report"
    ITEMS = "items"
    EXPERT_OPINION = "expert_opinion"
    OTHER = "other"


POLICE_DOCUMENT_TEXTS: Final[Mapping[PoliceDocument, str]] = {
    PoliceDocument.LETTER: "涉嫌犯罪案件移送书",
    PoliceDocument.REPORT: "涉嫌犯罪案件情况的调查报告",
    PoliceDocument.ITEMS: "涉案物品清单",
    PoliceDocument.EXPERT_OPINION: "检验报告或者鉴定结论",
    PoliceDocument.OTHER: "其他有关涉嫌犯罪的材料",
}
OBLIGATORY_DOCUMENTS: Final = (PoliceDocument.LETTER, PoliceDocument.REPORT, PoliceDocument.ITEMS)


class Destination(StrEnum):
    """To whom a tip is transferred."""

    POLICE = "police"
    XPCC = "xpcc"
    OTHER_PREFECTURE = "other_prefecture"
    OTHER_PROVINCE = "other_province"
    OTHER_AUTHORITY = "other_authority"


DESTINATION_TEXTS: Final[Mapping[Destination, str]] = {
    Destination.POLICE: "公安机关",
    Destination.XPCC: "新疆生产建设兵团",
    Destination.OTHER_PREFECTURE: "区内其他地州市（经自治区）",
    Destination.OTHER_PROVINCE: "外省（区、市）（经自治区）",
    Destination.OTHER_AUTHORITY: "其他主管机关",
}


class AlertKind(StrEnum):
    """Of what the people of a tip are warned."""

    URGENT = "urgent"
    MANY_MOVES = "many_moves"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class SupervisionKind(StrEnum):
    """How a tip is supervised; ``leader`` is the program's own, after too many moves."""

    URGE = "urge"
    LISTED = "listed"
    LEADER = "leader"


SUPERVISION_TEXTS: Final[Mapping[SupervisionKind, str]] = {
    SupervisionKind.URGE: "催办",
    SupervisionKind.LISTED: "挂牌督办",
    SupervisionKind.LEADER: "负责人督办",
}


class Extension(StrEnum):
    """Which clock is lengthened."""

    VERIFICATION = "verification"
    OVERALL = "overall"


EXTENSION_TEXTS: Final[Mapping[Extension, str]] = {
    Extension.VERIFICATION: "核查期限",
    Extension.OVERALL: "总期限",
}


class ReassignmentStatus(StrEnum):
    """Where a request for reassignment stands (申请-审核-调整)."""

    APPLIED = "applied"
    RETURNED_FOR_EVIDENCE = "returned_for_evidence"
    APPROVED = "approved"
    REJECTED = "rejected"
    ADJUSTED = "adjusted"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"

    @property
    def text(self) -> str:
        """The status as the office says it."""
        return REASSIGNMENT_TEXTS[self]


REASSIGNMENT_TEXTS: Final[Mapping[ReassignmentStatus, str]] = {
    ReassignmentStatus.APPLIED: "待审核",
    ReassignmentStatus.RETURNED_FOR_EVIDENCE: "退回补证",
    ReassignmentStatus.APPROVED: "待调整",
    ReassignmentStatus.REJECTED: "未予批准",
    ReassignmentStatus.ADJUSTED: "待新单位签收",
    ReassignmentStatus.CONFIRMED: "已完成",
    ReassignmentStatus.CANCELLED: "已撤回",
}

OPEN_REASSIGNMENTS: Final = frozenset(
    {
        ReassignmentStatus.APPLIED,
        ReassignmentStatus.RETURNED_FOR_EVIDENCE,
        ReassignmentStatus.APPROVED,
        ReassignmentStatus.ADJUSTED,
    }
)
PAUSING_REASSIGNMENTS: Final = OPEN_REASSIGNMENTS - {ReassignmentStatus.ADJUSTED}
"""While one of these is open the handling clock stands still; the new unit's own clock starts with the move."""


class ReassignmentAction(StrEnum):
    """What can be done to a request."""

    APPLY = "apply"
    APPROVE = "approve"
    REJECT = "reject"
    RETURN_FOR_EVIDENCE = "return_for_evidence"
    ASK_VIEW = "ask_view"
    CONSENT = "consent"
    OBJECT = "object"
    RESUBMIT = "resubmit"
    ADJUST = "adjust"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    LAPSE = "lapse"


REASSIGNMENT_ACTION_TEXTS: Final[Mapping[ReassignmentAction, str]] = {
    ReassignmentAction.APPLY: "申请属地调整",
    ReassignmentAction.APPROVE: "审核同意",
    ReassignmentAction.REJECT: "审核不同意",
    ReassignmentAction.RETURN_FOR_EVIDENCE: "退回补充佐证",
    ReassignmentAction.ASK_VIEW: "征求对方区县意见",
    ReassignmentAction.CONSENT: "同意接收",
    ReassignmentAction.OBJECT: "不同意接收",
    ReassignmentAction.RESUBMIT: "重新提交",
    ReassignmentAction.ADJUST: "执行调整",
    ReassignmentAction.CONFIRM: "签收",
    ReassignmentAction.CANCEL: "撤回申请",
    ReassignmentAction.LAPSE: "逾期未补证，视为撤回",
}


class Ground(StrEnum):
    """Why a tip belongs elsewhere."""

    REGISTERED_ELSEWHERE = "registered_elsewhere"
    MOVED = "moved"
    DOMICILE = "domicile"
    NO_OPERATING_PLACE = "no_operating_place"
    DUPLICATE = "duplicate"
    XPCC = "xpcc"
    OTHER_PROVINCE = "other_province"
    OTHER = "other"


GROUND_TEXTS: Final[Mapping[Ground, str]] = {
    Ground.REGISTERED_ELSEWHERE: "注册地在其他区县",
    Ground.MOVED: "企业已迁出",
    Ground.DOMICILE: "个人住所地或经常居住地在其他区县",
    Ground.NO_OPERATING_PLACE: "本区县无经营场所",
    Ground.DUPLICATE: "其他区县已受理同一事项",
    Ground.XPCC: "属兵团管辖",
    Ground.OTHER_PROVINCE: "属外省（区、市）管辖",
    Ground.OTHER: "其他",
}

R, RA = ReassignmentStatus, ReassignmentAction

REASSIGNMENT: Final[tuple[Transition, ...]] = (
    Transition(RA.APPROVE, frozenset({R.APPLIED}), (R.APPROVED,), P.REASSIGNMENT_REVIEW, ("reason",)),
    Transition(
        RA.REJECT,
        frozenset({R.APPLIED, R.RETURNED_FOR_EVIDENCE}),
        (R.REJECTED,),
        P.REASSIGNMENT_REVIEW,
        ("reason",),
        irreversible=True,
    ),
    Transition(
        RA.RETURN_FOR_EVIDENCE, frozenset({R.APPLIED}), (R.RETURNED_FOR_EVIDENCE,), P.REASSIGNMENT_REVIEW, ("reason",)
    ),
    Transition(RA.ASK_VIEW, frozenset({R.APPLIED}), (R.APPLIED,), P.REASSIGNMENT_REVIEW),
    Transition(RA.CONSENT, frozenset({R.APPLIED}), (R.APPLIED,), P.REASSIGNMENT_CONFIRM, ("reason",), own_unit=True),
    Transition(RA.OBJECT, frozenset({R.APPLIED}), (R.APPLIED,), P.REASSIGNMENT_CONFIRM, ("reason",), own_unit=True),
    Transition(RA.RESUBMIT, frozenset({R.RETURNED_FOR_EVIDENCE}), (R.APPLIED,), P.REASSIGNMENT_APPLY, ("reason",)),
    Transition(RA.ADJUST, frozenset({R.APPROVED}), (R.ADJUSTED,), P.REASSIGNMENT_ADJUST, irreversible=True),
    Transition(RA.CONFIRM, frozenset({R.ADJUSTED}), (R.CONFIRMED,), P.REASSIGNMENT_CONFIRM, own_unit=True),
    Transition(
        RA.CANCEL,
        frozenset({R.APPLIED, R.RETURNED_FOR_EVIDENCE}),
        (R.CANCELLED,),
        P.REASSIGNMENT_APPLY,
        irreversible=True,
    ),
    Transition(RA.LAPSE, frozenset({R.RETURNED_FOR_EVIDENCE}), (R.CANCELLED,), None),
)


def find(table: tuple[Transition, ...], action: str, status: str) -> Transition | None:
    """The row that lets ``action`` happen in ``status``, or ``None``."""
    return next((row for row in table if row.action == action and status in row.sources), None)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a status may last, in working days, and what the clock is called."""

    working_days: int
    name: str


LIMITS: Final[Mapping[Status, Limit]] = {  # what the program starts with; ``limits`` says what holds today
    Status.REGISTERED: Limit(5, "受理"),
    Status.NEED_SUPPLEMENT: Limit(10, "补正"),
    Status.ACCEPTED: Limit(2, "交办"),
    Status.ASSIGNED: Limit(1, "签收"),
    Status.RETURN_REQUESTED: Limit(2, "审定退回"),
    Status.VERIFYING: Limit(15, "核查"),
    Status.FEEDBACK_SUBMITTED: Limit(3, "审核"),
    Status.REWORK: Limit(5, "重办"),
    Status.TRANSFERRED: Limit(5, "移送"),
    Status.CONCLUDED: Limit(5, "答复"),
    Status.REPLIED: Limit(30, "归档"),
}

OVERALL_DAYS: Final = 60
"""Natural days from acceptance to conclusion (信访工作条例 Art. 34); a reassignment does not touch it."""
REVIEW_WORKING_DAYS: Final = 1
VIEW_ACTIONS: Final = frozenset({ReassignmentAction.CONSENT, ReassignmentAction.OBJECT})
"""How the other district gives its view, once and in time; its silence is a view as well: none."""
REVIEW_ACTIONS: Final = frozenset(
    {ReassignmentAction.APPROVE, ReassignmentAction.REJECT, ReassignmentAction.RETURN_FOR_EVIDENCE}
)
ADJUST_WORKING_DAYS: Final = 1
EVIDENCE_WORKING_DAYS: Final = 5
