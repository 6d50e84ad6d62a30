"""End points of notifications: consents and news of reporters, notices of officers, how far messages got."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g

from app.foundation.http import Audience, endpoint
from app.foundation.paging import from_cursor, to_cursor
from app.foundation.permissions import Actor, Permission
from app.identity.authentication import openid_index_of_request
from app.notifications import consents, queries, resending, schemas, service
from app.notifications import jobs as _jobs  # noqa: F401  # importing it tells the outbox who answers its messages
from app.notifications.models import Notice
from app.notifications.wording import NEWS

public_api = APIBlueprint("public_notifications", __name__, url_prefix="/api/v1")
office_api = APIBlueprint("office_notifications", __name__, url_prefix="/api/v1/office")


@public_api.get("/subscriptions")
@endpoint(
    audience=Audience.ANYONE,
    permission=Permission.PUBLIC_READ,
    answer=schemas.SubscriptionListView(),
    changes=False,
)
def list_subscriptions(_actor: Actor) -> dict[str, Any]:
    """The templates to ask consent for; with a session, how many messages of each are left."""
    return {"items": queries.subscriptions(openid_index_of_request())}


@public_api.post("/subscriptions")
@endpoint(
    audience=Audience.REPORTER,
    permission=Permission.PUBLIC_FILE,
    body=schemas.RememberConsentsBody(),
    answer=schemas.SubscriptionListView(),
)
def remember_consents(_actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Count the consents just given: one consent, one message."""
    consents.remember_consents(g.openid_index, body["accepted"])
    return {"items": queries.subscriptions(g.openid_index)}


@public_api.get("/news")
@endpoint(
    audience=Audience.REPORTER,
    permission=Permission.PUBLIC_READ,
    query=schemas.ListNewsQuery(),
    answer=schemas.NewsPage(),
    changes=False,
)
def list_news(_actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """What moved in the own real-name tips and no other channel could tell, newest first."""
    limit = query["limit"]
    rows = queries.news_page(g.openid_index, after=from_cursor(query["cursor"]), limit=limit)
    page = _page([one for one, _ in rows], limit)
    shown = [
        {"receipt_number": number, "text": NEWS, "at": one.created_at, "read_at": one.read_at}
        for one, number in rows[:limit]
    ]
    return page | {"items": shown}


@public_api.post("/news/read")
@endpoint(audience=Audience.REPORTER, permission=Permission.PUBLIC_FILE, answer=schemas.MarkedView())
def mark_news_read(_actor: Actor) -> dict[str, int]:
    """Mark all of the own news read."""
    return {"marked": service.mark_news_read(g.openid_index)}


@office_api.get("/notices")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.SELF_USE,
    query=schemas.ListNoticesQuery(),
    answer=schemas.NoticePage(),
    changes=False,
)
def list_notices(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """The own notices, newest first."""
    limit = query["limit"]
    rows = queries.notice_page(actor, unread=query["unread"], after=from_cursor(query["cursor"]), limit=limit)
    return _page(rows, limit) | {"unread": queries.unread_count(actor)}


@office_api.post("/notices/<uuid:notice_id>/read")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, answer=schemas.NoticeView())
def mark_read(actor: Actor, notice_id: UUID) -> Notice:
    """Mark one own notice read."""
    return service.mark_read(actor, notice_id)


@office_api.post("/notices/read-all")
@endpoint(audience=Audience.OFFICER, permission=Permission.SELF_USE, answer=schemas.MarkedView())
def mark_all_read(actor: Actor) -> dict[str, int]:
    """Mark every own notice read."""
    return {"marked": service.mark_all_read(actor)}


@office_api.get("/deliveries")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.DELIVERY_READ,
    query=schemas.ListDeliveriesQuery(),
    answer=schemas.DeliveryPage(),
    changes=False,
)
def list_deliveries(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """How far the messages to reporters got, newest first."""
    limit = query["limit"]
    wanted = queries.DeliveryFilter(query["state"], query["channel"], query["since"], query["until"])
    return _page(queries.delivery_page(actor, wanted, after=from_cursor(query["cursor"]), limit=limit), limit)


@office_api.post("/deliveries/resend")
@endpoint(
    audience=Audience.OFFICER,
    permission=Permission.DELIVERY_RESEND,
    body=schemas.ResendDeliveriesBody(),
    answer=schemas.ResentView(),
)
def resend_deliveries(actor: Actor, body: dict[str, Any]) -> resending.Resent:
    """Put messages that failed, or whose fate nobody knows, back into the queue."""
    return resending.resend(actor, body["ids"])


def _page(rows: Any, limit: int) -> dict[str, Any]:
    shown = rows[:limit]
    more = len(rows) > len(shown)
    return {"items": shown, "next_cursor": to_cursor(shown[-1].created_at, shown[-1].id) if more else None}
