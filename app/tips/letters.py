"""Letters that leave the office as Word files, filled from templates, without anything of the reporter.

信访工作条例 Art. 30 and domain rule 16: a letter never holds the reporter's name, numbers or own words. The templates
hold the accused party and the office's reason only; what an officer wrote into the reason is looked through all the same.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from uuid import UUID
from xml.sax.saxutils import escape

from sqlalchemy import select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, NotFound
from app.foundation.permissions import Actor
from app.identity import queries as people
from app.tips.models import Reporter, Tip, TipSubject
from app.tips.service import unsealed
from app.workflow import exclusions, police, transfers
from app.workflow import queries as handling_queries
from app.workflow import service as workflow
from app.workflow.models import Transfer
from app.workflow.states import DESTINATION_TEXTS, Destination, PoliceState

_TEMPLATES: Final = Path(__file__).parent / "letter_templates"
_OWN_WORDS: Final = 12
"""So many characters in a row of the statement are the reporter's own words."""
_SENT_TO_POLICE: Final = frozenset(PoliceState) - {PoliceState.PROPOSED, PoliceState.DECLINED}


def letter_of(actor: Actor, tip_id: UUID) -> bytes:
    """The letter of a tip's newest transfer, as a Word file.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: the officer stands aside. NotFound: it was not transferred.
        Conflict: the reason would tell of the reporter.
    """
    handling_queries.handling_for(actor, tip_id)
    exclusions.refuse_excluded(actor, tip_id)
    if db.session.scalar(select(Transfer.id).where(Transfer.tip_id == tip_id).limit(1)) is None:
        raise NotFound("该线索尚未批准移送，没有移送文书")
    sent = transfers.latest(tip_id)
    values = _values(tip_id, sent)
    refuse_reporter_data(tip_id, "\n".join(values.values()))
    audit.record(actor, "tips.letter", "tip", tip_id, destination=sent.destination)
    return filled("police" if sent.destination == Destination.POLICE else "referral", values)


def _values(tip_id: UUID, sent: Transfer) -> Mapping[str, str]:
    subject = db.session.get_one(TipSubject, tip_id)
    office = people.unit_at(workflow.region_code())
    way = police.latest(tip_id, *_SENT_TO_POLICE) if sent.destination == Destination.POLICE else None
    return {
        "recipient": DESTINATION_TEXTS[Destination(sent.destination)],
        "accused": subject.name or "有关人员",
        "uscc": subject.uscc or "不详",
        "registered_address": subject.registered_address or "不详",
        "reason": sent.reason,
        "officers": "、".join(way.officers) if way else "",
        "sender": office.name if office else "",
        "day": f"{clock.today():%Y年%m月%d日}",
    }


def filled(template: str, values: Mapping[str, str]) -> bytes:
    """A template with its ``{{names}}`` replaced; a name that nothing is given for is a fault of the template."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(_TEMPLATES / f"{template}.docx") as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "word/document.xml":
                text = re.sub(r"\{\{(\w+)\}\}", lambda found: escape(values[found[1]]), content.decode())
                content = text.encode()
            target.writestr(part, content)
    return out.getvalue()


def refuse_reporter_data(tip_id: UUID, text: str) -> None:
    """Raise ``Conflict`` when ``text`` holds the reporter's name, numbers or a stretch of the own words."""
    plain = _plain(text)
    if any(told in plain for told in _told_by_reporter(tip_id)):
        raise Conflict("文书内容含有举报人信息或举报原文，请修改移送理由后再生成", code="letter_tells_of_reporter")


def _told_by_reporter(tip_id: UUID) -> Iterator[str]:
    reporter = db.session.get(Reporter, tip_id)
    if reporter is not None:
        identity = unsealed(reporter)
        yield from (_plain(str(identity[name])) for name in ("name", "phone", "id_number") if identity.get(name))
    said = _plain(db.session.get_one(Tip, tip_id).description or "")
    yield from (said[start : start + _OWN_WORDS] for start in range(len(said) - _OWN_WORDS + 1))


def _plain(text: str) -> str:
    """Letters and digits alone: spaces and points do not hide a name or a number."""
    return "".join(filter(str.isalnum, text))
