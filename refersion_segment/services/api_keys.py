"""API keys: made, found by their public part, shown again, rotated, revoked."""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from refersion_segment.domain.api_keys import new_api_key, split_api_key
from refersion_segment.extensions import db, vault
from refersion_segment.models import ApiKey
from refersion_segment.models.locks import lock_merchant
from refersion_segment.models.scope import change_of, rows_of
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services import connections
from refersion_segment.services.actors import Actor, record
from refersion_segment.services.digests import digest

OVERLAP: Final = timedelta(days=7)
"""How long a rotated key works on (PRODUCT, "Rotation")."""

LISTED: Final = 50

_DIGEST_OF_NOTHING: Final = digest("")


def create(merchant_id: UUID, now: datetime) -> str:
    """Make a key that works until it is rotated; return it whole, as `PUBLIC.SECRET`."""
    while True:
        key = new_api_key()
        # A public part that is taken, perhaps by another merchant, is simply drawn again.
        if insert_if_new(
            ApiKey,
            merchant_id=merchant_id,
            id=uuid7(),
            public=key.public,
            secret_digest=digest(key.secret),
            secret_sealed=vault.seal(
                key.secret, merchant_id=merchant_id, purpose=_purpose(key.public)
            ),
            created_at=now,
            expires_at=None,
            revoked_at=None,
        ):
            return key.text


def find(text: str, now: datetime) -> ApiKey | None:
    """Return the usable key with this text; None if it is malformed, unknown, expired or revoked.

    One of the two look-ups that come before the merchant is known. A known and an unknown public
    part take the same steps, so that the time of the answer tells nothing.
    """
    parts = split_api_key(text)
    if parts is None:
        return None
    key = db.session.scalar(select(ApiKey).where(ApiKey.public == parts.public))
    expected = key.secret_digest if key else _DIGEST_OF_NOTHING
    is_right = hmac.compare_digest(expected, digest(parts.secret))
    return key if key and is_right and key.is_usable(now) else None


def reveal(key: ApiKey) -> str:
    """Return the whole key again, as `PUBLIC.SECRET`.

    :raise vault.SealError: if it was sealed with an encryption key that is gone.
    """
    secret = vault.open(
        key.secret_sealed, merchant_id=key.merchant_id, purpose=_purpose(key.public)
    )
    return f"{key.public}.{secret}"


def show(key: ApiKey, *, by: Actor) -> str:
    """Return the whole key to a person, and write down who looked."""
    record(by, "api_key.shown", merchant_id=key.merchant_id, subject_id=key.id, detail=key.public)
    return reveal(key)


def list_keys(merchant_id: UUID) -> Sequence[ApiKey]:
    """Return the merchant's newest keys, newest first, those that no longer work too."""
    newest_first = rows_of(merchant_id, ApiKey).order_by(ApiKey.id.desc()).limit(LISTED)
    return db.session.scalars(newest_first).all()


def current_key(merchant_id: UUID) -> ApiKey:
    """Return the key that is given to Segment: the newest, which has no end."""
    newest = (
        rows_of(merchant_id, ApiKey)
        .where(ApiKey.expires_at.is_(None), ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
        .limit(1)
    )
    return db.session.scalars(newest).one()


def rotate(merchant_id: UUID, *, by: Actor, now: datetime) -> datetime:
    """Make a new key; those before it work until the moment that is returned.

    Destinations that we manage at Segment get the new one as soon as a worker can.

    Two rotations at once come one after the other: exactly one key has no end.
    """
    lock_merchant(merchant_id, exclusive=True)
    ends_at = now + OVERLAP
    db.session.execute(
        change_of(merchant_id, ApiKey)
        .where(ApiKey.expires_at.is_(None), ApiKey.revoked_at.is_(None))
        .values(expires_at=ends_at)
    )
    public = create(merchant_id, now).partition(".")[0]
    connections.push_key(merchant_id, now=now)
    record(by, "api_key.rotated", merchant_id=merchant_id, detail=public)
    return ends_at


def revoke(key: ApiKey, *, by: Actor, now: datetime) -> bool:
    """End an old key at once; False if it is the current one, which must be rotated first."""
    if key.is_current:
        return False
    if key.revoked_at is None:
        key.revoked_at = now
        record(
            by, "api_key.revoked", merchant_id=key.merchant_id, subject_id=key.id, detail=key.public
        )
        db.session.flush()
    return True


def _purpose(public: str) -> str:
    return f"api_key/{public}"
