"""Who sees which tips: whoever sees the handling; and who may open the identity behind one."""

from __future__ import annotations

from sqlalchemy import Select, false, select

from app.foundation.permissions import Actor, Permission
from app.tips.export_models import ListExport
from app.tips.models import IdentityRemoval, RecheckRequest, Tip
from app.workflow.exclusions import excluded, excluded_from
from app.workflow.models import Handling
from app.workflow.policy import within_sight


def visible_tips(actor: Actor) -> Select[Tip, Handling]:
    """Tips with their handling, within sight of ``actor``."""
    return select(Tip, Handling).join(Handling, Handling.tip_id == Tip.id).where(within_sight(actor))


def can_export(actor: Actor) -> bool:
    """Whoever works with what the lists hold; those who only look on take no copies."""
    return actor.may(Permission.TIP_READ) and actor.may(Permission.EVIDENCE_READ)


def own_exports(actor: Actor) -> Select[ListExport]:
    """The lists that this person had written out, while this person may still take lists."""
    own = ListExport.account_id == actor.account_id if can_export(actor) else false()
    return select(ListExport).where(own)


def can_open_identity(actor: Actor, handling: Handling) -> bool:
    """The unit that holds the tip, and the city's reviewer; always with a reason, always audited."""
    if not actor.may(Permission.IDENTITY_OPEN) or _stands_aside(actor, handling):
        return False
    return actor.city_wide or handling.unit_id == actor.unit_id


def can_reissue_code(actor: Actor, handling: Handling) -> bool:
    """The city's people who may open the identity, never the unit that handles and is rated."""
    return actor.city_wide and handling.unit_id != actor.unit_id and can_open_identity(actor, handling)


def can_write_to_reporter(actor: Actor, handling: Handling) -> bool:
    """The unit that holds the tip; the city's reviewer while the city itself holds it."""
    if not actor.may(Permission.TIP_REPLY) or _stands_aside(actor, handling):
        return False
    return handling.unit_id is None if actor.city_wide else handling.unit_id == actor.unit_id


def _stands_aside(actor: Actor, handling: Handling) -> bool:
    """Whether from the tip, or from the main tip that it is handled with."""
    return bool(excluded_from(actor, {handling.tip_id, handling.merged_into or handling.tip_id}))


def visible_rechecks(actor: Actor) -> Select[RecheckRequest]:
    """Re-checks of tips within sight of ``actor``."""
    return select(RecheckRequest).join(Handling, Handling.tip_id == RecheckRequest.tip_id).where(within_sight(actor))


def can_recheck(actor: Actor, request: RecheckRequest) -> bool:
    """A reviewer of the city who neither concluded the tip nor stands aside from it (domain rule 13)."""
    if not (actor.may(Permission.TIP_REVIEW) and actor.city_wide) or actor.account_id == request.concluded_by:
        return False
    return not excluded(actor, request.tip_id)


def visible_removals(actor: Actor) -> Select[IdentityRemoval]:
    """Proposals to remove identities of tips within sight of ``actor``."""
    return select(IdentityRemoval).join(Handling, Handling.tip_id == IdentityRemoval.tip_id).where(within_sight(actor))


def can_decide_removal(actor: Actor) -> bool:
    """The city's leader: it cannot be undone."""
    return actor.may(Permission.TIP_LEAD) and actor.city_wide
