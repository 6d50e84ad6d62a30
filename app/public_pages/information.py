"""What the office tells everybody: how reporting works, privacy, rewards; and whether a filing proof is genuine."""

from __future__ import annotations

from flask import request

from app.foundation.http import Audience, load, page
from app.foundation.permissions import Actor, Permission
from app.public_pages.blueprint import pages
from app.public_pages.shell import rendered
from app.tips.proof_api import VerifyProofBody, verified


@pages.get("/")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def welcome(_actor: Actor) -> str:
    """The first page: report, follow, and how to reach the office (条例 Art. 16)."""
    return rendered("welcome.html")


@pages.get("/privacy")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def privacy(_actor: Actor) -> str:
    """The privacy notice (PIPL Art. 17)."""
    return rendered("privacy.html")


@pages.get("/rewards")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def rewards(_actor: Actor) -> str:
    """The reward rules (乌鲁木齐市非法集资举报奖励实施细则 Art. 4 to 6)."""
    return rendered("rewards.html")


@pages.get("/verify")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def ask_for_proof(_actor: Actor) -> str:
    """The form that asks for the line of a filing proof."""
    return rendered("verify.html", proof="", verified=None)


@pages.post("/verify")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def verify_proof(_actor: Actor) -> str:
    """Whether a filing proof is genuine, and what it says."""
    body = load(VerifyProofBody(), {"proof": request.form.get("proof", "").strip()})
    return rendered("verify.html", proof=body["proof"], verified=verified(body["proof"]))
