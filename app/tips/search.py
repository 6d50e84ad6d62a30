"""Searching what was said: substrings of two Chinese characters and more, also of one, among a million tips.

A text is kept as its grams, each character and each pair of neighbours as one number, in an array with a GIN index:
pg_trgm cannot use its index for words of two characters, the commonest (投资, 理财). A hit on all grams of a word is
then checked against the text itself. Nothing of a reporter is in it. Each month has numbers of its own, so that the
newest hits on a common word are found without touching those of other years.

Row-level security keeps the index out of reach (no operator of GIN is leakproof), so that the function ``search_tips``
reads it as the owner and puts up the same wall by itself. Grams are written by a periodic job, not by the filing of a
tip; the newest tips are always read directly (see :mod:`app.tips.queries`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Row, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.foundation.database import db
from app.geo.divisions import divisions
from app.geo.service import region_code
from app.tips.models import Tip, TipGrams, TipSubject
from app.workflow.models import Handling

SEARCHED_SUBJECT: Final = ("name", "uscc", "registered_address", "operating_address")
_A_BATCH: Final = 500
_LATE: Final = timedelta(minutes=10)
"""A transaction ends long before: no tip appears behind the newest indexed one by more than this."""
_FEW_PAIRS: Final = 5
_LETTERS: Final = 0xFFFF
_SPREAD: Final = 0x9E3779B1
"""Spreads the months over the numbers; the function in the database reckons with the same (migration 0025)."""


def grams(text: str) -> set[int]:
    """Each character and each pair of neighbours of a text, as 32-bit numbers."""
    codes = _codes(text)
    return {*codes, *_pairs(codes)}


def _codes(text: str) -> list[int]:
    return [ord(letter) & _LETTERS for letter in text.lower()]


def _pairs(codes: Sequence[int]) -> Iterable[int]:
    for first, second in pairwise(codes):
        yield _signed(first << 16 | second)


def _signed(number: int) -> int:
    """32 bits as PostgreSQL's integers carry them."""
    return number - (1 << 32) if number >> 31 else number


_NAMED_ALIKE: Final = (
    *("有限责任公司", "股份有限公司", "集团有限公司", "专业合作社", "企业管理有限", "酒店管理有限"),
    *("投资管理有限", "投资咨询有限", "咨询服务有限", "信息咨询有限", "信息技术有限", "商务信息"),
    *("商务服务有限", "科技发展有限", "网络科技有限", "电子商务有限", "文化传播有限", "文化旅游有限"),
    *("旅游开发有限", "财富管理", "资产管理", "房地产开发", "房地产经纪有限", "商贸有限"),
    *("贸易有限",),
)
_COMMON: Final = frozenset(pair for words in _NAMED_ALIKE for pair in _pairs(_codes(words)))
"""Pairs of the names of very many companies."""


def in_month(found: Iterable[int], moment: datetime) -> set[int]:
    """Grams as they are kept for a tip of this moment."""
    day = moment.astimezone(UTC)
    salt = _signed((day.year * 12 + day.month) * _SPREAD & 0xFFFFFFFF)
    return {gram ^ salt for gram in found}


def wanted_grams(words: str, place: str = "") -> list[int]:
    """What every text that holds each of these words (parted by spaces) must contain; of a long one its telling pairs.

    Each gram is looked up in each month, and those of a whole name are mostly the same 有限公司 and the same ``place``,
    the office's own. Of many that are left every other one says as much.
    """
    found: set[int] = set()
    for word in words.split():
        codes = _codes(word)
        pairs = list(_pairs(codes))
        if len(pairs) > _FEW_PAIRS:
            common = _COMMON | set(_pairs(_codes(place)))
            pairs = [pair for pair in pairs if pair not in common] or pairs
        found.update(pairs[::2] + pairs[-1:] if len(pairs) > _FEW_PAIRS else pairs or codes)
    return sorted(found)


def says(words: str) -> ColumnElement[bool]:
    """The condition that each of the words stands somewhere in subject, address or statement."""
    columns = (*(getattr(TipSubject, name) for name in SEARCHED_SUBJECT), Tip.description)
    return and_(*(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words.split()))


def candidates(
    words: str,
    after: tuple[datetime, UUID] | None,
    most: int,
    *,
    newest: bool = True,
    since: datetime | None = None,
) -> list[Row[Any]]:
    """Keys (``registered_at``, ``tip_id``) of tips behind this wall that hold all grams of the words, beyond ``after``.

    The newest come first, or the oldest; none was registered before ``since``.
    """
    moment, tip_id = after or (None, None)
    place = divisions().full_name(region_code())
    wanted = literal(wanted_grams(words, place), ARRAY(Integer))
    found = func.search_tips(wanted, moment, tip_id, newest, most, since).table_valued("registered_at", "tip_id")
    return list(db.session.execute(select(found.c.registered_at, found.c.tip_id)))


def index_some() -> int:
    """Keep the grams of tips that have none yet, the oldest first; return how many. Twice keeps nothing twice."""
    newest = db.session.scalar(select(func.max(TipGrams.registered_at)))
    columns = [getattr(TipSubject, name) for name in SEARCHED_SUBJECT]
    fresh = (
        select(Handling.tip_id, Handling.registered_at, Tip.description, *columns)
        .join(Tip, Tip.id == Handling.tip_id)
        .join(TipSubject, TipSubject.tip_id == Handling.tip_id)
        .outerjoin(TipGrams, TipGrams.tip_id == Handling.tip_id)
        .where(TipGrams.tip_id.is_(None))
        .order_by(Handling.registered_at)
        .limit(_A_BATCH)
    )
    if newest is not None:
        fresh = fresh.where(Handling.registered_at > newest - _LATE)
    rows = [
        {"tip_id": tip_id, "registered_at": moment, "grams": sorted(in_month(grams_of(texts), moment))}
        for tip_id, moment, *texts in db.session.execute(fresh)
    ]
    if rows:
        db.session.execute(insert(TipGrams).on_conflict_do_nothing(), rows)
    return len(rows)


def grams_of(texts: Iterable[str | None]) -> set[int]:
    """The grams of several texts; none reaches from one into the next."""
    found: set[int] = set()
    for text in texts:
        if text:
            found |= grams(text)
    return found
