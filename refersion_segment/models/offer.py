"""An offer: the commission terms under which affiliates join."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.domain.commissions import CommissionType
from refersion_segment.models.base import Base, OfMerchant
from refersion_segment.models.types import text_enum


class Offer(OfMerchant, Base):
    """Terms that affiliates join under; exactly one per merchant is the default."""

    __tablename__ = "offers"
    __table_args__ = (
        Index(
            "uq_offers_default",
            "merchant_id",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )

    name: Mapped[str]
    commission_type: Mapped[CommissionType] = mapped_column(text_enum(CommissionType))
    # Basis points for a percentage, whole cents for a flat rate.
    commission_amount: Mapped[int]
    terms: Mapped[str] = mapped_column(default="")
    auto_approve: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
