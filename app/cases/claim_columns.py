"""The columns of a list of participants and of a bank's answers, with headings seen there. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from app.cases.cell_values import CellFault, amount, choice, day, number_text, words
from app.cases.identity_numbers import DIGITS, is_identity_number
from app.cases.sheet_columns import Column

_PHONE: Final = re.compile(r"\+?\d[\d \-]{5,19}")
_ACCOUNT: Final = re.compile(r"\d{8,32}")


def id_number(cell: Any) -> str:
    """An identity number; eighteen digits are checked, passports and older numbers are taken as they are."""
    said: str = number_text(30)(cell).upper().replace(" ", "")
    if len(said) == DIGITS and not is_identity_number(said):
        raise CellFault("证件号码校验不符，请核对")
    if not re.fullmatch(r"[A-Z0-9（）()\-]{5,30}", said):
        raise CellFault("证件号码应为 5 至 30 位字母或数字")
    return said


def _phone(cell: Any) -> str:
    said: str = number_text(20)(cell)
    if not _PHONE.fullmatch(said):
        raise CellFault("应为电话号码")
    return re.sub(r"[ \-]", "", said)


def _account(cell: Any) -> str:
    said: str = re.sub(r"[ \-]", "", number_text(40)(cell))
    if not _ACCOUNT.fullmatch(said):
        raise CellFault("应为 8 至 32 位数字的银行账号")
    return said


def _positive(cell: Any) -> Any:
    yuan = amount()(cell)
    if not yuan:
        raise CellFault("金额应大于零")
    return yuan


def _column(field: str, text: str, headings: str, read: Any, **more: bool) -> Column:
    return Column(field, text, tuple(headings.split()), read, **more)


CLAIM_COLUMNS: Final = (
    _column("claim_no", "债权编号", "编号 登记编号 债权登记编号 申报编号 集资人编号", number_text(60), needed=True),
    _column("name", "姓名", "集资参与人 参与人 集资人姓名 参与人姓名 申报人 投资人 客户姓名", words(100)),
    _column("id_number", "证件号码", "身份证号 身份证号码 身份证 公民身份号码 证件号", id_number),
    _column("phone", "联系电话", "电话 手机 手机号 手机号码 联系方式", _phone),
    _column(
        "claimed_yuan",
        "申报金额",
        "集资金额 投资金额 申报本金 本金 金额 债权金额 未兑付金额",
        amount(),
        money=True,
        needed=True,
    ),
    _column("bank", "开户银行", "开户行 银行名称 银行 开户行名称", words(100)),
    _column("account", "银行账号", "账号 银行卡号 卡号 收款账号", _account),
    _column("account_name", "户名", "账户名 收款人 账户名称 收款户名", words(100)),
)

RESULT_COLUMNS: Final = (
    _column("claim_no", "债权编号", "编号 登记编号 附言 用途 备注", number_text(60), needed=True),
    _column(
        "state",
        "处理结果",
        "结果 状态 交易状态 处理状态 交易结果",
        choice(
            {
                "成功": "paid",
                "已发放": "paid",
                "交易成功": "paid",
                "失败": "failed",
                "交易失败": "failed",
                "退汇": "returned",
                "退票": "returned",
            }
        ),
        needed=True,
    ),
    _column("settled_on", "交易日期", "日期 处理日期 入账日期", day, needed=True),
    _column("reference", "流水号", "交易流水号 银行流水号 回单号", number_text(60)),
    _column("reason", "失败原因", "原因 退汇原因 说明", words(200)),
)
"""What the bank says of the payments of one batch."""
