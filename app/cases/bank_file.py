"""The list of a batch as the bank takes it: the one place where accounts of participants leave in clear.

Text stays text whatever it begins with. Made in memory and handed over as an answer: no plain copy lies on a disk.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeAlias
from uuid import UUID

import xlsxwriter
from sqlalchemy import select

from app.cases import claims
from app.cases.ledger_models import CaseClaim, CasePayment, PaymentBatch
from app.cases.payment_states import PaymentState
from app.foundation.database import db

FORMATS: Final = ("xlsx", "csv")
_HEADINGS: Final = ("序号", "债权编号", "户名", "银行账号", "开户银行", "证件号码", "金额（元）", "备注")
_LINES_AT_ONCE: Final = 2000
Reading: TypeAlias = Callable[[], AbstractContextManager[Any]]
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def bank_file(batch: PaymentBatch, file_format: str) -> bytes:
    """The payments of a batch that the bank has not answered yet, as XLSX or CSV.

    The caller has checked who may have it and that it is not too long, and leaves the audit row.
    """
    return _csv(batch) if file_format == "csv" else _xlsx(batch)


def csv_pieces(batch_id: UUID, reading: Reading, progress: Callable[[int], None]) -> Iterator[bytes]:
    """The list as CSV, piece by piece, each read in a transaction of its own: nothing is held whole, however long.

    Args:
        batch_id: the batch.
        reading: opens the transaction of one piece.
        progress: gets the number of lines written.
    """
    yield _as_csv([_HEADINGS]).encode("utf-8-sig")
    after, done = "", 0
    while True:
        with reading():
            lines = list(_lines(batch_id, after, done))
        if not lines:
            return
        after, done = lines[-1][1], done + len(lines)
        yield _as_csv(lines).encode()
        progress(done)


def _all_lines(batch: PaymentBatch) -> Iterator[tuple[Any, ...]]:
    after, done = "", 0
    while lines := list(_lines(batch.id, after, done)):
        yield from lines
        after, done = lines[-1][1], done + len(lines)


def _lines(batch_id: UUID, after: str, done: int) -> Iterator[tuple[Any, ...]]:
    """The next lines by the number of the claim."""
    statement = (
        select(CaseClaim, CasePayment.yuan)
        .join(CasePayment, CasePayment.claim_id == CaseClaim.id)
        .where(CasePayment.batch_id == batch_id, CasePayment.state == PaymentState.SENT, CaseClaim.claim_no > after)
        .order_by(CaseClaim.claim_no)
        .limit(_LINES_AT_ONCE)
    )
    for number, (claim, yuan) in enumerate(db.session.execute(statement).all(), done + 1):
        person = claims.opened(claim)
        payee = person.get("account_name") or person.get("name", "")
        note = "" if person.get("account") else "缺少银行账号"
        yield (
            number, claim.claim_no, payee, person.get("account", ""), person.get("bank", ""),
            person.get("id_number", ""), yuan, note,
        )  # fmt: skip


def _xlsx(batch: PaymentBatch) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(
        target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as out:
        page = out.add_worksheet("发放清单")
        money_style = out.add_format({"num_format": "0.00"})
        page.write_row(0, 0, _HEADINGS)
        page.set_column(0, len(_HEADINGS) - 1, 20)
        for at, line in enumerate(_all_lines(batch), 1):
            for column, value in enumerate(line):
                if isinstance(value, str):
                    page.write_string(at, column, value)
                else:
                    page.write_number(at, column, value, money_style if column else None)
        page.freeze_panes(1, 0)
    return target.getvalue()


def _csv(batch: PaymentBatch) -> bytes:
    return _as_csv([_HEADINGS, *_all_lines(batch)]).encode("utf-8-sig")


def _as_csv(lines: Iterable[Sequence[Any]]) -> str:
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    for line in lines:
        writer.writerow([harmless(value) if isinstance(value, str) else value for value in line])
    return target.getvalue()


def harmless(text: str) -> str:
    """Text that no spreadsheet program takes for a formula."""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text
