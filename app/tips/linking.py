"""Linking tips about one subject, in the background: filing itself never waits for it.

A batch is linked with a handful of statements however many tips are about one company, so that ten thousand of them
cost ten thousand and not their square. The first reporter is the earliest by the server's time (domain rule 6), also
where a tip that was being filed shows only after later ones. One run at a time: a second one finds the lock taken and
leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, and_, bindparam, case, delete, func, insert, or_, select, tuple_, update

from app.enterprises import queries as register
from app.foundation import clock
from app.foundation.database import db, new_id
from app.tips.grouping import Grouping, group
from app.tips.merge_models import ClusterMerge
from app.tips.models import SubjectKey, Tip, TipCluster, TipLink, TipSubject
from app.tips.subject_keys import Key, Named, keys_of
from app.workflow.models import Handling

BATCH: Final = 1000
_LOCK: Final = 7_401_001
_LOOKED_BACK_MS: Final = 3_600_000
"""A tip shows when its transaction ends, at most a minute after its id was drawn; an hour is plenty."""


@dataclass(frozen=True, slots=True)
class _Unlinked:
    id: UUID
    registered_at: datetime
    keys: Sequence[Key]


def link_some() -> int:
    """Link the next tips that nobody has looked at; return how many."""
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
        return 0
    tips = _unlinked()
    if tips:
        known = _known({key for tip in tips for key in tip.keys})
        found = group([(tip.id, tip.keys) for tip in tips], known, _codes_of(set(known.values())), new_id)
        _write(tips, found)
    return len(tips)


def hold_still() -> None:
    """Keep the background from linking until this transaction ends: an officer is moving a tip."""
    db.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _unlinked() -> list[_Unlinked]:
    subject, tip = TipSubject.__table__.c, Tip.__table__.c
    statement = (
        select(
            tip.id, tip.registered_at, subject.kind, subject.name, subject.uscc, subject.contact,
            subject.online_presence, Handling.division_code,
        )
        .join_from(Tip, TipSubject, subject.tip_id == tip.id)
        .join(Handling, Handling.tip_id == tip.id)
        .outerjoin(TipLink, TipLink.tip_id == tip.id)
        .where(TipLink.tip_id.is_(None), tip.id > _looked_at())
        .order_by(tip.registered_at, tip.id)
        .limit(BATCH)
    )  # fmt: skip
    return [_Unlinked(row[0], row[1], _keys(Named(*row[2:]))) for row in db.session.execute(statement).all()]


def _keys(named: Named) -> list[Key]:
    """What a subject is known by, with the code and every name, also former ones, that the register has of it."""
    entry = register.register_entry(named.kind, named.name, named.uscc)
    if entry is None:
        return keys_of(named)
    names = register.names_of_code(entry.uscc) if entry.uscc else [entry.name]
    registered = [key for name in names for key in keys_of(replace(named, name=name, uscc=entry.uscc))]
    return list(dict.fromkeys([*registered, *keys_of(named)]))


def _looked_at() -> UUID:
    """Every tip below this id has been looked at; ids are ordered by time (UUID version 7)."""
    newest = db.session.scalar(select(TipLink.tip_id).order_by(TipLink.tip_id.desc()).limit(1))
    moment = newest.int >> 80 if newest else 0
    return UUID(int=max(moment - _LOOKED_BACK_MS, 0) << 80)


def _known(keys: Collection[Key]) -> dict[Key, UUID]:
    """The clusters that these keys lead to."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_kind[key.kind].append(key.key)
    if not by_kind:
        return {}
    wanted = [and_(SubjectKey.kind == kind, SubjectKey.key.in_(values)) for kind, values in by_kind.items()]
    rows = db.session.execute(select(SubjectKey.kind, SubjectKey.key, SubjectKey.cluster_id).where(or_(*wanted)))
    return {Key(kind, key): cluster_id for kind, key, cluster_id in rows}


def _codes_of(clusters: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    found: dict[UUID, set[str]] = defaultdict(set)
    rows = db.session.execute(
        select(SubjectKey.cluster_id, SubjectKey.key).where(
            SubjectKey.kind == "uscc", SubjectKey.cluster_id.in_(clusters)
        )
    )
    for cluster_id, code in rows:
        found[cluster_id].add(code)
    return {cluster_id: frozenset(codes) for cluster_id, codes in found.items()}


def _write(tips: Sequence[_Unlinked], found: Grouping) -> None:
    joining: dict[UUID, list[_Unlinked]] = defaultdict(list)
    for tip in tips:
        if (cluster_id := found.cluster_of[tip.id]) is not None:
            joining[cluster_id].append(tip)
    _found_clusters(found.founded, joining)
    for absorbed, leader in found.absorbed.items():
        _absorb(absorbed, leader)
    _many(
        insert(_table(TipLink)),
        [
            {"tip_id": tip.id, "cluster_id": found.cluster_of[tip.id], "registered_at": tip.registered_at}
            for tip in tips
        ],
    )
    _many(
        insert(_table(SubjectKey)),
        [
            {"id": new_id(), "kind": key.kind, "key": key.key, "cluster_id": cluster_id}
            for key, cluster_id in found.new_keys.items()
        ],
    )
    _count_in({cluster_id: joined for cluster_id, joined in joining.items() if cluster_id not in found.founded})


def _found_clusters(founded: Iterable[UUID], joining: Mapping[UUID, Sequence[_Unlinked]]) -> None:
    rows = []
    for cluster_id in founded:
        joined = joining[cluster_id]  # the earliest first, as they were read
        first, last = joined[0], joined[-1]
        rows.append({
            "id": cluster_id, "created_at": clock.now(), "first_tip_id": first.id,
            "first_registered_at": first.registered_at, "last_registered_at": last.registered_at, "size": len(joined),
        })  # fmt: skip
    _many(insert(_table(TipCluster)), rows)


def _count_in(joining: Mapping[UUID, Sequence[_Unlinked]]) -> None:
    """Add tips to clusters that exist: count, latest, and the first where one of them is earlier."""
    cluster = _table(TipCluster).c
    earlier = tuple_(bindparam("at"), bindparam("tip")) < tuple_(cluster.first_registered_at, cluster.first_tip_id)
    statement = (
        update(_table(TipCluster))
        .where(cluster.id == bindparam("cluster"))
        .values(
            size=cluster.size + bindparam("joined"),
            last_registered_at=func.greatest(
                cluster.last_registered_at, bindparam("last", type_=cluster.created_at.type)
            ),
            first_tip_id=case((earlier, bindparam("tip")), else_=cluster.first_tip_id),
            first_registered_at=case((earlier, bindparam("at")), else_=cluster.first_registered_at),
        )
    )
    rows = [
        {
            "cluster": cluster_id, "joined": len(joined), "at": joined[0].registered_at, "tip": joined[0].id,
            "last": joined[-1].registered_at,
        }
        for cluster_id, joined in joining.items()
    ]  # fmt: skip
    _many(statement, rows)


def _absorb(absorbed: UUID, leader: UUID) -> None:
    """Two clusters turned out to be about one subject: the older one takes tips and keys over."""
    for model in (TipLink, SubjectKey, ClusterMerge):
        rows = _table(model)
        db.session.execute(update(rows).where(rows.c.cluster_id == absorbed).values(cluster_id=leader))
    db.session.execute(delete(_table(TipCluster)).where(TipCluster.id == absorbed))
    count_again(leader)


def count_again(cluster_id: UUID) -> None:
    """Find size, first and latest of a cluster anew from its tips; an empty one stays with what it had."""
    link = _table(TipLink).c
    of_cluster = select(link.tip_id, link.registered_at).where(link.cluster_id == cluster_id)
    first = db.session.execute(of_cluster.order_by(link.registered_at, link.tip_id).limit(1)).one_or_none()
    size, last = db.session.execute(
        select(func.count(), func.max(link.registered_at)).where(link.cluster_id == cluster_id)
    ).one()
    values: dict[str, Any] = {"size": size}
    if first is not None:
        values |= {"first_tip_id": first[0], "first_registered_at": first[1], "last_registered_at": last}
    cluster = _table(TipCluster)
    db.session.execute(update(cluster).where(cluster.c.id == cluster_id).values(**values))


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found


def _many(statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.session.connection().execute(statement, rows)
