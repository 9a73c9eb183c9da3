"""The delivery log: what came, newest first, and what followed of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Select, or_

from refersion_segment.domain.outcomes import DeliveryFilter
from refersion_segment.extensions import db
from refersion_segment.models import Delivery
from refersion_segment.models.scope import rows_of
from refersion_segment.services.digests import digest

PAGE_SIZE: Final = 25
BATCH_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What part of the log to show; `text` is an address or an id, whole."""

    filter: DeliveryFilter | None = None
    text: str = ""
    source_id: UUID | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows the log."""
        return self == Wanted()


@dataclass(frozen=True, slots=True)
class Page:
    """Some deliveries, newest first; `older` and `newer` are the ids to go on from."""

    deliveries: Sequence[Delivery]
    older: UUID | None = None
    newer: UUID | None = None


def page(
    merchant_id: UUID,
    wanted: Wanted,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """Return one page of the log, by key and never by offset.

    :param before: show what is older than this delivery.
    :param after: show what is newer than this delivery; wins over `before`.
    """
    query = _narrowed(merchant_id, wanted)
    if after is not None:
        newer = query.where(Delivery.id > after).order_by(Delivery.id).limit(size + 1)
        found = db.session.scalars(newer).all()
        rows = list(reversed(found[:size]))
        has_newer, has_older = len(found) > size, bool(rows)
    else:
        if before is not None:
            query = query.where(Delivery.id < before)
        found = db.session.scalars(query.order_by(Delivery.id.desc()).limit(size + 1)).all()
        rows = list(found[:size])
        has_newer, has_older = before is not None and bool(rows), len(found) > size
    return Page(
        rows,
        older=rows[-1].id if rows and has_older else None,
        newer=rows[0].id if rows and has_newer else None,
    )


def every(merchant_id: UUID) -> Iterator[Delivery]:
    """Yield all deliveries, newest first, a batch at a time: memory stays flat."""
    last: UUID | None = None
    while True:
        batch = page(merchant_id, Wanted(), before=last, size=BATCH_SIZE)
        yield from batch.deliveries
        if batch.older is None:
            return
        last = batch.older
        db.session.expunge_all()


def _narrowed(merchant_id: UUID, wanted: Wanted) -> Select[Delivery]:
    query = rows_of(merchant_id, Delivery)
    if wanted.filter is DeliveryFilter.TEST:
        query = query.where(Delivery.is_test)
    elif wanted.filter is not None:
        query = query.where(Delivery.outcome.in_(sorted(wanted.filter.outcomes)))
    if wanted.source_id is not None:
        query = query.where(Delivery.source_id == wanted.source_id)
    if text := wanted.text.replace("\x00", "").strip():
        key = digest(text)
        query = query.where(
            or_(
                Delivery.email_key == text.casefold(),
                Delivery.user_id_digest == key,
                Delivery.anonymous_id_digest == key,
                Delivery.message_id_digest == key,
            )
        )
    return query
