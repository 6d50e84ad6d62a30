"""A participant looks at the own claim with the number and the code of the slip; both travel in a form alone."""

from __future__ import annotations

from flask import request

from app.cases import claim_query, words
from app.cases.ledger_schemas import QueryClaimBody
from app.foundation.http import Audience, load, page
from app.foundation.permissions import Actor, Permission
from app.public_pages.blueprint import pages
from app.public_pages.shell import rendered
from app.tips.doors import caller

NUMBERS = ("query_number", "query_code")


@pages.get("/claim")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def ask_for_claim(_actor: Actor) -> str:
    """The form that asks for the number and the code of a slip."""
    return rendered("claim.html", claim=None)


@pages.post("/claim")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def show_claim(_actor: Actor) -> str:
    """What was verified, distributed and paid of a claim."""
    body = load(QueryClaimBody(), {name: request.form.get(name, "").strip() for name in NUMBERS})
    claim = claim_query.open_claim(body["query_number"], body["query_code"], caller())
    return rendered("claim.html", claim=claim, states=words.CLAIM_STATE_TEXTS, payments=words.PAYMENT_STATE_TEXTS)
