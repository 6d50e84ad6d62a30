"""Cursors: back to the row they were made of, and everything else refused by the name of the field."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.foundation import clock
from app.foundation.errors import InvalidInput
from app.foundation.paging import from_cursor, to_cursor
from tests import factories
from tests.moments import MONDAY_MORNING

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001  # hypothesis adds the zone
    max_value=datetime(9000, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-12))]),
)
ROW = "0198a3c2-7d51-7c1e-a5a1-139000012345"


def encoded(inner: str) -> str:
    return base64.urlsafe_b64encode(inner.encode()).decode()


@given(moment=MOMENTS, row_id=st.uuids())
def test_leads_back_to_its_row(moment: datetime, row_id: object) -> None:
    assert from_cursor(to_cursor(moment, row_id)) == (moment, row_id)  # type: ignore[arg-type]


@given(moment=MOMENTS, row_id=st.uuids())
def test_travels_in_an_address_as_it_is(moment: datetime, row_id: object) -> None:
    assert set(to_cursor(moment, row_id)) <= set(  # type: ignore[arg-type]
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    )


@pytest.mark.parametrize("cursor", [None, ""])
def test_none_is_the_first_page(cursor: str | None) -> None:
    assert from_cursor(cursor) is None


@given(
    cursor=st.text(min_size=1, max_size=40)
    | st.binary(min_size=1).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
)
def test_garbage_is_refused_by_the_name_of_the_field(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        from_cursor(cursor)
    assert refused.value.errors == {"cursor": ["翻页标记无效，请从第一页重新查看"]}


FORGED = [
    "x",
    "====",
    "非法",
    encoded("2026-03-02T10:00:00+08:00"),
    encoded("2026-03-02T10:00:00+08:00|"),
    encoded(f"|{ROW}"),
    encoded(f"2026-03-02T10:00:00|{ROW}"),
    encoded(f"yesterday|{ROW}"),
    encoded("2026-03-02T10:00:00+08:00|42"),
    encoded(f"0001-01-01T00:00:00+14:00|{ROW}"),
    encoded(f"9999-12-31T23:59:59-12:00|{ROW}"),
]


@pytest.mark.parametrize("cursor", FORGED)
def test_a_forged_one_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        from_cursor(cursor)


@pytest.mark.parametrize("offset", ["+23:59", "-23:59", "+08:00:00.000001"])
def test_an_offset_that_no_database_knows_comes_back_in_utc(offset: str) -> None:
    key = from_cursor(encoded(f"2026-03-02T10:00:00{offset}|{ROW}"))
    assert key is not None
    assert key[0].utcoffset() == timedelta(0)


@pytest.mark.parametrize("cursor", [*FORGED, encoded(f"2026-03-02T10:00:00+23:59|{ROW}")])
@pytest.mark.parametrize("path", ["/api/v1/office/tips", "/api/v1/office/reassignments"])
def test_a_list_takes_whatever_cursor_without_falling_over(client: FlaskClient, path: str, cursor: str) -> None:
    answer = client.get(path, query_string={"cursor": cursor}, headers=factories.office_headers("city.reviewer"))
    if cursor in FORGED:
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["cursor"])
    else:
        assert answer.status_code == 200


def test_pages_of_equal_moments_hold_every_row_once(client: FlaskClient) -> None:
    with clock.stopped_at(MONDAY_MORNING):
        filed = {factories.file_tip(client)["receipt_number"] for _ in range(5)}
        headers = factories.office_headers("city.reviewer")
        seen, cursor = [], ""
        while cursor is not None:
            page = client.get(f"/api/v1/office/tips?limit=2&cursor={cursor}", headers=headers).get_json()
            seen += [item["receipt_number"] for item in page["items"]]
            cursor = page["next_cursor"]
    assert len(seen) == 5
    assert set(seen) == filed
