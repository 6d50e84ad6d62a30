"""Units at the console: the tree, its changes, and that nothing open is left behind when one goes out of use."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from app.audit.queries import changed_at_number
from app.identity.queries import handling_unit_of
from tests import rows
from tests.console.office import Officer

TOWNSHIP = "650104003"


def add(admin: Officer, **given: str) -> int:
    fields = {
        "action": "add_unit",
        "kind": "township",
        "division": TOWNSHIP,
        "name": "街道经济发展办",
        "phone": "0991-7654321",
    }
    answer = admin.post("/units", seen="/units", **fields | given)
    return answer.status_code


def unit_id(division: str) -> int:
    found = rows.scalar("SELECT id FROM units WHERE division_code = :code", code=division)
    assert isinstance(found, int)
    return found


def test_a_unit_is_added_below_the_nearest_one_and_acts_for_its_division(officer: Callable[[str], Officer]) -> None:
    admin = officer("sysadmin")
    assert add(admin) == 303
    parent = rows.scalar("SELECT parent_id FROM units WHERE division_code = :code", code=TOWNSHIP)
    assert parent == unit_id("650104")
    found = handling_unit_of(TOWNSHIP)
    assert found is not None
    assert found.name == "街道经济发展办"
    page = officer("district.650102").text("/units")
    assert "街道经济发展办" in page
    assert "0991-7654321" in page
    assert "新增单位" not in page
    assert add(admin) == 409
    assert add(officer("secadmin")) == 403


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"division": "999999"}, "不是现行行政区划代码"),
        ({"division": "6501"}, "应为六位或者九位区划代码"),
        ({"parent": TOWNSHIP}, "没有这个在用单位"),
        ({"kind": "district", "division": "650121", "parent": "650104"}, "更高一级"),
        ({"email": "no address"}, "请填写完整的电子邮箱地址"),
        ({"name": " "}, "单位名称"),
    ],
)
def test_a_unit_that_cannot_be_is_refused_beside_its_field(
    officer: Callable[[str], Officer], given: dict[str, str], told: str
) -> None:
    fields = {"action": "add_unit", "kind": "township", "division": TOWNSHIP, "name": "街道<b>办"} | given
    before = rows.scalar("SELECT count(*) FROM units")
    answer = officer("sysadmin").post("/units", seen="/units", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in page
    assert "街道<b>办" not in page
    assert rows.scalar("SELECT count(*) FROM units") == before


def test_changes_are_on_record_with_before_and_after(officer: Callable[[str], Officer]) -> None:
    admin, url = officer("sysadmin"), f"/units/{unit_id('650104')}"
    given = {"name": "新市区金融工作局", "division": "650104", "phone": "0991-1111111", "reason": "机构改革更名"}
    first = {"expected_version": str(changed_at_number("unit", unit_id("650104")))}
    assert admin.post(f"{url}/change", seen=url, action="change_unit", **first, **given).status_code == 303
    stale = admin.post(f"{url}/change", seen=url, action="change_unit", **first, **given | {"name": "另一个名称"})
    assert stale.status_code == 409
    page = admin.text(url)
    assert "新市区处置非法集资办公室（演示）" in page
    assert "新市区金融工作局" in page
    assert "机构改革更名" in page
    assert "变更记录" not in officer("city.reviewer").text(url)
    now = {"expected_version": str(changed_at_number("unit", unit_id("650104")))}
    again = admin.post(f"{url}/change", seen=url, action="change_unit", **now, **given)
    assert "内容没有变化" in again.get_data(as_text=True)


def test_a_unit_goes_out_of_use_once_nothing_hangs_on_it(
    officer: Callable[[str], Officer], tip_in_district: UUID
) -> None:
    admin, url = officer("sysadmin"), f"/units/{unit_id('650104')}"
    off = {"seen": url, "action": "deactivate_unit", "reason": "职责并入"}
    answer = admin.post(f"{url}/deactivate", **off)
    assert answer.status_code == 409
    told = answer.get_data(as_text=True)
    assert "在办线索 1 项" in told
    assert "在岗人员 1 项" in told
    assert rows.scalar("SELECT active FROM units WHERE division_code = '650104'")
    assert add(admin) == 303
    below = f"/units/{unit_id(TOWNSHIP)}"
    assert admin.post(f"{below}/deactivate", seen=below, action="deactivate_unit", reason="撤并").status_code == 303
    found = handling_unit_of(TOWNSHIP)
    assert found is not None
    assert found.division_code == "650104", "its division falls to the unit above"
    assert "已停用" in admin.text("/units")
    assert admin.post(f"{below}/reactivate", seen=below, action="reactivate_unit", reason="恢复").status_code == 303
    assert admin.post(f"{below}/reactivate", seen=below, action="reactivate_unit", reason="恢复").status_code == 409
    assert officer("city.leader").post(f"{below}/deactivate", seen="/units", reason="试").status_code == 403


def test_zones_are_told_with_who_takes_them(officer: Callable[[str], Officer]) -> None:
    reviewer, admin = officer("city.reviewer"), officer("sysadmin")
    assert "尚未约定" in admin.text("/units")
    given = {"action": "add", "name": "试验开发区", "taker": "650104"}
    assert reviewer.post("/geo/zones", seen="/geo/zones", **given).status_code == 303
    row = admin.text("/units").split("试验开发区")[1].split("</tr>")[0]
    assert "新市区" in row


def test_a_unit_that_is_not_there_is_the_404_page(officer: Callable[[str], Officer]) -> None:
    assert officer("sysadmin").get("/units/999999").status_code == 404
