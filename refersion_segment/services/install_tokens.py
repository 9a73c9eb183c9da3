"""The token of an install: kept sealed, renewed by one process at a time.

A renewal ends the token before it, so two at once would end each other's. A lease in the row says
who renews: a row lock would do the same, but would keep a transaction open while Segment answers
(and SQLite's only writer with it), and an advisory lock does not exist on SQLite.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from sqlalchemy import CursorResult, Update, or_

from refersion_segment.clients.segment import SegmentClient
from refersion_segment.clients.segment_answers import AccessToken, SegmentError
from refersion_segment.clock import utc_now
from refersion_segment.extensions import db, vault
from refersion_segment.models import Connection
from refersion_segment.models.scope import change_of, rows_of
from refersion_segment.services import jobs
from refersion_segment.vault import SealError

T = TypeVar("T")

SOON: Final = timedelta(minutes=1)
"""A token that ends within this time is renewed before it is used."""

# Longer than any call to Segment may take.
LEASE: Final = timedelta(seconds=45)
POLL_SECONDS: Final = 0.1

_PURPOSE: Final = "segment_token"


class ReconnectError(SegmentError):
    """Segment takes back the access that it gave; only a new consent helps."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"Segment no longer accepts the access that it gave us: connect it again. {cause}",
            retryable=False,
        )


@dataclass(frozen=True, slots=True)
class _Stored:
    """A token as the row has it; `sealed` differs for every token, so it names the version."""

    install_name: str
    sealed: str = field(repr=False)
    token: AccessToken
    ends_at: datetime


def keep(connection: Connection, token: AccessToken, now: datetime) -> None:
    """Store a token that a consent gave; a renewal under way no longer counts."""
    connection.token_sealed = _seal(connection.merchant_id, token)
    connection.token_expires_at = now + token.lifetime
    connection.token_lease_until = None


def with_token(merchant_id: UUID, client: SegmentClient, call: Callable[[AccessToken], T]) -> T:
    """Make a call to Segment with the install's token; renew it once if it is refused or ends.

    Ends the transaction, so that none is open while Segment answers.

    :raise ReconnectError: if there is no token that Segment accepts
    :raise SegmentError: if the call fails for another reason
    """
    stored = _read(merchant_id)
    if stored.ends_at - utc_now() < SOON:
        stored = _renew(merchant_id, client, stored)
    try:
        return call(stored.token)
    except SegmentError as error:
        if not error.is_token_rejected:
            raise
    stored = _renew(merchant_id, client, stored)
    try:
        return call(stored.token)
    except SegmentError as error:
        if error.is_token_rejected:
            raise ReconnectError(error.sentence) from error
        raise


def _read(merchant_id: UUID) -> _Stored:
    query = rows_of(merchant_id, Connection).with_only_columns(
        Connection.install_name, Connection.token_sealed, Connection.token_expires_at
    )
    install_name, sealed, ends_at = db.session.execute(query).one()
    db.session.rollback()
    if not (install_name and sealed and ends_at):
        raise ReconnectError("Nothing of it is stored.")
    try:
        text = vault.open(sealed, merchant_id=merchant_id, purpose=_PURPOSE)
    except SealError as error:
        raise ReconnectError("What is stored of it cannot be opened.") from error
    return _Stored(install_name, sealed, AccessToken(text, timedelta(0)), ends_at)


def _renew(merchant_id: UUID, client: SegmentClient, old: _Stored) -> _Stored:
    """Return the token that follows `old`, made here or by somebody else."""
    gives_up_at = time.monotonic() + client.seconds_left()
    while not _take_lease(merchant_id, old):
        stored = _read(merchant_id)
        if stored.sealed != old.sealed:
            return stored
        if time.monotonic() > gives_up_at:
            raise SegmentError("The access to Segment is being renewed.", retryable=True)
        time.sleep(POLL_SECONDS)
    try:
        token = client.install_token(old.install_name)
    except SegmentError as error:
        _change(merchant_id, old, token_lease_until=None)
        if error.retryable:
            raise
        raise ReconnectError(error.sentence) from error
    sealed, ends_at = _seal(merchant_id, token), utc_now() + token.lifetime
    _change(merchant_id, old, token_sealed=sealed, token_expires_at=ends_at, token_lease_until=None)
    return _Stored(old.install_name, sealed, token, ends_at)


def _take_lease(merchant_id: UUID, old: _Stored) -> bool:
    now = jobs.database_clock()
    is_free = or_(Connection.token_lease_until.is_(None), Connection.token_lease_until <= now)
    return _commit(_row_with(merchant_id, old).where(is_free), token_lease_until=now + LEASE)


def _change(merchant_id: UUID, old: _Stored, **values: Any) -> bool:
    return _commit(_row_with(merchant_id, old), **values)


def _row_with(merchant_id: UUID, old: _Stored) -> Update:
    return change_of(merchant_id, Connection).where(Connection.token_sealed == old.sealed)


def _commit(statement: Update, **values: Any) -> bool:
    result = db.session.execute(
        statement.values(**values), execution_options={"synchronize_session": False}
    )
    db.session.commit()
    return bool(cast("CursorResult[object]", result).rowcount)


def _seal(merchant_id: UUID, token: AccessToken) -> str:
    return vault.seal(token.text, merchant_id=merchant_id, purpose=_PURPOSE)
