"""Tips about one subject on the pages: the mark, the list, and what a reviewer corrects."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.tips import clusters, jobs
from tests import factories, rows
from tests.console.office import Officer

NAME = "乌鲁木齐瑞丰源投资咨询有限公司"


@pytest.fixture
def tips(client: FlaskClient) -> list[tuple[UUID, str]]:
    """Three tips about one company, linked: id and receipt number, the first one first."""
    numbers = [factories.file_tip(client)["receipt_number"] for _ in range(3)]
    jobs.link_tips()
    return sorted((factories.tip_id_of(number), number) for number in numbers)


def test_the_queue_marks_them_and_leads_to_all_of_them(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]], client: FlaskClient
) -> None:
    factories.file_tip(client, subject={"kind": "unknown", "name": "另外一家商贸公司"})
    person = officer("city.reviewer")
    page = person.text("/tips")
    assert page.count("同一对象 3 件") == 3
    assert page.count("（首报）") == 1
    address = page.split('cluster-mark" href="')[1].split('"')[0]
    assert person.text(address).count('class="row-link"') == 3


def test_the_list_of_clusters_counts_them(officer: Callable[[str], Officer], tips: list[tuple[UUID, str]]) -> None:
    page = officer("city.reviewer").text("/clusters")
    row = page.split("<tbody>")[1].split("</tr>")[0]
    assert NAME in row
    assert 'class="num">3<' in row
    assert "没有重复指向同一对象的举报" in officer("district.650102").text("/clusters")


def test_many_in_an_hour_are_announced_above_the_queue(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "近一小时集中举报" not in officer("city.reviewer").text("/tips")
    monkeypatch.setattr(clusters, "SURGE_FROM", 3)
    assert "近一小时 3 件，共 3 件，已归为一组" in officer("city.reviewer").text("/tips")
    assert "近一小时集中举报" not in officer("district.650104").text("/tips")


def test_a_later_tip_is_merged_into_the_first(officer: Callable[[str], Officer], tips: list[tuple[UUID, str]]) -> None:
    (first, _), (later, _), _ = tips
    person = officer("city.reviewer")
    assert "本件登记时间最早，为首报" in person.text(f"/tips/{first}")
    page = person.text(f"/tips/{later}")
    assert f'name="into" value="{first}"' in page
    assert person.act(later, "merge", into=str(first)).status_code == 303
    assert rows.scalar("SELECT merged_into FROM handlings WHERE tip_id = :id", id=later) == first


def test_a_reviewer_takes_one_out_and_puts_it_back(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]]
) -> None:
    (_, number), (later, _), _ = tips
    person = officer("city.reviewer")
    path = f"/tips/{later}"
    refused = person.post(f"{path}/detach", seen=path, reason="")
    assert refused.status_code == 422
    assert person.post(f"{path}/detach", seen=path, reason="同名的另一家公司").status_code == 303
    page = person.text(path)
    assert "没有其他线索指向同一对象" in page
    assert "同名的另一家公司" in page
    unknown = person.post(f"{path}/attach", seen=path, receipt_number="2603020000000000", reason="理由")
    assert "没有这个受理编号的线索" in unknown.get_data(as_text=True)
    assert person.post(f"{path}/attach", seen=path, receipt_number=number, reason="查明是同一家").status_code == 303
    assert "同一对象 3 件" in person.text(path)


def test_districts_are_offered_no_correction(
    officer: Callable[[str], Officer], tip_in_district: UUID, client: FlaskClient
) -> None:
    factories.verifying_tip(client)
    jobs.link_tips()
    page = officer("district.650104").text(f"/tips/{tip_in_district}")
    assert "同一对象 2 件" in page
    assert "移出本组" not in page
