"""Following a tip by its codes: progress, messages, supplements, withdrawal, rating, filing proof, a lost code.

Every step is a form that carries the codes in its fields and answers with the page as it now stands.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from flask import Response, g, request

from app.files import service as files
from app.files.forms import receive_form
from app.foundation.database import transaction
from app.foundation.errors import InvalidInput
from app.foundation.http import Audience, load, page
from app.foundation.permissions import Actor, Permission
from app.public_pages.blueprint import pages
from app.public_pages.shell import rendered
from app.rewards import claiming
from app.rewards.schemas import ClaimRewardBody
from app.tips import conversation, rating, recovery
from app.tips import conversation_schemas as bodies
from app.tips.doors import admit, opened_tip
from app.tips.models import Tip
from app.tips.progress import progress_of
from app.tips.proof_api import proof_response
from app.tips.rating_api import RateTipBody
from app.tips.recovery_api import CALL_BACK, AskNewCodeBody
from app.tips.schemas import MOST_EVIDENCE, QueryTipBody

CODES: Final = ("receipt_number", "query_code")


@pages.get("/follow")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def ask_for_codes(_actor: Actor) -> str:
    """The form that asks for receipt number and query code."""
    return rendered("codes.html")


@pages.post("/follow")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def follow(_actor: Actor) -> str:
    """Where the tip stands."""
    body = load(QueryTipBody(), _fields(*CODES))
    return _progress(opened_tip(body), body)


@pages.post("/follow/message")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def write_message(_actor: Actor) -> str:
    """Write to the unit that handles the tip."""
    body = load(bodies.WriteMessageBody(), _fields(*CODES, "text", "client_request_id"))
    tip = opened_tip(body)
    conversation.say(tip, body["text"], body["client_request_id"])
    return _progress(tip, body, "留言已送达承办单位。")


@pages.post("/follow/supplement")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE)
def supplement(_actor: Actor) -> str:
    """Add text or files to a tip."""
    received = receive_form("public", lambda: admit("uploads"))
    g.public_fields = received.fields
    with transaction():
        kept = [*received.fields.getlist("evidence"), *(str(files.register(file).id) for file in received.files)]
    if received.refused and not kept and not received.fields.get("text", "").strip():
        raise InvalidInput(errors={"file": received.refused})
    return _supplemented(received.fields.to_dict(), kept, received.refused)


def _supplemented(given: dict[str, str], kept: list[str], refused: list[str]) -> str:
    wanted = {name: given.get(name) or None for name in ("text", "client_request_id")}
    codes = {name: given.get(name, "") for name in CODES}
    body = load(bodies.SupplementTipBody(), {**codes, **wanted, "evidence": kept})
    with transaction():
        tip = opened_tip(body)
        conversation.supplement(tip, body["text"], body["evidence"], body["client_request_id"])
        told = ("已收到，但有文件没有收下：", *refused) if refused else ("补充材料已收到。",)
        return _progress(tip, body, *told)


@pages.post("/follow/withdraw")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def withdraw(_actor: Actor) -> str:
    """Take a tip back; it is recorded, and the office may go on."""
    body = load(bodies.WithdrawTipBody(), _fields(*CODES, "reason"))
    tip = opened_tip(body, own=True)
    conversation.withdraw(tip, body["reason"])
    return _progress(tip, body, "已记录您的撤回申请。涉嫌违法的，有关部门仍可依法处理。")


@pages.post("/follow/rating")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def rate(_actor: Actor) -> str:
    """Rate the handling, once."""
    given: dict[str, Any] = _fields(*CODES, "score", "comment")
    score = given["score"] or ""
    given["score"] = int(score) if score.isascii() and score.isdecimal() else None
    body = load(RateTipBody(), given)
    tip = opened_tip(body, own=True)
    rating.rate(tip, body["score"], body["comment"])
    return _progress(tip, body, "感谢您的评价。")


@pages.post("/follow/reward")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def claim_reward(_actor: Actor) -> str:
    """Ask for a reward, or for the money of one that was granted."""
    body = load(ClaimRewardBody(), _fields(*CODES, "claim_code") | {"payee": _payee()})
    tip = opened_tip(body, own=body["payee"] is not None)
    claiming.claim(tip, body["query_code"], body["claim_code"], body["payee"])
    return _progress(tip, body, "奖励申请已收到。")


def _payee() -> dict[str, str] | None:
    """Where the money is to go; none where nothing was typed."""
    given = {name: request.form.get(f"payee.{name}", "").strip() for name in ("name", "account", "bank")}
    return given if any(given.values()) else None


@pages.post("/follow/proof")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def download_proof(_actor: Actor) -> Response:
    """The signed filing proof as a PDF."""
    return proof_response(opened_tip(load(QueryTipBody(), _fields(*CODES))))


@pages.get("/recover")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_READ)
def lost_code(_actor: Actor) -> str:
    """The form for a reporter who lost the query code."""
    return rendered("recover.html", asked="")


@pages.post("/recover")
@page(audience=Audience.ANYONE, permission=Permission.PUBLIC_FILE, changes=True)
def ask_new_code(_actor: Actor) -> str:
    """Ask the office to ring the phone given at filing."""
    admit("recover")
    body = load(AskNewCodeBody(), _fields("receipt_number", "phone"))
    recovery.ask_for_call_back(body["receipt_number"], body["phone"])
    return rendered("recover.html", asked=CALL_BACK["message"])


def _fields(*names: str) -> dict[str, Any]:
    """The fields of this request's form; an empty optional one is none."""
    given = {name: request.form.get(name, "").strip() for name in names}
    return {name: value if value or name in CODES else None for name, value in given.items()}


def _progress(tip: Tip, body: dict[str, Any], *told: str) -> str:
    codes = {name: body[name] for name in CODES}
    about = {"codes": codes, "told": told, "request_id": str(uuid4()), "most_files": MOST_EVIDENCE}
    return rendered("progress.html", tip=tip, **about, **progress_of(tip.id))
