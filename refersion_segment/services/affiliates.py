"""Affiliates: create, complete, approve, deny. One function each, whoever calls it."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from refersion_segment import mails
from refersion_segment.domain.affiliates import (
    AffiliateStatus,
    move,
    search_key,
    starting_status,
)
from refersion_segment.domain.email_addresses import EmailAddress
from refersion_segment.domain.mail_kinds import MailKind, kind_for_status
from refersion_segment.domain.traits import AffiliateDetails
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Message, Offer
from refersion_segment.models.affiliate import Origin
from refersion_segment.models.locks import lock_merchant
from refersion_segment.models.message import MessageState
from refersion_segment.models.scope import change_of, rows_of
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services.actors import THE_AFFILIATE, Actor, record

BADGE_LIMIT: Final = 99
# No 0, 1, i, l and o: people read these aloud and type them from paper.
CODE_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_LENGTH: Final = 8
FILLABLE: Final = frozenset(field.name for field in fields(AffiliateDetails))


@dataclass(frozen=True, slots=True)
class Decision:
    """What an approval or a denial did; `message` is the e-mail that belongs to it.

    `was_mailed_before`: an earlier approval or denial queued it, and each kind goes out once.
    """

    has_moved: bool
    status: AffiliateStatus
    message: Message | None = None
    was_mailed_before: bool = False

    @property
    def sentence(self) -> str:
        """Tell it in words (PRODUCT, "approved")."""
        if not self.has_moved:
            return f"Already {self.status}. Nothing was changed."
        if self.message is None:
            return f"{self.status.label}."
        return f"{self.status.label}. {self._mail_in_words(self.message)}"

    def _mail_in_words(self, message: Message) -> str:
        if self.was_mailed_before:
            return f"No email: {message.kind.label} is sent only once."
        if message.state is MessageState.NOT_SENT:
            return f"No email: {message.kind.label} is off."
        return f"{message.kind.label} email queued."


def create(
    *,
    merchant_id: UUID,
    details: AffiliateDetails,
    address: EmailAddress,
    offer: Offer,
    origin: Origin,
    now: datetime,
    actor: Actor,
    source_id: UUID | None = None,
    is_test: bool = False,
) -> Affiliate | None:
    """Create an affiliate with the status of the offer, and queue the e-mail of that status.

    The caller holds the merchant's lock. People from Segment leave no audit entry: their
    delivery is the record.

    :return: None if the address is taken. The unique key decides it, so of two calls at the same
        time one gets None, and nothing of it stays.
    """
    status = starting_status(auto_approve=offer.auto_approve)
    affiliate_id = _insert(
        merchant_id,
        address,
        **asdict(details),
        **_name_keys(details.first_name, details.last_name),
        status=status,
        offer_id=offer.id,
        source_id=source_id,
        origin=origin,
        is_test=is_test,
        decided_at=now if status is AffiliateStatus.APPROVED else None,
        created_at=now,
        updated_at=now,
    )
    if affiliate_id is None:
        return None
    affiliate = db.session.get_one(Affiliate, (merchant_id, affiliate_id))
    if origin is not Origin.SEGMENT:
        record(
            actor, "affiliate.created", merchant_id=merchant_id, subject_id=affiliate_id, now=now
        )
    mails.queue(affiliate, kind_for_status(status), now=now)
    return affiliate


def _insert(merchant_id: UUID, address: EmailAddress, **values: object) -> UUID | None:
    """Insert the row, with another referral code should one ever be taken."""
    taken = rows_of(merchant_id, Affiliate).where(Affiliate.email_key == address.key)
    while True:
        affiliate_id = uuid7()
        if insert_if_new(
            Affiliate,
            merchant_id=merchant_id,
            id=affiliate_id,
            email=address.sent,
            email_key=address.key,
            referral_code=new_referral_code(),
            **values,
        ):
            return affiliate_id
        if db.session.scalar(taken.with_only_columns(Affiliate.id)) is not None:
            return None


def new_referral_code() -> str:
    """Draw a referral code: 8 characters out of 31, nothing about the person."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def blanks_of(affiliate: Affiliate) -> frozenset[str]:
    """Return the fields of `AffiliateDetails` that are empty."""
    return frozenset(name for name in FILLABLE if not getattr(affiliate, name))


def fill_blanks(affiliate: Affiliate, fills: Mapping[str, str], now: datetime) -> tuple[str, ...]:
    """Write values into fields that are blank; what is there stays.

    :param fills: values by the name of a field of `AffiliateDetails`.
    :return: the fields that were filled. One that a call at the same time filled is not among them.
    :raise ValueError: if `fills` names anything else.
    """
    if unknown := fills.keys() - FILLABLE:
        raise ValueError(f"not a field of an affiliate: {', '.join(sorted(unknown))}")
    if not any(fills.values()):
        return ()
    db.session.refresh(affiliate, with_for_update=True)
    filled = tuple(name for name, value in fills.items() if value and not getattr(affiliate, name))
    for name in filled:
        setattr(affiliate, name, fills[name])
    if filled:
        keys = _name_keys(affiliate.first_name, affiliate.last_name)
        affiliate.name_key, affiliate.last_name_key = keys["name_key"], keys["last_name_key"]
        affiliate.updated_at = now
    db.session.flush()
    return filled


def approve(actor: Actor, merchant_id: UUID, affiliate_id: UUID, now: datetime) -> Decision | None:
    """Approve an affiliate; a repeat changes and mails nothing.

    :return: None if the merchant has no such affiliate.
    """
    return _decide(actor, merchant_id, affiliate_id, AffiliateStatus.APPROVED, now, {})


def deny(
    actor: Actor,
    merchant_id: UUID,
    affiliate_id: UUID,
    *,
    now: datetime,
    reason: str = "",
    is_reason_shared: bool = False,
) -> Decision | None:
    """Deny an affiliate; a repeat changes and mails nothing.

    :param reason: private to the team, unless `is_reason_shared` puts it in the e-mail.
    :return: None if the merchant has no such affiliate.
    """
    changes = {"denial_reason": reason, "is_denial_reason_shared": is_reason_shared}
    return _decide(actor, merchant_id, affiliate_id, AffiliateStatus.DENIED, now, changes)


def decline(affiliate: Affiliate, *, now: datetime) -> None:
    """Close an account for its person, who never asked for it: denied, with nothing mailed.

    The row stays, so that no later identify makes the account anew.
    """
    merchant_id = affiliate.merchant_id
    lock_merchant(merchant_id)
    db.session.refresh(affiliate, with_for_update=True)
    if affiliate.status is AffiliateStatus.DENIED:
        return
    affiliate.status = AffiliateStatus.DENIED
    affiliate.denial_reason = "The person did not ask for this."
    affiliate.is_denial_reason_shared = False
    affiliate.decided_at = affiliate.updated_at = now
    mails.cancel(merchant_id, affiliate.id, "The person closed the account before this was sent.")
    record(THE_AFFILIATE, "affiliate.denied", merchant_id=merchant_id, subject_id=affiliate.id)
    db.session.flush()


def _decide(
    actor: Actor,
    merchant_id: UUID,
    affiliate_id: UUID,
    wanted: AffiliateStatus,
    now: datetime,
    changes: Mapping[str, object],
) -> Decision | None:
    lock_merchant(merchant_id)
    query = rows_of(merchant_id, Affiliate).where(Affiliate.id == affiliate_id)
    affiliate = db.session.scalar(query.execution_options(populate_existing=True))
    if affiliate is None:
        return None
    old = affiliate.status
    if not move(old, wanted):
        return Decision(has_moved=False, status=old)
    # Of two people who click at once, the second finds another status, and nothing more happens.
    update = (
        change_of(merchant_id, Affiliate)
        .where(Affiliate.id == affiliate_id, Affiliate.status == old)
        .values(status=wanted, decided_at=now, updated_at=now, **changes)
        .returning(Affiliate.id)
        .execution_options(synchronize_session=False)
    )
    has_moved = db.session.scalar(update) is not None
    db.session.refresh(affiliate)
    if not has_moved:
        return Decision(has_moved=False, status=affiliate.status)
    record(actor, f"affiliate.{wanted}", merchant_id=merchant_id, subject_id=affiliate_id, now=now)
    was_mailed_before = _has_mail(affiliate, kind_for_status(wanted))
    message = mails.queue(affiliate, kind_for_status(wanted), now=now)
    return Decision(True, wanted, message, was_mailed_before)


def _has_mail(affiliate: Affiliate, kind: MailKind) -> bool:
    query = rows_of(affiliate.merchant_id, Message).where(
        Message.affiliate_id == affiliate.id,
        Message.kind == kind,
        Message.state != MessageState.NOT_SENT,
    )
    return db.session.scalar(query) is not None


def _name_keys(first_name: str, last_name: str) -> dict[str, str]:
    return {
        "name_key": search_key(f"{first_name} {last_name}"),
        "last_name_key": search_key(last_name),
    }


def pending_badge(merchant_id: UUID) -> str:
    """Return how many wait, as text: "" for none, "99+" beyond; it reads at most 100 rows."""
    waiting = (
        select(Affiliate.id)
        .where(Affiliate.merchant_id == merchant_id, Affiliate.status == AffiliateStatus.PENDING)
        .limit(BADGE_LIMIT + 1)
    )
    number = len(db.session.scalars(waiting).all())
    return f"{BADGE_LIMIT}+" if number > BADGE_LIMIT else str(number or "")
