"""Mail servers as they are: one that keeps what it gets, and some that misbehave."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Postbox:
    """Answers each command as `script` says, and keeps the mails that it takes.

    `script` maps a verb (`MAIL`, `RCPT`, `DATA`) to the answers in turn; after the last: 250.
    """

    def __init__(self, **script: list[str]) -> None:
        self.script = script
        self.tries: list[EmailMessage] = []
        self.taken: list[EmailMessage] = []
        self.senders: list[str] = []
        self.recipients: list[list[str]] = []

    def _answer(self, verb: str, fine: str = "250 OK") -> str:
        answers = self.script.get(verb, [])
        return answers.pop(0) if answers else fine

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer("MAIL")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answer("RCPT")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content: Any = envelope.content
        mail: Any = message_from_bytes(content, policy=default)
        self.tries.append(mail)
        answer = self._answer("DATA")
        if answer.startswith("250"):
            self.taken.append(mail)
            self.senders.append(envelope.mail_from or "")
            self.recipients.append(envelope.rcpt_tos)
        return answer


@contextmanager
def serving(postbox: Postbox, port: int, **options: Any) -> Iterator[Postbox]:
    """Run a mail server in a thread."""
    controller = Controller(postbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield postbox
    finally:
        controller.stop()


@contextmanager
def rude_server(port: int, talk: Callable[[socket.socket], None]) -> Iterator[list[int]]:
    """Run a server that does with each connection whatever `talk` does; counts them."""
    connections: list[int] = []
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(1)
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                talk(connection)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield connections
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def silent(connection: socket.socket) -> None:
    """Take the connection and never say a word."""
    while connection.recv(1000):
        pass


def dribble(connection: socket.socket) -> None:
    """Send a greeting that never ends, a byte at a time."""
    while True:
        connection.sendall(b"2")
        time.sleep(0.05)


def drop_after_data(connection: socket.socket) -> None:
    """Take the whole mail, and hang up before the answer."""
    connection.sendall(b"220 hello\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        if line.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
            for text in lines:
                if text == b".\r\n":
                    return
        connection.sendall(b"250 OK\r\n")
