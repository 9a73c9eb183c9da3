"""A real SMTP server on loopback that keeps every mail in the sandbox's database."""

import socket
from asyncio import AbstractServer
from collections.abc import Awaitable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from refersion_segment.sandbox.clock import now_iso
from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.records import Mail


class MailCatcher:
    """The Inbox's SMTP server. `port` is the one it listens on (0 asks for any free one)."""

    def __init__(self, database_path: Path, host: str, port: int) -> None:
        """Remember where to listen and where to keep the mails."""
        self.host = host
        self.port = port
        self._database = Database(database_path)
        self._controller: _BoundController | None = None

    def start(self) -> None:
        """Begin to take mails.

        :raise OSError: if the port is busy.
        """
        # aiosmtpd itself would tell of a busy port only after its five seconds' wait.
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        self._controller = _BoundController(_Keeper(self._database), listener)
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; does nothing when it never started."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


class _BoundController(Controller):
    """aiosmtpd's server thread on a socket that is bound already."""

    def __init__(self, keeper: "_Keeper", listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(keeper, hostname=host, port=port, ident="Segment sandbox")
        self._listener = listener

    def _create_server(self) -> Awaitable[AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)


class _Keeper:
    """aiosmtpd's hooks: every sender and recipient is welcome."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handle_DATA(  # noqa: N802  the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        keep_mail(self._database, envelope.rcpt_tos, _bytes(envelope.content))
        return "250 Message accepted for delivery"


def _bytes(content: str | bytes | None) -> bytes:
    return content.encode() if isinstance(content, str) else content or b""


def keep_mail(database: Database, recipients: list[str], raw: bytes) -> None:
    """Store a mail as it came, with the parts that the Inbox shows."""
    message = message_from_bytes(raw, policy=policy.default)
    with database.write() as connection:
        connection.execute(
            "INSERT INTO mails (sender, recipients, subject, text, html, message_id, raw,"
            " received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                _header(message, "From"),
                ", ".join(recipients),
                _header(message, "Subject"),
                _part(message, "plain"),
                _part(message, "html"),
                _header(message, "Message-ID"),
                raw,
                now_iso(),
            ),
        )


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name, "")).strip()


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        content: Any = part.get_content()
    except (LookupError, ValueError):  # an unknown charset or a broken encoding
        payload = part.get_payload(decode=True)
        content = payload.decode(errors="replace") if isinstance(payload, bytes) else ""
    return str(content).replace("\r\n", "\n")


def list_mails(database: Database, *, limit: int, before: int | None = None) -> list[Mail]:
    """List mails newest first, older than the given id if there is one."""
    with database.read() as connection:
        rows = connection.execute(
            "SELECT * FROM mails WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",
            (before, before, limit),
        ).fetchall()
    return [Mail.from_row(row) for row in rows]


def find_mail(database: Database, mail_id: int) -> Mail | None:
    """Find one mail."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM mails WHERE id = ?", (mail_id,)).fetchone()
    return Mail.from_row(row) if row else None
