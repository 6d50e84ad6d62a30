"""The filing proof over HTTP: asked for with the codes, verified by anybody."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from marshmallow import Schema, fields, validate

from app.foundation.http import Audience, endpoint
from app.foundation.permissions import Actor, Permission
from app.geo import service as geo
from app.identity import queries as people
from app.tips import filing_proof
from app.tips.doors import opened_tip
from app.tips.models import Tip
from app.tips.schemas import QueryTipBody

public_api = APIBlueprint("filing_proof", __name__, url_prefix="/api/v1")


class VerifyProofBody(Schema):
    """The line that the QR code holds."""

    proof = fields.String(required=True, validate=validate.Length(1, filing_proof.LONGEST_PROOF))


class VerifiedView(Schema):
    """Whether the proof is ours, and then what it says."""

    valid = fields.Boolean()
    receipt_number = fields.String()
    registered_at = fields.AwareDateTime(format="iso")
    statement_sha256 = fields.String()


@public_api.post("/tips/proof")
@endpoint(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, body=QueryTipBody())
def make_proof(_actor: Actor, body: dict[str, Any]) -> Response:
    """The signed filing proof of a tip as a PDF."""
    return proof_response(opened_tip(body))


@public_api.post("/receipts/verify")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_READ,
    body=VerifyProofBody(),
    answer=VerifiedView(),
    changes=False,
)
def verify_proof(_actor: Actor, body: dict[str, str]) -> dict[str, Any]:
    """Tell whether a filing proof is genuine; it says no more than the paper does."""
    return verified(body["proof"])


def proof_response(tip: Tip) -> Response:
    """The PDF of a tip, under a name that says nothing but its number."""
    from app.tips.proof_document import document_of  # a fifth of a second that no start should wait for

    proved = filing_proof.proved_of(tip)
    unit = people.unit_at(geo.region_code())
    document = document_of(filing_proof.signed_line(proved), proved, unit.name if unit else "")
    response = Response(document, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="proof-{tip.receipt_number}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def verified(proof: str) -> dict[str, Any]:
    """``valid`` and what a good proof says."""
    proved = filing_proof.read_proof(proof)
    return {"valid": False} if proved is None else {"valid": True, **asdict(proved)}
