"""A tip that went to the police is proved once they have filed a case (实施细则 Art. 4 (3)); until then nobody knows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.foundation import clock
from app.foundation.database import OPEN_WALL, db, transaction
from app.workflow import police
from app.workflow.models import PoliceTransfer
from tests import factories, rows
from tests.rewards import office
from tests.tips import reporters
from tests.workflow import office as handling
from tests.workflow.test_police import proposed


@pytest.fixture
def sent(client: FlaskClient) -> tuple[dict[str, Any], UUID]:
    """A tip of a named reporter that has left for the police: (receipt, tip id)."""
    receipt = factories.file_tip(client, reporter=factories.REPORTER)
    tip_id = factories.tip_id_of(receipt["receipt_number"])
    handling.do("city.reviewer", tip_id, "accept")
    proposed(tip_id, "city.reviewer")
    handling.do("city.leader", tip_id, "transfer", to="police", reason="涉嫌犯罪。")
    files = {code: handling.evidence(client, "city.reviewer") for code in ("letter", "report", "items")}
    _step(tip_id, "send", documents=files)
    return receipt, tip_id


def _step(tip_id: UUID, action: str, **given: Any) -> None:
    person = factories.actor("city.reviewer")
    with transaction(OPEN_WALL):
        db.session.expire_all()
        row = db.session.query(PoliceTransfer).where(PoliceTransfer.tip_id == tip_id).one()
        police.act(person, row.id, action, row.version, given)
    factories.deliver()


def _receipt(tip_id: UUID) -> None:
    handling.do("city.reviewer", tip_id, "record_receipt", number="公经受1", received_on=clock.today())
    factories.deliver()


def _file(tip_id: UUID) -> None:
    _step(tip_id, "note_filing", decided_on=clock.today())


@pytest.mark.parametrize("steps", [(_receipt, _file), (_file, _receipt)])
def test_a_filed_case_opens_the_review_once_the_tip_is_settled(
    sent: tuple[dict[str, Any], UUID], steps: tuple[Any, ...]
) -> None:
    _, tip_id = sent
    steps[0](tip_id)
    assert rows.scalar("SELECT count(*) FROM rewards") == 0
    steps[1](tip_id)
    assert office.reward_of(tip_id).state == "open"
    reward = office.do("city.reviewer", office.reward_of(tip_id).id, "propose", **office.PROPOSAL)
    assert reward.state == "proposed", "nobody has to answer what the records tell"


def test_the_reporter_may_ask_after_the_filing_and_not_before(
    client: FlaskClient, sent: tuple[dict[str, Any], UUID]
) -> None:
    receipt, tip_id = sent
    _receipt(tip_id)
    assert office.claim(client, receipt).status_code == 409
    assert reporters.progress(client, receipt)["reward"] is None
    _file(tip_id)
    assert reporters.progress(client, receipt)["reward"]["status"] == "open"
    assert office.claim(client, receipt).get_json()["status"] == "open"


def test_a_refusal_of_the_police_opens_nothing(client: FlaskClient, sent: tuple[dict[str, Any], UUID]) -> None:
    receipt, tip_id = sent
    _receipt(tip_id)
    _step(tip_id, "note_refusal", decided_on=clock.today(), notified_on=clock.today(), reason="不构成犯罪。")
    assert rows.scalar("SELECT count(*) FROM rewards") == 0
    assert office.claim(client, receipt).status_code == 409
