"""The form of a statement: what its fields are called, and how what they hold becomes the body of ``POST /tips``.

Fields bear the names that the API gives them (``subject.name``), so that a fault of the API's schema finds its field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from werkzeug.datastructures import MultiDict

from app.tips import dictionaries, schemas

_TEXTS: Final = (
    "client_request_id",
    "subject.kind",
    "subject.name",
    "subject.uscc",
    "subject.registered_address",
    "subject.operating_address",
    "subject.contact",
    "conduct.type",
    "conduct.description",
    "conduct.promised_return",
    "conduct.started_on",
    "conduct.amount_band",
    "conduct.amount_yuan",
    "conduct.participants_band",
    "conduct.loss_yuan",
    "district_guess",
    "relation",
)
_OF_REPORTER: Final = ("name", "phone", "email", "id_number", "reply_channel")
_YES_NO: Final = {"yes": True, "no": False}

_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "subject.kind": schemas.SUBJECT_KINDS,
    "conduct.ongoing": {"yes": "仍在进行", "no": "已经停止", "": "不清楚"},
    "conduct.amount_band": schemas.AMOUNT_BANDS,
    "conduct.participants_band": schemas.PARTICIPANTS_BANDS,
    "reporter.reply_channel": {"phone": "电话", "sms": "短信", "email": "电子邮件", "none": "不需要，我自己在网上查"},
}


def choices() -> dict[str, Mapping[str, str]]:
    """What each field with a list offers today."""
    return {
        **_CHOICES,
        "conduct.type": dictionaries.offered(dictionaries.CONDUCT),
        "conduct.publicity": dictionaries.offered(dictionaries.PUBLICITY),
        "relation": dictionaries.offered(dictionaries.RELATION),
    }


@dataclass
class StatementForm:
    """What the form shows: values by field name, faults by field name, a proposal of the district if one is due.

    ``ticket`` opens the door of a crowd after ``wait_seconds`` (:mod:`app.tips.proof_of_work`).
    """

    values: MultiDict[str, str] = field(default_factory=MultiDict)
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    problem: str = ""
    refused_files: list[str] = field(default_factory=list)
    preview: Mapping[str, Any] | None = None
    ticket: str = ""
    wait_seconds: int = 0

    @classmethod
    def empty(cls) -> StatementForm:
        """A new form with a request id of its own, so that sending it twice files one tip."""
        start = {"client_request_id": str(uuid4()), "subject.kind": "organization", "naming": "anonymous"}
        return cls(MultiDict(start))

    def chosen(self, name: str, value: str) -> bool:
        """Whether a choice is made."""
        return value in self.values.getlist(name)


def body_of(values: MultiDict[str, str]) -> dict[str, Any]:
    """The body of ``POST /tips`` as the form says it; the schema judges it afterwards."""
    body: dict[str, Any] = {"subject": {}, "conduct": {}}
    for name in _TEXTS:
        _put(body, name, values.get(name, "").strip() or None)
    body["subject"]["online_presence"] = [
        line.strip() for line in values.get("subject.online_presence", "").splitlines() if line.strip()
    ]
    body["conduct"]["publicity"] = values.getlist("conduct.publicity")
    body["conduct"]["ongoing"] = _YES_NO.get(values.get("conduct.ongoing", ""))
    body["conduct"]["participants"] = _number(values.get("conduct.participants", "").strip())
    body["evidence"] = values.getlist("evidence")
    if values.get("naming") == "named":
        body["reporter"] = {name: values.get(f"reporter.{name}", "").strip() or None for name in _OF_REPORTER} | {
            "wants_reward": "reporter.wants_reward" in values,
        }
        for name in ("name", "phone"):
            body["reporter"][name] = body["reporter"][name] or ""
    return body


def preview_body_of(values: MultiDict[str, str]) -> dict[str, Any]:
    """The body of ``POST /jurisdiction/preview``."""
    subject = body_of(values)["subject"]
    said = {name: subject[name] for name in ("name", "uscc", "registered_address", "operating_address")}
    return said | {"subject_kind": subject["kind"] or "unknown"}


def _put(body: dict[str, Any], name: str, value: str | None) -> None:
    outer, _, inner = name.rpartition(".")
    (body[outer] if outer else body)[inner] = value


def _number(text: str) -> int | str | None:
    """A whole number where it is one; what is none goes to the schema as typed, which names the field."""
    return int(text) if text.isascii() and text.isdecimal() else text or None
