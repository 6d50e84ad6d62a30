"""Every blueprint of the room, for the one place where the rooms are put together."""

from __future__ import annotations

from typing import Final

from app.cases import api, claims_public_api, documents_api, imports_api, ledger_api, tasks_api

BLUEPRINTS: Final = (
    api.office_api,
    imports_api.office_api,
    ledger_api.office_api,
    documents_api.office_api,
    documents_api.templates_api,
    tasks_api.office_api,
    claims_public_api.public_api,
)
