"""E-mail over SMTP: one message a call, TLS before anything is said, and an honest answer about what became of it.

SMTP tells exactly how far a message got until its last dot is sent; from there to the answer nobody knows.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from app.foundation import clock
from app.foundation.config import MailSettings
from app.notifications.faults import NoAnswer, NotSent, Refused

_SECONDS: Final = 8.0
"""For each exchange: ten of them stay below what a delivery may take (``delivering.SENDING_TAKES_AT_MOST``)."""
_OK: Final = 250
_GO_AHEAD: Final = 354
_PERMANENT: Final = 500


class Mailer:
    """One mail server. Holds the password, shows none."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.ca_file or None)

    def __repr__(self) -> str:
        return f"Mailer({self._settings.host!r})"

    def send(self, address: str, subject: str, text: str, reference: str) -> None:
        """Send one plain message. ``reference`` becomes its Message-ID, so that two of one kind would be seen.

        Raises NotSent (not reached, 4xx such as greylisting, our credentials), Refused (5xx), NoAnswer.
        """
        message = self._message(address, subject, text, reference)
        server = self._reached()
        try:
            self._hand_over(server, address, message)
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def prove(self) -> None:
        """Reach the server, sign in, and ask it for nothing (NOOP); raise ``NotSent``."""
        server = self._reached()
        try:
            _expect(server.noop(), _OK)
        except (OSError, smtplib.SMTPException) as fault:
            raise NotSent("not_reached") from fault
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _reached(self) -> smtplib.SMTP:
        try:
            return self._connected()
        except smtplib.SMTPAuthenticationError as fault:
            raise NotSent("auth_refused") from fault
        except smtplib.SMTPResponseException as fault:
            raise NotSent(str(fault.smtp_code)) from fault
        except (OSError, smtplib.SMTPException) as fault:
            raise NotSent("not_reached") from fault

    def _message(self, address: str, subject: str, text: str, reference: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, address, subject
        message["Date"] = format_datetime(clock.beijing(clock.now()))
        message["Message-ID"] = f"<{reference}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in answer
        message.set_content(text, cte="base64")
        return message

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        server: smtplib.SMTP
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=_SECONDS, context=self._tls)
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=_SECONDS)
        try:
            if settings.security == "starttls":
                server.starttls(context=self._tls)
            server.ehlo_or_helo_if_needed()
            if settings.username:
                server.login(settings.username, settings.password)
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(self, server: smtplib.SMTP, address: str, message: EmailMessage) -> None:
        try:
            _expect(server.mail(self._settings.sender), _OK)
            _expect(server.rcpt(address), _OK)
            _expect(server.docmd("DATA"), _GO_AHEAD)
        except (OSError, smtplib.SMTPServerDisconnected) as fault:  # nothing of the message has left yet
            raise NotSent("not_reached") from fault
        try:
            server.send(_as_sent(message))
            answer = server.getreply()
        except (OSError, smtplib.SMTPException) as fault:
            raise NoAnswer("no_answer") from fault
        _expect(answer, _OK)


def _expect(answer: tuple[int, bytes], code: int) -> None:
    """Sort an answer that is not ``code``. Its text is left out: servers repeat the address in it."""
    if answer[0] == code:
        return
    raise (Refused if answer[0] >= _PERMANENT else NotSent)(str(answer[0]))


def _as_sent(message: EmailMessage) -> bytes:
    """The message with the network's line ends, dots at the beginning of a line doubled, and the last dot."""
    lines = message.as_bytes().replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"
