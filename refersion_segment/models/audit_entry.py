"""An audit entry: who on the team did what, when, from where."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.models.base import Base, OfMerchant


class AuditEntry(OfMerchant, Base):
    """Written once, never changed. Names no affiliate but by id: an erasure must not reach it."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "merchant_id", "subject_id", "id"),)

    # Null: an affiliate, a command, or somebody who is not logged in.
    user_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    ip: Mapped[str]
    action: Mapped[str]
    subject_id: Mapped[UUID | None]
    detail: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
