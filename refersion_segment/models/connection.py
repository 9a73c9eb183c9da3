"""A merchant's Segment integration, what Segment granted it, and the sources known to it."""

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
    # The workspace of the newest consent.
    workspace: Mapped[str | None]
    connected_by: Mapped[UUID | None]
    connected_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")


class Install(Base):
    """What a consent grants us at Segment: tokens for its sources, until Segment takes it back.

    Kept over a disable, because Segment may grant it once only. Not part of the connection: a
    consent for another source may make an install of its own, whose token opens no other source.
    """

    __tablename__ = "installs"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    # `installs/7`: what its tokens are asked for with.
    name: Mapped[str] = mapped_column(primary_key=True)
    workspace: Mapped[str]
    token_sealed: Mapped[str]
    token_expires_at: Mapped[datetime]
    # Who refreshes the token holds this lease: a refresh ends the token before it, so there must
    # not be two at once, and no transaction may stay open while Segment answers.
    token_lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


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
        ForeignKeyConstraint(
            ["merchant_id", "install_name"], ["installs.merchant_id", "installs.name"]
        ),
    )

    # `workspaces/W/sources/S`, from the consent; null for one that was first seen in a call.
    resource_name: Mapped[str | None]
    # Of the newest consent for this source; null where there was none.
    install_name: Mapped[str | None]
    # Segment's `projectId`, from a call; null for one that the consent named.
    project_id: Mapped[str | None]
    label: Mapped[str]
    destination_state: Mapped[DestinationState] = mapped_column(
        text_enum(DestinationState), default=DestinationState.NONE
    )
    problem: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
