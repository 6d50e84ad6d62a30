"""Words that the pages say outside their templates: the script's, the text sizes, and why a district is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.public_pages.languages import SOURCE, chosen, in_words

OF_THE_SCRIPT: Final = {
    "copied": "已复制，请粘贴到备忘录或发给家人保存。",
    "selected": "已选中号码，请长按复制。",
    "step": "第 {0} 步，共 {1} 步",
    "lead": "建议由{0}办理",
    "noLead": "暂时看不出由哪里办理",
    "noReason": "没有关系，请直接提交，我们会查清后交办。",
    "noAnswer": "暂时查不到，没有关系，请继续填写，我们会查清后交办。",
    "uploading": "上传 {0}",
    "remove": "移除",
    "uploaded": "已上传",
    "notSent": "没有传上去，请稍后再试",
    "interrupted": "网络中断，没有传上去，请移除后重新选择",
    "waiting": "网络中断，恢复后自动继续…",
    "checking": "正在检查…",
    "more": "另有 {0} 个文件",
    "most": "最多 {0} 个文件",
    "file": "文件 {0}",
    "submitting": "正在提交…",
    "submit": "提交举报",
    "companies": "找到 {0} 个已登记的企业",
    "busy": "现在人较多，请稍候，{0} 秒后自动继续",
}
"""Placeholders are filled by the script."""

SIZES: Final = (("", "标准"), ("large", "长辈版"), ("largest", "特大字"))

NO_REASON: Final = OF_THE_SCRIPT["noReason"]
RULES: Final = {
    "unit_registered_place": "被举报对象为单位，由登记地的区（县）牵头（《防范和处置非法集资条例》第二十条）",
    "kind_unknown_registered_place": "由登记地或住所地的区（县）牵头",
    "individual_domicile": "被举报对象为个人，由住所地的区（县）牵头（《防范和处置非法集资条例》第二十条）",
    "individual_residence": "住所地不明，由经常居住地或活动地的区（县）牵头",
    "place_of_conduct": "登记地不明，先由经营地或行为发生地的区（县）核查",
    "precedent": "上级已对同一地址作出决定",
    "reporter_guess": "按您认为的区（县）先行核实",
}
"""Rule of :mod:`app.geo.jurisdiction` → the reason in one sentence, for pages that are not in Chinese."""


def script_words() -> dict[str, Any]:
    """What the script says, in the language of the page; the reasons of a proposal only where they are needed."""
    words: dict[str, Any] = {name: in_words(text) for name, text in OF_THE_SCRIPT.items()}
    if chosen().code != SOURCE:
        words["rules"] = {rule: in_words(text) for rule, text in RULES.items()}
    return words


def proposal_reason(preview: Mapping[str, Any]) -> str:
    """Why a district is proposed: the whole explanation in Chinese, the rule in other languages."""
    if chosen().code == SOURCE:
        return preview["explanation"] or NO_REASON
    return in_words(RULES.get(preview["rule"], NO_REASON) if preview["lead"] else NO_REASON)
