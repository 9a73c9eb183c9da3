"""After a try: delivered, tried again later, or discarded (protocol reference, section 10).

Where Segment's code and its help centre disagree (3xx, 423, 505 against 410, 460), the code is
followed. Base, cap and number of tries are unpublished; these are a likely guess.
"""

import random
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from refersion_segment.sandbox.clock import utc_now
from refersion_segment.sandbox.sender import Answer

WAITING, DELIVERED, DISCARDED = "waiting", "delivered", "discarded"
PATIENCE_SECONDS = 4 * 3600
LONGEST_DELAY_SECONDS = 900.0
_RETRIED_CLIENT_ERRORS = (408, 423, 429)


@dataclass(frozen=True)
class Outcome:
    """Where a delivery stands after a try; the delay counts only while it waits."""

    state: str
    code: str
    delay_seconds: float = 0.0


def is_retried(status: int | None) -> bool:
    """Tell whether Segment tries again after that status; None is no answer at all."""
    if status is None:
        return True
    return (
        300 <= status < 400 or status in _RETRIED_CLIENT_ERRORS or (status >= 500 and status != 501)
    )


def after_try(answer: Answer, *, tries: int, age_seconds: float, time_scale: int) -> Outcome:
    """Decide what follows a try.

    :param tries: how many there were, this one included.
    :param age_seconds: since the event came in.
    :param time_scale: how much faster than Segment's the sandbox's clock runs.
    """
    if answer.status is not None and 200 <= answer.status < 300:
        return Outcome(DELIVERED, f"delivered.{answer.status}")
    cause = answer.fault or str(answer.status)
    if not is_retried(answer.status):
        return Outcome(DISCARDED, f"errors.discarded.{cause}")
    longest = min(LONGEST_DELAY_SECONDS, 2.0 ** min(tries - 1, 20))
    delay = random.uniform(0, longest) / time_scale  # noqa: S311  spreads load, hides nothing
    delay = max(delay, retry_after_seconds(answer.headers.get("Retry-After"), utc_now()))
    if (age_seconds + delay) * time_scale > PATIENCE_SECONDS:
        return Outcome(DISCARDED, f"errors.discarded.{cause}")
    return Outcome(WAITING, f"errors.awaiting-retry.{cause}", delay)


def retry_after_seconds(header: str | None, now: datetime) -> float:
    """Read a Retry-After, seconds or a date; 0 when there is none that can be read."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0
