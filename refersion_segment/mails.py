"""E-mails to affiliates: written into the outbox here, sent later by a worker."""

from datetime import datetime
from urllib.parse import urlsplit

from flask import current_app
from uuid_utils.compat import uuid7

from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, EmailSetting, Message
from refersion_segment.models.job import JobKind
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import rows_of
from refersion_segment.services.jobs import enqueue
from refersion_segment.services.upserts import insert_if_new


def queue(affiliate: Affiliate, kind: MailKind, *, now: datetime) -> Message:
    """Write the e-mail of this kind into the outbox, with the job that sends it.

    Each kind at most once per affiliate, ever: a second call returns the first row and queues
    nothing. While the kind is switched off the row says `not_sent`, and why.
    """
    is_on = _is_on(affiliate, kind)
    message_id = uuid7()
    is_new = insert_if_new(
        Message,
        merchant_id=affiliate.merchant_id,
        id=message_id,
        affiliate_id=affiliate.id,
        kind=kind,
        to=affiliate.email,
        state=MessageState.QUEUED if is_on else MessageState.NOT_SENT,
        reason="" if is_on else f"{kind.label} is off.",
        header_id=f"<{message_id}@{urlsplit(current_app.config['BASE_URL']).hostname}>",
        created_at=now,
    )
    if is_new and is_on:
        enqueue(
            JobKind.SEND_MESSAGE,
            merchant_id=affiliate.merchant_id,
            subject_id=message_id,
            now=now,
        )
    return db.session.scalars(
        rows_of(affiliate.merchant_id, Message).where(
            Message.affiliate_id == affiliate.id, Message.kind == kind
        )
    ).one()


def _is_on(affiliate: Affiliate, kind: MailKind) -> bool:
    setting = db.session.get(EmailSetting, (affiliate.merchant_id, kind))
    return kind.is_on_by_default if setting is None else setting.is_on
