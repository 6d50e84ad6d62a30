"""The proposal in one Chinese paragraph that an officer can read aloud to a colleague or on the telephone."""

from __future__ import annotations

from app.foundation import clock
from app.geo.divisions import divisions
from app.geo.jurisdiction import Jurisdiction
from app.geo.knowledge import Citation
from app.geo.match import Match

ARTICLE = "《防范和处置非法集资条例》第二十条"
_WHO = {
    "unit_registered_place": "被举报对象为单位，登记地在{place}{why}，依据{article}第一款，由{lead}牵头",
    "kind_unknown_registered_place": "被举报对象性质未定，登记地或住所地在{place}{why}，建议由{lead}牵头",
    "individual_domicile": "被举报对象为个人，住所地在{place}{why}，依据{article}第一款，由{lead}牵头",
    "individual_residence": "被举报对象为个人，住所地不明，经常居住地或活动地在{place}{why}，建议由{lead}牵头",
    "place_of_conduct": "被举报对象的登记地不明，经营地或行为发生地在{place}{why}，登记地查明前建议先由{lead}核查",
    "precedent": "被举报对象所在地址{why}已有共同的上级处置非法集资牵头部门的决定，依据{article}第二款，由{lead}牵头",
    "reporter_guess": "现有材料不能确定属地，仅有举报人填写的{place}，建议由{lead}先行核实",
}
_HOW = {
    "name": "名称相符",
    "alias": "通行简称",
    "old_name": "旧称",
    "zone": "功能区",
    "township": "所属乡镇街道",
    "village": "所属村（社区）",
    "typo": "疑似错别字",
    "learnt": "本办已办结线索中的同一道路或小区",
}
_NAMED_CANDIDATES = 4
_REASONS = {
    "registered_and_operating_differ": "登记地与经营地不一致",
    "uscc_and_address_differ": "信用代码登记机关与登记地址不一致",
    "point_and_address_differ": "定位与经营地址不一致",
    "guess_differs": "举报人填写的区（县）与判断不同",
    "ambiguous_address": "地址可对应多个区（县）",
    "unknown_address": "地址未写明区（县）",
    "point_near_border": "定位靠近区界",
    "zone_without_agreed_unit": "功能区的承办单位未约定",
    "zone_and_address_differ": "地址写明的区（县）与功能区的约定不一致",
    "precedent_differs": "地址写明的区（县）与属地先例不一致",
    "learnt_place": "地址未写明区（县），由本办已办结线索推断",
    "register_and_address_differ": "填写的登记地址与市场主体登记信息不一致",
    "company_deregistered": "市场主体登记信息显示该企业已注销或者被撤销登记",
    "company_moved": "市场主体登记信息显示该企业已迁出",
    "register_name_differs": "信用代码所属企业与填写的名称不一致",
}
_OUTCOMES = {
    "xpcc": "该地由新疆生产建设兵团管辖，建议移送兵团",
    "other_prefecture": "该地不在本市，建议报自治区移送外地州市",
    "other_province": "该地不在本省（自治区、直辖市），建议移送外省",
}


def explain(decision: Jurisdiction, region_code: str) -> Jurisdiction:
    """The same decision with its ``explanation`` filled in."""
    sentences = [_lead_sentence(decision) if decision.lead else _open_sentence(decision, region_code)]
    names = [_short(code, region_code) for code in decision.cooperating]
    if names:
        sentences.append(f"{'、'.join(names)}配合")
    if decision.citation is not None:
        sentences.append(_citation_sentence(decision, decision.citation))
    if decision.outcome in _OUTCOMES:
        sentences.append(_OUTCOMES[decision.outcome])
    reasons = [_REASONS[reason] for reason in decision.dispute_reasons if reason in _REASONS]
    if reasons:
        sentences.append("需注意：" + "；".join(reasons))
    if decision.dispute:
        sentences.append(_arbiter_sentence(decision))
    if decision.needs_review:
        sentences.append("请人工核对后分办")
    return decision._replace(explanation="。".join(sentences) + "。")


def _lead_sentence(decision: Jurisdiction) -> str:
    name = divisions().name(decision.lead)
    source = decision.sources.get(decision.lead_source or "")
    pattern = _WHO[decision.rule]
    if decision.rule == "precedent" and decision.citation is not None:
        why = f"（“{decision.citation.precedent.pattern}”）"
    else:
        why = _registered_why(decision) if decision.lead_source == "register" else _why(source) if source else ""
    return pattern.format(place=divisions().full_name(decision.lead), why=why, article=ARTICLE, lead=name)


def _open_sentence(decision: Jurisdiction, region_code: str) -> str:
    """Nobody leads yet: which districts the words of the first unclear address allow."""
    told = "现有材料不能确定属地区（县）"
    for source in decision.sources.values():
        candidates = [one.code for one in source.alternatives if divisions().county_of(one.code)]
        if candidates:
            names = "、".join(_short(code, region_code) for code in candidates[:_NAMED_CANDIDATES])
            return f"{told}，可能为{names}{'等' if len(candidates) > _NAMED_CANDIDATES else ''}"
    return told


def _why(source: Match) -> str:
    """The words of the address that decided, or the other signal that did."""
    last = source.evidence[-1] if source.evidence else None
    if last is None:
        return ""
    if last.how == "uscc":
        return f"（信用代码登记机关区划{last.text}）"
    if last.how == "point":
        return "（地图定位）"
    words = [e for e in source.evidence if e.means == source.county and e.how in _HOW] or [last]
    return f"（地址中“{words[0].text}”，{_HOW.get(words[0].how, '相符')}）"


def _registered_why(decision: Jurisdiction) -> str:
    """What the register says, by its name and its day."""
    entry = decision.register
    if entry is None:
        return ""
    day = entry.as_of
    return f"（市场主体登记信息，住所“{entry.address}”，截至{clock.day_text(day)}）"


def _citation_sentence(decision: Jurisdiction, citation: Citation) -> str:
    precedent = citation.precedent
    day = precedent.decided_on
    cited = f"{precedent.reference}（{clock.day_text(day)}决定）"
    if decision.rule == "precedent":
        return f"所依据的决定为{cited}"
    if "precedent_differs" in decision.dispute_reasons:
        return f"{cited}曾决定同一地址由{divisions().name(precedent.division)}牵头"
    return f"与{cited}一致"


def _arbiter_sentence(decision: Jurisdiction) -> str:
    if decision.arbiter is None:
        return f"如有争议，跨省的依据{ARTICLE}第二款提请联席会议确定"
    return f"如有争议，依据{ARTICLE}第二款报共同的上级{divisions().name(decision.arbiter)}处置非法集资牵头部门确定"


def _short(code: str, region_code: str) -> str:
    tree = divisions()
    inside = tree.prefecture_of(code) == tree.prefecture_of(region_code)
    return tree.name(code) if inside else tree.full_name(code)
