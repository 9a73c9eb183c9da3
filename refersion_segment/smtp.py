"""SMTP sessions that end: every wait has a limit, and so has the session as a whole.

The limits sit on the session and not in `socket.setdefaulttimeout`, which would change every
other socket of the process (the worker may be a thread of the web server).
"""

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from enum import Enum, auto
from functools import cache
from typing import Any, Final

QUIT_WITHIN_SECONDS: Final = 2


class Stage(Enum):
    """How far a session has come: a break says something else of the mail at each."""

    GREETING = auto()
    RECIPIENT = auto()
    TEXT = auto()


class SmtpSession(smtplib.SMTP):
    """A session that hangs up after `deadline_seconds`, whatever the server dribbles.

    A time limit per read is not enough: a server that sends one byte every few seconds never
    exceeds it. `stage` tells whether the text of a mail was on its way: a connection that breaks
    after that may or may not have taken it.
    """

    def __init__(
        self, host: str, port: int, *, timeout: float, deadline_seconds: float, **more: Any
    ) -> None:
        """Connect, and read the server's greeting."""
        self.stage = Stage.GREETING
        self._alarm = threading.Timer(deadline_seconds, self._hang_up)
        self._alarm.daemon = True
        self._alarm.start()
        try:
            super().__init__(
                host,
                port,
                local_hostname=own_name(),
                timeout=min(timeout, deadline_seconds),
                **more,
            )
        except BaseException:
            self._alarm.cancel()
            raise

    def rcpt(self, recip: str, options: Any = ()) -> tuple[int, bytes]:
        """Name the recipient."""
        self.stage = Stage.RECIPIENT
        return super().rcpt(recip, options)

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand the text of a mail over."""
        self.stage = Stage.TEXT
        return super().data(msg)

    def close(self) -> None:
        """Close the connection."""
        self._alarm.cancel()
        super().close()

    def leave(self) -> None:
        """Take leave, without caring for the answer: nothing said now changes what was sent."""
        with suppress(OSError, smtplib.SMTPException):
            if self.sock is not None:
                self.sock.settimeout(QUIT_WITHIN_SECONDS)
                self.quit()
        self.close()

    def _hang_up(self) -> None:
        connection = self.sock
        if connection is not None:
            # The plain socket's method: the one of a TLS socket would first drop the encryption.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class EncryptedSmtpSession(SmtpSession, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte (MAIL_USE_SSL)."""


def open_session(
    host: str,
    port: int,
    *,
    use_tls: bool,
    use_ssl: bool,
    timeout: float,
    deadline_seconds: float,
) -> SmtpSession:
    """Connect to a mail server, encrypted and its certificate checked where that was asked for.

    :raise smtplib.SMTPException: if it refuses or offers no encryption
    :raise OSError: if it cannot be reached, is too slow, or its certificate does not fit
    """
    limits = {"timeout": timeout, "deadline_seconds": deadline_seconds}
    if use_ssl:
        return EncryptedSmtpSession(host, port, context=ssl.create_default_context(), **limits)
    session = SmtpSession(host, port, **limits)
    if use_tls:
        try:
            session.starttls(context=ssl.create_default_context())
        except BaseException:
            session.leave()
            raise
    return session


@cache
def own_name() -> str:
    """Return this machine's name for the greeting; asked once, as it may ask a slow resolver."""
    return socket.getfqdn()
