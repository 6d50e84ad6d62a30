"""The restitution ledger over the office API. Every look at claims leaves an audit row."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from app.cases import (
    claim_query,
    claims,
    funds,
    import_schemas,
    imports,
    imports_api,
    ledger,
    payments,
    queries,
    service,
    tasks,
    views,
)
from app.cases import ledger_schemas as schemas
from app.files.schemas import UploadForm
from app.foundation.database import transaction
from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission

office_api = APIBlueprint("office_case_ledger", __name__, url_prefix="/api/v1/office/cases/<uuid:case_id>")
_OFFICER: Final = Audience.OFFICER
_READ: Final = Permission.CASE_READ
_OWN: Final = Permission.SELF_USE
"""Writes are declared under it; the rule of the room (``policy``) says whose they are."""
_FILE_TYPES: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@office_api.get("/restitution")
@endpoint(audience=_OFFICER, permission=_READ, answer=schemas.LedgerView(), changes=False)
def show_ledger(actor: Actor, case_id: UUID) -> dict[str, Any]:
    """What is claimed, what came in, what the rounds have shared out and what was paid."""
    return ledger.summary(queries.case_for(actor, case_id))


@office_api.post("/restitution")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.DistributeBody(), answer=schemas.RoundView(), status=201)
def distribute(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Share a sum among the claims to the fen; where there are very many, ``…/tasks`` does it."""
    service.still_as_seen(actor, case_id, body.pop("expected_version"))
    return ledger.told_round(tasks.distribute_at_once(actor, case_id, body["total_yuan"], body["source"]))


@office_api.get("/restitution/<int:number>/shares")
@endpoint(
    audience=_OFFICER, permission=_READ, query=schemas.ListSharesQuery(), answer=schemas.RoundLinePage(), changes=False
)
def list_shares(actor: Actor, case_id: UUID, number: int, query: dict[str, Any]) -> dict[str, Any]:
    """The lines of a round by the number of the claim."""
    queries.case_for(actor, case_id)
    found = ledger.shares_page(funds.round_of(case_id, number), query["after"], query["limit"])
    shown = found[: query["limit"]]
    with transaction():
        claims.note_view(actor, case_id, len(shown), "round")
    return {"items": shown, "next_after": shown[-1]["claim_no"] if len(found) > len(shown) else None}


# Claims ---------------------------------------------------------------------------------------------------------------


@office_api.post("/claims")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.EnterClaimsBody(), answer=schemas.LedgerView(), status=201)
def enter_claims(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Enter claims by their numbers, all or none; another person verifies them."""
    return ledger.summary(claims.enter_claims(actor, case_id, body["claims"]))


@office_api.post("/claims/imports")
@endpoint(
    audience=_OFFICER,
    permission=_OWN,
    form=UploadForm(),
    answer=import_schemas.ImportPreviewView(),
    status=201,
    changes=False,
)
def hand_in_claims(actor: Actor, case_id: UUID) -> dict[str, Any]:
    """Hand in a list of participants; it is started and followed like every import."""
    return imports_api.hand_in(actor, imports.ImportKind.CLAIMS, case_id)


@office_api.patch("/claims/<string:claim_no>")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.ChangeClaimBody(), answer=schemas.ClaimView())
def change_claim(actor: Actor, case_id: UUID, claim_no: str, body: dict[str, Any]) -> dict[str, Any]:
    """Correct a claim or its person; somebody else verifies it anew."""
    reason = body.pop("reason")
    return views.claim_line(actor, claims.change_claim(actor, case_id, claim_no, body, reason))


@office_api.post("/claims/verification")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.VerifyClaimsBody(), answer=schemas.LedgerView())
def verify_claims(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Say what of claims holds; never by whoever entered them."""
    if body["all_as_claimed"]:
        claims.verify_as_claimed(actor, case_id)
        return ledger.summary(queries.case_for(actor, case_id))
    return ledger.summary(claims.verify_claims(actor, case_id, body["claims"]))


@office_api.post("/claims/search")
@endpoint(audience=_OFFICER, permission=_READ, body=schemas.FindClaimsBody(), answer=schemas.ClaimPage(), changes=False)
def find_claims(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Claims with their persons masked; an identity number or a telephone finds a person without opening anything."""
    after, limit = body.pop("after"), body.pop("limit")
    wanted = claims.ClaimFilter(**body)
    found = claims.claims_page(actor, case_id, wanted, after, limit)
    shown = [views.claim_line(actor, claim) for claim in found[:limit]]
    with transaction():
        claims.note_view(actor, case_id, len(shown), wanted.told())
    return {"items": shown, "next_after": shown[-1]["claim_no"] if len(found) > limit else None}


@office_api.post("/claims/<string:claim_no>/person")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.ReasonBody(), answer=schemas.ParticipantView())
def open_person(actor: Actor, case_id: UUID, claim_no: str, body: dict[str, str]) -> dict[str, str]:
    """Who claims, in clear, for whoever pays; the reason goes to the auditor."""
    return claims.open_person(actor, case_id, claim_no, body["reason"])


@office_api.post("/claims/codes")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.IssueCodesBody(), answer=schemas.ClaimCodesView())
def issue_codes(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Number and code of claims, for the slips that their owners get."""
    return {"items": claim_query.issue_codes(actor, case_id, **body)}


# Sources and assets ---------------------------------------------------------------------------------------------------


@office_api.post("/funds")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.ReceiveFundBody(), answer=schemas.LedgerView(), status=201)
def receive_fund(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Enter money that came in, by its source."""
    service.still_as_seen(actor, case_id, body.pop("expected_version"))
    return ledger.summary(funds.receive_fund(actor, case_id, body))


@office_api.post("/assets")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.AddAssetBody(), answer=schemas.LedgerView(), status=201)
def add_asset(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Enter an asset that was found or seized."""
    service.still_as_seen(actor, case_id, body.pop("expected_version"))
    return ledger.summary(funds.add_asset(actor, case_id, body))


@office_api.patch("/assets/<uuid:asset_id>")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.ChangeAssetBody(), answer=schemas.LedgerView())
def change_asset(actor: Actor, case_id: UUID, asset_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Describe an asset as it stands now."""
    return ledger.summary(funds.change_asset(actor, case_id, asset_id, body["expected_version"], body["asset"]))


# Payments -------------------------------------------------------------------------------------------------------------


@office_api.post("/batches")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.MakeBatchBody(), answer=schemas.LedgerView(), status=201)
def make_batch(actor: Actor, case_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Put what is to be paid of a round into a batch for the bank; where there is very much, ``…/tasks`` does it."""
    service.still_as_seen(actor, case_id, body.pop("expected_version"))
    tasks.make_batch_at_once(actor, case_id, body["round"], body["reason"])
    return ledger.summary(queries.case_for(actor, case_id))


@office_api.post("/batches/<int:number>/export")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.ExportBatchBody())
def export_batch(actor: Actor, case_id: UUID, number: int, body: dict[str, Any]) -> Response:
    """The list for the bank, with accounts in clear; where it is very long, ``…/tasks`` writes it.

    The reason goes to the auditor.
    """
    content = tasks.bank_file_at_once(actor, case_id, number, body["format"], body["reason"])
    answer = Response(content, mimetype=_FILE_TYPES[body["format"]])
    answer.headers["Content-Disposition"] = f'attachment; filename="payments-{number}.{body["format"]}"'
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@office_api.post("/batches/<int:number>/results")
@endpoint(audience=_OFFICER, permission=_OWN, body=schemas.RecordResultsBody(), answer=schemas.LedgerView())
def record_results(actor: Actor, case_id: UUID, number: int, body: dict[str, Any]) -> dict[str, Any]:
    """Write down what the bank says of payments."""
    return ledger.summary(payments.record_results(actor, case_id, number, body["results"]))


@office_api.post("/batches/<int:number>/results/imports")
@endpoint(
    audience=_OFFICER,
    permission=_OWN,
    form=UploadForm(),
    answer=import_schemas.ImportPreviewView(),
    status=201,
    changes=False,
)
def hand_in_results(actor: Actor, case_id: UUID, number: int) -> dict[str, Any]:
    """Hand in the bank's answers to a batch; the sheet is started and followed like every import."""
    queries.case_for(actor, case_id)
    batch = payments.batch_of(case_id, number)
    return imports_api.hand_in(actor, imports.ImportKind.PAYMENT_RESULTS, case_id, batch.id)
