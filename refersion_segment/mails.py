"""E-mails to affiliates: written into the outbox here, sent later by a worker."""

from datetime import datetime
from email.utils import parseaddr
from uuid import UUID

from flask import current_app
from uuid_utils.compat import uuid7

from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, EmailSetting, Message
from refersion_segment.models.job import JobKind
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import jobs
from refersion_segment.services.upserts import insert_if_new


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
        header_id=f"<{message_id.hex}@{_sender_domain()}>",
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


def is_switched_on(merchant_id: UUID, kind: MailKind) -> bool:
    """Tell whether the merchant sends this kind now."""
    setting = db.session.get(EmailSetting, (merchant_id, kind))
    return kind.is_on_by_default if setting is None else setting.is_on


def _sender_domain() -> str:
    """Return the domain that our mails come from: a Message-ID belongs to it, not to a host."""
    address = parseaddr(current_app.config["MAIL_DEFAULT_SENDER"])[1]
    return address.rpartition("@")[2] or "localhost"
