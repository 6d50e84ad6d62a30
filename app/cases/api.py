"""The office API on stock cases."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from apiflask import APIBlueprint

from app.cases import follow_up, policy, queries, schemas, service, views
from app.cases.overview_schemas import ListCasesQuery
from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission

office_api = APIBlueprint("office_cases", __name__, url_prefix="/api/v1/office")

_FILTERS: Final = tuple(queries.CaseFilter.__dataclass_fields__)


@office_api.get("/cases")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.CASE_READ,
    query=ListCasesQuery(),
    answer=schemas.CasePage(),
    changes=False,
)
def list_cases(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """The register within this person's sight."""
    wanted = queries.CaseFilter(**{name: query[name] for name in _FILTERS})
    after, limit = from_cursor(query["cursor"]), query["limit"]
    rows, total = queries.case_page(actor, wanted, after, limit, by_party=not policy.sees_masked(actor))
    shown = rows[:limit]
    units = views.units_of(shown)
    more = len(rows) > len(shown)
    return {
        "items": [views.line(actor, case, units) for case in shown],
        "next_cursor": to_cursor(shown[-1].registered_at, shown[-1].id) if more else None,
        "total_estimate": total,
    }


@office_api.post("/cases")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.RegisterCaseBody(),
    answer=schemas.CaseView(),
    status=201,
)
def register_case(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Enter a case in the register; the rule of the room says who may."""
    facts = body["facts"] | {"case_no": body["case_no"], "name": body["name"]}
    return views.whole(actor, service.register(actor, facts, body["division"], body["stages"]))


@office_api.get("/cases/<uuid:case_id>")
@endpoint(audience=Audience.OFFICER, permission=Permission.CASE_READ, answer=schemas.CaseView(), changes=False)
def show_case(actor: Actor, case_id: UUID) -> dict[str, Any]:
    """One case, with what can be done to it now."""
    return views.whole(actor, queries.case_for(actor, case_id))


@office_api.patch("/cases/<uuid:case_id>")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ChangeCaseBody(),
    answer=schemas.CaseView(),
)
def change_case(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Correct or complete facts; the history keeps what they were."""
    named = {name: body[name] for name in ("case_no", "name") if name in body}
    return views.whole(actor, service.change(actor, case_id, body["expected_version"], body["facts"] | named))


@office_api.post("/cases/<uuid:case_id>/actions")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ActOnCaseBody(),
    answer=schemas.CaseView(),
)
def act_on_case(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Do one action of the table; its row says who may."""
    action, version = body.pop("action"), body.pop("expected_version")
    return views.whole(actor, service.act(actor, case_id, action, version, body))


@office_api.post("/cases/<uuid:case_id>/tips")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.LinkTipBody(),
    answer=schemas.CaseView(),
)
def link_tip(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Let a tip within sight belong to the case."""
    return views.whole(actor, service.link_tip(actor, case_id, body["tip_id"], body["expected_version"]))


@office_api.post("/cases/<uuid:case_id>/plans")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.WritePlanBody(),
    answer=schemas.CaseView(),
    status=201,
)
def write_plan(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Put a new version of the plan (一案一策) before the leader."""
    return views.whole(actor, follow_up.write_plan(actor, case_id, body))


@office_api.post("/cases/<uuid:case_id>/plans/decision")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.DecidePlanBody(),
    answer=schemas.CaseView(),
)
def decide_plan(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Approve or refuse the version that the leader has read."""
    return views.whole(actor, follow_up.decide_plan(actor, case_id, body))


@office_api.post("/cases/<uuid:case_id>/plans/measures")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.FinishMeasureBody(),
    answer=schemas.CaseView(),
)
def finish_measure(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Note that a measure of the plan in force is done."""
    return views.whole(actor, follow_up.finish_measure(actor, case_id, body))


@office_api.post("/cases/<uuid:case_id>/progress")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    body=schemas.ReportProgressBody(),
    answer=schemas.CaseView(),
    status=201,
)
def report_progress(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Add the month's entry of progress."""
    return views.whole(actor, follow_up.report_progress(actor, case_id, body))
