"""Affiliates: create, approve, deny, search. One function each, whoever calls it."""

from typing import Final
from uuid import UUID

from sqlalchemy import select

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate

BADGE_LIMIT: Final = 99


def pending_badge(merchant_id: UUID) -> str:
    """Return how many wait, as text: "" for none, "99+" beyond; it reads at most 100 rows."""
    waiting = (
        select(Affiliate.id)
        .where(Affiliate.merchant_id == merchant_id, Affiliate.status == AffiliateStatus.PENDING)
        .limit(BADGE_LIMIT + 1)
    )
    number = len(db.session.scalars(waiting).all())
    return f"{BADGE_LIMIT}+" if number > BADGE_LIMIT else str(number or "")
