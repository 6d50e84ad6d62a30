"""What messages say, as the office words it: dated versions over the words that the program starts with.

Towards the outside a message says that there is news and nothing of the matter (see ``steps``): its words take no
placeholder, no number and no address. Inside the console the receipt number may stand where ``{受理编号}`` says, and
follows in brackets otherwise. The texts of WeChat and SMS are approved by their operators and kept there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from app.foundation.errors import InvalidInput
from app.notifications.states import Kind
from app.notifications.steps import ALERTS, CONVERSATION_STEPS, HANDLING_STEPS, REASSIGNMENT_STEPS, Circle, Step
from app.workflow import limits
from app.workflow.limits import WordList

NOTICE: Final = "notice"
SUBJECT: Final = "mail_subject"
MAIL: Final = "mail_text"
NUMBER: Final = "{受理编号}"
_LONGEST: Final = {NOTICE: 60, SUBJECT: 30, MAIL: 200}
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}|[{}]")
_TELLING: Final = re.compile(r"[0-9]{5,}|https?:|www\.|@")

NEWS: Final = "您的举报有新进展"
"""All that a message says of the matter: whoever looks over the person's shoulder learns nothing."""
_MAILS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.PROGRESS: (NEWS, f"{NEWS}，请凭受理编号和查询码在举报网页或者小程序中查看。"),
    Kind.DIGEST: ("今日待办提醒", "您今日有临近期限或者已超期的事项，请登录属地系统查看站内消息。"),
    Kind.SUPERVISION: ("督办提醒", "您有督办或者超期事项，请登录属地系统查看站内消息并尽快办理。"),
    Kind.URGENT: ("紧急事项提醒", "您有紧急事项，请立即登录属地系统查看站内消息。"),
}
"""Subject and text of a mail. The receipt number is left out: beside a query code it would open the tip."""
FAMILIES: Final[Mapping[str, Mapping[Any, Step]]] = {
    "handling": HANDLING_STEPS,
    "reassignment": REASSIGNMENT_STEPS,
    "alert": ALERTS,
    "conversation": CONVERSATION_STEPS,
}


def _notice_seed() -> dict[str, str]:
    return {
        f"{family}.{event}.{circle}": title
        for family, steps in FAMILIES.items()
        for event, step in steps.items()
        for circle, title in step.titles.items()
    }


def check_notice(_code: str, text: str) -> None:
    """Words of a notice inside the console; raise ``InvalidInput``."""
    _check_length(NOTICE, text)
    if wrong := [one for one in _PLACEHOLDER.findall(text) if one != NUMBER]:
        raise InvalidInput(errors={"text": [f"不能使用 {'、'.join(wrong)}，只能使用 {NUMBER}"]})


def check_outward(kind: str, text: str) -> None:
    """Words that leave the office: no placeholder, nothing that tells of a tip or leads somewhere else."""
    _check_length(kind, text)
    if wrong := _PLACEHOLDER.findall(text):
        told = f"发往外部的消息不能使用占位符（{'、'.join(wrong)}）：只说有新进展，不说内容"
        raise InvalidInput(errors={"text": [told]})
    if _TELLING.search(text):
        raise InvalidInput(errors={"text": ["发往外部的消息不能含有编号、号码、网址和邮箱地址"]})


def _check_length(kind: str, text: str) -> None:
    if not 2 <= len(text.strip()) <= _LONGEST[kind] or "\n" in text:  # noqa: PLR2004  # one letter says nothing
        raise InvalidInput(errors={"text": [f"请填写 2 至 {_LONGEST[kind]} 字，不换行"]})


limits.REASONS.update(
    {
        NOTICE: WordList("站内消息", _notice_seed(), always_used=True, check=check_notice),
        SUBJECT: WordList(
            "邮件标题",
            {kind.value: words[0] for kind, words in _MAILS.items()},
            always_used=True,
            check=lambda _code, text: check_outward(SUBJECT, text),
        ),
        MAIL: WordList(
            "邮件正文",
            {kind.value: words[1] for kind, words in _MAILS.items()},
            always_used=True,
            check=lambda _code, text: check_outward(MAIL, text),
        ),
    }
)


def titles_of(family: str, event: str, step: Step) -> dict[Circle, str]:
    """What each circle reads of an event today."""
    words = limits.wordings(NOTICE)
    return {circle: words.get(f"{family}.{event}.{circle}", title) for circle, title in step.titles.items()}


def with_number(title: str, number: str) -> str:
    """A notice with the number of its thing: where its words want it, in brackets behind them otherwise."""
    return title.replace(NUMBER, number) if NUMBER in title else f"{title}（{number}）"


def mail_of(kind: Kind) -> tuple[str, str]:
    """Subject and text of a mail today."""
    return limits.wordings(SUBJECT)[kind.value], limits.wordings(MAIL)[kind.value]
