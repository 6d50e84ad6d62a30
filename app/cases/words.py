"""Codes of cases as the office says them: 案件基本信息登记表 and the tracks of domain.md §9.3. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.cases.states import AdminStage, JudicialStage, RestitutionStage, Track

METHOD_TEXTS: Final[Mapping[str, str]] = {
    "investment": "投资理财",
    "leaseback": "售后包租",
    "franchise_rebate": "加盟返利",
    "mining_investment": "矿产资源开发投资",
    "other": "其他",
}
CATEGORY_TEXTS: Final[Mapping[str, str]] = {
    "debt": "债权类",
    "equity": "股权类",
    "sale_of_goods": "商品营销类",
    "production": "生产经营类",
    "other": "其他",
}
FOUND_TEXTS: Final[Mapping[str, str]] = {
    "own_check": "自查发现",
    "police": "公安机关发现",
    "tip": "举报发现",
    "other": "其他",
}
LEVEL_TEXTS: Final[Mapping[str, str]] = {
    "supervised": "督办案件",
    "own": "本市案件",
    "cooperating": "配合其他省（市）处置案件",
    "other": "其他",
}
STABILITY_TEXTS: Final[Mapping[str, str]] = {"high": "高", "medium": "中", "low": "低", "none": "无"}
PARTY_KIND_TEXTS: Final[Mapping[str, str]] = {"organization": "单位", "individual": "个人"}
PARTY_ROLE_TEXTS: Final[Mapping[str, str]] = {"fundraiser": "非法集资人", "assistant": "协助人"}
SOURCE_TEXTS: Final[Mapping[str, str]] = {
    "balance": "非法集资资金余额",
    "proceeds": "收益及转换的资产",
    "insiders_gains": "非法集资人及相关人员从中获得的经济利益",
    "hidden_assets": "隐匿、转移的资产",
    "promotion_fees": "广告、代言、代理等费用和提成",
    "other_assets": "依法应当纳入清退资金来源的其他资产",
}
"""The six sources of decree 737 Article 26."""
ASSET_KIND_TEXTS: Final[Mapping[str, str]] = {
    "real_estate": "房产",
    "land": "土地使用权",
    "vehicle": "车辆",
    "deposit": "存款",
    "securities": "证券、股权",
    "claim": "债权",
    "goods": "存货、设备",
    "other": "其他",
}
ASSET_STATE_TEXTS: Final[Mapping[str, str]] = {
    "found": "已查明",
    "seized": "已查封、扣押、冻结",
    "valued": "已评估",
    "realised": "已变现",
    "released": "已解除",
}
CLAIM_STATE_TEXTS: Final[Mapping[str, str]] = {"waiting": "待核实", "verified": "已核实", "refused": "不予认定"}
PAYMENT_STATE_TEXTS: Final[Mapping[str, str]] = {
    "waiting": "待发放",
    "sent": "发放中",
    "paid": "已发放",
    "failed": "发放失败",
    "returned": "退汇",
    "withdrawn": "已撤出",
}

TRACK_TEXTS: Final[Mapping[Track, str]] = {
    Track.ADMINISTRATIVE: "行政处理",
    Track.JUDICIAL: "司法处置",
    Track.RESTITUTION: "资金清退",
}
STAGE_TEXTS: Final[Mapping[Track, Mapping[str, str]]] = {
    Track.ADMINISTRATIVE: {
        AdminStage.NONE: "未启动",
        AdminStage.ACCEPTED: "行政受理",
        AdminStage.DETERMINING: "调查认定",
        AdminStage.EXCLUDED: "排除非法集资",
        AdminStage.HANDLED: "行政处理",
        AdminStage.POLICE_TRANSFERRED: "移送公安",
    },
    Track.JUDICIAL: {
        JudicialStage.NONE: "未启动",
        JudicialStage.POLICE_ACCEPTED: "公安受理",
        JudicialStage.POLICE_FILED: "公安立案",
        JudicialStage.INVESTIGATING: "在侦",
        JudicialStage.PROSECUTING: "在诉",
        JudicialStage.TRIAL: "在审",
        JudicialStage.JUDGED: "判决生效",
        JudicialStage.ENFORCING: "执行",
        JudicialStage.CONCLUDED: "司法审结",
    },
    Track.RESTITUTION: {
        RestitutionStage.NONE: "未启动",
        RestitutionStage.REGISTERING: "信息登记",
        RestitutionStage.DISPOSING: "资产处置",
        RestitutionStage.RETURNING: "资金返还",
        RestitutionStage.COMPLETED: "清退完毕",
        RestitutionStage.IMPOSSIBLE: "认定无法清退",
    },
}

INDUSTRY_TEXTS: Final[Mapping[str, str]] = {
    "A": "农、林、牧、渔业",
    "B": "采矿业",
    "C": "制造业",
    "D": "电力、热力、燃气及水生产和供应业",
    "E": "建筑业",
    "F": "批发和零售业",
    "G": "交通运输、仓储和邮政业",
    "H": "住宿和餐饮业",
    "I": "信息传输、软件和信息技术服务业",
    "J": "金融业",
    "K": "房地产业",
    "L": "租赁和商务服务业",
    "M": "科学研究和技术服务业",
    "N": "水利、环境和公共设施管理业",
    "O": "居民服务、修理和其他服务业",
    "P": "教育",
    "Q": "卫生和社会工作",
    "R": "文化、体育和娱乐业",
    "S": "公共管理、社会保障和社会组织",
    "T": "国际组织",
}
"""The sections (门类) of GB/T 4754."""

AMOUNT_BANDS: Final[Mapping[str, tuple[str, int, int | None]]] = {
    "under_1": ("1亿以下", 0, 100_000_000),
    "1_to_10": ("1–10亿", 100_000_000, 1_000_000_000),
    "10_to_50": ("10–50亿", 1_000_000_000, 5_000_000_000),
    "over_50": ("50亿以上", 5_000_000_000, None),
}
"""Amount involved in yuan: wording, from, and up to but not including (domain.md §4.3)."""

FACT_TEXTS: Final[Mapping[str, str]] = {
    "case_no": "案件编号",
    "name": "集资项目名称",
    "parties": "涉案单位（个人）",
    "industry": "所属行业",
    "method": "集资方式",
    "business_category": "业务类别",
    "category_detail": "类别明细",
    "found_through": "发现渠道",
    "level": "案件级别",
    "registered_place": "注册地",
    "occurrence_place": "案发地",
    "cross_province": "跨省案件",
    "lead_place": "牵头地区",
    "cooperating_places": "配合地区",
    "sector_regulator": "行业监管部门",
    "responsible_person": "具体责任人",
    "responsible_phone": "联系电话",
    "police_unit": "公安机关",
    "police_case_no": "公安案号",
    "procuratorate": "检察机关",
    "procuratorate_case_no": "检察案号",
    "court": "审判机关",
    "court_case_no": "法院案号",
    "occurred_on": "发案时间",
    "involved_yuan": "集资金额",
    "outstanding_yuan": "未兑付金额（应清退）",
    "controlled_yuan": "查控资产",
    "realised_yuan": "已变现",
    "returned_yuan": "已清退",
    "participants": "参与集资人数",
    "stability_level": "涉稳等级",
    "legacy": "陈案",
    "target_on": "化解目标日期",
}
"""Field → label, as forms, histories, sheets and refusals name it."""


def stage_text(track: str, stage: str) -> str:
    """The wording of a stage of a track."""
    return STAGE_TEXTS[Track(track)][stage]
