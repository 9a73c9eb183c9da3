"""A job: something to be done later by a worker."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.models.base import Base, OfMerchant
from refersion_segment.models.types import text_enum


class JobKind(StrEnum):
    """What a worker knows how to do."""

    SEND_MESSAGE = "send_message"
    TURN_ON_DESTINATION = "turn_on_destination"
    TURN_OFF_DESTINATION = "turn_off_destination"


class Job(OfMerchant, Base):
    """Written in the same transaction as its cause; removed when it is done.

    A worker claims it by a lease: `owner` until `lease_until`. One that gave up stays, with
    `gave_up_at` and its last problem, until somebody tries again.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        # A worker asks per merchant what is due, so that none can crowd out another.
        Index(None, "merchant_id", "due_at"),
        Index(None, "merchant_id", "subject_id"),
    )

    kind: Mapped[JobKind] = mapped_column(text_enum(JobKind))
    # The message or source that the job is about.
    subject_id: Mapped[UUID]
    # The connection's generation for which the job was made; 0 where it does not matter.
    generation: Mapped[int] = mapped_column(default=0)
    # Null once it gave up: never due.
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    owner: Mapped[str | None]
    problem: Mapped[str] = mapped_column(default="")
    gave_up_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
