"""The columns of a case register (台账) as the offices keep it, with the headings seen in them.

Fields after 案件基本信息登记表 (domain.md §4.2); words of choices are the form's own and their usual short forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from app.cases import words as wordings
from app.cases.cell_values import CellFault, Reader, amount, choice, day, folded, names, number_text, whole, words, yes
from app.cases.schemas import CaseFacts
from app.cases.sheet_columns import Column
from app.cases.states import Track
from app.foundation.text_fields import PlainText
from app.geo import service as geo
from app.geo.address import match
from app.geo.divisions import divisions
from app.geo.jurisdiction import sounds_like_a_unit


def _meanings(line: str) -> dict[str, str]:
    """Wordings → code, written as ``code: wording wording; …``."""
    pairs = (part.partition(":") for part in line.split(";"))
    return {wording: code.strip() for code, _, wordings in pairs for wording in wordings.split()}


_METHODS: Final = _meanings(
    "investment: 投资理财 理财; leaseback: 售后包租 售后返租; franchise_rebate: 加盟返利;"
    "mining_investment: 矿产资源开发投资 矿产开发; other: 其他"
)
_CATEGORIES: Final = _meanings(
    "debt: 债权类 债权; equity: 股权类 股权; sale_of_goods: 商品营销类 商品营销; production: 生产经营类 生产经营;"
    "other: 其他 其他类"
)
_FOUND: Final = _meanings(
    "own_check: 自查发现 自查 排查发现; police: 公安机关发现 公安发现 公安; tip: 举报发现 举报 群众举报; other: 其他"
)
_LEVELS: Final = _meanings(
    "supervised: 督办案件 督办; own: 本市案件 本市 自办;"
    "cooperating: 配合其他省(市)处置案件 配合处置案件 配合 协办; other: 其他"
)
_STABILITY: Final = _meanings("high: 高 高风险 较高; medium: 中 中风险 一般; low: 低 低风险; none: 无 无风险")
_ADMIN: Final = _meanings(
    "none: 未启动 无; admin_accepted: 行政受理 受理; determining: 调查认定 认定中; excluded: 排除非法集资 排除;"
    "admin_handled: 行政处理 已处理; police_transferred: 移送公安"
)
_JUDICIAL: Final = _meanings(
    "none: 未启动 无; police_accepted: 公安受理; police_filed: 公安立案 立案; investigating: 在侦 侦查 侦查中;"
    "prosecuting: 在诉 起诉 审查起诉; trial: 在审 审理 一审 二审; judged: 生效 判决生效 已判决;"
    "enforcing: 执行 执行中; concluded: 审结 司法审结 执行完毕"
)
_RESTITUTION: Final = _meanings(
    "none: 未启动 无; registering: 登记 信息登记 登记中; disposing: 资产处置 处置中; returning: 返还 返还中 清退中;"
    "completed: 清退完毕 已清退 集资款清退完毕"
)
_INDUSTRY_WORDS: Final = {text: code for code, text in wordings.INDUSTRY_TEXTS.items()} | _meanings(
    "A: 农业 种植业 养殖业; F: 批发零售业 商贸; I: 互联网; J: 金融 投资理财; K: 房地产; L: 商务服务业; Q: 养老 养老服务"
)
_INDUSTRY_CODE: Final = re.compile(r"[A-T](\d{2,4})?")
STAGE_FIELDS: Final = tuple(track.value for track in Track)


def _industry(cell: Any) -> str:
    said: str = words(60)(folded(cell))
    plain = said.replace(",", "、").replace(" ", "")
    if _INDUSTRY_CODE.fullmatch(plain.upper()):
        return plain.upper()
    code = _INDUSTRY_WORDS.get(plain) or _INDUSTRY_WORDS.get(f"{plain}业")
    if code is None:
        raise CellFault("应为 GB/T 4754 的门类名称或代码，如“金融业”“J69”")
    return code


def _division(cell: Any) -> str:
    """The code of a current division, given by code or by name."""
    said: str = number_text(60)(cell)
    if said.isdecimal():
        if not divisions().is_current(said):
            raise CellFault("不是现行行政区划代码")
        return said
    district = _district(said, geo.region_code())
    if district is None:
        raise CellFault("认不出是哪个区县，请写全称或六位区划代码")
    return district


@lru_cache(maxsize=256)
def _district(name: str, region_code: str) -> str | None:
    """The district that a name means; a register says the same few again and again."""
    return match(name, region_code).district


def _divisions(cell: Any) -> list[str]:
    return list(dict.fromkeys(_division(part) for part in names(60, 50)(cell)))


def _text(field: str) -> Reader:
    """Text as long as the office API takes it."""
    taken = CaseFacts().fields[field]
    assert isinstance(taken, PlainText)  # noqa: S101  # narrows the type: a column of words is a field of words
    return number_text(taken.longest)


def _column(field: str, text: str, headings: str = "", read: Reader | None = None, **more: bool) -> Column:
    return Column(field, text, tuple(headings.split()), read or _text(field), **more)


def _money(field: str, text: str, headings: str) -> Column:
    return _column(field, text, headings, amount(), money=True)


def _choices(meanings: Mapping[str, str]) -> Reader:
    return choice({**meanings, **{code: code for code in meanings.values()}})


CASE_COLUMNS: Final = (
    _column("case_no", "案件编号", "编号 案件号 统一编号 台账编号 案件统一编号", number_text(60), needed=True),
    _column("name", "案件名称", "集资项目名称 项目名称 案名 案件名 案件", words(200), needed=True),
    _column(
        "fundraisers",
        "集资单位名称（个人姓名）",
        "集资单位名称 集资单位 涉案单位 涉案公司 涉案企业 涉案主体 非法集资人 企业名称 公司名称 单位名称",
        names(200, 50),
    ),
    _column("uscc", "统一社会信用代码", "信用代码 社会信用代码", number_text(18)),
    _column("persons", "主要涉案人员", "法定代表人 实际控制人 犯罪嫌疑人 主犯 涉案人员 主要犯罪嫌疑人", names(200, 50)),
    _column("assistants", "非法集资协助人", "协助人", names(200, 100)),
    _column("industry", "所属行业", "行业 行业类别 行业门类 行业分类", _industry),
    _column("method", "集资方式", "集资手段 方式", _choices(_METHODS)),
    _column("business_category", "业务类别", "类别 业务分类", _choices(_CATEGORIES)),
    _column("category_detail", "类别明细", "业务类别明细 业务明细"),
    _column("found_through", "发现渠道", "案件来源 线索来源 来源", _choices(_FOUND)),
    _column("level", "案件级别", "级别", _choices(_LEVELS)),
    _column("registered_place", "注册地", "登记地 注册地址 登记地址 住所地 注册登记地"),
    _column("occurrence_place", "案发地", "发案地 经营地址 发生地 案发地址 经营地"),
    _column("division", "属地责任", "属地 所属区县 区县 区(县) 属地责任单位 责任区县 所属区(县)", _division),
    _column("cross_province", "是否跨省", "跨省 跨省案件 是否跨省案件", yes),
    _column("lead_place", "牵头地", "主办地 牵头地区 主办地区", _division),
    _column("cooperating_places", "配合地", "协办地 配合地区 协办地区 涉及地区", _divisions),
    _column("sector_regulator", "行业监管", "行业主管部门 行业监管部门 主管部门 行业监管责任 监管部门"),
    _column("responsible_person", "具体责任人", "责任人 负责人 包案领导 包案人 承办人 经办人"),
    _column("responsible_phone", "责任人电话", "联系电话 负责人电话 电话 责任人联系电话 联系方式"),
    _column("police_unit", "公安机关", "立案单位 侦办单位 办案单位 立案公安机关 侦办机关"),
    _column("police_case_no", "公安案号", "立案编号 立案号 公安立案号 公安机关案号"),
    _column("procuratorate", "检察院", "检察机关 公诉机关"),
    _column("procuratorate_case_no", "检察案号", "检察院案号 起诉案号 起诉书文号"),
    _column("court", "法院", "审理法院 审判机关 人民法院"),
    _column("court_case_no", "法院案号", "审判案号 判决书文号 案号 执行案号"),
    _column("occurred_on", "发案时间", "案发时间 案发日期 发案日期 发生时间", day),
    _money("involved_yuan", "涉案金额", "集资金额 非法集资金额 涉案资金 涉案 涉案总金额"),
    _money("outstanding_yuan", "未兑付金额", "未兑付 应清退金额 应清退 应返还金额 未兑付资金"),
    _money("controlled_yuan", "查控资产", "查控金额 查封冻结金额 控制资产 资产追缴 查控 追缴金额 查扣资产"),
    _money("realised_yuan", "已变现", "变现金额 已变现金额 资产变现"),
    _money("returned_yuan", "已清退", "已清退金额 清退金额 已返还金额 返还金额 善后清退 已返还 已兑付金额"),
    _column("participants", "参与集资人数", "参与人数 集资参与人数 涉及人数 人数 集资人数 涉及群众人数", whole(10**8)),
    _column("stability_level", "涉稳等级", "涉稳风险 维稳等级 涉稳级别 稳控等级 涉稳", _choices(_STABILITY)),
    _column("legacy", "是否陈案", "陈案 历史陈案", yes),
    _column("target_on", "化解目标日期", "化解时限 计划化解时间 化解日期 计划化解日期", day),
    _column("admin_stage", "行政处理阶段", "行政处理 行政处理情况", _choices(_ADMIN)),
    _column("judicial_stage", "司法处置阶段", "司法处置 诉讼阶段 办理阶段 司法阶段 处置进展 司法处置情况 案件阶段",
            _choices(_JUDICIAL)),
    _column("restitution_stage", "资金清退阶段", "清退阶段 善后清退阶段 资金清退 清退情况", _choices(_RESTITUTION)),
)  # fmt: skip


PARTY_FIELDS: Final = frozenset({"fundraisers", "uscc", "persons", "assistants"})
_NOT_FACTS: Final = PARTY_FIELDS | {"further"}


def facts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a case from the fields of its rows: the names become parties, the rest is taken as it is."""
    facts = {name: value for name, value in values.items() if name not in _NOT_FACTS}
    rows = [values, *values.get("further", ())]
    if all(PARTY_FIELDS.isdisjoint(row) for row in rows):
        return facts
    found = [party for part in (_units, _persons, _assistants) for row in rows for party in part(row)]
    parties: dict[tuple[str, str], dict[str, Any]] = {}
    for party in found:
        parties.setdefault((party["role"], party["name"]), party)
    return facts | {"parties": list(parties.values())}


def _units(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The credit code of a row is that of the first unit named in it."""
    parties = [_party(name, "fundraiser") for name in row.get("fundraisers", ())]
    if parties and parties[0]["kind"] == "organization":
        parties[0]["uscc"] = row.get("uscc")
    return parties


def _persons(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_party(name, "fundraiser") for name in row.get("persons", ())]


def _assistants(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_party(name, "assistant") for name in row.get("assistants", ())]


def _party(name: str, role: str) -> dict[str, Any]:
    kind = "organization" if sounds_like_a_unit(name) else "individual"
    return {"kind": kind, "role": role, "name": name, "uscc": None}
