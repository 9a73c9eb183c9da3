"""An affiliate, and the Segment ids that are known to mean this person."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.models.base import Base, FoldedText, OfMerchant
from refersion_segment.models.types import text_enum


class Origin(StrEnum):
    """How an affiliate came to be."""

    SEGMENT = "segment"
    IMPORT = "import"
    TEAM = "team"


class Affiliate(OfMerchant, Base):
    """A person with a referral link; one per merchant and address."""

    __tablename__ = "affiliates"
    __table_args__ = (
        UniqueConstraint("merchant_id", "email_key"),
        UniqueConstraint("merchant_id", "referral_code"),
        ForeignKeyConstraint(["merchant_id", "offer_id"], ["offers.merchant_id", "offers.id"]),
        ForeignKeyConstraint(["merchant_id", "source_id"], ["sources.merchant_id", "sources.id"]),
        Index(None, "merchant_id", "status", "id"),
        Index(None, "merchant_id", "status", "offer_id", "id"),
        Index(None, "merchant_id", "status", "source_id", "id"),
        Index(None, "merchant_id", "name_key"),
        Index(None, "merchant_id", "last_name_key"),
    )

    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(FoldedText)
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    # Case-folded, for the search: "ada marsh" and "marsh".
    name_key: Mapped[str] = mapped_column(FoldedText, default="")
    last_name_key: Mapped[str] = mapped_column(FoldedText, default="")
    street: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    status: Mapped[AffiliateStatus] = mapped_column(text_enum(AffiliateStatus))
    offer_id: Mapped[UUID]
    source_id: Mapped[UUID | None]
    origin: Mapped[Origin] = mapped_column(text_enum(Origin))
    referral_code: Mapped[str] = mapped_column(FoldedText)
    is_test: Mapped[bool] = mapped_column(default=False)
    denial_reason: Mapped[str] = mapped_column(default="")
    is_denial_reason_shared: Mapped[bool] = mapped_column(default=False)
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def name(self) -> str:
        """First and last name as one line."""
        return f"{self.first_name} {self.last_name}".strip()


class IdKind(StrEnum):
    """What Segment calls the id."""

    USER_ID = "user_id"
    ANONYMOUS_ID = "anonymous_id"


class LinkedId(OfMerchant, Base):
    """A Segment id of an affiliate.

    A userId means at most one affiliate of a merchant; an anonymousId (a browser) may be shared
    by several. Ids can be of any length, so the indexes hold their SHA-256.
    """

    __tablename__ = "linked_ids"
    __table_args__ = (
        ForeignKeyConstraint(
            ["merchant_id", "affiliate_id"],
            ["affiliates.merchant_id", "affiliates.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("merchant_id", "kind", "digest", "affiliate_id"),
        Index(
            "uq_linked_ids_user_id",
            "merchant_id",
            "digest",
            unique=True,
            sqlite_where=text("kind = 'user_id'"),
            postgresql_where=text("kind = 'user_id'"),
        ),
        Index(None, "merchant_id", "affiliate_id"),
    )

    affiliate_id: Mapped[UUID]
    kind: Mapped[IdKind] = mapped_column(text_enum(IdKind))
    value: Mapped[str]
    digest: Mapped[str]
    created_at: Mapped[datetime]
