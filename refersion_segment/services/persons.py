"""Who is it: finds a merchant's affiliate by what a call names, and links Segment's ids to them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, LinkedId
from refersion_segment.models.affiliate import IdKind
from refersion_segment.models.scope import rows_of
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services.digests import digest


def by_user_id(merchant_id: UUID, user_id: str | None) -> Affiliate | None:
    """Find the affiliate that a userId means."""
    if user_id is None:
        return None
    query = (
        rows_of(merchant_id, Affiliate)
        .join(
            LinkedId,
            (LinkedId.merchant_id == Affiliate.merchant_id)
            & (LinkedId.affiliate_id == Affiliate.id),
        )
        .where(LinkedId.kind == IdKind.USER_ID, LinkedId.digest == digest(user_id))
    )
    return db.session.scalar(query)


def by_address(merchant_id: UUID, email_key: str | None) -> Affiliate | None:
    """Find the affiliate with a normalised address."""
    if email_key is None:
        return None
    return db.session.scalar(
        rows_of(merchant_id, Affiliate).where(Affiliate.email_key == email_key)
    )


def ids_sharing(merchant_id: UUID, kind: IdKind, value: str | None) -> Sequence[UUID]:
    """List who has an id: for an anonymousId several may, so two are enough to know."""
    if value is None:
        return ()
    query = (
        rows_of(merchant_id, LinkedId)
        .where(LinkedId.kind == kind, LinkedId.digest == digest(value))
        .with_only_columns(LinkedId.affiliate_id)
        .limit(2)
    )
    return db.session.scalars(query).all()


def linked_ids(merchant_id: UUID, affiliate_id: UUID) -> Sequence[LinkedId]:
    """List every Segment id of an affiliate, oldest first."""
    query = (
        rows_of(merchant_id, LinkedId)
        .where(LinkedId.affiliate_id == affiliate_id)
        .order_by(LinkedId.id)
    )
    return db.session.scalars(query).all()


def link(affiliate: Affiliate, kind: IdKind, value: str | None, *, now: datetime) -> bool:
    """Link a Segment id to an affiliate; a repeat changes nothing.

    :return: False if the userId means another affiliate: somebody else linked it first.
    """
    if value is None:
        return True
    taken = not insert_if_new(
        LinkedId,
        merchant_id=affiliate.merchant_id,
        id=uuid7(),
        affiliate_id=affiliate.id,
        kind=kind,
        value=value,
        digest=digest(value),
        created_at=now,
    )
    return not taken or _has_id(affiliate, kind, value)


def _has_id(affiliate: Affiliate, kind: IdKind, value: str) -> bool:
    query = rows_of(affiliate.merchant_id, LinkedId).where(
        LinkedId.kind == kind,
        LinkedId.digest == digest(value),
        LinkedId.affiliate_id == affiliate.id,
    )
    return db.session.scalar(query) is not None
