"""What leaves the office towards the accused must not tell who reported (条例 Art. 16; 信访条例 Art. 30, 46; rule 16).

A text is held against the reporter's name, phone and identity number, the names of the files that came with the tip,
and against what the reporter wrote: fifteen letters in a row that are the reporter's own make a quotation. Spaces,
signs, full-width letters and Chinese numerals hide nothing. The company's own name and addresses are no secret of the
reporter's.

A refusal would let an officer guess at an identity, word by word. So it never says which part of the identity was met,
and every one is written to the audit log.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.files import service as files
from app.foundation.crypto import CannotOpen
from app.foundation.database import db
from app.foundation.errors import ReporterExposed
from app.foundation.permissions import Actor
from app.tips.models import Reporter, Tip, TipMessage, TipSubject
from app.tips.queries import evidence_of
from app.tips.service import unsealed
from app.workflow import service as workflow
from app.workflow.models import Handling
from app.workflow.states import Action

IDENTITY: Final = "举报人身份信息"
FILE_NAME: Final = "举报材料的文件名"
QUOTATION: Final = "举报内容的原文"
LONGEST_QUOTATION: Final = 14
_SHORTEST_NAME: Final = 2
_SHORTEST_PART_OF_NAME: Final = 3
_SHORTEST_FILE_NAME: Final = 6
_PHONE_WITHOUT_OPERATOR: Final = 8
_ID_UNTIL_BIRTHDAY: Final = 14
_NUMERALS: Final = str.maketrans("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "00123456789" + "1123456789")


def exposures(tip_id: UUID, text: str) -> list[str]:
    """What ``text`` would tell of the reporter of a tip; empty where it may leave."""
    letters, digits = _letters(text), _digits(text)
    found = []
    if any(name in letters for name in _names(tip_id)) or any(number in digits for number in _numbers(tip_id)):
        found.append(IDENTITY)
    if any(name in letters for name in _file_names(tip_id)):
        found.append(FILE_NAME)
    if _quotes(tip_id, text):
        found.append(QUOTATION)
    return found


def refuse_exposure(tip_id: UUID, text: str) -> None:
    """Raise ``ReporterExposed`` for a text that must not leave; it names kinds, never the words."""
    if found := exposures(tip_id, text):
        raise ReporterExposed(
            f"文书中含有{'、'.join(found)}，不能发出。请删去或改用自己的话概括",
            extra={"audit_object": ("tip", str(tip_id))},
        )


@workflow.accompanies(Action.TRANSFER)
def check_letter_of_transfer(_actor: Actor, handling: Handling, given: Mapping[str, Any]) -> None:
    """The reason of a transfer goes into its letter."""
    refuse_exposure(handling.tip_id, given.get("reason") or "")


def _letters(text: str) -> str:
    """Letters and digits alone, in one width and case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _digits(text: str) -> str:
    """Numbers alone, also those written in Chinese numerals; ``x`` ends an identity number."""
    return "".join(char for char in _letters(text).translate(_NUMERALS) if char in "0123456789x")


def _identity(tip_id: UUID) -> dict[str, Any]:
    reporter = db.session.get(Reporter, tip_id)
    return unsealed(reporter) if reporter is not None else {}


def _names(tip_id: UUID) -> list[str]:
    """The name as a whole, the longer parts of one written with middle dots, and the e-mail address."""
    identity = _identity(tip_id)
    name = identity.get("name") or ""
    parts = unicodedata.normalize("NFKC", name).replace("•", "·").split("·")
    found = [_letters(name)] if len(_letters(name)) >= _SHORTEST_NAME else []
    found += [_letters(identity["email"])] if identity.get("email") else []
    return found + [_letters(part) for part in parts if len(_letters(part)) >= _SHORTEST_PART_OF_NAME]


def _numbers(tip_id: UUID) -> list[str]:
    """The phone without its first three digits, the identity number up to the birthday: either finds a person."""
    identity = _identity(tip_id)
    phone, number = _digits(identity.get("phone") or ""), _digits(identity.get("id_number") or "")
    found = [phone[-_PHONE_WITHOUT_OPERATOR:]] if len(phone) >= _PHONE_WITHOUT_OPERATOR else []
    return found + ([number[:_ID_UNTIL_BIRTHDAY]] if len(number) >= _ID_UNTIL_BIRTHDAY else [])


def _file_names(tip_id: UUID) -> Iterator[str]:
    for stored in evidence_of(tip_id):
        try:
            name = _letters(PurePath(files.original_name(stored)).stem)
        except CannotOpen:
            continue
        if len(name) >= _SHORTEST_FILE_NAME:
            yield name


def _quotes(tip_id: UUID, text: str) -> bool:
    subject = db.session.get_one(TipSubject, tip_id)
    public = [subject.name, subject.registered_address, subject.operating_address, *subject.online_presence]
    known = sorted(filter(None, (_letters(part or "") for part in public)), key=len, reverse=True)
    said = {piece for part in _said(tip_id) for piece in _pieces(_letters(part), known)}
    return not said.isdisjoint(_pieces(_letters(text), known))


def _said(tip_id: UUID) -> Iterable[str]:
    """Everything the reporter wrote: the statement, and what came after it."""
    tip = db.session.get_one(Tip, tip_id)
    later = select(TipMessage.text).where(TipMessage.tip_id == tip_id, TipMessage.sender == "reporter")
    return [tip.description or "", tip.promised_return or "", *db.session.scalars(later)]


def _pieces(letters: str, known: Iterable[str]) -> Iterator[str]:
    """Every run of letters that is just too long to be chance, with the names of the accused cut out."""
    for name in known:
        letters = letters.replace(name, "\0")
    for run in letters.split("\0"):
        for start in range(len(run) - LONGEST_QUOTATION):
            yield run[start : start + LONGEST_QUOTATION + 1]
