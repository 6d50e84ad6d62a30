"""Receipt numbers and query codes: digits only, with a check digit, so that they can be read out on the telephone.

A receipt number is the Beijing date (yyMMdd), nine random digits and an ISO 7064 MOD 11,10 check digit: sixteen digits.
A query code is nineteen digits (63 bits) and a check digit: twenty. Only keyed digests of codes are stored. A code is
derived with a key from the client's own request id, which is stored as a digest only: a repeat gets the same code, and
nothing kept here can make it again without the phone's id.

A claim code (领奖码) lets an anonymous reporter ask for a reward. It is derived with a key from the query code, of
which only a digest is stored; of the claim code nothing is. So nobody can make or check one without the query code that
the reporter holds, and whoever was only told the query code cannot claim with it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from stdnum.iso7064 import mod_11_10

from app.foundation.crypto import Crypto

RECEIPT_DIGITS: Final = 16
CODE_DIGITS: Final = 20
CLAIM_DIGITS: Final = 12
_RANDOM_RECEIPT_DIGITS: Final = 9
_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９", "0123456789", " -－　")


def new_receipt_number(day: date) -> str:
    """A receipt number of ``day``; it tells nothing of how many tips came before."""
    body = f"{day:%y%m%d}{secrets.randbelow(10**_RANDOM_RECEIPT_DIGITS):0{_RANDOM_RECEIPT_DIGITS}d}"
    return body + mod_11_10.calc_check_digit(body)


def query_code(crypto: Crypto, receipt_number: str, client_request_id: UUID | None) -> str:
    """The query code of a new tip: derived for a client that named its request, random otherwise."""
    if client_request_id is None:
        number = secrets.randbelow(10 ** (CODE_DIGITS - 1))
    else:
        derived = crypto.digest("query-code-derivation", client_request_id.bytes, receipt_number.encode())
        number = int.from_bytes(derived, "big") % 10 ** (CODE_DIGITS - 1)
    body = f"{number:0{CODE_DIGITS - 1}d}"
    return body + mod_11_10.calc_check_digit(body)


def code_digest(crypto: Crypto, receipt_number: str, code: str) -> bytes:
    """What is stored of a query code."""
    return crypto.digest("query-code", receipt_number.encode(), code.encode())


def claim_code(crypto: Crypto, receipt_number: str, query_code: str) -> str:
    """The claim code that belongs to a receipt number and its query code: eleven digits and a check digit."""
    derived = crypto.digest("claim-code-derivation", receipt_number.encode(), query_code.encode())
    body = f"{int.from_bytes(derived, 'big') % 10 ** (CLAIM_DIGITS - 1):0{CLAIM_DIGITS - 1}d}"
    return body + mod_11_10.calc_check_digit(body)


def request_digest(crypto: Crypto, client_request_id: UUID) -> bytes:
    """What is stored of the client's request id."""
    return crypto.digest("client-request", client_request_id.bytes)


def body_digest(crypto: Crypto, body: Mapping[str, Any]) -> bytes:
    """What is stored of what a request said, to tell a repeat from another tip under the same request id.

    Files are left aside, because a page without scripts sends them anew, and the place, because a phone finds it anew.
    """
    said = {name: value for name, value in body.items() if name not in {"evidence", "place", "client_request_id"}}
    return crypto.digest("client-request-body", json.dumps(said, default=str, sort_keys=True).encode())


def normalised(number: str) -> str:
    """Digits as typed or read out: without spaces and hyphens, full-width made half-width."""
    return number.strip().translate(_FULL_WIDTH)


def well_formed(number: str, digits: int) -> bool:
    """Whether length and check digit are right."""
    return len(number) == digits and number.isascii() and number.isdecimal() and bool(mod_11_10.is_valid(number))
