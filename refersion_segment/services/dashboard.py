"""What the first page shows: what needs the team, and the last four weeks, at a bounded cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Message
from refersion_segment.models.connection import ConnectionState
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import connection_overview
from refersion_segment.services.connection_overview import Overview

MOST_COUNTED: Final = 999


@dataclass(frozen=True, slots=True)
class Number:
    """A count that stops at `MOST_COUNTED`, so that no page reads a whole table."""

    value: int

    def __str__(self) -> str:
        return f"{MOST_COUNTED}+" if self.value > MOST_COUNTED else str(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What `/` shows."""

    overview: Overview
    affiliates: dict[AffiliateStatus, Number]
    failed_messages: Number

    @property
    def is_enabled(self) -> bool:
        """Whether Segment's calls are taken."""
        return self.overview.connection.state is not ConnectionState.DISABLED

    @property
    def number_of_needs(self) -> int:
        """How many things wait for the team."""
        return sum(
            (
                bool(self.affiliates[AffiliateStatus.PENDING]),
                not self.is_enabled,
                bool(self.overview.attention),
                bool(self.failed_messages),
            )
        )


def read(merchant_id: UUID) -> Dashboard:
    """Read what the first page shows."""
    people = rows_of(merchant_id, Affiliate).with_only_columns(Affiliate.id)
    failed = rows_of(merchant_id, Message).where(Message.state == MessageState.FAILED)
    return Dashboard(
        overview=connection_overview.read(merchant_id),
        affiliates={
            status: _number(
                db.session.scalars(
                    people.where(Affiliate.status == status).limit(MOST_COUNTED + 1)
                ).all()
            )
            for status in AffiliateStatus
        },
        failed_messages=_number(
            db.session.scalars(failed.with_only_columns(Message.id).limit(MOST_COUNTED + 1)).all()
        ),
    )


def _number(ids: Sequence[UUID]) -> Number:
    return Number(len(ids))
