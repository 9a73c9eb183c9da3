"""A merchant's Segment integration, and the sources known to it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.models.base import Base, OfMerchant
from refersion_segment.models.types import text_enum


class ConnectionState(StrEnum):
    """Calls are taken in every state but `disabled`."""

    DISABLED = "disabled"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILING = "failing"


class ConnectionMode(StrEnum):
    """Through OAuth, or by a key pasted inside Segment."""

    MANAGED = "managed"
    API_KEY = "api_key"


class Connection(Base):
    """The integration of one merchant: one row for ever, whatever its state."""

    __tablename__ = "connections"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "offer_id"], ["offers.merchant_id", "offers.id"]),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    state: Mapped[ConnectionState] = mapped_column(text_enum(ConnectionState))
    mode: Mapped[ConnectionMode | None] = mapped_column(text_enum(ConnectionMode))
    # Counts enables and disables; a job that was made for another generation does nothing.
    generation: Mapped[int] = mapped_column(default=0)
    # Null: the merchant's default offer, whichever it is.
    offer_id: Mapped[UUID | None]
    # The install is kept over a disable: Segment grants it once per workspace.
    workspace: Mapped[str | None]
    install_name: Mapped[str | None]
    token_sealed: Mapped[str | None]
    token_expires_at: Mapped[datetime | None]
    # Who refreshes the token holds this lease: a refresh ends the token before it, so there must
    # not be two at once, and no transaction may stay open while Segment answers.
    token_lease_until: Mapped[datetime | None]
    connected_by: Mapped[UUID | None]
    connected_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")


class DestinationState(StrEnum):
    """What we last did to our destination on a source inside Segment."""

    NONE = "none"
    TURNING_ON = "turning_on"
    ON = "on"
    TURNING_OFF = "turning_off"
    OFF = "off"
    FAILED = "failed"


class Source(OfMerchant, Base):
    """A Segment source: named by the consent, or first seen in a delivery."""

    __tablename__ = "sources"
    __table_args__ = (
        UniqueConstraint("merchant_id", "resource_name"),
        UniqueConstraint("merchant_id", "project_id"),
    )

    # `workspaces/W/sources/S`, from the consent; null for one that was first seen in a call.
    resource_name: Mapped[str | None]
    # Segment's `projectId`, from a call; null for one that the consent named.
    project_id: Mapped[str | None]
    label: Mapped[str]
    destination_state: Mapped[DestinationState] = mapped_column(
        text_enum(DestinationState), default=DestinationState.NONE
    )
    problem: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
