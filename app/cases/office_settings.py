"""What the office keeps for its cases and changes by dated rows: templates of plans, and yearly targets.

No official share of legacy cases to resolve was found (domain.md §4.4): the city sets its own, with the document it
rests on. A template is worded for one business category, or for every case (``any``); the newest row that holds today
speaks, and a row that is out of use takes its category back to the seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import select

from app.audit import service as audit
from app.cases.models import CasePlanTemplate, CaseYearTarget
from app.cases.words import CATEGORY_TEXTS
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Forbidden, InvalidInput
from app.foundation.permissions import Actor, Permission

ANY: Final = "any"
CATEGORIES: Final[Mapping[str, str]] = {ANY: "各类案件通用", **CATEGORY_TEXTS}
SEED: Final[Mapping[str, Any]] = {
    "goal": "查清底数、控制资产、依法追责，最大限度清退集资款，化解涉稳风险。",
    "measures": [
        {"text": "核清集资金额、参与人数和资金去向，登记集资参与人。", "unit": "属地处非办", "days": 30},
        {"text": "会同公安机关查封、扣押、冻结涉案资产并列出清单。", "unit": "公安机关", "days": 60},
        {"text": "对查控资产评估、变现，制定清退比例和方案。", "unit": "属地人民政府", "days": 180},
        {"text": "组织清退并公示，做好解释疏导和涉稳风险防控。", "unit": "属地人民政府", "days": 270},
    ],
}
"""What a plan begins with where the office has worded no template; days count from the writing."""


def template_for(category: str | None) -> Mapping[str, Any]:
    """Goal and measures that a plan for a case of this category begins with."""
    newest = templates()
    for wanted in (category, ANY):
        row = newest.get(wanted or "")
        if row is not None and row.in_use:
            return {"goal": row.goal, "measures": row.measures}
    return SEED


def templates() -> dict[str, CasePlanTemplate]:
    """The newest row of each category that holds today."""
    rows = db.session.scalars(
        select(CasePlanTemplate)
        .where(CasePlanTemplate.valid_from <= clock.today())
        .order_by(CasePlanTemplate.valid_from, CasePlanTemplate.id)
    )
    return {row.category: row for row in rows}


def set_template(actor: Actor, given: Mapping[str, Any]) -> None:
    """Word the template of a category from a day on, or take it out of use.

    Raises:
        Forbidden: neither the city's reviewer nor the leader. InvalidInput: a day that has passed.
    """
    _refuse_others(actor)
    if given["valid_from"] < clock.today():
        raise InvalidInput(errors={"valid_from": ["生效日期不能早于今天"]})
    columns = ("category", "valid_from", "goal", "measures", "in_use")
    row = CasePlanTemplate(
        **{name: given[name] for name in columns}, changed_by=actor.account_id, changed_at=clock.now()
    )
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "cases.set_template", "plan_template", given["category"], in_use=given["in_use"])


def year_targets() -> dict[int, CaseYearTarget]:
    """The newest row of each year."""
    rows = db.session.scalars(select(CaseYearTarget).order_by(CaseYearTarget.year, CaseYearTarget.id))
    return {row.year: row for row in rows}


def set_year_target(actor: Actor, year: int, percent: int, basis: str) -> None:
    """Set the share of the legacy cases of a year that is to be resolved; raise ``Forbidden``."""
    _refuse_others(actor)
    before = year_targets().get(year)
    row = CaseYearTarget(year=year, percent=percent, basis=basis, changed_by=actor.account_id, changed_at=clock.now())
    db.session.add(row)
    db.session.flush()
    was = before.percent if before else None
    audit.record(actor, "cases.set_year_target", "year_target", str(year), before=was, after=percent)


def may_set(actor: Actor) -> bool:
    """The city words templates and targets."""
    return actor.may(Permission.CASE_REVIEW) or actor.may(Permission.CASE_LEAD)


def _refuse_others(actor: Actor) -> None:
    if not may_set(actor):
        raise Forbidden("由市级维护")


def measures_from(template: Mapping[str, Any], today: date) -> Sequence[dict[str, Any]]:
    """The measures of a template with their days counted from ``today``; the owner is named by whoever writes."""
    return [
        {
            "text": one["text"],
            "owner": "",
            "unit": one["unit"],
            "due_on": date.fromordinal(today.toordinal() + one["days"]),
            "done_on": None,
        }
        for one in template["measures"]
    ]
