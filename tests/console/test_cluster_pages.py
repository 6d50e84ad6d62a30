"""Tips about one subject on the pages: the mark, the list, and what a reviewer corrects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.tips import cluster_merging, clusters, jobs
from tests import factories, rows
from tests.console.office import Officer
from tests.moments import MONDAY_MORNING
from tests.tips import reporters

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


# Merging a whole cluster ----------------------------------------------------------------------------------------------


def merge_path(page: str) -> str:
    return "/clusters/" + page.split('href="/clusters/')[1].split('"', maxsplit=1)[0]


def run_to_the_end() -> None:
    for _ in range(5):
        reporters.run_outbox()


def test_a_cluster_is_previewed_and_merged_in_the_background(
    officer: Callable[[str], Officer], client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_merging, "AT_ONCE", 2)
    receipts = [factories.file_tip(client) for _ in range(6)]
    ids = [factories.tip_id_of(one["receipt_number"]) for one in receipts]
    assert factories.office_act(client, "city.reviewer", ids[5], "accept").status_code == 200
    jobs.link_tips()
    person = officer("city.reviewer")
    path = merge_path(person.text("/clusters"))
    assert f'href="{path}"' in person.text(f"/tips/{ids[2]}")
    page = person.text(path)
    assert receipts[0]["receipt_number"] in page
    assert "并入主件 4 件" in page
    assert "已受理" in page.split("仍单独办理的")[1].split("</p>")[0]
    assert rows.scalar("SELECT count(*) FROM handlings WHERE merged_into IS NOT NULL") == 0
    ordered = person.post(path, seen=path)
    assert ordered.status_code == 303
    state = ordered.headers["Location"]
    assert "正在办理" in person.text(state)
    assert person.post(path, seen=path).status_code == 409  # one at a time
    with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=1)):
        late = factories.file_tip(client)
        jobs.link_tips()
    run_to_the_end()
    assert '已并入 <span class="num">4</span> 件' in person.text(state)
    part = person.get(state, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "hx-get" not in part
    assert "<html" not in part
    merged = "SELECT count(*) FROM handlings WHERE merged_into = :main AND status = 'merged'"
    assert rows.scalar(merged, main=ids[0]) == 4
    assert rows.scalar("SELECT count(*) FROM audit_events WHERE action = 'workflow.merge'") == 4
    for one, status in ((receipts[3], "registered"), (receipts[5], "accepted"), (late, "registered")):
        seen = reporters.progress(client, one)
        assert seen["status"] == status
        assert [other["receipt_number"] for other in receipts if other["receipt_number"] in str(seen)] == []
    assert "并入主件 1 件" in person.text(path)  # what came after the order


def test_all_reviewers_hear_of_the_cluster_once_and_not_of_each_tip(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]], client: FlaskClient
) -> None:
    person = officer("city.reviewer")
    path = merge_path(person.text("/clusters"))
    state = person.post(path, seen=path).headers["Location"]
    run_to_the_end()
    told = "SELECT count(*) FROM notices WHERE title LIKE :title"
    assert rows.scalar(told, title="线索已并案%") == 0
    for username in ("city.reviewer", "city.reviewer2"):
        page = officer(username).text("/notices")
        assert page.count(f'href="{state}">整组并案已完成：2 件已并入主件（{tips[0][1]}）') == 1
    assert rows.scalar(told, title="整组并案已完成%") == 2
    one = factories.tip_id_of(factories.file_tip(client)["receipt_number"])
    given = {"into": str(tips[0][0])}
    with clock.stopped_at(MONDAY_MORNING + timedelta(minutes=1)):
        assert factories.office_act(client, "city.reviewer", one, "merge", **given).status_code == 200
    run_to_the_end()
    assert rows.scalar(told, title="线索已并案%") == 1  # by hand: the other reviewer hears of it


def test_who_stands_aside_from_a_tip_merges_the_others(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]]
) -> None:
    person = officer("city.reviewer")
    path = merge_path(person.text("/clusters"))
    state = person.post(path, seen=path).headers["Location"]
    number = tips[1][1]
    excluded = person.post("/exclusions", seen="/exclusions", receipt_number=number, reason="本人亲属")
    assert excluded.status_code == 303, excluded.get_data(as_text=True)
    run_to_the_end()
    page = person.text(state)
    assert "1 件没有并入" in page
    assert rows.scalar("SELECT status FROM handlings WHERE tip_id = :id", id=tips[2][0]) == "merged"
    assert rows.scalar("SELECT status FROM handlings WHERE tip_id = :id", id=tips[1][0]) == "registered"


def test_an_order_ends_where_whoever_gave_it_has_left(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]]
) -> None:
    person = officer("city.reviewer")
    path = merge_path(person.text("/clusters"))
    state = person.post(path, seen=path).headers["Location"]
    rows.scalar("UPDATE accounts SET active = false WHERE username = 'city.reviewer' RETURNING 1")
    run_to_the_end()
    other = officer("city.reviewer2")
    assert "2 件没有并入" in other.text(state)
    assert "整组并案已完成：0 件已并入主件，2 件没有并入" in other.text("/notices")
    path = merge_path(other.text("/clusters"))
    assert other.post(path, seen=path).status_code == 303
    run_to_the_end()
    assert rows.scalar("SELECT count(*) FROM handlings WHERE status = 'merged'") == 2


def test_nothing_is_merged_into_a_settled_tip(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]], client: FlaskClient
) -> None:
    given = {"reason_code": "CIVIL_DISPUTE", "reason": "属于民间借贷", "route": "人民法院"}
    assert factories.office_act(client, "city.reviewer", tips[0][0], "reject", **given).status_code == 200
    person = officer("city.reviewer")
    path = merge_path(person.text("/clusters"))
    assert "不能再并入其他线索" in person.text(path)
    assert person.post(path, seen=path).status_code == 409


@pytest.mark.parametrize("username", ["district.650104", "city.adjuster", "city.leader", "observer.650000"])
def test_merging_is_the_reviewers(
    officer: Callable[[str], Officer], tips: list[tuple[UUID, str]], username: str
) -> None:
    path = merge_path(officer("city.reviewer").text("/clusters"))
    person = officer(username)
    assert person.get(path).status_code == 403
    assert person.post(path).status_code == 403
    seen = person.get("/clusters")
    assert seen.status_code == (403 if username == "observer.650000" else 200)
    assert "整组并案" not in seen.get_data(as_text=True)
