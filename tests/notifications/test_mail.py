"""E-mail against a real SMTP server: taken, refused, put off, lost on the way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.notifications.faults import ChannelFault, NoAnswer, NotSent, Refused
from app.notifications.mail import Mailer, _as_sent
from tests.notifications import mail_server
from tests.notifications.mail_server import MailServer

ADDRESS = "reporter@example.org"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server.serving(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture
def server(running: MailServer) -> MailServer:
    for kept in (running.messages, running.recipients, running.answer_to_rcpt, running.answer_to_data, running.secured):
        kept.clear()
    running.break_after_data = False
    return running


def send(server: MailServer, **changes: object) -> None:
    settings = replace(server.settings, **changes)  # type: ignore[arg-type]
    Mailer(settings).send(ADDRESS, "您的举报有新进展", "请凭编号查看。\n.\n..完\n", "0198-ref")


def test_a_message_arrives_over_tls_after_signing_in(server: MailServer) -> None:
    send(server)
    [message] = server.messages
    assert server.recipients == [ADDRESS]
    assert server.secured == [True]
    assert message["Subject"] == "您的举报有新进展"
    assert message["Message-ID"] == "<0198-ref@office.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == "请凭编号查看。\n.\n..完\n"


@pytest.mark.parametrize(
    ("answer", "fault", "code"),
    [
        ("550 5.1.1 <reporter@example.org> unknown user", Refused, "550"),
        ("553 5.1.3 bad address", Refused, "553"),
        ("450 4.2.0 greylisted, try again", NotSent, "450"),
        ("451 4.7.1 later", NotSent, "451"),
        ("452 4.2.2 full", NotSent, "452"),
    ],
)
def test_a_refused_recipient(server: MailServer, answer: str, fault: type[ChannelFault], code: str) -> None:
    server.answer_to_rcpt.append(answer)
    with pytest.raises(fault) as refused:
        send(server)
    assert refused.value.code == code
    assert server.messages == []
    send(server)  # and the next one is taken
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("answer", "fault"), [("554 5.7.1 looks like spam", Refused), ("421 4.3.2 shutting down", NotSent)]
)
def test_a_message_refused_after_it_was_read(server: MailServer, answer: str, fault: type[ChannelFault]) -> None:
    server.answer_to_data.append(answer)
    with pytest.raises(fault) as refused:
        send(server)
    assert refused.value.code == answer[:3]


def test_a_connection_lost_after_the_message_left_is_unknown(server: MailServer) -> None:
    server.break_after_data = True
    with pytest.raises(NoAnswer) as lost:
        send(server)
    assert lost.value.code == "no_answer"
    assert len(server.messages) == 1  # it did arrive, and nobody could tell


def test_a_wrong_password_waits_for_the_operator(server: MailServer) -> None:
    with pytest.raises(NotSent) as refused:
        send(server, password="wrong")
    assert refused.value.code == "auth_refused"


def test_a_server_of_another_name_is_not_spoken_to(server: MailServer) -> None:
    with pytest.raises(NotSent):
        send(server, ca_file="")  # its certificate is nobody's that this machine trusts
    assert server.messages == []


def test_a_server_without_encryption_is_told_nothing(server: MailServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        heard: list[bytes] = []

        def greet() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.sendall(b"220 plain\r\n")
                while line := connection.recv(1000):
                    heard.append(line)
                    connection.sendall(b"502 no\r\n" if line.startswith(b"STARTTLS") else b"250 plain\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(NotSent):
            send(server, port=plain.getsockname()[1])
        thread.join()
    said = b"".join(heard)
    assert ADDRESS.encode() not in said
    assert b"AUTH" not in said


def test_a_server_that_is_away(server: MailServer) -> None:
    with pytest.raises(NotSent) as away:
        send(server, port=9)
    assert away.value.code == "not_reached"


def test_a_server_that_hangs_up_before_the_message(server: MailServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            rude.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(NotSent) as lost:
            send(server, port=rude.getsockname()[1])
        thread.join()
    assert lost.value.code == "not_reached"


def test_no_fault_and_no_repr_shows_address_or_password(server: MailServer) -> None:
    server.answer_to_rcpt.append(f"550 <{ADDRESS}> unknown")
    with pytest.raises(Refused) as refused:
        send(server)
    shown = repr(refused.value) + str(refused.value) + repr(Mailer(server.settings)) + repr(server.settings)
    assert ADDRESS not in shown
    assert mail_server.PASSWORD not in shown


@given(st.text(st.sampled_from("a.\n "), max_size=40))
def test_the_last_dot_is_the_only_one_that_stands_alone(text: str) -> None:
    from email.message import EmailMessage

    message = EmailMessage()
    message.set_content(text)
    sent = _as_sent(message)
    assert sent.endswith(b"\r\n.\r\n")
    assert b"\r\n.\r\n" not in sent[:-3]
    assert b"\n" not in sent.replace(b"\r\n", b"")
