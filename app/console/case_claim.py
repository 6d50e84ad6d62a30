"""One claim at the console: what each round gave and where its payment stands, corrections, the slip of its owner."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from app.cases import claim_query, claims, funds, ledger, queries
from app.cases.ledger_schemas import ChangeClaimBody, IssueCodesBody, ListSharesQuery
from app.console import forms
from app.console.blueprint import pages
from app.console.refusals import on_refusal_show
from app.console.shell import done, rendered
from app.console.views import case_claim as views
from app.foundation.database import transaction
from app.foundation.http import load, page
from app.foundation.permissions import Actor, Permission

_A_PAGE = 100


@pages.get("/cases/<uuid:case_id>/claims/<uuid:claim_id>")
@page(permission=Permission.CASE_READ)
def show_claim(actor: Actor, case_id: UUID, claim_id: UUID) -> str:
    """One claim, its person masked."""
    return _claim_page(actor, case_id, claim_id)


def _claim_page(actor: Actor, case_id: UUID, claim_id: UUID, *, problem: dict[str, Any] | None = None) -> str:
    case = queries.case_for(actor, case_id)
    claim = claims.claim_by_id(case_id, claim_id)
    page_ = rendered("console/cases/claim.html", actor, **views.claim_view(actor, case, claim, problem))
    with transaction():
        claims.note_view(actor, case_id, 1, "claim")
    return page_


@pages.post("/cases/<uuid:case_id>/claims/<uuid:claim_id>")
@page(permission=Permission.SELF_USE, changes=True)
def change_claim(actor: Actor, case_id: UUID, claim_id: UUID) -> Response:
    """Correct a claim or its person, with the reason; somebody else verifies it anew."""
    on_refusal_show(_claim_page, actor, case_id, claim_id)
    queries.case_for(actor, case_id)
    claim = claims.claim_by_id(case_id, claim_id)
    body = load(ChangeClaimBody(), views.typed_change())
    reason = body.pop("reason")
    claims.change_claim(actor, case_id, claim.claim_no, body, reason)
    return done("债权已更正，须由他人重新核实。", "console.show_claim", case_id=case_id, claim_id=claim_id)


@pages.post("/cases/<uuid:case_id>/claims/<uuid:claim_id>/slip")
@page(permission=Permission.SELF_USE)  # one transaction for the code with its audit row; the answer is kept nowhere
def print_claim_slip(actor: Actor, case_id: UUID, claim_id: UUID) -> Response:
    """The slip that the owner of a claim gets: number and code to look it up, on this answer only."""
    on_refusal_show(_claim_page, actor, case_id, claim_id)
    case = queries.case_for(actor, case_id)
    claim = claims.claim_by_id(case_id, claim_id)
    typed = forms.typed_fields("reason")
    given = typed | {"claim_nos": [claim.claim_no], "renew": request.form.get("renew") == "true"}
    body = load(IssueCodesBody(), given)
    with transaction():
        (slip,) = claim_query.issue_codes(actor, case_id, **body)
    answer = Response(rendered("console/cases/claim_slip.html", actor, **views.slip_view(actor, case, claim, slip)))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/cases/<uuid:case_id>/ledger/rounds/<int:number>")
@page(permission=Permission.CASE_READ)
def show_case_round(actor: Actor, case_id: UUID, number: int) -> str:
    """What a round gave to each claim, by the number of the claim."""
    case = queries.case_for(actor, case_id)
    asked = {"after": request.args["after"]} if request.args.get("after") else {}
    after = load(ListSharesQuery(only=("after",)), asked)["after"]
    row = funds.round_of(case_id, number)
    found = ledger.shares_page(row, after, _A_PAGE)
    page_ = rendered("console/cases/round.html", actor, **views.round_view(case, row, found, _A_PAGE))
    with transaction():
        claims.note_view(actor, case_id, len(found[:_A_PAGE]), "round")
    return page_
