"""An erasure: the trace of a delete."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.models.base import Base
from refersion_segment.models.types import text_enum


class ErasedKind(StrEnum):
    """Which kind of identifier a keyed hash was made of."""

    USER_ID = "user_id"
    EMAIL = "email"
    ANONYMOUS_ID = "anonymous_id"


class Erasure(Base):
    """One identifier of an erased person, as a keyed hash (HMAC-SHA-256 with the merchant's key).

    An identify that names it comes back only with an event time after `event_at`.
    """

    __tablename__ = "erasures"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    kind: Mapped[ErasedKind] = mapped_column(text_enum(ErasedKind), primary_key=True)
    keyed_hash: Mapped[str] = mapped_column(primary_key=True)
    event_at: Mapped[datetime]
    created_at: Mapped[datetime]
