"""Enterprises as the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import url_for

from app.console.views.jurisdiction import match_view, place_name
from app.enterprises.models import Enterprise, EnterpriseChange
from app.enterprises.states import RegistrationStatus
from app.geo.address import match
from app.geo.service import region_code

STATUS_CHOICES: Final = [{"value": status.value, "label": status.text} for status in RegistrationStatus]
_TONES: Final = {RegistrationStatus.ACTIVE: "done", RegistrationStatus.OTHER: "end"}
_FIELDS: Final = {
    "name": "名称",
    "uscc": "统一社会信用代码",
    "status": "登记状态",
    "registered_address": "登记住所",
    "operating_address": "经营场所",
    "business_type": "类型",
    "division_code": "属地",
}


def line_view(row: Enterprise) -> dict[str, Any]:
    """One line of the list."""
    status = RegistrationStatus(row.status)
    return {
        "href": url_for("console.show_enterprise", enterprise_id=row.id),
        "name": row.name,
        "uscc": row.uscc or "",
        "status_text": status.text,
        "status_tone": _TONES.get(status, "warn"),
        "place_name": place_name(row.division_code),
        "as_of": row.as_of,
    }


def one_view(row: Enterprise, former: Sequence[str], changes: Sequence[EnterpriseChange]) -> dict[str, Any]:
    """One enterprise: the address is read anew, so that the evidence can be drawn on it."""
    address = row.registered_address or ""
    return line_view(row) | {
        "former_names": list(former),
        "operating_address": row.operating_address or "",
        "business_type": row.business_type or "",
        "source": row.source,
        "match": match_view(address, match(address, region_code(), row.uscc).to_dict()) if address else None,
        "tips_url": url_for("console.list_tips", q=row.name),
        "changes": [_change(change) for change in changes],
    }


def _change(change: EnterpriseChange) -> dict[str, Any]:
    return {
        "field": _FIELDS.get(change.field, change.field),
        "before": _told(change.field, change.before),
        "after": _told(change.field, change.after),
        "as_of": change.as_of,
        "source": change.source,
    }


def _told(field: str, value: str | None) -> str:
    if not value:
        return "未登记"
    if field == "status":
        return RegistrationStatus(value).text
    return place_name(value) if field == "division_code" else value
