"""How many calls came on each of the last days, by outcome: at a bounded cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select

from refersion_segment.domain.outcomes import DeliveryFilter
from refersion_segment.extensions import db
from refersion_segment.models import Delivery
from refersion_segment.models.scope import rows_of

MOST_COUNTED: Final = 20_000

SHOWN: Final = (
    DeliveryFilter.CREATED,
    DeliveryFilter.ALREADY_HERE,
    DeliveryFilter.NEEDS_FIXING,
    DeliveryFilter.IGNORED,
    DeliveryFilter.ERASED,
)


@dataclass(frozen=True, slots=True)
class Day:
    """One day's calls; `numbers` has those of `SHOWN` that are not zero."""

    date: date
    numbers: dict[DeliveryFilter, int]


@dataclass(frozen=True, slots=True)
class DailyCalls:
    """The days, oldest first; `is_partial` when only the newest `MOST_COUNTED` were counted."""

    days: Sequence[Day]
    is_partial: bool

    @property
    def is_empty(self) -> bool:
        return not any(day.numbers for day in self.days)


def count(merchant_id: UUID, *, days: int, zone: ZoneInfo, now: datetime) -> DailyCalls:
    """Count the calls of the last `days` days of a time zone, today included.

    A delivery's id begins with its time, so the primary key alone finds and orders them.
    """
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    starts = [_first_id(datetime(day.year, day.month, day.day, tzinfo=zone)) for day in dates]
    newest = (
        rows_of(merchant_id, Delivery)
        .with_only_columns(Delivery.id, Delivery.outcome)
        .where(Delivery.id >= starts[0])
        .order_by(Delivery.id.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    number = case(*[(newest.c.id >= starts[n], n) for n in range(days - 1, -1, -1)])
    numbered = select(number.label("day"), newest.c.outcome).subquery()
    rows = db.session.execute(
        select(numbered.c.day, numbered.c.outcome, func.count()).group_by(
            numbered.c.day, numbered.c.outcome
        )
    ).all()
    counted: list[dict[DeliveryFilter, int]] = [{} for _ in dates]
    for day, outcome, calls in rows:
        shown = next(one for one in SHOWN if outcome in one.outcomes)
        counted[day][shown] = counted[day].get(shown, 0) + calls
    return DailyCalls(
        [Day(day, numbers) for day, numbers in zip(dates, counted, strict=True)],
        is_partial=sum(calls for _, _, calls in rows) >= MOST_COUNTED,
    )


def _first_id(moment: datetime) -> UUID:
    """Return the smallest UUID of version 7 that can be made at a moment (RFC 9562, 5.7)."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62))
