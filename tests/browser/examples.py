"""A real example of every page whose address names a thing, made through the services by the people whose work it is."""

from __future__ import annotations

from uuid import UUID

from flask.testing import FlaskClient

from app.foundation.database import OPEN_WALL, transaction
from app.tips import cluster_merging, jobs, list_exports
from app.tips.exports import Format
from tests import factories, rows
from tests.cases import ledgers, sheets
from tests.cases import office as cases
from tests.enterprises import lists
from tests.files import samples
from tests.rewards import office as rewards
from tests.workflow import office as handling
from tests.workflow import test_police

CITY, DISTRICT, SECURITY = "city.reviewer", handling.HANDLER, "secadmin"
Examples = list[tuple[str, str]]
"""Who opens it, and its address."""


def examples(client: FlaskClient) -> Examples:
    """Every example, as it stands when the office's work of a day is done."""
    account = rows.scalar("SELECT id FROM accounts WHERE username = :name", name=DISTRICT)
    unit = rows.scalar("SELECT unit_id FROM accounts WHERE username = :name", name=DISTRICT)
    lists.known(lists.line(cases.COMPANY, registered_address="新疆乌鲁木齐市新市区长春中路1号"))
    company = rows.scalar("SELECT id FROM enterprises")
    return [
        (SECURITY, f"/people/{account}"),
        (SECURITY, f"/units/{unit}"),
        (CITY, f"/enterprises/{company}"),
        *_tips(client),
        *_clusters(client),
        *_case(client),
        *_sheets(client),
        (CITY, f"/tips/exports/{_export()}"),
    ]


def _tips(client: FlaskClient) -> Examples:
    """A tip with its evidence, one moving to another district, one on its way to the police, and one rewarded."""
    photo = factories.upload(client, content=samples.png(400, 300)).get_json()["id"]
    shown = handling.registered(client, evidence=[photo], reporter=factories.REPORTER)
    moving = handling.apply(client, handling.verifying(client))
    to_police = test_police.sent(client)
    rewards.budget()
    reward = rewards.proposed(client)
    factories.deliver()
    return [
        (CITY, f"/tips/{shown}"),
        (CITY, f"/tips/{shown}/files/{photo}/view"),
        (CITY, f"/tips/{to_police.tip_id}"),
        (CITY, f"/tips/{reward.tip_id}"),
        (CITY, f"/reassignments/{moving.id}"),
        (CITY, f"/rewards/{reward.id}"),
        (DISTRICT, f"/tips/{moving.tip_id}"),
    ]


def _clusters(client: FlaskClient) -> Examples:
    """Tips about one company before they are merged, and after."""
    merged = _cluster(client, "乌鲁木齐天山明珠商贸有限公司")
    with transaction(OPEN_WALL):
        merge = cluster_merging.order(factories.actor(CITY), merged)
        merge_id = merge.id
    factories.deliver()
    waiting = _cluster(client, "乌鲁木齐金色年华养老服务有限公司")
    return [(CITY, f"/clusters/merges/{merge_id}"), (CITY, f"/clusters/{waiting}/merge")]


def _cluster(client: FlaskClient, name: str) -> UUID:
    subject = factories.clear_subject() | {"name": name}
    tips = [handling.registered(client, subject=subject) for _ in range(3)]
    jobs.link_tips()
    found: UUID = rows.scalar("SELECT cluster_id FROM tip_links WHERE tip_id = :tip", tip=tips[0])
    return found


def _case(client: FlaskClient) -> Examples:
    """A case that pays money back, planned and reported on, with a letter."""
    case_id = ledgers.paying_case(client)
    letter = {
        "kind": "supervision_letter",
        "recipient": "新市区处置非法集资工作领导小组",
        "text": "该案逾期未填报进展。",
    }
    for answer in (
        cases.write_plan(client, case_id),
        cases.report(client, case_id),
        ledgers.post(client, case_id, "documents", letter, CITY),
    ):
        assert answer.status_code == 201, answer.get_json()
    claim = rows.scalar("SELECT id FROM case_claims ORDER BY claim_no")
    seen = ["", "/ledger", "/ledger/rounds/1", "/claims", f"/claims/{claim}", "/documents"]
    written = ["/edit", "/plan", "/progress"]
    return [(CITY, f"/cases/{case_id}{page}") for page in seen] + [
        (DISTRICT, f"/cases/{case_id}{page}") for page in ["", *written]
    ]


def _sheets(client: FlaskClient) -> Examples:
    """A sheet whose columns are to be checked, and one with faults."""
    given = sheets.hand_in(client, sheets.table(sheets.row(11))).get_json()["id"]
    faulty = sheets.take_in(client, sheets.table(sheets.row(12), sheets.row(13, 参与集资人数="很多")))["id"]
    return [(CITY, f"/cases/imports/{given}"), (CITY, f"/cases/imports/{faulty}")]


def _export() -> UUID:
    with transaction(OPEN_WALL):
        export_id = list_exports.ask(factories.actor(CITY), {"status": "registered"}, Format.XLSX)
    factories.deliver()
    return export_id
