"""A message: one e-mail of one kind to one person; and the switch and text of each kind."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.models.base import Base, OfMerchant
from refersion_segment.models.types import text_enum


class MessageState(StrEnum):
    """Where an e-mail is; `failed` and `not_sent` say why in the row's reason."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    NOT_SENT = "not_sent"


class Message(OfMerchant, Base):
    """A row of the outbox. The unique key is the rule "each kind at most once per affiliate"."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("merchant_id", "affiliate_id", "kind"),
        Index(None, "merchant_id", "state", "id"),
    )

    # No foreign key: an erasure removes the affiliate and keeps the row, without its address.
    affiliate_id: Mapped[UUID]
    kind: Mapped[MailKind] = mapped_column(text_enum(MailKind))
    to: Mapped[str | None]
    state: Mapped[MessageState] = mapped_column(text_enum(MessageState))
    reason: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    # The Message-ID header: one for ever, so that a repeated try can be recognised as one.
    header_id: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class EmailSetting(Base):
    """The merchant's switch and text for one kind; no row, or null, means the default."""

    __tablename__ = "email_settings"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    kind: Mapped[MailKind] = mapped_column(text_enum(MailKind), primary_key=True)
    is_on: Mapped[bool]
    subject: Mapped[str | None]
    body: Mapped[str | None]
