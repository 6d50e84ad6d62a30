"""What leaves the office towards the accused must not tell who reported (条例 Art. 16; 信访条例 Art. 30, 46; rule 16).

A text is held against the names, phones and identity numbers of whoever reported the matter, in the tip itself or in
one that was merged into it, the names of the files that came, and against what these reporters wrote: fifteen letters
in a row that are a reporter's own make a quotation. Spaces, signs, full-width letters and Chinese numerals hide
nothing. The company's own name and addresses are no secret of the reporter's.

A refusal would let an officer guess at an identity, word by word. So it never says which part of the identity was met,
of a case with tips of several districts not even which kind of thing; every one is written to the audit log; and after
three of them one person writes nothing more about the thing that day, and the city hears of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import select

from app.files import service as files
from app.files.models import StoredFile
from app.foundation import clock
from app.foundation.crypto import CannotOpen
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.errors import DomainError, ReporterExposed
from app.foundation.permissions import Actor
from app.outbox import service as outbox
from app.tips import guard
from app.tips.models import Reporter, Tip, TipEvidence, TipMessage, TipSubject
from app.tips.progress import followers
from app.tips.service import unsealed
from app.workflow import service as workflow
from app.workflow.models import Handling
from app.workflow.states import Action

IDENTITY: Final = "举报人身份信息"
FILE_NAME: Final = "举报材料的文件名"
QUOTATION: Final = "举报内容的原文"
LONGEST_QUOTATION: Final = 14
_CUT: Final = "\0"
_AT_ONCE: Final = 500
_FULL_NAME: Final = 8
"""What another reporter calls the accused in fewer letters may be anybody's word: it excuses no quotation."""
MOST_REFUSALS_A_DAY: Final = 3
GUESSING: Final = "notifications.guessing_at_reporter"
"""The outbox topic of who may write nothing more today; notifications answers it."""
_LOCKED: Final = "guessing_at_reporter"
_SHORTEST_NAME: Final = 2
_SHORTEST_PART_OF_NAME: Final = 3
_SHORTEST_FILE_NAME: Final = 6
_PHONE_WITHOUT_OPERATOR: Final = 8
_ID_UNTIL_BIRTHDAY: Final = 14
_NUMERALS: Final = str.maketrans("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "00123456789" + "1123456789")


def exposures(tip_id: UUID, text: str) -> list[str]:
    """What ``text`` would tell of whoever reported the matter; empty where it may leave.

    Everything merged into the tip is looked through with it, some hundred tips at a time: memory does not grow with a
    surge, time does (ten thousand tips take some seconds, and short names among so many meet ordinary words).
    """
    return _told_of([tip_id, *db.session.scalars(followers(tip_id))], text)


def own_exposures(tip_id: UUID, text: str) -> list[str]:
    """The same of the reporter of this tip alone."""
    return _told_of([tip_id], text)


def _told_of(tip_ids: Sequence[UUID], text: str) -> list[str]:
    parts = [tip_ids[start : start + _AT_ONCE] for start in range(0, len(tip_ids), _AT_ONCE)]
    known = {*_public(tip_ids[:1]), *(name for part in parts for name in _public(part) if len(name) >= _FULL_NAME)}
    letters, digits = _letters(text), _digits(text)
    own_words = reduce(lambda rest, name: rest.replace(name, _CUT), sorted(known, key=len, reverse=True), letters)
    pieces = set(_pieces(own_words))
    found = set()
    for part in parts:
        if any(_finds(identity, letters, digits) for identity in _identities(part)):
            found.add(IDENTITY)
        if any(name in letters for name in _file_names(part)):
            found.add(FILE_NAME)
        if pieces and not all(pieces.isdisjoint(_pieces(_letters(said))) for said in _said(part)):
            found.add(QUOTATION)
    return [kind for kind in (IDENTITY, FILE_NAME, QUOTATION) if kind in found]


def _finds(identity: Mapping[str, Any], letters: str, digits: str) -> bool:
    return any(name in letters for name in _names(identity)) or any(one in digits for one in _numbers(identity))


def refuse_exposure(actor: Actor, about: tuple[str, UUID], tip_ids: Iterable[UUID], text: str) -> None:
    """Refuse a text that must not leave. ``about``: what is written about, a ``tip`` or a ``case`` with several.

    Raises:
        ReporterExposed: the text tells of a reporter of ``tip_ids``; it names kinds, and none of a case, whose tips may
            lie out of the writer's sight. Or too many texts did today, then whatever this one holds.
    """
    writer, thing = str(actor.account_id), f"{about[0]} {about[1]}"
    extra = {"audit_object": (about[0], str(about[1]))}
    if guard.exposures_today(writer, thing) >= MOST_REFUSALS_A_DAY:
        raise ReporterExposed(_LOCKED_TEXT, extra=extra, code=_LOCKED)
    found = next(filter(None, (exposures(tip_id, text) for tip_id in tip_ids)), [])
    if found:
        guard.exposures_today(writer, thing, more=1)
        kinds = "、".join(found) if about[0] == "tip" else "可能暴露举报人的内容"
        raise ReporterExposed(f"文书中含有{kinds}，不能发出。请删去或改用自己的话概括", extra=extra)


_LOCKED_TEXT: Final = (
    f"您今天起草的文书已有 {MOST_REFUSALS_A_DAY} 次因可能暴露举报人被拒绝，今天不能再就此事制作文书，"
    "已告知市级审核人和负责人。请明天再办，急需的请联系市级审核人"
)


def tell_of_guessing(actor: Actor, error: DomainError, operation: str) -> None:
    """Let the city hear of a writer who was stopped; a listener to refusals, since the refused deed is rolled back."""
    del operation  # which page it was is the auditor's to read
    if error.code == _LOCKED:
        kind, thing_id = error.extra["audit_object"]
        event_id = uuid5(UUID(thing_id), f"{actor.account_id} {clock.today()}")
        with transaction(OPEN_WALL):
            outbox.leave(GUESSING, **{f"{kind}_id": thing_id}, event_id=str(event_id))


@workflow.accompanies(Action.TRANSFER)
def check_letter_of_transfer(actor: Actor, handling: Handling, given: Mapping[str, Any]) -> None:
    """The reason of a transfer goes into its letter."""
    refuse_exposure(actor, ("tip", handling.tip_id), [handling.tip_id], given.get("reason") or "")


def _letters(text: str) -> str:
    """Letters and digits alone, in one width and case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _digits(text: str) -> str:
    """Numbers alone, also those written in Chinese numerals; ``x`` ends an identity number."""
    return "".join(char for char in _letters(text).translate(_NUMERALS) if char in "0123456789x")


def _public(tip_ids: Sequence[UUID]) -> Iterator[str]:
    """Names and addresses of the accused, as the reporters gave them."""
    columns = (TipSubject.name, TipSubject.registered_address, TipSubject.operating_address)
    rows = db.session.execute(select(*columns, TipSubject.online_presence).where(TipSubject.tip_id.in_(tip_ids)))
    for *single, several in rows:
        yield from filter(None, (_letters(part or "") for part in (*single, *several)))


def _identities(tip_ids: Sequence[UUID]) -> Iterator[dict[str, Any]]:
    for reporter in db.session.scalars(select(Reporter).where(Reporter.tip_id.in_(tip_ids))):
        yield unsealed(reporter)


def _names(identity: Mapping[str, Any]) -> list[str]:
    """The name as a whole, the longer parts of one written with middle dots, and the e-mail address."""
    name = identity.get("name") or ""
    parts = unicodedata.normalize("NFKC", name).replace("•", "·").split("·")
    found = [_letters(name)] if len(_letters(name)) >= _SHORTEST_NAME else []
    found += [_letters(identity["email"])] if identity.get("email") else []
    return found + [_letters(part) for part in parts if len(_letters(part)) >= _SHORTEST_PART_OF_NAME]


def _numbers(identity: Mapping[str, Any]) -> list[str]:
    """The phone without its first three digits, the identity number up to the birthday: either finds a person."""
    phone, number = _digits(identity.get("phone") or ""), _digits(identity.get("id_number") or "")
    found = [phone[-_PHONE_WITHOUT_OPERATOR:]] if len(phone) >= _PHONE_WITHOUT_OPERATOR else []
    return found + ([number[:_ID_UNTIL_BIRTHDAY]] if len(number) >= _ID_UNTIL_BIRTHDAY else [])


def _file_names(tip_ids: Sequence[UUID]) -> Iterator[str]:
    came = select(StoredFile).join(TipEvidence, TipEvidence.file_id == StoredFile.id)
    for stored in db.session.scalars(came.where(TipEvidence.tip_id.in_(tip_ids))):
        try:
            name = _letters(PurePath(files.original_name(stored)).stem)
        except CannotOpen:
            continue
        if len(name) >= _SHORTEST_FILE_NAME:
            yield name


def _said(tip_ids: Sequence[UUID]) -> Iterator[str]:
    """Everything the reporters wrote: the statements, and what came after them."""
    for row in db.session.execute(select(Tip.description, Tip.promised_return).where(Tip.id.in_(tip_ids))):
        yield from filter(None, row)
    by_reporters = TipMessage.tip_id.in_(tip_ids), TipMessage.sender == "reporter"
    yield from db.session.scalars(select(TipMessage.text).where(*by_reporters))


def _pieces(letters: str) -> Iterator[str]:
    """Every run of letters that is just too long to be chance, between the places where a name was cut out."""
    for run in letters.split(_CUT):
        for start in range(len(run) - LONGEST_QUOTATION):
            yield run[start : start + LONGEST_QUOTATION + 1]
