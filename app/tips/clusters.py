"""Clusters of tips about one subject, as officers see them, and what an officer changes in them.

The number of tips is that within sight: a district never learns how many tips others have (domain rule 14). Reporters
see nothing of it at all (rule 17).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ScalarSelect, Select, Uuid, any_, bindparam, func, select, tuple_

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db, read_rows
from app.foundation.errors import Conflict, Forbidden, InvalidInput, OutOfScope
from app.foundation.permissions import Actor, Permission
from app.tips import linking, policy
from app.tips.models import Tip, TipCluster, TipLink, TipSubject
from app.workflow import queries as handling_queries
from app.workflow.disclosure import reads_statement
from app.workflow.exclusions import excluded

COUNTED_UP_TO: Final = 1000
"""Beyond it a district's own count is no longer counted on; the city reads the number kept with the cluster."""
SURGE_WITHIN: Final = timedelta(hours=1)
SURGE_FROM: Final = 50
"""So many tips about one subject within an hour are shown to the city at once."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a list says of a tip that is not alone: its cluster, how many tips are in sight, whether it is the first."""

    id: UUID
    count: int
    first: bool
    first_tip_id: UUID


def marks_of(actor: Actor, tip_ids: Collection[UUID]) -> dict[UUID, Mark]:
    """The marks of those of these tips that share their subject with another tip in sight.

    None for who reads no statements: they tell which tips say the same name.
    """
    if not tip_ids or not reads_statement(actor):
        return {}
    rows = read_rows(_LINKED, tip_ids=list(tip_ids))
    counts = {row.id: row.size for row in rows}
    if not actor.city_wide:
        counts = _counts_in_sight(actor, counts)
    return {
        row.tip_id: Mark(row.id, counts[row.id], row.first_tip_id == row.tip_id, row.first_tip_id)
        for row in rows
        if counts[row.id] > 1
    }


_LINKED: Final = (
    select(TipLink.tip_id, TipCluster.id, TipCluster.size, TipCluster.first_tip_id)
    .join(TipCluster, TipCluster.id == TipLink.cluster_id)
    .where(TipLink.tip_id == any_(bindparam("tip_ids", type_=ARRAY(Uuid))), TipCluster.size > 1)
)


def _counts_in_sight(actor: Actor, cluster_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many tips in sight each cluster has, up to a thousand."""
    if not cluster_ids:
        return {}
    tips = visible_links(actor).where(TipLink.cluster_id == TipCluster.id).with_only_columns(TipLink.tip_id)
    capped = tips.limit(COUNTED_UP_TO).correlate(TipCluster).lateral()
    number = select(func.count()).select_from(capped).scalar_subquery()
    rows = db.session.execute(select(TipCluster.id, number).where(TipCluster.id.in_(cluster_ids)))
    return {row[0]: row[1] for row in rows}


def visible_links(actor: Actor) -> Select[TipLink]:
    """Links of tips within sight of ``actor``."""
    return policy.visible_tips(actor).join(TipLink, TipLink.tip_id == Tip.id).with_only_columns(TipLink)


# Lists ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One cluster of a list, as far as the reader sees it."""

    id: UUID
    subject_name: str | None
    tips: int
    first_at: datetime
    last_at: datetime
    last_hour: int


def cluster_page(actor: Actor, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Line]:
    """Clusters of more than one tip in sight, the most recently fed first; one row more than ``limit``."""
    rows = db.session.execute((_kept(after) if actor.city_wide else _counted(actor, after)).limit(limit + 1)).all()
    recent = _within_the_hour(actor, [row[0] for row in rows])
    names = _names(actor, {row[0]: row[4] for row in rows})
    return [Line(row[0], names.get(row[0]), row[1], row[2], row[3], recent.get(row[0], 0)) for row in rows]


def _kept(after: tuple[datetime, UUID] | None) -> Select[*tuple[Any, ...]]:
    """The city sees every tip, so that the numbers kept with the clusters are its own."""
    cluster = TipCluster
    statement = select(
        cluster.id, cluster.size, cluster.first_registered_at, cluster.last_registered_at, cluster.first_tip_id
    ).where(cluster.size > 1)
    if after:
        statement = statement.where(tuple_(cluster.last_registered_at, cluster.id) < tuple_(*after))
    return statement.order_by(cluster.last_registered_at.desc(), cluster.id.desc())


def _counted(actor: Actor, after: tuple[datetime, UUID] | None) -> Select[*tuple[Any, ...]]:
    """A district's own tips, counted: it handles thousands, not millions."""
    last = func.max(TipLink.registered_at)
    statement = (
        visible_links(actor)
        .where(TipLink.cluster_id.is_not(None))
        .with_only_columns(
            TipLink.cluster_id,
            func.count(),
            func.min(TipLink.registered_at),
            last,
            func.array_agg(TipLink.tip_id)[1],
        )
        .group_by(TipLink.cluster_id)
        .having(func.count() > 1)
    )
    if after:
        statement = statement.having(tuple_(last, TipLink.cluster_id) < tuple_(*after))
    return statement.order_by(last.desc(), TipLink.cluster_id.desc())


def _names(actor: Actor, tip_of: dict[UUID, UUID]) -> dict[UUID, str | None]:
    """What a tip in sight calls the subject of each cluster."""
    rows = db.session.execute(
        policy.visible_tips(actor)
        .join(TipSubject, TipSubject.tip_id == Tip.id)
        .where(Tip.id.in_(tip_of.values()))
        .with_only_columns(Tip.id, TipSubject.name)
    )
    names = {row[0]: row[1] for row in rows}
    return {cluster_id: names.get(tip_id) for cluster_id, tip_id in tip_of.items()}


def _within_the_hour(actor: Actor, cluster_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many tips in sight of each cluster came within the hour; the city's number goes up to a thousand."""
    if not cluster_ids:
        return {}
    since = clock.now() - SURGE_WITHIN
    if not actor.city_wide:
        mine = visible_links(actor).where(TipLink.cluster_id.in_(cluster_ids), TipLink.registered_at > since)
        counted = mine.with_only_columns(TipLink.cluster_id, func.count()).group_by(TipLink.cluster_id)
        return {row[0]: row[1] for row in db.session.execute(counted) if row[0] is not None}
    rows = db.session.execute(select(TipCluster.id, _number_since(since)).where(TipCluster.id.in_(cluster_ids)))
    return {row[0]: row[1] for row in rows}


def _number_since(since: datetime) -> ScalarSelect[int]:
    """How many tips of a cluster came since then, up to a thousand."""
    newest = select(TipLink.tip_id).where(TipLink.cluster_id == TipCluster.id, TipLink.registered_at > since)
    capped = newest.limit(COUNTED_UP_TO).correlate(TipCluster).lateral()
    return select(func.count()).select_from(capped).scalar_subquery()


def surges(actor: Actor, most: int = 3) -> list[Line]:
    """The clusters that thousands are reporting now, for the city; counted only where the size allows it."""
    if not actor.city_wide or not reads_statement(actor):
        return []
    found = _kept(None).where(TipCluster.size >= SURGE_FROM, TipCluster.last_registered_at > clock.now() - SURGE_WITHIN)
    named = found.add_columns(_number_since(clock.now() - SURGE_WITHIN), TipSubject.name)
    rows = db.session.execute(named.join(TipSubject, TipSubject.tip_id == TipCluster.first_tip_id).limit(most)).all()
    lines = [Line(row[0], row[6], row[1], row[2], row[3], row[5]) for row in rows]
    return [line for line in lines if line.last_hour >= SURGE_FROM]


# What an officer changes ---------------------------------------------------------------------------------------------


def can_change(actor: Actor, tip_id: UUID) -> bool:
    """The city's reviewer: a cluster reaches over districts."""
    return actor.may(Permission.TIP_TRIAGE) and actor.city_wide and not excluded(actor, tip_id)


def detach(actor: Actor, tip_id: UUID, reason: str) -> None:
    """Take a tip out of its cluster: it is about something else. Remembered; the background leaves it alone.

    Raises:
        OutOfScope: no such tip within sight. Forbidden: not this person's. Conflict: it is in no cluster.
    """
    link = _link_to_change(actor, tip_id)
    left = link.cluster_id
    if left is None:
        raise Conflict("该线索没有与其他线索归并", code="not_linked")
    _move(actor, link, None, reason)
    linking.count_again(left)
    audit.record(actor, "tips.detach", "tip", tip_id, cluster=str(left), reason=reason)


def attach(actor: Actor, tip_id: UUID, to_tip_id: UUID, reason: str) -> None:
    """Put a tip into the cluster of another one; raises as :func:`detach`, ``InvalidInput`` for the other tip."""
    link = _link_to_change(actor, tip_id)
    target = db.session.scalar(visible_links(actor).where(TipLink.tip_id == to_tip_id))
    if target is None or target.cluster_id is None or target.tip_id == tip_id:
        raise InvalidInput(errors={"to": ["该线索不存在，或者没有写明被举报对象"]})
    if target.cluster_id == link.cluster_id:
        raise Conflict("两件线索已在同一组", code="already_linked")
    left = link.cluster_id
    _move(actor, link, target.cluster_id, reason)
    for cluster_id in (left, target.cluster_id):
        if cluster_id is not None:
            linking.count_again(cluster_id)
    audit.record(actor, "tips.attach", "tip", tip_id, cluster=str(target.cluster_id), reason=reason)


def _link_to_change(actor: Actor, tip_id: UUID) -> TipLink:
    handling_queries.handling_for(actor, tip_id)  # within sight, or not found
    about = {"audit_object": ("tip", str(tip_id))}
    if not can_change(actor, tip_id):
        raise Forbidden("线索的归并由市级审核人调整", extra=about)
    linking.hold_still()
    link = db.session.get(TipLink, tip_id, populate_existing=True)
    if link is None:
        raise OutOfScope("该线索刚刚登记，尚未完成归并，请稍后再试", extra=about)
    return link


def _move(actor: Actor, link: TipLink, cluster_id: UUID | None, reason: str) -> None:
    link.cluster_id = cluster_id
    link.decided_by, link.decided_at, link.reason = actor.account_id, clock.now(), reason
    db.session.flush()


def link_of(tip_id: UUID) -> TipLink | None:
    """How a tip was linked, and by whom; ``None`` until the background has looked at it."""
    return db.session.get(TipLink, tip_id)
