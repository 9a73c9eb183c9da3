"""The outbox: messages are sent by their job, listed, and told about in words."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from refersion_segment import mails
from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.jobs import Finish, RetryLater
from refersion_segment.models import Affiliate, Job, Message
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import letters

log = logging.getLogger(__name__)

PAGE: Final = 500

# The worker rests from all mails meanwhile, so that one try at a time finds out.
AWAY_WAIT: Final = timedelta(seconds=10)


def send(job: Job) -> Finish | None:
    """Send the message of a job, if it still is to be sent.

    The message is read again first: its person may be erased, its switch off by now. No
    transaction is open while the mail server is waited for.

    :raise RetryLater: if the mail server did not take it yet
    """
    letter = _letter_to_send(job)
    db.session.commit()
    if letter is None:
        return None
    try:
        mails.deliver(letter)
    except mails.MailServerAwayError as away:
        _note_reason(job, away.sentence)
        raise RetryLater(away.sentence, AWAY_WAIT, pauses=True) from away
    except mails.MailPostponedError as postponed:
        _note_try(job, postponed.sentence)
        raise RetryLater(postponed.sentence) from postponed
    except mails.MailRefusedError as refused:
        sentence = refused.sentence
        return lambda: _write_end(job, MessageState.FAILED, reason=sentence)
    sent_at = utc_now()
    return lambda: _write_end(job, MessageState.SENT, sent_at=sent_at)


def stop(job: Job, problem: str) -> None:
    """Write down that the message of a job is tried no longer."""
    message = _queued_message(job)
    if message is not None:
        message.state = MessageState.FAILED
        message.reason = f"Tried for three days. {problem}"


def _letter_to_send(job: Job) -> mails.Letter | None:
    """Read what is to be sent, or settle a message that is not to be sent any more."""
    message = _queued_message(job)
    if message is None:
        return None
    affiliate = db.session.get(Affiliate, (job.merchant_id, message.affiliate_id))
    if affiliate is None:
        message.state, message.reason = MessageState.NOT_SENT, "The person was erased."
        return None
    if not mails.is_switched_on(job.merchant_id, message.kind):
        message.state = MessageState.NOT_SENT
        message.reason = f"{message.kind.label} was turned off before this was sent."
        return None
    return letters.letter_to(affiliate, message.kind, message.header_id)


def _queued_message(job: Job) -> Message | None:
    return db.session.scalar(
        rows_of(job.merchant_id, Message).where(
            Message.id == job.subject_id, Message.state == MessageState.QUEUED
        )
    )


def _note_try(job: Job, reason: str) -> None:
    message = _queued_message(job)
    if message is not None:
        message.attempts += 1
        message.reason = reason


def _note_reason(job: Job, reason: str) -> None:
    """Say why a message still waits; a server that is away is no try of the message."""
    message = _queued_message(job)
    if message is not None:
        message.reason = reason


def _write_end(
    job: Job, state: MessageState, *, reason: str = "", sent_at: datetime | None = None
) -> None:
    message = _queued_message(job)
    if message is None:
        log.warning("message %s ended elsewhere while it was being sent", job.subject_id)
        return
    message.attempts += 1
    message.state, message.reason, message.sent_at = state, reason, sent_at


def of_affiliate(merchant_id: UUID, affiliate_id: UUID) -> list[Message]:
    """List the messages to one affiliate, oldest first; there is at most one of each kind."""
    return list(
        db.session.scalars(
            rows_of(merchant_id, Message)
            .where(Message.affiliate_id == affiliate_id)
            .order_by(Message.id)
        )
    )


def newest_first(merchant_id: UUID) -> Iterator[Message]:
    """Read all messages of a merchant, newest first, page by page; each page is a transaction."""
    before: UUID | None = None
    while True:
        query = rows_of(merchant_id, Message).order_by(Message.id.desc()).limit(PAGE)
        if before is not None:
            query = query.where(Message.id < before)
        page = list(db.session.scalars(query))
        yield from page
        if len(page) < PAGE:
            return
        before = page[-1].id
        db.session.rollback()
