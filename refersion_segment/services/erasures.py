"""Erasing a person: out of every table at once, leaving keyed hashes against older events."""

import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import and_, or_

from refersion_segment import mails
from refersion_segment.extensions import db
from refersion_segment.models import (
    Affiliate,
    Delivery,
    Erasure,
    Job,
    Merchant,
    Message,
)
from refersion_segment.models.affiliate import IdKind
from refersion_segment.models.erasure import ErasedKind
from refersion_segment.models.locks import lock_merchant
from refersion_segment.models.scope import change_of, removal_of, rows_of
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services import accounts, persons
from refersion_segment.services.actors import Actor, record
from refersion_segment.services.digests import digest

ERASED_REASON: Final = "The details were erased with the person."
UNSENT_REASON: Final = "The person was erased before this was sent."


@dataclass(frozen=True, slots=True)
class Identifier:
    """One thing that names a person: a userId, a normalised address or an anonymousId."""

    kind: ErasedKind
    value: str


def identifiers(
    *, user_id: str | None = None, email_key: str | None = None, anonymous_id: str | None = None
) -> frozenset[Identifier]:
    """Collect what a call names."""
    named = {
        ErasedKind.USER_ID: user_id,
        ErasedKind.EMAIL: email_key,
        ErasedKind.ANONYMOUS_ID: anonymous_id,
    }
    return frozenset(Identifier(kind, value) for kind, value in named.items() if value is not None)


def erased_until(merchant_id: UUID, named: Iterable[Identifier]) -> datetime | None:
    """Return the latest event time of an erasure of any of these; None if none was erased."""
    hashes = _keyed_hashes(merchant_id, named)
    if not hashes:
        return None
    found = db.session.scalars(
        rows_of(merchant_id, Erasure)
        .where(or_(*(_is(kind, hashed) for kind, hashed in hashes)))
        .with_only_columns(Erasure.event_at)
    )
    return max(found, default=None)


def erase(
    merchant_id: UUID,
    affiliate_id: UUID | None,
    *,
    named: frozenset[Identifier],
    event_at: datetime,
    now: datetime,
) -> None:
    """Remove a person and remember keyed hashes of all that named them.

    The caller holds the merchant's lock alone (`lock_merchant(exclusive=True)`).

    :param affiliate_id: who was found; None if nobody, then only `named` is remembered.
    :param named: the ids of the call that asked for it.
    :param event_at: an identify that is not newer does not bring the person back.
    """
    if affiliate_id is not None:
        named |= _linked_to(merchant_id, affiliate_id)
    named = frozenset(one for one in named if not _names_another(merchant_id, one, affiliate_id))
    _remember(merchant_id, named, event_at=event_at, now=now)
    _blank_deliveries(merchant_id, affiliate_id, named)
    if affiliate_id is not None:
        _blank_messages(merchant_id, affiliate_id)
        db.session.execute(removal_of(merchant_id, Affiliate).where(Affiliate.id == affiliate_id))


def erase_by_hand(actor: Actor, affiliate: Affiliate, *, now: datetime) -> None:
    """Erase an affiliate for a member of the team: what happened until now stays away."""
    merchant_id, affiliate_id = affiliate.merchant_id, affiliate.id
    lock_merchant(merchant_id, exclusive=True)
    erase(merchant_id, affiliate_id, named=frozenset(), event_at=now, now=now)
    record(actor, "affiliate.erased", merchant_id=merchant_id, subject_id=affiliate_id)


def _linked_to(merchant_id: UUID, affiliate_id: UUID) -> frozenset[Identifier]:
    found = {
        Identifier(ErasedKind(linked.kind.value), linked.value)
        for linked in persons.linked_ids(merchant_id, affiliate_id)
    }
    affiliate = db.session.get(Affiliate, (merchant_id, affiliate_id))
    if affiliate is not None:
        found.add(Identifier(ErasedKind.EMAIL, affiliate.email_key))
    return frozenset(found)


def _names_another(merchant_id: UUID, one: Identifier, affiliate_id: UUID | None) -> bool:
    """Whether somebody else, who stays, is named by this too."""
    if one.kind is ErasedKind.EMAIL:
        owner = persons.by_address(merchant_id, one.value)
        return owner is not None and owner.id != affiliate_id
    owners = persons.ids_sharing(merchant_id, IdKind(one.kind.value), one.value)
    return any(owner != affiliate_id for owner in owners)


def _remember(
    merchant_id: UUID, named: Iterable[Identifier], *, event_at: datetime, now: datetime
) -> None:
    for kind, hashed in sorted(_keyed_hashes(merchant_id, named)):
        is_new = insert_if_new(
            Erasure,
            merchant_id=merchant_id,
            kind=kind,
            keyed_hash=hashed,
            event_at=event_at,
            created_at=now,
        )
        if not is_new:
            db.session.execute(
                change_of(merchant_id, Erasure)
                .where(_is(kind, hashed), Erasure.event_at < event_at)
                .values(event_at=event_at, created_at=now)
            )


def _blank_deliveries(
    merchant_id: UUID, affiliate_id: UUID | None, named: Collection[Identifier]
) -> None:
    columns = {
        ErasedKind.EMAIL: Delivery.email_key,
        ErasedKind.USER_ID: Delivery.user_id_digest,
        ErasedKind.ANONYMOUS_ID: Delivery.anonymous_id_digest,
    }
    about = [
        columns[one.kind] == (one.value if one.kind is ErasedKind.EMAIL else digest(one.value))
        for one in named
    ]
    if affiliate_id is not None:
        about.append(Delivery.affiliate_id == affiliate_id)
    if about:
        db.session.execute(
            change_of(merchant_id, Delivery)
            .where(or_(*about))
            .values(dict.fromkeys(PERSONAL_COLUMNS) | {"reason": ERASED_REASON}),
            execution_options={"synchronize_session": False},
        )


PERSONAL_COLUMNS: Final = (
    "message_id",
    "email",
    "email_key",
    "user_id",
    "user_id_digest",
    "anonymous_id",
    "anonymous_id_digest",
    "payload",
)


def _blank_messages(merchant_id: UUID, affiliate_id: UUID) -> None:
    """Take back what waits, and empty what may name the person: a mail server's answer may too."""
    of_person = Message.affiliate_id == affiliate_id
    ids = db.session.scalars(
        rows_of(merchant_id, Message).where(of_person).with_only_columns(Message.id)
    ).all()
    db.session.execute(
        change_of(merchant_id, Message).where(of_person).values(to=None, reason=ERASED_REASON)
    )
    mails.cancel(merchant_id, affiliate_id, UNSENT_REASON)
    db.session.execute(removal_of(merchant_id, Job).where(Job.subject_id.in_(ids)))


def _is(kind: ErasedKind, keyed_hash: str):  # type: ignore[no-untyped-def]  # a condition
    return and_(Erasure.kind == kind, Erasure.keyed_hash == keyed_hash)


def _keyed_hashes(merchant_id: UUID, named: Iterable[Identifier]) -> list[tuple[ErasedKind, str]]:
    key = accounts.erasure_key(db.session.get_one(Merchant, merchant_id))
    return [
        (one.kind, hmac.new(key, f"{one.kind}:{one.value}".encode(), sha256).hexdigest())
        for one in named
    ]
