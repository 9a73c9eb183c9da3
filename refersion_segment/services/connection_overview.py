"""What the page of the Segment integration shows, read at a bounded cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from refersion_segment import mails
from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.domain.outcomes import Outcome
from refersion_segment.extensions import db
from refersion_segment.models import (
    Affiliate,
    Connection,
    Delivery,
    Job,
    Source,
    User,
)
from refersion_segment.models.connection import ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import connections, delivery_log, sources
from refersion_segment.services.delivery_log import Wanted

SHORT_LIST: Final = 5
SOURCES_SHOWN: Final = 20
MOST_COUNTED: Final = 999

# What a merchant wants to be told when it is off: PRODUCT has the denial off from the start.
HINTED: Final = (MailKind.NEW_AFFILIATE, MailKind.PENDING_AFFILIATE)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source, when its last call came, and what is still to be done at Segment for it."""

    source: Source
    last_event_at: datetime | None
    order: Job | None

    @property
    def is_unsettled(self) -> bool:
        """Whether our destination there is not as it should be."""
        return self.source.destination_state in {
            DestinationState.TURNING_ON,
            DestinationState.TURNING_OFF,
            DestinationState.FAILED,
        }


@dataclass(frozen=True, slots=True)
class Overview:
    """The integration as the page shows it."""

    connection: Connection
    connected_by: str
    sources: Sequence[SourceLine]
    more_sources: int
    deliveries: Sequence[Delivery]
    mails_off: Sequence[MailKind]

    @property
    def unsettled(self) -> list[SourceLine]:
        return [line for line in self.sources if line.is_unsettled]

    @property
    def source_labels(self) -> Mapping[UUID, str]:
        return {line.source.id: line.source.label for line in self.sources}

    @property
    def last_event_at(self) -> datetime | None:
        """When the last call came that was taken; None while the first one is waited for."""
        taken = (one for one in self.deliveries if one.outcome is not Outcome.REFUSED)
        return next((one.received_at for one in taken), None)

    @property
    def attention(self) -> str:
        """What needs the merchant, in words; "" if nothing does."""
        if self.connection.state is ConnectionState.FAILING:
            return "Segment did not let us switch Refersion on."
        failed = [line for line in self.unsettled if _has_failed(line)]
        if failed:
            return f"Refersion could not be switched at {failed[0].source.label}."
        newest = self.deliveries[0] if self.last_event_at else None
        if newest is not None and newest.outcome is Outcome.NEEDS_FIXING:
            return f"The last call needs fixing: {newest.reason}"
        return ""


def read(merchant_id: UUID) -> Overview:
    """Read what the page shows."""
    connection = connections.get(merchant_id)
    every = sources.all_of(merchant_id)
    # Ours first, whatever calls have named since.
    ordered = sorted(every, key=lambda source: source.resource_name is None)
    shown = ordered[:SOURCES_SHOWN]
    user = (
        db.session.get(User, (merchant_id, connection.connected_by))
        if connection.connected_by
        else None
    )
    return Overview(
        connection=connection,
        connected_by=user.name if user else "",
        sources=[_line(source) for source in shown],
        more_sources=len(every) - len(shown),
        deliveries=delivery_log.page(merchant_id, Wanted(), size=SHORT_LIST).deliveries,
        mails_off=[kind for kind in HINTED if not mails.is_switched_on(merchant_id, kind)],
    )


def affiliates_that_stay(merchant_id: UUID) -> str:
    """Say how many affiliates a disable leaves as they are: "12 pending and 340 approved"."""
    pending, approved = (
        _up_to_most(merchant_id, status)
        for status in (AffiliateStatus.PENDING, AffiliateStatus.APPROVED)
    )
    return f"{pending} pending and {approved} approved"


def _line(source: Source) -> SourceLine:
    order = connections.order_for(source) if source.resource_name else None
    return SourceLine(source, sources.last_event_at(source), order)


def _has_failed(line: SourceLine) -> bool:
    return line.source.destination_state is DestinationState.FAILED


def _up_to_most(merchant_id: UUID, status: AffiliateStatus) -> str:
    query = rows_of(merchant_id, Affiliate).where(Affiliate.status == status)
    ids = db.session.scalars(query.with_only_columns(Affiliate.id).limit(MOST_COUNTED + 1)).all()
    return f"more than {MOST_COUNTED}" if len(ids) > MOST_COUNTED else str(len(ids))
