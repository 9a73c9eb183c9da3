"""How many calls are taken: per key, and of callers whose key is not recognised.

Counted in memory per process, so the limit of a service is that of a process times their number.
That is meant: a limit that protects a process must not cost a write to the database.
"""

from flask import Flask, current_app
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter


class CallRates:
    """The counters of one application in one process."""

    def __init__(self, app: Flask) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._per_key = RateLimitItemPerSecond(app.config["CALLS_PER_SECOND_PER_KEY"])
        self._bad_keys = RateLimitItemPerMinute(app.config["BAD_KEYS_PER_MINUTE_PER_ADDRESS"])

    def take_call(self, public: str) -> bool:
        """Count a call of a known key; False if it is one too many."""
        return self._limiter.hit(self._per_key, "key", public)

    def take_bad_key(self, address: str) -> bool:
        """Count a call with an unknown key; False if its address sent too many of them."""
        return self._limiter.hit(self._bad_keys, "address", address)


def register(app: Flask) -> None:
    """Give the application its counters."""
    app.extensions["call_rates"] = CallRates(app)


def call_rates() -> CallRates:
    """Return the counters of the current application."""
    rates: CallRates = current_app.extensions["call_rates"]
    return rates
