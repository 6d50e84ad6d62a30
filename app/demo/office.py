"""The demo office: region 650000, city 650100 with its eight districts and counties, one account for each function."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Final

from flask import current_app
from sqlalchemy import func, select

from app.demo.enterprises import enter_demo_enterprises
from app.enterprises.models import Enterprise
from app.foundation.config import Settings
from app.foundation.database import OPEN_WALL, db, transaction
from app.foundation.permissions import PROGRAM, Role
from app.geo.divisions import divisions
from app.identity import passwords, service
from app.identity.models import Account
from app.workflow import calendar
from app.workflow.models import CalendarDay

REGION: Final = "650000"
CITY: Final = "650100"


def demo_accounts() -> list[dict[str, str]]:
    """User name, role and division of every demo account; the city's and the region's first, then the districts'."""
    fixed = [
        ("city.reviewer", Role.CITY_REVIEWER, CITY),
        ("city.adjuster", Role.CITY_ADJUSTER, CITY),
        ("city.leader", Role.CITY_LEADER, CITY),
        ("observer.650000", Role.PROVINCE_OBSERVER, REGION),
        ("auditor", Role.AUDITOR, CITY),
        ("sysadmin", Role.SYS_ADMIN, CITY),
        ("secadmin", Role.SECURITY_ADMIN, CITY),
    ]
    districts = [(f"district.{d.code}", Role.DISTRICT_HANDLER, d.code) for d in divisions().children(CITY)]
    return [{"username": u, "role": r.value, "division": d} for u, r, d in [*fixed[:3], *districts, *fixed[3:]]]


def demo_units() -> list[service.UnitLine]:
    """The units of the demo, with invented telephone numbers."""
    lines = [
        service.UnitLine(REGION, "自治区处置非法集资办公室（演示）", "region", "0991-0000000", "demo@region.example"),
        service.UnitLine(CITY, "市处置非法集资办公室（演示）", "city", "0991-0000100", "demo@city.example"),
    ]
    for division in divisions().children(CITY):
        name = f"{division.name}处置非法集资办公室（演示）"
        lines.append(service.UnitLine(division.code, name, "district", f"0991-0{division.code}", ""))
    return lines


def create_demo_office() -> None:
    """Create what is missing of the demo office in one transaction, then write ``demo.json``; twice is safe."""
    settings: Settings = current_app.extensions["shudi_settings"]
    password = _kept_password(settings.data_dir) or secrets.token_urlsafe(9) + "-Aa1"
    with transaction(OPEN_WALL):
        _create(password)
    _write(settings, password)


def _create(password: str) -> None:
    service.import_units(PROGRAM, demo_units())
    if not db.session.scalar(select(func.count()).select_from(CalendarDay)):
        with calendar.SEED.open(encoding="utf-8") as source:
            calendar.import_calendar(PROGRAM, source)
    if not db.session.scalar(select(func.count()).select_from(Enterprise)):
        enter_demo_enterprises()
    known = {account.username: account for account in db.session.scalars(select(Account))}
    # One look is enough: all accounts share the password, and each look costs what argon2 costs.
    first = known.get(demo_accounts()[0]["username"])
    kept = first is not None and passwords.matches(first.password_hash, password)
    for line in demo_accounts():
        account = known.get(line["username"])
        if account is None:
            role = Role(line["role"])
            name, division = f"演示{role.text}", line["division"]
            service.create_account(
                PROGRAM, line["username"], name, role, division, password, must_change_password=False
            )
        elif not kept:
            account.password_hash = passwords.hash_password(password)
    db.session.flush()


def _kept_password(data_dir: Path) -> str | None:
    try:
        kept = json.loads((data_dir / "demo.json").read_text(encoding="utf-8"))["password"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    return kept if isinstance(kept, str) and kept else None


def _write(settings: Settings, password: str) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    told = {
        "url": f"http://127.0.0.1:{settings.port}",
        "password": password,
        "database_url": settings.database_url.replace("postgresql+psycopg://", "postgresql://"),
        "redis_url": settings.redis_url,
        "accounts": demo_accounts(),
    }
    draft = settings.data_dir / "demo.json.draft"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(draft, settings.data_dir / "demo.json")  # noqa: PTH105  # atomic for readers
