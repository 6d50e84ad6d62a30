"""What the periodic clock and the outbox run here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.foundation.database import OPEN_WALL, transaction
from app.outbox.service import handles, handles_over_network
from app.tips import (
    cluster_merging,
    conversation,
    counting,
    dispatching,
    evidence_copies,
    linking,
    list_exports,
    precedents,
    rematching,
    retention,
    search,
    text_check,
)
from app.tips import export_jobs as _export_jobs  # noqa: F401  # writes out long lists


@handles(rematching.REMATCH)
def rematch_tips(payload: dict[str, Any]) -> None:
    """Find the districts of these tips anew. Twice is safe: an answer that is known already writes nothing."""
    for tip_id in payload["tip_ids"]:
        rematching.rematch(UUID(tip_id))


@handles(precedents.REMEMBER_PRECEDENT)
def remember_precedent(payload: dict[str, Any]) -> None:
    """Make a precedent of the city's decision. Twice is safe: a step of a tip is remembered once."""
    precedents.remember(UUID(payload["tip_id"]), payload["version"])


@handles(dispatching.DISPATCH)
def dispatch_tip(payload: dict[str, Any]) -> None:
    """Assign a clear tip. Twice is safe: a tip that is assigned does not wait for it any more."""
    dispatching.dispatch(UUID(payload["tip_id"]))


@handles(cluster_merging.MERGE_CLUSTER)
def merge_cluster(payload: dict[str, Any]) -> None:
    """Merge the next tips of a cluster. Twice is safe: each run goes on behind the last tip, one at a time."""
    cluster_merging.merge_some(UUID(payload["merge_id"]))


@handles_over_network(evidence_copies.COPIES_WANTED)
def make_copies(message_id: int, payload: dict[str, Any]) -> None:
    """Draw the clean copies of an image or a PDF. Twice is safe: rows that are there stay, spare bytes are swept up."""
    evidence_copies.make_copies(message_id, UUID(payload["file_id"]))


@handles_over_network(text_check.TEXT_CHECK_WANTED)
def check_text(message_id: int, payload: dict[str, Any]) -> None:
    """Ask WeChat about the text of a statement. Twice is safe: asking changes nothing, the first verdict stays."""
    text_check.check(message_id, UUID(payload["tip_id"]))


def link_tips() -> None:
    """Link tips about one subject, batch by batch. Twice is safe: a tip is linked once, and one run links at a time."""
    linked = linking.BATCH
    while linked == linking.BATCH:
        with transaction(OPEN_WALL):
            linked = linking.link_some()


def end_overdue_terms() -> None:
    """Take tips back to the desk whose reporter did not answer in time. Twice is safe: they wait no longer then."""
    with transaction(OPEN_WALL):
        conversation.end_overdue_terms()


def propose_removals() -> None:
    """Propose identities whose term is over. Twice is safe: a tip is proposed once, and a person decides."""
    with transaction(OPEN_WALL):
        retention.propose_removals()


def remove_exports() -> None:
    """Remove lists that were written out and whose days are over. Twice is safe: a file is found once."""
    with transaction(OPEN_WALL):
        list_exports.remove_old_files()


def index_for_search() -> None:
    """Keep the grams of new tips, a batch in a transaction. Twice is safe: a tip's grams are kept once."""
    kept = 1
    while kept:
        with transaction(OPEN_WALL):
            kept = search.index_some()


def count_tips() -> None:
    """Keep the counts behind the statistics, a batch in a transaction. Twice is safe: they follow from the rows."""
    more = True
    while more:
        with transaction(OPEN_WALL):
            more = counting.count_some()
