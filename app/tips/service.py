"""Commands of intake: file a tip, look it up by its codes, open the identity behind one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.enterprises.queries import register_entry
from app.files import service as files
from app.foundation import clock
from app.foundation.crypto import Crypto
from app.foundation.database import Row, db, insert_rows, new_id
from app.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.foundation.permissions import PUBLIC, Actor
from app.geo import service as geo
from app.geo.divisions import divisions
from app.geo.jurisdiction import Accused, Jurisdiction
from app.tips import policy, receipts, text_check
from app.tips.accused import accused_of
from app.tips.evidence_copies import want_copies
from app.tips.models import Reporter, Tip, TipEvidence, TipJurisdiction, TipSubject
from app.tips.schemas import BAND_FLOORS
from app.workflow import queries as handling_queries
from app.workflow import service as workflow
from app.workflow.states import Status

CODE_REPEATED_FOR: Final = timedelta(hours=24)
_MOST_DRAWS: Final = 5


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the reporter keeps; ``repeated`` when an earlier call with the same request id had filed the tip.

    An anonymous reporter also gets a claim code for a reward.
    """

    receipt_number: str
    query_code: str | None
    claim_code: str | None
    registered_at: datetime
    status: str
    jurisdiction_hint: dict[str, Any] | None
    repeated: bool = False


def crypto() -> Crypto:
    """The running application's crypto provider."""
    provider: Crypto = current_app.extensions["shudi_crypto"]
    return provider


def submit_tip(
    body: dict[str, Any], openid_index: bytes | None, channel: str, filed_by: Actor | None = None
) -> Receipt:
    """File a tip: statement, subject, sealed reporter, jurisdiction, handling, history, audit and outbox together.

    The statement's row comes first, so that of two equal requests arriving at once one waits and answers as a repeat.
    Raises ``Conflict`` where the request id has filed another statement. For an anonymous tip the session is not looked
    at, let alone stored. ``filed_by`` is the officer who enters what
    somebody else reported; the evidence is then that officer's upload.
    """
    accused = _accused(body)
    decision = geo.find_jurisdiction(accused, geo.region_code())
    tip, code = _insert_tip(body, openid_index, channel, decision, filed_by or PUBLIC)
    if tip is None:
        return _first_answer(body)
    _attach_evidence(tip["id"], body["evidence"], filed_by)
    hint = hint_of(geo.for_public(decision, accused, geo.region_code()))
    number, claim = tip["receipt_number"], _claim_code(tip["receipt_number"], code, real_name=tip["real_name"])
    return Receipt(number, code, claim, tip["registered_at"], Status.REGISTERED.value, hint)


def _claim_code(number: str, code: str | None, *, real_name: bool) -> str | None:
    """The claim code of an anonymous tip; whoever gave a name needs none."""
    return None if real_name or code is None else receipts.claim_code(crypto(), number, code)


def _opening(tip: dict[str, Any], decision: Jurisdiction) -> workflow.Opening:
    """What handling must know; where the reporter named a band and no figure, what the band says at least."""
    amount, people = tip["amount_yuan"], tip["participants"]
    return workflow.Opening(
        tip["id"],
        decision.lead,
        dispute=decision.dispute,
        needs_review=decision.needs_review,
        amount_yuan=amount if amount is not None else Decimal(BAND_FLOORS.get(tip["amount_band"], 0)),
        participants=people if people is not None else BAND_FLOORS.get(tip["participants_band"], 0),
    )


def _accused(body: dict[str, Any]) -> Accused:
    subject = body["subject"]
    return Accused(
        kind=subject["kind"],
        name=subject["name"],
        uscc=subject["uscc"],
        registered_address=subject["registered_address"],
        operating_address=subject["operating_address"],
        place=body["place"],
        district_guess=body["district_guess"],
        register=register_entry(subject["kind"], subject["name"], subject["uscc"]),
    )


def _insert_tip(
    body: dict[str, Any], openid_index: bytes | None, channel: str, decision: Jurisdiction, filed_by: Actor
) -> tuple[dict[str, Any] | None, str]:
    """Insert the statement and all that hangs on it; ``None`` when the client's request id has filed one already."""
    request_id = body["client_request_id"]
    said = _statement(body, channel)
    for _ in range(_MOST_DRAWS):
        number = receipts.new_receipt_number(clock.today())
        code = receipts.query_code(crypto(), number, request_id)
        tip = said | {
            "id": new_id(),
            "receipt_number": number,
            "query_code_digest": receipts.code_digest(crypto(), number, code),
            "registered_at": clock.now(),
        }
        filing = audit.event_row(filed_by, "tips.submit", "tip", tip["id"], channel=channel, real_name=tip["real_name"])
        details = _details(tip["id"], body, openid_index, decision)
        if insert_rows(
            [Row(Tip, tip), *details, *workflow.opening_rows(_opening(tip, decision)), filing], unless_known=True
        ):
            return tip, code
        if request_id and _tip_of_request(request_id) is not None:
            return None, ""
    raise RuntimeError("no free receipt number was drawn")


def _statement(body: dict[str, Any], channel: str) -> dict[str, Any]:
    conduct, place, request_id = body["conduct"], body["place"], body["client_request_id"]
    return {
        "client_request_digest": receipts.request_digest(crypto(), request_id) if request_id else None,
        "request_body_digest": receipts.body_digest(crypto(), body) if request_id else None,
        "channel": channel,
        "real_name": body["reporter"] is not None,
        "relation": body["relation"],
        "conduct_type": conduct["type"],
        **{name: conduct[name] for name in _CONDUCT_COLUMNS},
        "longitude": place["longitude"] if place else None,
        "latitude": place["latitude"] if place else None,
        "datum": place["datum"] if place else None,
        "district_guess": body["district_guess"],
    }


_CONDUCT_COLUMNS: Final = (
    "description",
    "promised_return",
    "publicity",
    "started_on",
    "ongoing",
    "amount_yuan",
    "participants",
    "loss_yuan",
    "amount_band",
    "participants_band",
)


def _tip_of_request(client_request_id: UUID) -> Tip | None:
    digest = receipts.request_digest(crypto(), client_request_id)
    return db.session.scalar(select(Tip).where(Tip.client_request_digest == digest))


def _first_answer(body: Mapping[str, Any]) -> Receipt:
    client_request_id = body["client_request_id"]
    tip = _tip_of_request(client_request_id)
    assert tip is not None  # noqa: S101  # the insert has just met it, and statements are never deleted
    if tip.request_body_digest not in {None, receipts.body_digest(crypto(), body)}:
        raise Conflict(
            "此前提交的举报已经收到，这次的内容与它不同；如要作为另一件举报提交，请再次提交", code="request_id_reused"
        )
    first = db.session.scalar(
        select(TipJurisdiction).where(TipJurisdiction.tip_id == tip.id).order_by(TipJurisdiction.decided_at).limit(1)
    )
    fresh = clock.now() - tip.registered_at < CODE_REPEATED_FOR
    code = receipts.query_code(crypto(), tip.receipt_number, client_request_id) if fresh else None
    hint = named(first.decision) if first else None
    if first and geo.draws_on_history(first.decision):
        hint = hint_of(geo.find_public_jurisdiction(accused_of(tip.id), geo.region_code()))
    claim = _claim_code(tip.receipt_number, code, real_name=tip.real_name)
    return Receipt(tip.receipt_number, code, claim, tip.registered_at, Status.REGISTERED.value, hint, repeated=True)


def _details(tip_id: UUID, body: dict[str, Any], openid_index: bytes | None, decision: Jurisdiction) -> Iterator[Row]:
    """The rows beside the statement: subject, sealed reporter if there is one, jurisdiction with its evidence."""
    subject = {name: body["subject"][name] for name in _SUBJECT_COLUMNS}
    subject["online_presence"] = [line for line in subject["online_presence"] if line]
    yield Row(TipSubject, {"tip_id": tip_id, **subject})
    if body["reporter"] is not None:
        yield Row(Reporter, _sealed_reporter(tip_id, body["reporter"], openid_index))
        if openid_index is not None:
            yield from text_check.wanted(tip_id)
    decided = {
        "id": new_id(),
        "tip_id": tip_id,
        "decided_at": clock.now(),
        "lead": decision.lead,
        "dispute": decision.dispute,
        "needs_review": decision.needs_review,
        "decision": decision.to_dict(),
    }
    yield Row(TipJurisdiction, decided)


_SUBJECT_COLUMNS: Final = (
    "kind",
    "name",
    "uscc",
    "registered_address",
    "operating_address",
    "contact",
    "online_presence",
)


def _sealed_reporter(tip_id: UUID, reporter: dict[str, Any], openid_index: bytes | None) -> dict[str, Any]:
    plain = json.dumps(reporter, ensure_ascii=False).encode()
    return {
        "tip_id": tip_id,
        "sealed_identity": crypto().seal(plain, bound_to=b"reporter:" + tip_id.bytes),
        "phone_index": phone_index(reporter["phone"]),
        "openid_index": openid_index,
        "wants_reward": reporter["wants_reward"],
    }


def phone_index(phone: str) -> bytes:
    """Blind index of a telephone number: its last eleven digits, however it was written."""
    return crypto().blind_index("phone", "".join(filter(str.isdigit, phone))[-11:])


def _attach_evidence(tip_id: UUID, file_ids: list[UUID], filed_by: Actor | None) -> None:
    if not file_ids:
        return
    moment = clock.now()
    claimed = files.claim(file_ids, "office", filed_by.account_id) if filed_by else files.claim(file_ids, "public")
    db.session.execute(
        insert(TipEvidence.__table__),  # type: ignore[arg-type]
        [
            {"file_id": file.id, "tip_id": tip_id, "added_at": moment, "position": position}
            for position, file in enumerate(claimed)
        ],
    )
    want_copies(claimed)


def hint_of(decision: Jurisdiction) -> dict[str, Any]:
    """The decision with district names, for the form and the receipt."""
    return named(decision.to_dict())


def named(decision: dict[str, Any]) -> dict[str, Any]:
    """A stored decision with the names of its divisions."""
    tree = divisions()
    codes = [decision["lead"], decision["arbiter"], *decision["cooperating"]]
    return decision | {"names": {code: tree.full_name(code) for code in codes if code}}


def preview(body: dict[str, Any]) -> dict[str, Any]:
    """What Article 20 would say about an accused party; nothing is stored."""
    subject = body | {"kind": body["subject_kind"]}
    accused = _accused({"subject": subject, "place": body["place"], "district_guess": None})
    return hint_of(geo.find_public_jurisdiction(accused, geo.region_code()))


def open_identity(actor: Actor, tip_id: UUID, reason: str) -> dict[str, Any]:
    """Open the sealed identity for a stated reason; the audit row is written in the same transaction.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: not this person's. NotFound: the tip is anonymous.
    """
    handling = handling_queries.handling_for(actor, tip_id)
    about = {"audit_object": ("tip", str(tip_id))}
    if not policy.can_open_identity(actor, handling):
        raise Forbidden("您无权查看举报人身份", extra=about)
    if not reason.strip():
        raise InvalidInput(errors={"reason": ["查看举报人身份须说明理由"]})
    reporter = db.session.get(Reporter, tip_id)
    if reporter is None:
        named = db.session.get_one(Tip, tip_id).real_name
        raise NotFound("举报人身份信息已按保存期限清除" if named else "该线索为匿名举报，没有举报人身份信息")
    opened = unsealed(reporter)
    audit.record(actor, "tips.open_identity", "tip", tip_id, reason=reason)
    return opened


def unsealed(reporter: Reporter) -> dict[str, Any]:
    """The identity in clear, for the program itself; a person sees one through :func:`open_identity` alone."""
    plain = crypto().open(reporter.sealed_identity, bound_to=b"reporter:" + reporter.tip_id.bytes)
    identity: dict[str, Any] = json.loads(plain)
    return identity
