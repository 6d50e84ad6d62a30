"""Why a delivery failed, waits or has an unknown fate, as the office reads it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_REASONS: Final[Mapping[str, str]] = {
    "no_answer": "请求发出后连接中断，无法确认对方是否收到",
    "not_reached": "连接不上对方服务器",
    "worker_lost": "发送进程中途停止，无法确认是否已发出",
    "no_token_store": "内部缓存服务不可用，未发出",
    "person_unknown": "收件人的联系方式已清除",
    "not_configured": "该渠道未配置",
    "unfit_value": "内容不符合消息模板的格式",
    "auth_refused": "邮件服务器不接受我方账号，请检查 SMTP_URL",
    # error codes of WeChat
    "-1": "微信系统繁忙",
    "40003": "微信不认识该用户",
    "40037": "消息模板编号无效，请检查 WECHAT_TEMPLATE_PROGRESS",
    "41030": "消息所指的小程序页面不存在",
    "43101": "用户拒收，或者订阅授权已用完",
    "47003": "消息内容不符合模板要求",
    "45009": "已达微信当日调用上限",
    "45011": "微信限制调用频率",
    "45047": "对该用户发送过于频繁",
    "45157": "微信系统繁忙",
    "40001": "微信不接受我方凭据",
    "40013": "小程序编号无效，请检查 WECHAT_APP_ID",
    "40125": "小程序密钥无效，请检查 WECHAT_APP_SECRET",
    "40164": "本机地址不在微信的白名单中",
    "48001": "小程序没有订阅消息的权限",
    # reply codes of mail servers
    "421": "邮件服务器暂停服务",
    "450": "对方邮箱暂不可用，要求稍后重试",
    "451": "邮件服务器要求稍后重试",
    "452": "邮件服务器空间不足",
    "550": "对方邮箱不存在或者拒收",
    "551": "对方邮箱不在该服务器",
    "552": "对方邮箱已满",
    "553": "邮箱地址不被接受",
    "554": "邮件被对方拒收",
    # codes of the SMS gateway
    "isv.BUSINESS_LIMIT_CONTROL": "对该号码发送过于频繁，触发网关限制",
    "isv.DAY_LIMIT_CONTROL": "已达短信日发送上限",
    "isv.MONTH_LIMIT_CONTROL": "已达短信月发送上限",
    "isv.AMOUNT_NOT_ENOUGH": "短信账户余额不足",
    "isv.MOBILE_NUMBER_ILLEGAL": "手机号码格式不被接受",
    "isv.SMS_SIGNATURE_ILLEGAL": "短信签名未获批准，请检查 SMS_SIGN_NAME",
    "isv.SMS_TEMPLATE_ILLEGAL": "短信模板未获批准，请检查短信模板编号",
    "isv.BLACK_KEY_CONTROL_LIMIT": "短信内容被网关拦截",
    "SignatureDoesNotMatch": "短信网关不接受我方签名，请检查 SMS_KEY_SECRET",
    "InvalidAccessKeyId.NotFound": "短信网关不认识我方密钥，请检查 SMS_KEY_ID",
    "InternalError": "短信网关内部错误，无法确认是否已发出",
}
_FAMILIES: Final = (
    (r"http_[0-9]{3}", "对方服务器的应答无法识别，不能确认是否已发出"),
    (r"Throttling.*|ServiceUnavailable", "短信网关繁忙"),
    (r"is[vp]\..*", "短信网关拒绝"),
    (r"4[0-9]{2}", "邮件服务器要求稍后重试"),
    (r"5[0-9]{2}", "邮件服务器拒绝"),
    (r"[0-9]{5}", "微信拒绝"),
)


def reason_text(code: str | None) -> str:
    """A code in words, with the code behind it for whoever looks it up; empty without one."""
    if not code:
        return ""
    known = _REASONS.get(code) or next((text for mark, text in _FAMILIES if re.fullmatch(mark, code)), "发送中断")
    return f"{known}（{code}）"
