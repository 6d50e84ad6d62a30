"""The demo's register: invented enterprises, one of each standing. No such code was ever given out."""

from __future__ import annotations

from datetime import date
from typing import Final

from app.enterprises.register_file import Line
from app.enterprises.service import import_lines
from app.enterprises.states import RegistrationStatus as Status
from app.foundation.permissions import PROGRAM
from app.geo.uscc import check_digit

SOURCE: Final = "演示名录（虚构）"
AS_OF: Final = date(2026, 10, 31)
_BEFORE: Final = date(2026, 9, 30)

# name, authority of the code, registered address, operating address, business, status
_ENTERPRISES: Final = (
    ("乌鲁木齐云杉源商务信息咨询有限公司", "650104", "乌鲁木齐市新市区云杉街3号",
     "乌鲁木齐市天山区青松巷1号", "商务服务业", Status.ACTIVE),
    ("乌鲁木齐金穗演示养老服务有限公司", "650105", "乌鲁木齐市水磨沟区演示路18号", None, "社会工作", Status.ACTIVE),
    ("新疆白桦林（演示）农业科技有限公司", "650109", "乌鲁木齐市米东区稻香演示街19号", None, "农业", Status.ACTIVE),
    ("乌鲁木齐天河演示投资管理有限公司", "650102", "乌鲁木齐市天山区演示北路2号", None, "投资", Status.DEREGISTERED),
    ("乌鲁木齐红柳演示资产管理有限公司", "650103", "乌鲁木齐市沙依巴克区演示东街7号", None, "投资", Status.REVOKED),
    ("乌鲁木齐雪莲演示健康管理有限公司", "650106", "乌鲁木齐市头屯河区演示大道66号", None, "卫生", Status.MOVED_OUT),
    ("达坂城风车演示旅游合作社", "650107", "乌鲁木齐市达坂城区演示路5号", None, "旅游", Status.ACTIVE),
    ("乌鲁木齐县南山演示牧业有限公司", "650121", "乌鲁木齐县水西沟镇演示村1号", None, "畜牧业", Status.DORMANT),
)  # fmt: skip


def _lines() -> list[Line]:
    return [
        Line(f"A{row}", name, _code(region, row), (), status, address, acting_at, business)
        for row, (name, region, address, acting_at, business, status) in enumerate(_ENTERPRISES, 2)
    ]


def _code(region: str, row: int) -> str:
    body = f"91{region}MA0{row:06d}"
    return body + check_digit(body)


def enter_demo_enterprises() -> None:
    """Enter the demo's enterprises; one of them under an earlier name and address first, so that it has a history."""
    lines = _lines()
    first = Line(
        "A2",
        "乌鲁木齐青松演示商行有限公司",
        lines[0].uscc,
        status=Status.ACTIVE,
        registered_address="乌鲁木齐市沙依巴克区演示路4号",
    )
    import_lines(PROGRAM, [first], SOURCE, _BEFORE)
    import_lines(PROGRAM, lines, SOURCE, AS_OF)
