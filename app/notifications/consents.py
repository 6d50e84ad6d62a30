"""One consent, one message: how many messages of a WeChat template a person still allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from flask import current_app
from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from app.foundation import clock
from app.foundation.database import db
from app.foundation.errors import InvalidInput, NotSignedIn
from app.identity.models import WechatUser
from app.notifications.models import Consent

TIP_PROGRESS: Final = "tip_progress"
MOST_CONSENTS: Final = 100
"""Nobody needs more, and a client that counts wrongly cannot overflow the column."""


def templates() -> Mapping[str, str]:
    """What a message is for → id of its WeChat template."""
    return {TIP_PROGRESS: current_app.extensions["shudi_settings"].wechat_template_progress}


def remember_consents(openid_index: bytes, accepted: Iterable[str]) -> None:
    """Count one further message for each accepted template.

    Raises:
        InvalidInput: a template that is not ours. NotSignedIn: the person of the token is gone.
    """
    wanted = sorted(set(accepted))
    if unknown := set(wanted) - set(templates().values()):
        raise InvalidInput(errors={"accepted": [f"未知的消息模板：{name}" for name in sorted(unknown)]})
    if db.session.get(WechatUser, openid_index) is None:
        raise NotSignedIn
    for template_id in wanted:
        _add_consent(openid_index, template_id)


def _add_consent(openid_index: bytes, template_id: str) -> None:
    row = {
        "openid_index": openid_index,
        "template_id": template_id,
        "remaining": 1,
        "updated_at": _day_of_consent(),
    }
    added = insert(Consent).values(row)
    db.session.execute(
        added.on_conflict_do_update(
            index_elements=[Consent.openid_index, Consent.template_id],
            set_={
                "remaining": func.least(Consent.remaining + 1, MOST_CONSENTS),
                "updated_at": added.excluded.updated_at,
            },
        )
    )


def _day_of_consent() -> datetime:
    """The day alone: the minute of a consent beside that of an anonymous tip would lead to its reporter (Art. 16)."""
    return clock.beijing(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)


def use_consent(openid_index: bytes, template_id: str) -> bool:
    """Spend one consent; return whether there was one."""
    used = db.session.execute(
        update(Consent)
        .where(Consent.openid_index == openid_index, Consent.template_id == template_id, Consent.remaining > 0)
        .values(remaining=Consent.remaining - 1)
        .returning(Consent.remaining)
        .execution_options(synchronize_session=False)
    )
    return used.first() is not None


def give_back_consent(openid_index: bytes, template_id: str) -> None:
    """Return the consent of a message that WeChat did not take."""
    db.session.execute(
        update(Consent)
        .where(
            Consent.openid_index == openid_index,
            Consent.template_id == template_id,
            Consent.remaining < MOST_CONSENTS,
        )
        .values(remaining=Consent.remaining + 1)
        .execution_options(synchronize_session=False)
    )


def withdraw_consent(openid_index: bytes, template_id: str) -> None:
    """Believe WeChat (43101): this person allows no further message of this template."""
    db.session.execute(
        update(Consent)
        .where(Consent.openid_index == openid_index, Consent.template_id == template_id)
        .values(remaining=0)
        .execution_options(synchronize_session=False)
    )
