"""Recording deeds. The row belongs to the transaction of the deed; sealing it into the chain comes later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.audit.models import AuditEvent
from app.foundation import clock
from app.foundation.database import Row, insert_rows, transaction
from app.foundation.errors import DomainError
from app.foundation.permissions import Actor


def record(
    actor: Actor,
    action: str,
    object_type: str,
    object_id: UUID | int | str,
    *,
    succeeded: bool = True,
    **details: Any,
) -> None:
    """Write one audit row in the present transaction.

    ``details`` must be JSON values and hold no personal data of a reporter: the auditor reads them, and the auditor may
    not see business data (three-administrator separation, GB/T 22239-2019).
    """
    insert_rows([event_row(actor, action, object_type, object_id, succeeded=succeeded, **details)])


def event_row(
    actor: Actor,
    action: str,
    object_type: str,
    object_id: UUID | int | str,
    *,
    succeeded: bool = True,
    **details: Any,
) -> Row:
    """The audit row of a deed, for a caller that inserts it together with its own (see :func:`record`)."""
    return Row(
        AuditEvent,
        {
            "at": clock.now(),
            "actor_kind": actor.kind,
            "actor_id": actor.account_id,
            "actor_name": actor.name,
            "actor_role": actor.role.value if actor.role else "",
            "unit_id": actor.unit_id,
            "action": action,
            "object_type": object_type,
            "object_id": str(object_id),
            "succeeded": succeeded,
            "details": details,
        },
    )


def record_refusal(actor: Actor, error: DomainError, operation: str) -> None:
    """Write a refused attempt in a transaction of its own; the refused one has been rolled back."""
    about = error.extra.get("audit_object", ("operation", operation))
    with transaction():
        record(actor, operation, about[0], about[1], succeeded=False, code=error.code)
