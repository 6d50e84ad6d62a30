"""Status of an enterprise in the public register, and the words that lists use for it. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.geo.normalise import normalise


class RegistrationStatus(StrEnum):
    """What the market register says of an enterprise; the digit is its code on public registers."""

    ACTIVE = "active"
    REVOKED = "revoked"
    REVOKED_DEREGISTERED = "revoked_deregistered"
    DEREGISTERED = "deregistered"
    ANNULLED = "annulled"
    MOVED_OUT = "moved_out"
    DORMANT = "dormant"
    OTHER = "other"

    @property
    def text(self) -> str:
        """The status in Chinese."""
        return _TEXTS[self]

    @property
    def is_gone(self) -> bool:
        """The enterprise is no legal person any more. 吊销未注销 still is one, and an unknown status says nothing."""
        return self in _GONE


_TEXTS: Final = {
    RegistrationStatus.ACTIVE: "存续",
    RegistrationStatus.REVOKED: "吊销，未注销",
    RegistrationStatus.REVOKED_DEREGISTERED: "吊销，已注销",
    RegistrationStatus.DEREGISTERED: "注销",
    RegistrationStatus.ANNULLED: "撤销",
    RegistrationStatus.MOVED_OUT: "迁出",
    RegistrationStatus.DORMANT: "歇业",
    RegistrationStatus.OTHER: "其他",
}
_GONE: Final = frozenset(
    (RegistrationStatus.DEREGISTERED, RegistrationStatus.REVOKED_DEREGISTERED, RegistrationStatus.ANNULLED)
)
_WORDS: Final = {
    "1": RegistrationStatus.ACTIVE,
    "存续": RegistrationStatus.ACTIVE,
    "在营": RegistrationStatus.ACTIVE,
    "在业": RegistrationStatus.ACTIVE,
    "开业": RegistrationStatus.ACTIVE,
    "在册": RegistrationStatus.ACTIVE,
    "正常": RegistrationStatus.ACTIVE,
    "迁入": RegistrationStatus.ACTIVE,
    "2": RegistrationStatus.REVOKED,
    "吊销": RegistrationStatus.REVOKED,
    "吊销未注销": RegistrationStatus.REVOKED,
    "3": RegistrationStatus.REVOKED_DEREGISTERED,
    "吊销已注销": RegistrationStatus.REVOKED_DEREGISTERED,
    "吊销并注销": RegistrationStatus.REVOKED_DEREGISTERED,
    "4": RegistrationStatus.DEREGISTERED,
    "注销": RegistrationStatus.DEREGISTERED,
    "已注销": RegistrationStatus.DEREGISTERED,
    "5": RegistrationStatus.ANNULLED,
    "撤销": RegistrationStatus.ANNULLED,
    "已撤销": RegistrationStatus.ANNULLED,
    "6": RegistrationStatus.MOVED_OUT,
    "迁出": RegistrationStatus.MOVED_OUT,
    "已迁出": RegistrationStatus.MOVED_OUT,
    "歇业": RegistrationStatus.DORMANT,
    "停业": RegistrationStatus.DORMANT,
    "9": RegistrationStatus.OTHER,
    "其他": RegistrationStatus.OTHER,
    "": RegistrationStatus.OTHER,
}


def status_of(words: str) -> RegistrationStatus | None:
    """The status that a list's words mean, commas and what stands in brackets aside; None for words nobody knows.

    An unknown status must never be taken for an abnormal one (domain rule on list hygiene).
    """
    plain = normalise(words)[0].partition("(")[0]
    return _WORDS.get("".join(filter(str.isalnum, plain)))
