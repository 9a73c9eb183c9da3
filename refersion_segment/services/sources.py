"""The Segment sources that are known to a connection."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from refersion_segment.extensions import db
from refersion_segment.models import Delivery, Source
from refersion_segment.models.connection import DestinationState
from refersion_segment.models.scope import change_of, rows_of
from refersion_segment.models.upserts import insert_if_new

# Whoever holds a key can invent projectIds; a merchant has dozens of sources, not thousands.
MOST_SOURCES: Final = 500
CALLING: Final = {DestinationState.TURNING_ON, DestinationState.ON}


def seen_in_call(merchant_id: UUID, project_id: str | None, *, now: datetime) -> UUID | None:
    """Return the source with this `projectId`, noting one that was never seen before."""
    if project_id is None:
        return None
    known = rows_of(merchant_id, Source).where(Source.project_id == project_id)
    known_id: UUID | None = db.session.scalar(known.with_only_columns(Source.id))
    if known_id is not None:
        return known_id
    every = all_of(merchant_id)
    if (consented := _only_one_that_waits(every)) is not None:
        return _adopt(consented, project_id)
    if len(every) >= MOST_SOURCES:
        return None
    insert_if_new(
        Source,
        merchant_id=merchant_id,
        id=uuid7(),
        project_id=project_id,
        label=project_id,
        destination_state=DestinationState.NONE,
        problem="",
        created_at=now,
    )
    return db.session.scalar(known.with_only_columns(Source.id))


def _only_one_that_waits(every: Sequence[Source]) -> Source | None:
    """Return the source that a new `projectId` must be, if only one can be meant.

    The consent names a source, a call names its `projectId`, and Segment never names both. But
    while our destination is on at just one source of which no call came yet, that one is calling.
    """
    waiting = [
        source
        for source in every
        if source.project_id is None and source.destination_state in CALLING
    ]
    return waiting[0] if len(waiting) == 1 else None


def _adopt(source: Source, project_id: str) -> UUID:
    db.session.execute(
        change_of(source.merchant_id, Source)
        .where(Source.id == source.id, Source.project_id.is_(None))
        .values(project_id=project_id)
    )
    return source.id


def all_of(merchant_id: UUID) -> Sequence[Source]:
    """List a merchant's sources, oldest first; at most `MOST_SOURCES`."""
    return db.session.scalars(
        rows_of(merchant_id, Source).order_by(Source.id).limit(MOST_SOURCES)
    ).all()


def labels_of(merchant_id: UUID) -> dict[UUID, str]:
    """Return what each source is called, by its id."""
    return {source.id: source.label for source in all_of(merchant_id)}


def last_event_at(source: Source) -> datetime | None:
    """Return when the last call of a source came, from the index of its deliveries."""
    newest = (
        rows_of(source.merchant_id, Delivery)
        .where(Delivery.source_id == source.id)
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    return db.session.scalar(newest.with_only_columns(Delivery.received_at))
