"""Which tips belong together, by the keys they share. Pure; its work grows with the keys, not with pairs of tips.

Weak keys (name, account, telephone) draw tips together too, but never two groups with different credit codes: those are
two companies, even where one salesman's telephone serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.tips.subject_keys import Key

Tip = tuple[UUID, Sequence[Key]]


@dataclass(slots=True)
class Grouping:
    """The outcome for one batch: where each tip goes, which keys are new, which clusters turned out to be one."""

    cluster_of: dict[UUID, UUID | None] = field(default_factory=dict)
    new_keys: dict[Key, UUID] = field(default_factory=dict)
    absorbed: dict[UUID, UUID] = field(default_factory=dict)
    """Cluster → the older one that takes its tips and keys over."""
    founded: set[UUID] = field(default_factory=set)


class _Sets:
    """Disjoint sets of keys and clusters; each set knows the credit codes in it."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}
        self._codes: dict[Hashable, frozenset[str]] = {}

    def root(self, thing: Hashable) -> Hashable:
        parent = self._parent.setdefault(thing, thing)
        while parent != self._parent[parent]:
            self._parent[parent] = parent = self._parent[self._parent[parent]]
        self._parent[thing] = parent
        return parent

    def note_codes(self, thing: Hashable, codes: frozenset[str]) -> None:
        root = self.root(thing)
        self._codes[root] = self._codes.get(root, frozenset()) | codes

    def join(self, one: Hashable, other: Hashable) -> None:
        left, right = self.root(one), self.root(other)
        ours, theirs = self._codes.get(left, frozenset()), self._codes.get(right, frozenset())
        if left != right and not (ours and theirs and ours.isdisjoint(theirs)):
            self._parent[right] = left
            self._codes[left] = ours | theirs


def group(
    tips: Sequence[Tip],
    known: Mapping[Key, UUID],
    codes: Mapping[UUID, frozenset[str]],
    new_id: Callable[[], UUID],
) -> Grouping:
    """Group a batch of tips with each other and with the clusters that exist.

    Args:
        tips: id and keys of each, the earliest first.
        known: keys that lead to a cluster already.
        codes: the credit codes of those clusters.
        new_id: makes the id of a new cluster.
    """
    sets = _Sets()
    for cluster_id, held in codes.items():
        sets.note_codes(cluster_id, held)
    for _, keys in tips:
        for key in keys:
            if key.kind == "uscc":
                sets.note_codes(key, frozenset({key.key}))
    for key, cluster_id in known.items():
        sets.join(cluster_id, key)
    for _, keys in tips:
        for key in keys[1:]:
            sets.join(keys[0], key)
    return _settled(tips, known, sets, new_id)


def _settled(tips: Sequence[Tip], known: Mapping[Key, UUID], sets: _Sets, new_id: Callable[[], UUID]) -> Grouping:
    found = Grouping()
    leading: dict[Hashable, UUID] = {}
    for cluster_id in sorted(set(known.values())):  # ids are ordered by time: the oldest cluster of a set leads it
        leader = leading.setdefault(sets.root(cluster_id), cluster_id)
        if leader != cluster_id:
            found.absorbed[cluster_id] = leader
    for tip_id, keys in tips:
        if not keys:
            found.cluster_of[tip_id] = None
            continue
        root = sets.root(keys[0])
        if root not in leading:
            leading[root] = new_id()
            found.founded.add(leading[root])
        found.cluster_of[tip_id] = leading[root]
        found.new_keys |= {key: leading[root] for key in keys if key not in known and sets.root(key) == root}
    return found
