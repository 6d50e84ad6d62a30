"""How a call of a channel ends when it does not succeed: three answers are enough for what to do next."""

from __future__ import annotations


class ChannelFault(Exception):
    """A message did not certainly go out. ``code`` explains it to a person; it never quotes an address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotSent(ChannelFault):
    """Certainly not sent, and the same call may succeed later."""


class Refused(ChannelFault):
    """Refused for good: repeating changes nothing, another channel may help."""


class NoAnswer(ChannelFault):
    """The message left and no answer came: it may or may not have arrived."""
