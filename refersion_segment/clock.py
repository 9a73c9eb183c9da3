"""The one place that asks for the time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current moment, aware and in UTC."""
    return datetime.now(UTC)
