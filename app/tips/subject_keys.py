"""By what two tips are seen to be about one subject: normalised codes, names, accounts and telephones. Pure.

A key must be worth something: a name of general words (“投资公司”), an account on a platform without the account, or a
person's bare name would draw strangers together. What is found is a proposal: an officer can take a tip out again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit


class Key(NamedTuple):
    """One thing that a subject is known by."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Named:
    """The accused party as far as telling it from others goes; ``place`` is the county that leads (individuals)."""

    kind: str
    name: str | None
    uscc: str | None
    contact: str | None
    online_presence: Iterable[str]
    place: str | None


_USCC: Final = re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}")
_LEGAL_FORM: Final = re.compile(r"(?:有限责任公司|股份有限公司|有限公司|集团公司|集团|公司|有限合伙|合伙企业|分公司)+$")
_GENERAL: Final = re.compile(
    r"(?:有限|责任|股份|投资|理财|养老|金融|财富|管理|咨询|基金|贷款|平台|项目|服务|产品|中心|公司|集团|商贸|科技|信息|"
    r"一家|一个|某某|某|我们|单位|小区|楼下|老板|这家|那家|的|个|不清楚|不知道|不详|未知|匿名|无|没有|微信群|公众号|直播间|网站|群聊)*"
)
_SHORTEST: Final = 3
_MOBILE_OR_LANDLINE: Final = re.compile(r"(?<!\d)(?:\+?86)?(1[3-9]\d{9}|0\d{9,11}|400\d{7})(?!\d)")
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\s\-－—()（）]+(?=\d)")
_ADDRESS: Final = re.compile(r"(?:https?://)?(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:/[^\s，。；、]*)?")
_ACCOUNT_LABEL: Final = re.compile(
    r"^(?:微信公众号|公众号|视频号|微信群|微信号|微信|qq群|qq号|qq|抖音号|抖音|快手号|快手|小红书|小程序|直播间|"
    r"app名称|app|网站|网址|群名称|群名|群号|账号|名称|群)+(?:是|为|叫)?"
)
PLATFORMS: Final = (
    "qq.com", "douyin.com", "kuaishou.com", "weibo.com", "weibo.cn", "taobao.com", "tmall.com", "jd.com", "baidu.com",
    "xiaohongshu.com", "xhslink.com", "bilibili.com", "apple.com", "t.cn", "zhihu.com", "toutiao.com", "alipay.com",
    "pinduoduo.com", "yangkeduo.com", "163.com", "sina.com.cn", "feishu.cn", "dingtalk.com", "zoom.us",
)  # fmt: skip
"""Hosts that many share: only an address within one tells a subject."""


def keys_of(subject: Named) -> list[Key]:
    """The keys of a subject, the strongest first, each once."""
    found = [*_codes(subject), *_names(subject), *_accounts(subject.online_presence), *_phones(subject.contact)]
    return list(dict.fromkeys(found))


def _codes(subject: Named) -> Iterator[Key]:
    code = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", subject.uscc or "")).upper()
    if _USCC.fullmatch(code):
        yield Key("uscc", code)


def _names(subject: Named) -> Iterator[Key]:
    if subject.kind == "individual":
        name = letters_of(subject.name)
        if len(name) > 1 and subject.place:
            yield Key("person", f"{name}@{subject.place}")
    elif name := name_key(subject.name):
        yield Key("name", name)


def name_key(name: str | None) -> str:
    """A company's name without its legal form, punctuation and width; empty when it says nothing of its own."""
    core = _LEGAL_FORM.sub("", letters_of(name))
    return core if len(core) >= _SHORTEST and not _GENERAL.fullmatch(core) else ""


def letters_of(text: str | None) -> str:
    """Letters and digits alone, half-width, in lower case."""
    plain = unicodedata.normalize("NFKC", text or "").casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def _accounts(lines: Iterable[str]) -> Iterator[Key]:
    for line in lines:
        plain = unicodedata.normalize("NFKC", line or "").strip().casefold()
        addresses = _ADDRESS.findall(plain)
        if addresses:
            yield from (Key("account", found) for found in map(_web_address, addresses) if found)
            continue
        account = _ACCOUNT_LABEL.sub("", letters_of(plain))
        if len(account) >= _SHORTEST and not _GENERAL.fullmatch(account):
            yield Key("account", account)


def _web_address(address: str) -> str:
    parts = urlsplit(address if "://" in address else "//" + address)
    host = (parts.hostname or "").removeprefix("www.")
    if not any(host == platform or host.endswith("." + platform) for platform in PLATFORMS):
        return host
    path = parts.path.rstrip("/")
    return f"{host}{path}" if path else ""


def _phones(contact: str | None) -> Iterator[Key]:
    plain = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", contact or ""))
    for number in _MOBILE_OR_LANDLINE.findall(plain):
        yield Key("phone", number)
