"""What happened to one affiliate, from every table that knows, as one timeline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from refersion_segment.domain.outcomes import Outcome
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, AuditEntry, Delivery, Message, Source
from refersion_segment.models.affiliate import Origin
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import rows_of

# A source calls identify at every log-in: the newest calls tell enough, the log has the others.
DELIVERY_LIMIT: Final = 30
ENTRY_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of the timeline; `tone` is green, amber, red, blue or "" for neither.

    `delivery_id` is the call that it is about.
    """

    at: datetime
    title: str
    note: str = ""
    tone: str = ""
    delivery_id: UUID | None = None


def history_of(affiliate: Affiliate) -> list[HistoryEntry]:
    """Return everything that happened to an affiliate, newest first."""
    entries = [
        *_deliveries(affiliate),
        *_decisions(affiliate),
        *(_message(message) for message in messages_of(affiliate)),
    ]
    # An effect bears the moment of its cause: a stable sort keeps them in this order.
    return sorted(entries, key=lambda entry: entry.at)[::-1]


def messages_of(affiliate: Affiliate) -> Sequence[Message]:
    """Return the e-mails of an affiliate, in the order of writing."""
    query = rows_of(affiliate.merchant_id, Message).where(Message.affiliate_id == affiliate.id)
    return db.session.scalars(query.order_by(Message.id)).all()


def _deliveries(affiliate: Affiliate) -> Iterator[HistoryEntry]:
    about = rows_of(affiliate.merchant_id, Delivery).where(Delivery.affiliate_id == affiliate.id)
    first = db.session.scalar(
        about.where(Delivery.outcome == Outcome.CREATED, Delivery.is_replay.is_(False))
        .order_by(Delivery.id)
        .limit(1)
    )
    yield HistoryEntry(
        affiliate.created_at,
        _creation_in_words(affiliate),
        "" if first is None else first.reason,
        "blue",
        None if first is None else first.id,
    )
    later = about.order_by(Delivery.id.desc()).limit(DELIVERY_LIMIT)
    if first is not None:
        later = later.where(Delivery.id != first.id)
    for delivery in db.session.scalars(later):
        title = f"Segment sent {delivery.call_type}{' again' if delivery.is_replay else ''}"
        yield HistoryEntry(delivery.received_at, title, delivery.reason, "", delivery.id)


def _creation_in_words(affiliate: Affiliate) -> str:
    test = ", by a test event" if affiliate.is_test else ""
    match affiliate.origin:
        case Origin.SEGMENT:
            source = source_of(affiliate)
            return f"Created from {source.label if source else 'Segment'}{test}"
        case Origin.IMPORT:
            return "Created by an import"
        case Origin.TEAM:
            return "Created by the team"


def source_of(affiliate: Affiliate) -> Source | None:
    """Return the Segment source that an affiliate came from."""
    if affiliate.source_id is None:
        return None
    return db.session.get(Source, (affiliate.merchant_id, affiliate.source_id))


def _decisions(affiliate: Affiliate) -> Iterator[HistoryEntry]:
    query = (
        rows_of(affiliate.merchant_id, AuditEntry)
        .where(AuditEntry.subject_id == affiliate.id)
        .order_by(AuditEntry.id.desc())
        .limit(ENTRY_LIMIT)
    )
    is_last_denial = True
    for entry in db.session.scalars(query):
        verb = entry.action.removeprefix("affiliate.").replace("_", " ").capitalize()
        title = f"{verb} by {entry.actor_name}"
        if entry.action == "affiliate.denied":
            note = _denial_reason(affiliate) if is_last_denial else ""
            is_last_denial = False
            yield HistoryEntry(entry.created_at, title, note, "red")
        elif entry.action == "affiliate.approved":
            yield HistoryEntry(entry.created_at, title, entry.detail, "green")
        elif entry.action != "affiliate.created":
            yield HistoryEntry(entry.created_at, title, entry.detail)


def _denial_reason(affiliate: Affiliate) -> str:
    if not affiliate.denial_reason:
        return ""
    where = "told in the e-mail" if affiliate.is_denial_reason_shared else "for the team only"
    return f"{affiliate.denial_reason} ({where})"


def _message(message: Message) -> HistoryEntry:
    name = message.kind.label
    match message.state:
        case MessageState.QUEUED:
            note = f"Tried {message.attempts} times. {message.reason}" if message.attempts else ""
            return HistoryEntry(message.created_at, f"{name} queued", note.strip(), "amber")
        case MessageState.SENT:
            return HistoryEntry(message.sent_at or message.created_at, f"{name} sent", "", "green")
        case MessageState.FAILED:
            return HistoryEntry(message.created_at, f"{name} failed", message.reason, "red")
        case MessageState.NOT_SENT:
            return HistoryEntry(message.created_at, f"{name} not sent", message.reason)
