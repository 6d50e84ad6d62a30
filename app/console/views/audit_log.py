"""Audit rows in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.audit.models import AuditEvent
from app.console.views.case_detail import STEP_TEXTS
from app.foundation import clock, errors
from app.foundation.permissions import Role
from app.rewards.states import ACTION_TEXTS as REWARD_ACTION_TEXTS
from app.workflow.states import ACTION_TEXTS, POLICE_ACTION_TEXTS, REASSIGNMENT_ACTION_TEXTS

DEEDS: Final[Mapping[str, str]] = {
    "identity.sign_in": "登录",
    "identity.sign_out": "退出登录",
    "identity.create_account": "创建账号",
    "identity.import_units": "导入单位",
    "identity.change_contact": "修改工作联系方式",
    "notifications.resend": "重发消息",
    "workflow.import_calendar": "导入工作日历",
    "workflow.set_limit": "调整办理规则",
    "workflow.set_reason": "调整理由目录",
    "workflow.exclude": "登记回避",
    "workflow.end_exclusion": "解除回避",
    "workflow.hand_over": "离任移交",
    "identity.delegate": "委托代行职责",
    "identity.end_delegation": "结束代行职责",
    "tips.answer": "给举报人留言",
    "tips.letter": "下载移送文书",
    "police.propose": "提请移送公安",
    **{f"police.{action}": f"移送公安：{text}" for action, text in POLICE_ACTION_TEXTS.items()},
    "tips.submit": "提交举报",
    "tips.open_identity": "查看举报人身份",
    "tips.detach": "移出同一对象归并组",
    "tips.attach": "归入同一对象归并组",
    "files.download": "下载文件",
    "geo.add_zone": "登记功能区约定",
    "geo.change_zone": "修改功能区约定",
    "geo.withdraw_zone": "撤销功能区约定",
    "geo.add_alias": "登记本地别称",
    "geo.withdraw_alias": "撤销本地别称",
    "geo.add_precedent": "登记属地先例",
    "geo.withdraw_precedent": "撤销属地先例",
    "geo.import_divisions": "启用行政区划名单",
    "geo.enable_learning": "启用或者停用经验学习",
    "geo.learn": "重建道路经验表",
    "rewards.apply": "申请奖励",
    "rewards.open": "发起奖励审查",
    "rewards.open_payee": "查看奖励收款信息",
    "rewards.set_budget": "设定奖励预算",
    "rewards.set_rules": "设定奖励规则",
    "cases.hand_in_sheet": "提交导入表格",
    "cases.download_import_result": "下载导入结果",
    "cases.export": "导出案件台账、统计",
    "cases.export_payments": "导出银行代发清单",
    "cases.view_claims": "查看集资参与人债权",
    "cases.open_participant": "查看集资参与人完整信息",
    "cases.query_claim": "参与人自助查询债权",
    "cases.download_document": "下载案件文书",
    "cases.set_template": "设定处置方案模板",
    "cases.set_year_target": "设定年度化解目标",
    **{f"cases.{step}": f"案件：{text}" for step, text in STEP_TEXTS.items()},
    **{f"rewards.{action}": f"奖励：{text}" for action, text in REWARD_ACTION_TEXTS.items()},
    **{f"workflow.{action}": f"线索：{text}" for action, text in ACTION_TEXTS.items()},
    **{f"reassignment.{action}": f"属地调整：{text}" for action, text in REASSIGNMENT_ACTION_TEXTS.items()},
}
"""Deeds that rooms record, as the office says them."""

ATTEMPTS: Final[Mapping[str, str]] = {
    "console.sign_in": "登录（网页）",
    "console.show_case": "打开案件",
    "console.act_on_case": "办理案件",
    "console.show_case_ledger": "打开清退台账",
    "console.list_claims": "打开集资参与人债权",
    "console.open_participant": "查看集资参与人完整信息",
    "console.show_tip": "打开线索",
    "console.act_on_tip": "办理线索",
    "console.open_identity": "查看举报人身份",
    "console.enter_statement": "代为登记举报",
    "console.act_on_reward": "办理奖励",
    "console.show_reward": "打开奖励事项",
    "console.download_tip_file": "下载举报材料",
    "console.apply_for_reassignment": "申请属地调整",
    "console.show_reassignment": "打开属地调整申请",
    "console.act_on_reassignment": "办理属地调整",
    "console.download_request_file": "下载佐证材料",
    "console.mark_notice_read": "标记消息已读",
    "console.view_tip_file": "查看举报材料",
    "console.view_tip_picture": "查看举报材料",
    "console.view_tip_page": "查看举报材料",
    "console.play_tip_file": "播放举报材料",
    "console.propose_police_transfer": "提请移送公安",
    "console.act_on_police_transfer": "办理移送公安",
    "console.download_letter": "下载移送文书",
    "console.download_police_document": "下载移送材料",
    "console.write_to_reporter": "给举报人留言",
    "console.preview_bulk_assignment": "批量交办",
    "console.assign_in_bulk": "批量交办",
    "console.export_tips": "导出线索清单",
    "console.set_limit": "调整办理规则",
    "console.set_reason": "调整理由目录",
    "console.preview_calendar": "导入工作日历",
    "console.import_calendar": "导入工作日历",
    "console.delegate": "委托代行职责",
    "console.end_delegation": "结束代行职责",
    "console.exclude": "登记回避",
    "console.end_exclusion": "解除回避",
    "console.preview_hand_over": "离任移交",
    "console.hand_over": "离任移交",
    "console.resend_deliveries": "重发消息",
    "console.try_address": "试查地址",
    "console.add_geo_knowledge": "登记属地资料",
    "console.change_geo_zone": "修改功能区约定",
    "console.withdraw_geo_knowledge": "撤销属地资料",
    "office_session.open_officer_session": "登录（接口）",
    "office_tips.show_tip": "打开线索（接口）",
    "office_tips.act_on_tip": "办理线索（接口）",
    "office_tips.open_identity": "查看举报人身份（接口）",
    "office_reassignments.apply": "申请属地调整（接口）",
    "office_reassignments.show": "打开属地调整申请（接口）",
    "office_reassignments.act": "办理属地调整（接口）",
}
"""Refused attempts are recorded under the door they were made at; any other door shows its technical name."""

_OBJECTS: Final = {
    "tip": "线索",
    "reward": "奖励",
    "reward_budget": "奖励预算",
    "reward_rules": "奖励规则",
    "reassignment": "属地调整申请",
    "account": "账号",
    "file": "文件",
    "unit": "单位",
    "calendar": "工作日历",
    "notice": "站内消息",
    "delivery": "发送记录",
    "operation": "操作",
    "geo_zone": "功能区约定",
    "geo_alias": "本地别称",
    "geo_precedent": "属地先例",
    "geo_setting": "属地设置",
    "division_list": "行政区划名单",
    "learnt_roads": "道路经验表",
    "case": "案件",
    "case_import": "导入表格",
    "register": "台账",
    "claim": "债权",
    "plan_template": "方案模板",
    "year_target": "年度目标",
}


def audit_line(event: AuditEvent, unit_name: str) -> dict[str, Any]:
    """One row of the log."""
    return {
        "number": event.seq,
        "at": clock.beijing(event.at),
        "actor_name": event.actor_name,
        "actor_role_text": Role(event.actor_role).text if event.actor_role else "",
        "actor_unit": unit_name,
        "action_text": DEEDS.get(event.action) or ATTEMPTS.get(event.action, event.action),
        "object_text": f"{_OBJECTS.get(event.object_type, event.object_type)} {event.object_id}",
        "result": "done" if event.succeeded else "refused",
        "note": _note(event),
    }


def _note(event: AuditEvent) -> str:
    if not event.succeeded:
        code = str(event.details.get("code", ""))
        return _REFUSAL_TITLES.get(code, code)
    return str(event.details.get("reason", ""))


def _titles(kind: type[errors.DomainError]) -> dict[str, str]:
    titles = {kind.code: kind.title}
    for below in kind.__subclasses__():
        titles |= _titles(below)
    return titles


_REFUSAL_TITLES: Final = (
    {"same_person": "申请、审核、调整须由三名不同人员办理"}
    | _titles(errors.DomainError)
    | {
        "not_found": "不在权限范围内",
    }
)


def action_choices() -> list[dict[str, str]]:
    """Everything that the log can be filtered by."""
    return [
        *({"value": value, "label": label} for value, label in DEEDS.items()),
        *({"value": value, "label": f"被拒绝：{label}"} for value, label in ATTEMPTS.items()),
    ]
