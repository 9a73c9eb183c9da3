"""Moments as Segment writes them: UTC, milliseconds, a trailing Z.

Text in that form sorts by time, which the database relies on.
"""

from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Write an aware moment as `2026-03-04T09:15:20.100Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def now_iso(*, plus_seconds: float = 0.0) -> str:
    """Write the present moment, or one that many seconds later."""
    return iso(utc_now() + timedelta(seconds=plus_seconds))


def parse_moment(value: object) -> datetime | None:
    """Read an ISO 8601 moment; None when it is not one. Without an offset it is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
