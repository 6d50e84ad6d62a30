"""Where the money of a case comes from: the six sources of decree 737 Art. 26, and the assets that are turned into it.

A receipt is never changed: a correction is a further receipt, negative and with its reason. An asset is described anew
as it goes from seizure to valuation to sale; the history of the case keeps what was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from app.cases import case_facts, service
from app.cases.computed_amounts import follow_assets
from app.cases.follow_up import reported
from app.cases.ledger_models import CaseAsset, CaseFund, DistributionRound
from app.cases.models import FundraisingCase
from app.foundation import clock
from app.foundation.database import db, new_id
from app.foundation.errors import InvalidInput, NotFound, StaleVersion
from app.foundation.permissions import Actor

RECEIVE_FUND: Final = "receive_fund"
DESCRIBE_ASSET: Final = "describe_asset"


def receive_fund(actor: Actor, case_id: UUID, given: Mapping[str, Any]) -> FundraisingCase:
    """Enter money that came in for return, by its source; a negative sum corrects an earlier one.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`.
        InvalidInput: no such asset, or less would be left than the rounds have shared out.
    """
    case = reported(actor, case_id)
    if given["yuan"] < 0 and available(case_id, given["source"]) + given["yuan"] < 0:
        raise InvalidInput(errors={"yuan": ["冲正后少于已经分配的金额"]})
    asset_id = given.get("asset_id")
    if asset_id is not None and _asset(case_id, asset_id) is None:
        raise InvalidInput(errors={"asset_id": ["该案件没有这项资产"]})
    row = CaseFund(
        **given, id=new_id(), case_id=case.id, entered_by=actor.account_id, entered_by_name=actor.name,
        entered_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    service.note(actor, case, RECEIVE_FUND, {"source": row.source, "yuan": str(row.yuan)}, given["origin"])
    return case


def received(case_id: UUID) -> dict[str, Decimal]:
    """Source → what came in."""
    found = (
        select(CaseFund.source, func.sum(CaseFund.yuan)).where(CaseFund.case_id == case_id).group_by(CaseFund.source)
    )
    return dict(db.session.execute(found).all())


def round_of(case_id: UUID, number: int) -> DistributionRound:
    """One round of a case; raise ``NotFound``."""
    row = db.session.scalar(
        select(DistributionRound).where(DistributionRound.case_id == case_id, DistributionRound.number == number)
    )
    if row is None:
        raise NotFound("该案件没有这一轮分配")
    return row


def shared_out(case_id: UUID) -> dict[str, Decimal]:
    """Source → what the rounds have shared out of it."""
    found = (
        select(DistributionRound.source, func.sum(DistributionRound.total_yuan))
        .where(DistributionRound.case_id == case_id)
        .group_by(DistributionRound.source)
    )
    return dict(db.session.execute(found).all())


def available(case_id: UUID, source: str) -> Decimal:
    """What is left of a source for further rounds."""
    return received(case_id).get(source, Decimal(0)) - shared_out(case_id).get(source, Decimal(0))


def funds_of(case_id: UUID) -> Sequence[CaseFund]:
    """Every receipt, oldest first."""
    oldest = (CaseFund.received_on, CaseFund.entered_at)
    return db.session.scalars(select(CaseFund).where(CaseFund.case_id == case_id).order_by(*oldest)).all()


# Assets ---------------------------------------------------------------------------------------------------------------


def add_asset(actor: Actor, case_id: UUID, given: Mapping[str, Any]) -> FundraisingCase:
    """Enter an asset that was found or seized; raises as :func:`reported`."""
    case = reported(actor, case_id)
    db.session.add(CaseAsset(**given, id=new_id(), case_id=case.id, version=1, entered_at=clock.now()))
    db.session.flush()
    follow_assets(case)
    service.note(actor, case, DESCRIBE_ASSET, {"kind": given["kind"], "state": given["state"]})
    return case


def change_asset(
    actor: Actor, case_id: UUID, asset_id: UUID, expected_version: int, given: Mapping[str, Any]
) -> FundraisingCase:
    """Describe an asset as it stands now.

    Raises:
        OutOfScope, Forbidden, TransitionNotAllowed: see :func:`reported`. NotFound: no such asset of the case.
        StaleVersion: somebody else was faster.
    """
    case = reported(actor, case_id)
    asset = _asset(case_id, asset_id)
    if asset is None:
        raise NotFound("该案件没有这项资产")
    if asset.version != expected_version:
        raise StaleVersion(extra={"version": asset.version})
    before = {name: getattr(asset, name) for name in given}
    changed = {name: value for name, value in given.items() if value != before[name]}
    for name, value in changed.items():
        setattr(asset, name, value)
    if asset.state == "realised" and asset.realised_yuan is None:
        raise InvalidInput(errors={"realised_yuan": ["已变现的资产须填写变现金额"]})
    asset.version += 1
    db.session.flush()
    follow_assets(case)
    told = {"asset": str(asset.id), "changed": case_facts.told_changes(before, changed)}
    service.note(actor, case, DESCRIBE_ASSET, told)
    return case


def _asset(case_id: UUID, asset_id: UUID) -> CaseAsset | None:
    wanted = select(CaseAsset).where(CaseAsset.case_id == case_id, CaseAsset.id == asset_id)
    return db.session.scalar(wanted.with_for_update())


def assets_of(case_id: UUID) -> Sequence[CaseAsset]:
    """Every asset of a case, oldest first."""
    return db.session.scalars(
        select(CaseAsset).where(CaseAsset.case_id == case_id).order_by(CaseAsset.entered_at, CaseAsset.id)
    ).all()
