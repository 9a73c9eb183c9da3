"""The order between a delete or a disable and everything else of the same merchant."""

from uuid import UUID

from sqlalchemy import text

from refersion_segment.extensions import db


def lock_merchant(merchant_id: UUID, *, exclusive: bool = False) -> None:
    """Hold the merchant's lock until the transaction ends.

    Identify calls share it, so they run side by side and the unique keys settle their races. A
    delete and a disable take it alone: each identify is then wholly before it or wholly after
    it, and no person can slip back in between an erasure check and an insert.

    An advisory lock and not a row lock, because its queue is fair: a stream of sharers cannot
    starve the one who wants it alone. SQLite has one writer at a time (BEGIN IMMEDIATE) anyway.
    """
    if db.session.get_bind().dialect.name != "postgresql":
        return
    shared = "" if exclusive else "_shared"
    # The lowest 63 bits of a version 7 UUID are all random.
    key = merchant_id.int & (2**63 - 1)
    db.session.execute(text(f"SELECT pg_advisory_xact_lock{shared}(:key)"), {"key": key})
