"""Letters that leave the office as Word files, filled from templates, without anything of the reporter.

The templates hold the accused party and the office's reason only; what officers wrote is looked through all the same
(信访工作条例 Art. 30; domain rule 16).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from app.audit import service as audit
from app.files import word
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import NotFound
from app.foundation.permissions import Actor
from app.geo import service as geo
from app.identity import queries as people
from app.tips.models import TipSubject
from app.tips.secrecy import refuse_exposure
from app.workflow import exclusions, police, transfers
from app.workflow import queries as handling_queries
from app.workflow.models import Transfer
from app.workflow.states import DESTINATION_TEXTS, Destination, PoliceState

TEMPLATES: Final = Path(__file__).parent / "letter_templates"
_SENT_TO_POLICE: Final = frozenset(PoliceState) - {PoliceState.PROPOSED, PoliceState.DECLINED}


def letter_of(actor: Actor, tip_id: UUID) -> bytes:
    """The letter of a tip's newest transfer, as a Word file.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: the officer stands aside. NotFound: it was not transferred.
        ReporterExposed: it would tell of the reporter.
    """
    handling_queries.handling_for(actor, tip_id)
    exclusions.refuse_excluded(actor, tip_id)
    if not transfers.was_transferred(tip_id):
        raise NotFound("该线索尚未批准移送，没有移送文书")
    sent = transfers.latest(tip_id)
    values = _values(tip_id, sent)
    refuse_exposure(actor, ("tip", tip_id), [tip_id], "\n".join(values.values()))
    audit.record(actor, "tips.letter", "tip", tip_id, destination=sent.destination)
    template = "police" if sent.destination == Destination.POLICE else "referral"
    return word.filled(TEMPLATES / f"{template}.docx", values)


def _values(tip_id: UUID, sent: Transfer) -> Mapping[str, str]:
    subject = db.session.get_one(TipSubject, tip_id)
    office, today = people.unit_at(geo.region_code()), clock.today()
    way = police.latest(tip_id, *_SENT_TO_POLICE) if sent.destination == Destination.POLICE else None
    return {
        "recipient": DESTINATION_TEXTS[Destination(sent.destination)],
        "accused": subject.name or "有关人员",
        "uscc": subject.uscc or "不详",
        "registered_address": subject.registered_address or "不详",
        "reason": sent.reason,
        "officers": "、".join(way.officers) if way else "",
        "sender": office.name if office else "",
        "day": clock.day_text(today),
    }
