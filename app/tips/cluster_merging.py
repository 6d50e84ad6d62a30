"""Merging the waiting tips of a cluster into its first one, all of them or none: a surge is handled once.

The reviewer sees what would become of each, and orders it; the job then does the ordinary action, tip by tip, in the
reviewer's name, so that history, audit and messages are those of a merger by hand. Reporters notice nothing of each
other: each goes on seeing the own tip alone (domain rule 17).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select

from app.audit import service as audit
from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import Conflict, DomainError, Forbidden, NotSignedIn, OutOfScope
from app.foundation.permissions import Actor, Permission
from app.identity import service as identity
from app.outbox import service as outbox
from app.outbox import single_run
from app.tips.lines import TipLine, lines_of
from app.tips.merge_models import ClusterMerge
from app.tips.models import TipCluster, TipLink
from app.tips.progress import leading
from app.workflow import service as workflow
from app.workflow.models import Handling
from app.workflow.states import OPEN_STATUSES, Action, Status

MERGE_CLUSTER: Final = "tips.merge_cluster"
AT_ONCE: Final = 50
"""So many tips are merged in one transaction: the main tip is locked as long."""
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """What merging a cluster would do: how many would follow the main tip, and how many stay, by status."""

    cluster_id: UUID
    main: TipLine
    merging: int
    staying: Mapping[str, int]
    first_lines: Sequence[TipLine]
    hindrance: str


def can_merge(actor: Actor) -> bool:
    """The city's reviewer: a cluster reaches over districts."""
    return actor.may(Permission.TIP_TRIAGE) and actor.city_wide


def preview(actor: Actor, cluster_id: UUID) -> Preview:
    """What would become of the tips of a cluster; raise ``OutOfScope``, ``Forbidden``."""
    cluster = _cluster(actor, cluster_id)
    main_id = leading(cluster.first_tip_id).tip_id
    (main,) = lines_of(actor, [main_id])
    counts = _members(cluster_id, main_id).with_only_columns(Handling.status, func.count()).group_by(Handling.status)
    by_status = {row[0]: row[1] for row in db.session.execute(counts)}
    return Preview(
        cluster_id,
        main,
        by_status.pop(Status.REGISTERED.value, 0),
        by_status,
        lines_of(actor, db.session.scalars(_waiting(cluster_id, main_id).limit(SHOWN)).all()),
        _hindrance(Status(main.status)),
    )


def _hindrance(status: Status) -> str:
    return "" if status in OPEN_STATUSES else f"主件处于“{status.text}”状态，不能再并入其他线索"


def _cluster(actor: Actor, cluster_id: UUID) -> TipCluster:
    about = {"audit_object": ("cluster", str(cluster_id))}
    if not can_merge(actor):
        raise Forbidden("整组并案由市级审核人办理", extra=about)
    cluster = db.session.get(TipCluster, cluster_id)
    if cluster is None:
        raise OutOfScope("未找到该组举报", extra=about)
    return cluster


def _members(cluster_id: UUID, main_id: UUID) -> Select[Any]:
    """Ids of the tips of a cluster without its main one."""
    found = select(TipLink.tip_id).join(Handling, Handling.tip_id == TipLink.tip_id)
    return found.where(TipLink.cluster_id == cluster_id, TipLink.tip_id != main_id)


def _waiting(cluster_id: UUID, main_id: UUID) -> Select[Any]:
    """Those that nobody has accepted yet: the table merges no others."""
    registered = Handling.status == Status.REGISTERED.value
    return _members(cluster_id, main_id).where(registered).order_by(TipLink.tip_id)


def order(actor: Actor, cluster_id: UUID) -> ClusterMerge:
    """Have the waiting tips of a cluster merged in the background; those that come later are left to the next order.

    Raises:
        OutOfScope, Forbidden: as :func:`preview`. Conflict: nothing to merge, the main tip is settled, or it runs.
    """
    _cluster(actor, cluster_id)
    db.session.get_one(TipCluster, cluster_id, with_for_update=True)  # two orders at once stand in line here
    running = select(ClusterMerge.id).where(ClusterMerge.cluster_id == cluster_id, ClusterMerge.ended_at.is_(None))
    if db.session.scalar(running.limit(1)) is not None:
        raise Conflict("这一组正在并案，请等待完成", code="merge_running")
    seen = preview(actor, cluster_id)
    if seen.hindrance or not seen.merging:
        raise Conflict(seen.hindrance or "这一组没有待受理的线索可以并案", code="nothing_to_merge")
    assert actor.account_id is not None  # noqa: S101  # an officer has an account
    row = ClusterMerge(
        cluster_id=cluster_id, into_tip_id=seen.main.tip_id, ordered_by=actor.account_id, ordered_at=clock.now(),
        wanted=seen.merging, merged=0, refused=0,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(actor, "tips.merge_cluster", "tip", row.into_tip_id, cluster=str(cluster_id), tips=seen.merging)
    outbox.leave(MERGE_CLUSTER, merge_id=str(row.id))
    return row


def merge_some(merge_id: UUID) -> None:
    """Merge the next tips of an order and leave a message for those behind them."""
    row = db.session.get_one(ClusterMerge, merge_id, with_for_update=True, populate_existing=True)
    if row.ended_at is not None:
        return
    waiting = _waiting(row.cluster_id, row.into_tip_id).where(TipLink.registered_at <= row.ordered_at)
    if row.last_tip_id is not None:
        waiting = waiting.where(TipLink.tip_id > row.last_tip_id)
    try:
        actor = identity.actor_of_account(row.ordered_by)
    except NotSignedIn:  # whoever ordered it has left: what is not merged yet stays where it is
        row.refused += db.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0
        _end(row)
        return
    tip_ids = db.session.scalars(waiting.limit(AT_ONCE)).all()
    for tip_id in tip_ids:
        if _merge(actor, tip_id, row.into_tip_id):
            row.merged += 1
        else:
            row.refused += 1
        row.last_tip_id = tip_id
    if len(tip_ids) == AT_ONCE:
        outbox.leave(MERGE_CLUSTER, merge_id=str(merge_id))
        db.session.flush()
    else:
        _end(row)


def _end(row: ClusterMerge) -> None:
    row.ended_at = clock.now()
    single_run.tell_of_end(row)
    db.session.flush()


def _merge(actor: Actor, tip_id: UUID, into: UUID) -> bool:
    try:
        with db.session.begin_nested():
            handling = workflow.locked(actor, tip_id)
            workflow.act(actor, tip_id, Action.MERGE, handling.version, {"into": into})
    except DomainError:  # moved meanwhile, or the reviewer stands aside from it: it stays where it is
        return False
    return True


def merge_of(actor: Actor, merge_id: UUID) -> ClusterMerge:
    """One order, for whoever may give one; raise ``OutOfScope``, ``Forbidden``."""
    row = db.session.get(ClusterMerge, merge_id, populate_existing=True)
    if row is None:
        raise OutOfScope("未找到该并案", extra={"audit_object": ("cluster_merge", str(merge_id))})
    _cluster(actor, row.cluster_id)
    return row
