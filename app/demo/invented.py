"""Invented accused parties and statements for a demo office under load: no name, code or number is a real one's."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from stdnum.cn import uscc

from app.geo import service as geo
from app.geo.divisions import divisions
from app.geo.jurisdiction import Accused
from app.tips.schemas import CONDUCT_TYPES, PUBLICITY, RELATIONS


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


_BRANDS: Final = (
    "鑫瑞丰盛恒泰隆昌汇融通达兴宏源茂祥安康福寿嘉佳美华信诚德仁和润泽天云海山金玉银宝聚众益联合创智远景博雅颐乐晟旭卓邦"
)
_TRADES: Final = _words(
    "投资咨询 商务信息咨询 财富管理 资产管理 养老服务 健康管理 生物科技 农业开发 林业开发 "
    "文化旅游 网络科技 电子商务 股权投资基金 融资租赁 房地产经纪 酒店管理 商贸 珠宝艺术品 "
    "教育咨询 汽车租赁"
)
_ROADS: Final = _words(
    "北京南路 友好北路 中山路 新华北路 喀什东路 苏州路 河南路 长春南路 黄河路 扬子江路 人民路 "
    "光明路 克拉玛依东路 西虹东路 南湖东路 会展大道 中亚大道 金银大道 卫星路 阿勒泰路 伊宁路 "
    "钱塘江路 和平南路 团结路"
)
_BUILDINGS: Final = _words("国际大厦 时代广场 商务中心 财富广场 花园小区 家园 写字楼 创业园 步行街 万象城")
_SURNAMES: Final = (
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
)
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志文斌鹏宇欣怡雪梅晨曦阿依古丽买买提"
_SEEN: Final = (
    "{person}在{road}门店发传单，说买{product}每月返利{rate}%，本金随时可退。",
    "该公司在{place}召开推介会，请老年人吃饭送鸡蛋，宣传{product}年化收益{high}%。",
    "业务员{person}拉我进微信群，群里每天发收益截图，让大家追加投资。",
    "合同上写的是{product}认购协议，实际是借款，到期还本付息，加盖公司公章。",
    "我先后分{count}次转账共{amount}万元，收款账户是个人账户，户名{person}。",
    "从{month}月起停止付息，负责人{person}电话无人接听，{road}的办公室已经搬空。",
    "对外宣传有国资背景、银行存管，还展示了与领导的合影，经查询均不属实。",
    "介绍一个人入会奖励{count}00元，发展下线满{high}人升为区域经理，层层提成。",
    "小区里参与的邻居大概有{high}多人，多数是退休职工，每人投入{amount}万元左右。",
    "承诺{product}项目由{place}分公司回购，期限{count}个月，逾期不兑付。",
    "公司没有金融许可证，营业执照经营范围只有咨询服务，却公开吸收存款。",
    "他们近期又在{place}换了招牌，继续以{product}名义收钱，请尽快核查。",
    "有员工透露资金用于归还前期客户本息和支付房租、提成，没有真实项目。",
    "每周{count}在{road}的酒店讲课，主讲人自称{person}教授，现场刷卡有优惠。",
    "开发了手机应用程序，充值后购买{product}积分，提现一直审核不通过。",
    "请求政府部门帮助追回本金，我可以提供合同、转账记录和聊天截图。",
)
_PRODUCTS: Final = _words(
    "养老床位 原始股权 林地托管 肉苁蓉种植 商铺返租 理财产品 虚拟币 黄金回购 红木家具 "
    "消费返利卡 私募基金 影视投资 旅居康养 玉石寄售 共享汽车 枸杞订单农业 保健品 艺术品份额 "
    "充电桩 牛羊代养"
)
_CONDUCTS: Final = tuple(CONDUCT_TYPES)
_CONDUCT_WEIGHTS: Final = (8, 2, 7, 6, 9, 8, 2, 14, 20, 13, 2, 5, 4)


@dataclass(frozen=True, slots=True)
class Party:
    """An accused party with what Article 20 says about it, asked of the real rule once."""

    subject: dict[str, Any]
    lead: str | None
    districts: tuple[str, ...]
    dispute: bool
    needs_review: bool
    decision: dict[str, Any]


def parties(chance: Random, number: int, city: str) -> list[Party]:
    """``number`` accused parties of a city, four of five registered where they act."""
    districts = [(division.code, division.name) for division in divisions().children(city)]
    return [_party(chance, districts, divisions().name(city), city) for _ in range(number)]


def _party(chance: Random, districts: list[tuple[str, str]], city_name: str, city: str) -> Party:
    (home, home_name), (other, other_name) = chance.choice(districts), chance.choice(districts)
    acts_in = home_name if chance.random() < 0.8 else other_name  # noqa: PLR2004  # most act where they are registered
    kind = chance.choices(("organization", "individual", "unknown"), (80, 14, 6))[0]
    organization = kind == "organization"
    name = _company(chance, city_name) if organization else person(chance)
    subject: dict[str, Any] = {
        "kind": kind,
        "name": name if kind != "unknown" else None,
        "uscc": _code(chance, home) if organization and chance.random() < 0.6 else None,  # noqa: PLR2004
        "registered_address": _address(chance, city_name, home_name) if kind != "unknown" else None,
        "operating_address": _address(chance, city_name, acts_in),
        "contact": None,
        "online_presence": [f"微信公众号“{name[-6:]}”"] if kind == "unknown" or chance.random() < 0.2 else [],  # noqa: PLR2004
    }
    stated = ("name", "uscc", "registered_address", "operating_address")
    accused = Accused(kind, *(subject[column] for column in stated))
    decided = geo.find_jurisdiction(accused, city)
    near = tuple(dict.fromkeys(code[:6] for code in (decided.lead or home, other)))
    return Party(subject, decided.lead, near, decided.dispute, decided.needs_review, decided.to_dict())


def _company(chance: Random, city_name: str) -> str:
    place = chance.choice((city_name.removesuffix("市"), city_name, "新疆"))
    return f"{place}{''.join(chance.choices(_BRANDS, k=3))}{chance.choice(_TRADES)}有限公司"


def _code(chance: Random, division: str) -> str:
    body = f"91{division}MA{''.join(chance.choices('0123456789ABCDEFGHJKLMNPQRTUWXY', k=7))}"
    return str(body + uscc.calc_check_digit(body))


def _address(chance: Random, city_name: str, district: str) -> str:
    street = f"{chance.choice(_ROADS)}{chance.randrange(1, 999)}号"
    return f"{city_name}{district}{street}{''.join(chance.choices(_BRANDS, k=2))}{chance.choice(_BUILDINGS)}"


def person(chance: Random) -> str:
    """A name that nobody was asked for."""
    return chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=chance.randrange(1, 3)))


def statement(chance: Random, party: Party) -> dict[str, Any]:
    """What one reporter says about a party: the columns of a statement that are words and figures."""
    known = chance.random()
    amount = round(chance.lognormvariate(12.2, 1.6)) if known < 0.7 else None  # noqa: PLR2004
    return {
        "relation": chance.choice(list(RELATIONS)),
        "conduct_type": chance.choices(_CONDUCTS, _CONDUCT_WEIGHTS)[0],
        "description": _said(chance, party),
        "promised_return": f"年化{chance.randrange(8, 37)}%" if known < 0.5 else None,  # noqa: PLR2004
        "publicity": chance.sample(_PUBLICITY, chance.randrange(0, 3)),
        "ongoing": chance.choice((True, True, False, None)),
        "amount_yuan": amount,
        "participants": min(round(chance.lognormvariate(3.6, 1.5)), 50_000) if known > 0.4 else None,  # noqa: PLR2004
        "loss_yuan": round(amount * chance.random()) if amount and known < 0.3 else None,  # noqa: PLR2004
    }


_PUBLICITY: Final = list(PUBLICITY)


def _said(chance: Random, party: Party) -> str:
    slots = {
        "person": person(chance),
        "road": chance.choice(_ROADS),
        "place": "".join(chance.choices(_BRANDS, k=2)) + chance.choice(_BUILDINGS),
        "product": chance.choice(_PRODUCTS),
        "rate": chance.randrange(1, 6),
        "high": chance.randrange(8, 90),
        "count": chance.randrange(1, 7),
        "amount": chance.randrange(1, 80),
        "month": chance.randrange(1, 13),
    }
    told = "".join(chance.sample(_SEEN, chance.randrange(2, 6))).format_map(slots)
    return f"我举报{party.subject['name'] or '该网络平台'}涉嫌非法集资。{told}"
