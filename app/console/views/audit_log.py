"""Audit rows in words."""

from __future__ import annotations

from typing import Any, Final

from app.audit.models import AuditEvent
from app.console.views.audit_words import ATTEMPTS, DEEDS, OBJECTS, deed_text, object_text
from app.console.views.changes import changes_in
from app.foundation import clock, errors
from app.foundation.permissions import Role
from app.identity.queries import active_units


def audit_line(event: AuditEvent, unit_name: str) -> dict[str, Any]:
    """One row of the log."""
    return {
        "number": event.seq,
        "at": clock.beijing(event.at),
        "actor_name": event.actor_name,
        "actor_role_text": Role(event.actor_role).text if event.actor_role else "",
        "actor_unit": unit_name,
        "action_text": deed_text(event.action),
        "object_text": f"{object_text(event.object_type)} {event.object_id}",
        "result": "done" if event.succeeded else "refused",
        "note": _note(event),
        "changes": changes_in(event),
    }


def _note(event: AuditEvent) -> str:
    if not event.succeeded:
        code = str(event.details.get("code", ""))
        return _REFUSAL_TITLES.get(code, code)
    return str(event.details.get("reason", ""))


def _titles(kind: type[errors.DomainError]) -> dict[str, str]:
    titles = {kind.code: kind.title}
    for below in kind.__subclasses__():
        titles |= _titles(below)
    return titles


_REFUSAL_TITLES: Final = (
    {"same_person": "申请、审核、调整须由三名不同人员办理"}
    | _titles(errors.DomainError)
    | {
        "not_found": "不在权限范围内",
    }
)


def object_choices() -> list[dict[str, str]]:
    """Kinds of things that the log can be filtered by."""
    return [{"value": value, "label": label} for value, label in sorted(OBJECTS.items(), key=lambda one: one[1])]


def unit_choices() -> list[dict[str, Any]]:
    """Units that the log can be filtered by."""
    return [{"value": unit.id, "label": unit.name} for unit in active_units()]


def action_choices() -> list[dict[str, str]]:
    """Everything that the log can be filtered by."""
    return [
        *({"value": value, "label": label} for value, label in DEEDS.items()),
        *({"value": value, "label": f"被拒绝：{label}"} for value, label in ATTEMPTS.items()),
    ]
