"""A delivery: one call that Segment made, and the answer that a messageId was given first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.domain.outcomes import Outcome
from refersion_segment.models.base import Base, FoldedText, OfMerchant
from refersion_segment.models.types import text_enum


class Delivery(OfMerchant, Base):
    """One call of a known key, with what was decided and why. Its order is its id's order.

    The personal columns (`email` to `payload`) are emptied when the person is erased or the
    payload is 30 days old; what remains says what happened, not to whom.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "source_id"], ["sources.merchant_id", "sources.id"]),
        Index(None, "merchant_id", "outcome", "id"),
        Index(None, "merchant_id", "source_id", "id"),
        Index(None, "merchant_id", "affiliate_id", "id"),
        Index(None, "merchant_id", "email_key"),
        Index(None, "merchant_id", "user_id_digest"),
        Index(None, "merchant_id", "anonymous_id_digest"),
        Index(None, "merchant_id", "message_id_digest"),
        Index(
            "ix_deliveries_tests",
            "merchant_id",
            "id",
            sqlite_where=text("is_test"),
            postgresql_where=text("is_test"),
        ),
    )

    call_type: Mapped[str]
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome))
    reason: Mapped[str]
    status_code: Mapped[int]
    is_replay: Mapped[bool] = mapped_column(default=False)
    is_test: Mapped[bool] = mapped_column(default=False)
    received_at: Mapped[datetime]
    event_at: Mapped[datetime | None]
    source_id: Mapped[UUID | None]
    # No foreign key: an erasure removes the affiliate and keeps the delivery.
    affiliate_id: Mapped[UUID | None]
    message_id: Mapped[str | None]
    message_id_digest: Mapped[str | None]
    email: Mapped[str | None]
    email_key: Mapped[str | None] = mapped_column(FoldedText)
    user_id: Mapped[str | None]
    user_id_digest: Mapped[str | None]
    anonymous_id: Mapped[str | None]
    anonymous_id_digest: Mapped[str | None]
    # {"traits": {path: value}, "readings": [...]}: what was read of the call, nothing else.
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Answer(Base):
    """The first 200 that a messageId was given. It holds ids only, so it survives an erasure."""

    __tablename__ = "answers"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    call_type: Mapped[str] = mapped_column(primary_key=True)
    message_id_digest: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome))
    affiliate_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
