"""A merchant: one account, the tenant."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from refersion_segment.models.base import Base


class Merchant(Base):
    """The tenant that everything else belongs to."""

    __tablename__ = "merchants"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    # Stands in referral links, where a UUID would be too long to read.
    handle: Mapped[str] = mapped_column(unique=True)
    website: Mapped[str] = mapped_column(default="")
    time_zone: Mapped[str] = mapped_column(default="UTC")
    currency: Mapped[str] = mapped_column(default="USD")
    # Keys the hashes that an erasure keeps; sealed, so that a database dump cannot test addresses.
    erasure_key_sealed: Mapped[str]
    created_at: Mapped[datetime]
