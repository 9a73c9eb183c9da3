"""E-mails to affiliates: written into the outbox, and sent. Alone knows Flask-Mail."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.utils import formataddr, parseaddr
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from typing import Any, Final
from uuid import UUID

import flask_mail
from flask import current_app
from uuid_utils.compat import uuid7

from refersion_segment import jobs
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.domain.texts import cut, one_line
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, EmailSetting, Job, Message
from refersion_segment.models.job import JobKind
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import change_of, removal_of, rows_of
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.smtp import SmtpSession, Stage, open_session

SESSION_SECONDS: Final = 30
GREETING_SECONDS: Final = 8
LONGEST_NAME: Final = 60
LONGEST_ANSWER: Final = 200

# 421: the server closes. 530 to 538: it wants another login or encryption. Neither is the mail's.
_ABOUT_THE_SESSION: Final = {421, 530, 534, 535, 538}

# In a display name these could pass for an address.
_NOT_FOR_NAMES: Final = str.maketrans('<>"@\\', "     ")

# Quoted-printable: no line is too long for SMTP, and no server needs to know 8 bits.
_UTF8: Final = Charset("utf-8")
_UTF8.body_encoding = QP


def queue(affiliate: Affiliate, kind: MailKind, *, now: datetime) -> Message:
    """Write a message of this kind, and the job that sends it, into the current transaction.

    Each kind goes to an affiliate at most once, ever: a message that is queued, sent or failed
    already is returned as it is. One that was not sent because its switch was off is queued now
    if the switch is on. While it is off, the row says so and there is no job.
    """
    is_on = is_switched_on(affiliate.merchant_id, kind)
    message_id = uuid7()
    is_new = insert_if_new(
        Message,
        merchant_id=affiliate.merchant_id,
        id=message_id,
        affiliate_id=affiliate.id,
        kind=kind,
        to=affiliate.email,
        state=MessageState.QUEUED if is_on else MessageState.NOT_SENT,
        reason="" if is_on else f"{kind.label} was off.",
        header_id=new_header_id(message_id),
        attempts=0,
        created_at=now,
    )
    message = db.session.scalars(
        rows_of(affiliate.merchant_id, Message)
        .where(Message.affiliate_id == affiliate.id, Message.kind == kind)
        .execution_options(populate_existing=True)
    ).one()
    if not is_new:
        if not is_on or message.state is not MessageState.NOT_SENT:
            return message
        message.state, message.reason, message.to = MessageState.QUEUED, "", affiliate.email
    if is_on:
        jobs.enqueue(
            JobKind.SEND_MESSAGE, merchant_id=message.merchant_id, subject_id=message.id, now=now
        )
    db.session.flush()
    return message


def cancel(merchant_id: UUID, affiliate_id: UUID, reason: str) -> None:
    """Take back what waits for an affiliate: not sent, and no job left to send it."""
    of_person = rows_of(merchant_id, Message).where(Message.affiliate_id == affiliate_id)
    waiting = of_person.where(Message.state == MessageState.QUEUED)
    ids = db.session.scalars(waiting.with_only_columns(Message.id)).all()
    db.session.execute(removal_of(merchant_id, Job).where(Job.subject_id.in_(ids)))
    db.session.execute(
        change_of(merchant_id, Message)
        .where(Message.id.in_(ids), Message.state == MessageState.QUEUED)
        .values(state=MessageState.NOT_SENT, reason=reason)
    )


def is_switched_on(merchant_id: UUID, kind: MailKind) -> bool:
    """Tell whether the merchant sends this kind now."""
    setting = db.session.get(EmailSetting, (merchant_id, kind))
    return kind.is_on_by_default if setting is None else setting.is_on


def new_header_id(mail_id: UUID) -> str:
    """Make the Message-ID of a mail; it belongs to the sender's domain, not to a host."""
    address = parseaddr(current_app.config["MAIL_DEFAULT_SENDER"])[1]
    return f"<{mail_id.hex}@{address.rpartition('@')[2] or 'localhost'}>"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one person, ready to be sent; `sender_name` is who it is from in words."""

    to: str
    subject: str
    text: str
    html: str
    header_id: str
    sender_name: str


class MailError(Exception):
    """A mail was not taken; `sentence` says what the mail server said."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class MailRefusedError(MailError):
    """Never: the server refuses this mail for good."""


class MailPostponedError(MailError):
    """Not now: the server asks to try this mail again, or broke off while it took it."""


class MailServerAwayError(MailError):
    """No mail at all: the server cannot be reached, or does not let us in as we must come in."""


def deliver(letter: Letter, *, deadline_seconds: float = SESSION_SECONDS) -> None:
    """Send a mail now, in an SMTP session of its own, and return once the server has taken it.

    :param deadline_seconds: the longest that the whole session may take.
    :raise MailRefusedError: if the server answered 5xx
    :raise MailPostponedError: if it answered 4xx, or broke off within the text of the mail
    :raise MailServerAwayError: if it cannot be used at all just now
    """
    message, sender = _message(letter)
    connection = _Connection(current_app.extensions["mail"], deadline_seconds)
    try:
        with connection:
            connection.send(message, envelope_from=sender)
    except (OSError, SMTPException) as fault:
        raise _meaning(fault, stage=connection.stage) from fault


def greet_server(*, deadline_seconds: float = GREETING_SECONDS) -> None:
    """Open a session as a mail would, log in, and leave without sending anything.

    :raise MailServerAwayError: if no mail could be sent now
    """
    connection = _Connection(current_app.extensions["mail"], deadline_seconds)
    try:
        with connection:
            pass
    except (OSError, SMTPException) as fault:
        raise MailServerAwayError(_meaning(fault, stage=Stage.GREETING).sentence) from fault


class _Connection(flask_mail.Connection):
    """Flask-Mail's connection, with limits in time, checked certificates and a quiet end."""

    def __init__(self, state: Any, deadline_seconds: float) -> None:
        super().__init__(state)
        self._deadline_seconds = deadline_seconds
        self._session: SmtpSession | None = None

    @property
    def stage(self) -> Stage:
        return Stage.GREETING if self._session is None else self._session.stage

    def configure_host(self) -> SmtpSession:
        session = open_session(
            self.mail.server,
            self.mail.port,
            use_tls=self.mail.use_tls,
            use_ssl=self.mail.use_ssl,
            timeout=current_app.config["MAIL_TIMEOUT_SECONDS"],
            deadline_seconds=self._deadline_seconds,
        )
        if self.mail.username and self.mail.password:
            try:
                session.login(self.mail.username, self.mail.password)
            except BaseException:
                session.leave()
                raise
        self._session = session
        return session

    def __exit__(self, *_fault: object) -> None:
        # Not Flask-Mail's: its QUIT raises when the server has gone, also when the mail was taken.
        if self._session is not None:
            self._session.leave()


def _message(letter: Letter) -> tuple[flask_mail.Message, str]:
    """Build the mail and its envelope sender. No value can begin a header of its own."""
    default_name, address = parseaddr(current_app.config["MAIL_DEFAULT_SENDER"])
    message = flask_mail.Message(
        subject=one_line(letter.subject),
        recipients=[letter.to],
        body=letter.text,
        html=letter.html,
        sender=formataddr((_display_name(letter.sender_name) or default_name, address)),
        charset=_UTF8,  # type: ignore[arg-type]  # it is handed to email.mime, which takes both
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    message.msgId = letter.header_id
    return message, address


def _display_name(name: str) -> str:
    words = one_line(name.translate(_NOT_FOR_NAMES)).split()
    return " ".join(words)[:LONGEST_NAME].strip()


def _meaning(fault: Exception, *, stage: Stage) -> MailError:
    """Tell apart what a fault says of this mail from what it says of the server."""
    match fault:
        case SMTPRecipientsRefused():
            code, words = next(iter(fault.recipients.values()))
            return _answer(code, words)
        case SMTPSenderRefused() | SMTPDataError():
            return _answer(fault.smtp_code, fault.smtp_error)
        case SMTPAuthenticationError():
            return MailServerAwayError("The mail server refused our login.")
        case SMTPNotSupportedError():
            return MailServerAwayError(
                "The mail server does not offer the encryption or login that the settings ask for."
            )
        case SMTPResponseException():
            answer = _answer(fault.smtp_code, fault.smtp_error)
            return MailServerAwayError(answer.sentence)
        case ssl.SSLCertVerificationError():
            return MailServerAwayError("The mail server's certificate is not valid.")
        case _ if stage is Stage.TEXT:
            return MailPostponedError(
                "The mail server broke off and did not say whether it took the mail."
            )
        case _ if stage is Stage.RECIPIENT:
            # It may be slow about this address alone: the mails of others must not wait for it.
            return MailPostponedError("The mail server did not answer about this address.")
        case TimeoutError():
            return MailServerAwayError("The mail server did not answer in time.")
        case _:
            return MailServerAwayError("The mail server cannot be reached.")


def _answer(code: int, words: bytes | str) -> MailError:
    said = one_line(words.decode(errors="replace") if isinstance(words, bytes) else words)
    sentence = f"The mail server answered {code}: {cut(said, LONGEST_ANSWER)}"
    if code in _ABOUT_THE_SESSION:
        return MailServerAwayError(sentence)
    return MailRefusedError(sentence) if code >= 500 else MailPostponedError(sentence)
