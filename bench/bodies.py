"""Tips as people would file them: invented companies and persons at invented addresses of the city's eight districts."""

from __future__ import annotations

import json
import random
from typing import Any, Final

ID_PLACE: Final = "00000000-0000-4000-8000-000000000000"
"""Stands where each request puts an id of its own; same length, so that a request is made by joining three pieces."""

_PLACES: Final = {
    "天山区": ("解放北路", "新华南路", "人民路", "中山路", "幸福路", "红旗路"),
    "沙依巴克区": ("友好北路", "黄河路", "西北路", "公园北街", "仓房沟中路", "平川路"),
    "新市区": ("长春中路", "北京南路", "河南西路", "鲤鱼山南路", "喀什西路", "苏州东街"),
    "水磨沟区": ("南湖北路", "红光山路", "七道湾南路", "会展大道", "龙盛街", "西虹东路"),
    "头屯河区": ("中亚北路", "卫星路", "融合北路", "玄武湖路", "维泰北路", "嵩山街"),
    "达坂城区": ("花园街", "艾维尔沟街", "乌拉泊街"),
    "米东区": ("古牧地东路", "府前中路", "稻香南路", "米东中路", "振兴街"),
    "乌鲁木齐县": ("南溪北街", "水西沟镇平西梁村", "板房沟镇八家户村", "永丰镇下寺村"),
}
_BRANDS: Final = ("瑞丰源", "天汇通", "金石桥", "聚福来", "华远信", "鑫润达", "博雅康", "绿野仙", "众合利", "安泰宁")
_TRADES: Final = ("投资咨询", "商务信息咨询", "养老服务", "农业科技", "文化传媒", "健康管理", "资产管理")
_STORIES: Final = (
    "在小区门口和公园发传单，邀请老年人参加宣讲会，承诺年化百分之十八，按月返息，到期还本，签的是委托理财合同。",
    "业务员在微信群里拉人，说是政府扶持项目，交一万元每月返三百元，介绍亲友加入另给百分之五的提成，去年底开始停止返息。",
    "以预订养老床位的名义收会员费，金额越大折扣越高，不入住的按年付百分之十二的“福利补贴”，现在门店已经关门，负责人联系不上。",
    "称购买果树认养份额，公司负责管理并保底回购，三年翻一番；收据只盖了分公司的章，参加的有一百多人，大多是退休职工。",
)
_PERSONS: Final = ("阿依古丽·测试", "买买提·演示", "王测试", "李演示", "古丽娜·示例", "张示例", "哈力克·测试", "赵演示")
_CONDUCT: Final = ("entrusted_wealth", "elderly_care", "farming", "online_lending", "goods_buyback", "fake_fund")
_PUBLICITY: Final = ("seminar", "wechat_group", "leaflet", "acquaintance", "live_stream")


def tips(count: int, seed: int = 20250605) -> list[dict[str, Any]]:
    """``count`` full bodies, named and anonymous by turns; the same ones for the same seed."""
    drawn = random.Random(seed)
    return [_tip(drawn, named=bool(number % 2)) for number in range(count)]


def _tip(drawn: random.Random, *, named: bool) -> dict[str, Any]:
    brand, trade = drawn.choice(_BRANDS), drawn.choice(_TRADES)
    return {
        "client_request_id": ID_PLACE,
        "subject": {
            "kind": "organization",
            "name": f"乌鲁木齐{brand}{trade}有限公司",
            "uscc": None,
            "registered_address": "新疆乌鲁木齐市" + _address(drawn),
            "operating_address": drawn.choice(("乌鲁木齐市", "乌市", "新疆乌鲁木齐市", "")) + _address(drawn),
            "contact": f"0991-{drawn.randrange(2_000_000, 9_000_000)}",
            "online_presence": [f"微信公众号：{brand}{trade}"],
        },
        "conduct": {
            "type": drawn.choice(_CONDUCT),
            "description": drawn.choice(_STORIES),
            "promised_return": f"年化{drawn.randrange(8, 36)}%",
            "publicity": drawn.sample(_PUBLICITY, 2),
            "started_on": f"2024-{drawn.randrange(1, 13):02}-{drawn.randrange(1, 29):02}",
            "ongoing": drawn.random() < 0.7,
            "amount_yuan": f"{drawn.randrange(1, 400) * 10_000}.00",
            "participants": drawn.randrange(5, 600),
            "loss_yuan": f"{drawn.randrange(1, 100) * 10_000}.00",
        },
        "place": None,
        "district_guess": None,
        "relation": drawn.choice(("participant", "relative", "insider")),
        "reporter": _reporter(drawn) if named else None,
        "evidence": [],
    }


def _address(drawn: random.Random) -> str:
    district = drawn.choice(list(_PLACES))
    street = drawn.choice(_PLACES[district])
    room = f"{drawn.randrange(1, 30)}层{drawn.randrange(100, 3000)}室"
    return f"{district}{street}{drawn.randrange(1, 900)}号{drawn.choice(('', '商务大厦', '国际广场'))}{room}"


def _reporter(drawn: random.Random) -> dict[str, Any]:
    return {
        "name": drawn.choice(_PERSONS),
        "phone": f"1390000{drawn.randrange(10_000):04}",
        "id_number": f"65010219{drawn.randrange(50, 99)}0101{drawn.randrange(10_000):04}",
        "wants_reward": True,
        "reply_channel": "wechat",
    }


def split_at_id(body: dict[str, Any]) -> tuple[bytes, bytes, int]:
    """The body as JSON before and after its id, and its whole length in bytes."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    before, _, after = raw.partition(ID_PLACE.encode())
    return before, after, len(raw)
