"""Lists of affiliates: search, filters, keyset paging, and counts that stop early."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, union

from refersion_segment.domain.affiliates import AffiliateStatus, search_key
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, LinkedId, Merchant, Offer, Source
from refersion_segment.models.affiliate import IdKind
from refersion_segment.models.scope import rows_of
from refersion_segment.services.digests import digest
from refersion_segment.services.referrals import referral_link

PAGE_SIZE: Final = 50
BATCH_SIZE: Final = 500
# What one page may cost does not grow with the number of affiliates: counts and searches stop
# here, and the page says so.
COUNT_LIMIT: Final = 1_000
MATCH_LIMIT: Final = 1_000
SOURCE_LIMIT: Final = 200
LAST_LETTER: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which affiliates a list shows; None and "" leave everybody in.

    `words` are the start of a name, of a last name or of an address, or a whole Segment id.
    """

    status: AffiliateStatus | None = None
    words: str = ""
    offer_id: UUID | None = None
    source_id: UUID | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the status narrows the list."""
        return bool(self.words or self.offer_id or self.source_id)


@dataclass(frozen=True, slots=True)
class Listed:
    """An affiliate as a list shows it."""

    affiliate: Affiliate
    offer_name: str
    source_label: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page, newest first. `newer` and `older` are the cursors of its neighbours."""

    rows: Sequence[Listed]
    newer: UUID | None
    older: UUID | None


def find_page(
    merchant_id: UUID,
    filters: Filters,
    *,
    older_than: UUID | None = None,
    newer_than: UUID | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """Return a page beside a cursor, or the first one.

    A page with nobody left on it, or one at the newest end that is not full, gives way to the
    first page.
    """
    if newer_than is not None:
        rows = _rows(merchant_id, filters, Affiliate.id > newer_than, Affiliate.id.asc(), size + 1)
        if len(rows) <= size:
            return find_page(merchant_id, filters, size=size)
        shown = rows[:size][::-1]
        return Page(shown, shown[0].affiliate.id, shown[-1].affiliate.id)
    after = literal(True) if older_than is None else Affiliate.id < older_than
    rows = _rows(merchant_id, filters, after, Affiliate.id.desc(), size + 1)
    if not rows and older_than is not None:
        return find_page(merchant_id, filters, size=size)
    shown = rows[:size]
    return Page(
        shown,
        shown[0].affiliate.id if older_than is not None else None,
        shown[-1].affiliate.id if len(rows) > size else None,
    )


def _rows(
    merchant_id: UUID,
    filters: Filters,
    place: ColumnElement[bool],
    order: ColumnElement[Any],
    limit: int,
) -> list[Listed]:
    query = (
        _with_names(_matching(merchant_id, filters))
        .where(place)
        .order_by(order)
        .limit(limit)
        .add_columns(Offer.name, Source.label)
    )
    return [Listed(*row) for row in db.session.execute(query)]


def _with_names(query: Select[Any]) -> Select[Any]:
    return query.join(
        Offer, and_(Offer.merchant_id == Affiliate.merchant_id, Offer.id == Affiliate.offer_id)
    ).outerjoin(
        Source, and_(Source.merchant_id == Affiliate.merchant_id, Source.id == Affiliate.source_id)
    )


def _matching(merchant_id: UUID, filters: Filters) -> Select[Any]:
    query = rows_of(merchant_id, Affiliate)
    if filters.status is not None:
        query = query.where(Affiliate.status == filters.status)
    if filters.offer_id is not None:
        query = query.where(Affiliate.offer_id == filters.offer_id)
    if filters.source_id is not None:
        query = query.where(Affiliate.source_id == filters.source_id)
    if filters.words:
        query = query.where(Affiliate.id.in_(_ids_that_match(merchant_id, filters.words)))
    return query


def _ids_that_match(merchant_id: UUID, words: str) -> Select[Any]:
    """Select the ids that the words find, each way by its own index and at most `MATCH_LIMIT`."""
    by_id = rows_of(merchant_id, LinkedId).where(
        LinkedId.kind.in_(list(IdKind)), LinkedId.digest == digest(words)
    )
    ways = [
        _prefix_search(merchant_id, column, words).with_only_columns(Affiliate.id)
        for column in (Affiliate.name_key, Affiliate.last_name_key, Affiliate.email_key)
    ]
    ways.append(by_id.with_only_columns(LinkedId.affiliate_id))
    limited = [select(way.limit(MATCH_LIMIT).subquery()) for way in ways]
    return select(union(*limited).subquery())


def _prefix_search(merchant_id: UUID, column: Any, words: str) -> Select[Any]:
    key = search_key(words)
    return (
        rows_of(merchant_id, Affiliate)
        .where(column >= key, column < key + LAST_LETTER)
        .order_by(column)
    )


def is_too_broad(merchant_id: UUID, words: str) -> bool:
    """Tell whether more people begin like that than a search looks at."""
    if not words:
        return False
    for column in (Affiliate.name_key, Affiliate.last_name_key, Affiliate.email_key):
        some = _prefix_search(merchant_id, column, words).with_only_columns(Affiliate.id)
        if len(db.session.scalars(some.limit(MATCH_LIMIT + 1)).all()) > MATCH_LIMIT:
            return True
    return False


def count_by_status(merchant_id: UUID, filters: Filters) -> dict[AffiliateStatus, str]:
    """Count each tab as text, "999+" where counting stops early."""
    counts = []
    for status in AffiliateStatus:
        query = _matching(merchant_id, replace(filters, status=status))
        some = query.with_only_columns(Affiliate.id).limit(COUNT_LIMIT).subquery()
        counts.append(select(func.count()).select_from(some).scalar_subquery())
    numbers = db.session.execute(select(*counts)).one()
    return {
        status: f"{COUNT_LIMIT - 1:,}+" if number >= COUNT_LIMIT else f"{number:,}"
        for status, number in zip(AffiliateStatus, numbers, strict=True)
    }


def sources_of(merchant_id: UUID) -> Sequence[Source]:
    """Return the sources that a list can be filtered by."""
    query = rows_of(merchant_id, Source).order_by(Source.label, Source.id).limit(SOURCE_LIMIT)
    return db.session.scalars(query).all()


def every_affiliate(merchant_id: UUID, filters: Filters) -> Iterator[dict[str, str]]:
    """Read all that match, oldest first, as plain values; the memory does not grow with them.

    Each batch is a transaction of its own: a reader that is slow must not hold up the writers.
    """
    merchant = db.session.get_one(Merchant, merchant_id)
    db.session.expunge(merchant)
    last = UUID(int=0)
    while True:
        place = Affiliate.id > last
        batch = _rows(merchant_id, filters, place, Affiliate.id.asc(), BATCH_SIZE)
        values = [_as_values(merchant, row) for row in batch]
        last = batch[-1].affiliate.id if batch else last
        db.session.rollback()
        db.session.expunge_all()
        yield from values
        if len(batch) < BATCH_SIZE:
            return


def _as_values(merchant: Merchant, row: Listed) -> dict[str, str]:
    affiliate = row.affiliate
    return {
        "id": str(affiliate.id),
        "email": affiliate.email,
        "first_name": affiliate.first_name,
        "last_name": affiliate.last_name,
        "status": affiliate.status.value,
        "offer": str(affiliate.offer_id),
        "offer_name": row.offer_name,
        "street": affiliate.street,
        "city": affiliate.city,
        "state": affiliate.state,
        "postal_code": affiliate.postal_code,
        "country": affiliate.country,
        "source": row.source_label or "",
        "referral_link": referral_link(merchant, affiliate),
        "created_at": affiliate.created_at.isoformat(),
    }
