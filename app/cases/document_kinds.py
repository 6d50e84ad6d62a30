"""The kinds of documents of a case, and the places that a template of each kind may have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KIND_TEXTS: Final[Mapping[str, str]] = {
    "case_card": "案件基本信息登记表",
    "monthly_sheet": "案件处置进展情况报送表",
    "supervision_letter": "关于督促办理非法集资案件的函",
    "cooperation_letter": "关于协助处置非法集资案件的函",
}
LETTERS: Final = frozenset({"supervision_letter", "cooperation_letter"})

_COMMON: Final[Mapping[str, str]] = {
    "number": "文号",
    "sender": "发文单位",
    "day": "制作日期",
    "case_no": "案件编号",
    "name": "案件名称",
    "stages": "三条线所处阶段",
    "accused": "涉案单位（个人）",
    "registered_place": "注册地",
    "occurrence_place": "案发地",
    "contact": "具体责任人及电话",
}
_LETTER: Final[Mapping[str, str]] = {"recipient": "主送单位", "text": "正文"}
_LINES: Final[Mapping[str, str]] = {"lines": "逐项内容（循环，每项有 text 栏目、value 内容）"}
_CARD: Final[Mapping[str, str]] = {
    **_LINES,
    "plan_number": "处置方案版次",
    "goal": "处置目标",
    "measures": "处置措施（循环，每项有 text、owner、unit、due_on）",
    "claims": "债权笔数",
    "verified_yuan": "核定金额（元）",
    "received_yuan": "到账金额（元）",
    "distributed_yuan": "已分配金额（元）",
    "paid_yuan": "已发放金额（元）",
    "paid_ratio": "返还比例",
}
PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "case_card": {**_COMMON, **_CARD},
    "monthly_sheet": {**_COMMON, **_LINES, "month": "报送月份"},
    "supervision_letter": {**_COMMON, **_LETTER},
    "cooperation_letter": {**_COMMON, **_LETTER},
}
"""Kind → the name of each place and what comes there."""
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "case_card": ("number", "lines"),
    "monthly_sheet": ("number", "lines", "month"),
    "supervision_letter": ("number", "recipient", "text"),
    "cooperation_letter": ("number", "recipient", "text"),
}
"""Kind → the places without which a template is refused."""
