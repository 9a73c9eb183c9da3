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

from refersion_segment import jobs
from refersion_segment.clients.segment import SegmentClient
from refersion_segment.clients.segment_answers import AccessToken, SegmentError, TokenGrant
from refersion_segment.clock import utc_now
from refersion_segment.extensions import db, vault
from refersion_segment.models import Install
from refersion_segment.models.scope import change_of, rows_of
from refersion_segment.models.upserts import insert_if_new
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


def keep(merchant_id: UUID, grant: TokenGrant, now: datetime) -> None:
    """Store an install and the token that a consent gave; a renewal under way is void."""
    values = {
        "workspace": grant.workspace,
        "token_sealed": _seal(merchant_id, grant.token),
        "token_expires_at": now + grant.token.lifetime,
        "token_lease_until": None,
    }
    name = grant.install_name
    if not insert_if_new(Install, merchant_id=merchant_id, name=name, created_at=now, **values):
        db.session.execute(
            change_of(merchant_id, Install).where(Install.name == name).values(**values),
            execution_options={"synchronize_session": False},
        )


def with_token(
    merchant_id: UUID,
    install_name: str | None,
    client: SegmentClient,
    call: Callable[[AccessToken], T],
) -> T:
    """Make a call to Segment with an install's token; renew it once if it is refused or ends.

    Ends the transaction, so that none is open while Segment answers.

    :raise ReconnectError: if there is no token that Segment accepts
    :raise SegmentError: if the call fails for another reason
    """
    stored = _read(merchant_id, install_name)
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


def _read(merchant_id: UUID, install_name: str | None) -> _Stored:
    query = rows_of(merchant_id, Install).where(Install.name == install_name)
    columns = query.with_only_columns(Install.name, Install.token_sealed, Install.token_expires_at)
    row = db.session.execute(columns).one_or_none()
    db.session.rollback()
    if row is None:
        raise ReconnectError("Nothing of it is stored.")
    name, sealed, ends_at = row
    try:
        text = vault.open(sealed, merchant_id=merchant_id, purpose=_PURPOSE)
    except SealError as error:
        raise ReconnectError("What is stored of it cannot be opened.") from error
    return _Stored(name, sealed, AccessToken(text, timedelta(0)), ends_at)


def _renew(merchant_id: UUID, client: SegmentClient, old: _Stored) -> _Stored:
    """Return the token that follows `old`, made here or by somebody else."""
    gives_up_at = time.monotonic() + client.seconds_left()
    while not _take_lease(merchant_id, old):
        stored = _read(merchant_id, old.install_name)
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
    is_free = or_(Install.token_lease_until.is_(None), Install.token_lease_until <= now)
    return _commit(_row_with(merchant_id, old).where(is_free), token_lease_until=now + LEASE)


def _change(merchant_id: UUID, old: _Stored, **values: Any) -> bool:
    return _commit(_row_with(merchant_id, old), **values)


def _row_with(merchant_id: UUID, old: _Stored) -> Update:
    mine = change_of(merchant_id, Install).where(Install.name == old.install_name)
    return mine.where(Install.token_sealed == old.sealed)


def _commit(statement: Update, **values: Any) -> bool:
    result = db.session.execute(
        statement.values(**values), execution_options={"synchronize_session": False}
    )
    db.session.commit()
    return bool(cast("CursorResult[object]", result).rowcount)


def _seal(merchant_id: UUID, token: AccessToken) -> str:
    return vault.seal(token.text, merchant_id=merchant_id, purpose=_PURPOSE)
