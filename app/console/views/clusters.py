"""Tips about one subject as the pages show them: a mark in the queue, a panel beside one tip, the list of clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import url_for

from app.console.views import fields
from app.console.views.addresses import addresses
from app.console.views.tip_list import brief_rows
from app.foundation import clock
from app.foundation.permissions import Actor
from app.tips import cluster_merging, clusters
from app.tips.cluster_merging import Preview
from app.tips.clusters import Line, Mark
from app.tips.merge_models import ClusterMerge
from app.tips.queries import WholeTip
from app.workflow.states import ACTION_TEXTS, Action, Status

LONGEST_REASON = 500


def marks(found: Mapping[UUID, Mark]) -> dict[UUID, dict[str, Any]]:
    """What lines of the queue say of tips that are not alone."""
    address = addresses("console.list_tips", "cluster")
    return {tip_id: _mark(mark, address(mark.id)) for tip_id, mark in found.items()}


def _mark(mark: Mark, href: str) -> dict[str, Any]:
    return {"count": mark.count, "first": mark.first, "href": href}


def panel(actor: Actor, found: WholeTip, whole: Mapping[str, Any], errors: Mapping[str, list[str]]) -> dict[str, Any]:
    """The panel of one tip: how many are about the same subject, which was first, and what the reviewer can correct."""
    mark: Mark | None = whole["cluster"]
    link = clusters.link_of(found.tip.id)
    merging = mark is not None and cluster_merging.can_merge(actor)
    shown: dict[str, Any] = {
        "mark": _mark(mark, url_for("console.list_tips", cluster=mark.id)) if mark else None,
        "merge_href": url_for("console.preview_cluster_merge", cluster_id=mark.id) if mark and merging else None,
        "first_href": url_for("console.show_tip", tip_id=mark.first_tip_id) if mark and not mark.first else None,
        "decided": {"at": clock.beijing(link.decided_at), "reason": link.reason} if link and link.decided_at else None,
        "actions": [],
    }
    if link is not None and clusters.can_change(actor, found.tip.id):
        offered = {one["action"] for one in whole["available_actions"]}
        merges = mark is not None and not mark.first and actor.city_wide and Action.MERGE in offered
        shown["actions"] = [
            *([_merge(mark.first_tip_id)] if mark and merges else []),
            *([_correction("detach", "移出本组", found.tip.id, [], errors)] if mark else []),
            _correction("attach", "归入另一件线索所在的组", found.tip.id, [_other_tip(errors)], errors),
        ]
    return shown


def _merge(into: UUID) -> dict[str, Any]:
    return {
        "name": Action.MERGE.value,
        "label": f"{ACTION_TEXTS[Action.MERGE]}到首件",
        "needs": [{"name": "into", "kind": "hidden", "value": str(into)}],
        "irreversible": True,
        "description": "本件随首件办理，首报人和登记时间不变。",
        "tone": "plain",
        "open": False,
    }


def _correction(
    name: str, label: str, tip_id: UUID, needs: list[fields.Field], errors: Mapping[str, list[str]]
) -> dict[str, Any]:
    reason = fields.text("reason", "理由", LONGEST_REASON, rows=2)
    return {
        "name": name,
        "label": label,
        "needs": [*needs, reason | {"error": "；".join(errors.get("reason", []))}],
        "irreversible": False,
        "description": "系统按名称、代码、账号和电话归并；不准的由审核人改正，理由记入审计日志。",
        "tone": "plain",
        "open": False,
        "url": url_for(f"console.{name}_tip", tip_id=tip_id),
    }


def _other_tip(errors: Mapping[str, list[str]]) -> fields.Field:
    told = "；".join(errors.get("receipt_number", []))
    return {
        "name": "receipt_number",
        "label": "另一件的受理编号",
        "kind": "text",
        "required": True,
        "max_length": 40,
        "inputmode": "numeric",
        "error": told,
    }


def lines(found: Sequence[Line], *, merging: bool = False) -> list[dict[str, Any]]:
    """Clusters as lines of a list, or of the notice above the queue; ``merging``: with the way to merge each."""
    return [
        {
            "href": url_for("console.list_tips", cluster=line.id),
            "merge_href": url_for("console.preview_cluster_merge", cluster_id=line.id) if merging else None,
            "subject_name": line.subject_name,
            "tips": line.tips,
            "first_at": clock.beijing(line.first_at),
            "last_at": clock.beijing(line.last_at),
            "last_hour": line.last_hour,
        }
        for line in found
    ]


# Merging a cluster ----------------------------------------------------------------------------------------------------


def merge_preview(seen: Preview) -> dict[str, Any]:
    """What merging a cluster would do: the main tip, how many follow it, how many stay and why."""
    return {
        "main": {
            "href": url_for("console.show_tip", tip_id=seen.main.tip_id),
            "receipt_number": seen.main.receipt_number,
            "subject_name": seen.main.subject_name,
            "registered_at": clock.beijing(seen.main.registered_at),
            "status": Status(seen.main.status),
        },
        "merging": seen.merging,
        "staying": [(Status(status), number) for status, number in seen.staying.items()],
        "lines": brief_rows(seen.first_lines),
        "cluster_url": url_for("console.list_tips", cluster=seen.cluster_id),
        "hindrance": seen.hindrance,
    }


def merge_state(row: ClusterMerge) -> dict[str, Any]:
    """How far a merger is."""
    done = row.merged + row.refused
    return {
        "merge": {
            "merged": row.merged,
            "refused": row.refused,
            "done": done,
            "wanted": row.wanted,
            "share": min(done / max(row.wanted, 1), 1),
            "ended": clock.beijing(row.ended_at) if row.ended_at else None,
        },
        "main_href": url_for("console.show_tip", tip_id=row.into_tip_id),
        "state_url": url_for("console.show_cluster_merge", merge_id=row.id),
    }
