"""Amounts of a case that nobody types once the ledger has rows: they follow from its assets and its payments.

What was returned is the sum of what was paid (``payments``). Under control is what was seized, by its valuation, and
what it brought where it was sold without one; what was only found, or was released again, is not counted.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.cases.ledger_models import CaseAsset
from app.cases.models import FundraisingCase
from app.foundation.database import db

_CONTROLLED: Final = ("seized", "valued", "realised")
_ASSETS: Final = select(CaseAsset.id).where(CaseAsset.case_id == FundraisingCase.id).exists()
_FOLLOWING: Final[tuple[tuple[ColumnElement[bool], tuple[str, ...]], ...]] = (
    (FundraisingCase.claims > 0, ("returned_yuan",)),
    (_ASSETS, ("controlled_yuan", "realised_yuan")),
)
WHY: Final = {
    "returned_yuan": "已建立清退台账，已清退金额由台账计算",
    "controlled_yuan": "已登记资产，查控资产由资产明细计算",
    "realised_yuan": "已登记资产，已变现金额由资产明细计算",
}
"""Field → why it is not typed, for the officer."""


def computed_of(case_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """For those of the cases that have rows in the ledger: the amounts that follow from them."""
    found: dict[UUID, frozenset[str]] = {}
    among = FundraisingCase.id == any_(literal(list(case_ids), ARRAY(Uuid)))
    for condition, fields in _FOLLOWING:
        kept = select(FundraisingCase.id).where(among, condition)
        for case_id in db.session.scalars(kept):
            found[case_id] = found.get(case_id, frozenset()).union(fields)
    return found


def follow_assets(case: FundraisingCase) -> None:
    """Let what is under control and what was realised follow from the assets; the caller notes the step."""
    value = func.coalesce(CaseAsset.valuation_yuan, CaseAsset.realised_yuan, 0)
    controlled, realised = db.session.execute(
        select(
            func.coalesce(func.sum(value).filter(CaseAsset.state.in_(_CONTROLLED)), Decimal(0)),
            func.coalesce(func.sum(CaseAsset.realised_yuan).filter(CaseAsset.state == "realised"), Decimal(0)),
        ).where(CaseAsset.case_id == case.id)
    ).one()
    case.controlled_yuan, case.realised_yuan = controlled, realised
