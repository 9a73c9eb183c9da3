"""Offers: add, change, make the default, archive, bring back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from refersion_segment.domain.commissions import Commission, describe
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Merchant, Offer
from refersion_segment.models.connection import ConnectionState
from refersion_segment.models.scope import change_of, rows_of
from refersion_segment.services.actors import Actor, record


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """What the offer's form holds."""

    name: str
    commission: Commission
    terms: str = ""
    auto_approve: bool = False


class InUse(Enum):
    """Why an offer cannot be archived."""

    IS_DEFAULT = auto()
    IS_CHOSEN_FOR_SEGMENT = auto()


def commission_of(offer: Offer, currency: str) -> Commission:
    """Return what an offer pays, in the merchant's currency."""
    return Commission(offer.commission_type, offer.commission_amount, currency)


def list_offers(merchant_id: UUID) -> Sequence[Offer]:
    """Return every offer of a merchant in the order of creation, the archived ones too."""
    return db.session.scalars(rows_of(merchant_id, Offer).order_by(Offer.id)).all()


def default_offer(merchant_id: UUID) -> Offer:
    """Return the default offer: every merchant has exactly one."""
    return db.session.scalars(rows_of(merchant_id, Offer).where(Offer.is_default)).one()


def for_new_people(connection: Connection) -> Offer:
    """Return the offer that new people from Segment join.

    It is the one that was chosen for Segment, or the default offer when none was, or when the
    chosen one is archived: what the merchant can mend is never a reason to lose a person.
    """
    merchant_id = connection.merchant_id
    query = rows_of(merchant_id, Offer).where(
        Offer.id == connection.offer_id, Offer.archived_at.is_(None)
    )
    chosen = db.session.scalar(query) if connection.offer_id else None
    return chosen or default_offer(merchant_id)


def segment_offer_id(merchant_id: UUID) -> UUID | None:
    """Return the offer that new people from Segment join; None while Segment is disabled."""
    connection = db.session.get(Connection, merchant_id)
    if connection is None or connection.state is ConnectionState.DISABLED:
        return None
    return for_new_people(connection).id


def add(actor: Actor, merchant_id: UUID, terms: OfferTerms, now: datetime) -> Offer:
    """Add an offer. It is not the default one."""
    offer = Offer(
        merchant_id=merchant_id,
        name=terms.name,
        commission_type=terms.commission.type,
        commission_amount=terms.commission.amount,
        terms=terms.terms,
        auto_approve=terms.auto_approve,
        created_at=now,
    )
    db.session.add(offer)
    db.session.flush()
    record(actor, "offer.added", merchant_id=merchant_id, subject_id=offer.id, detail=offer.name)
    return offer


def change(actor: Actor, offer: Offer, terms: OfferTerms) -> None:
    """Change an offer, also for those who joined it. Leaves no trace when nothing differs."""
    currency = db.session.get_one(Merchant, offer.merchant_id).currency
    old = describe(commission_of(offer, currency))
    new = describe(terms.commission)
    differences = [
        sentence
        for is_different, sentence in (
            (offer.name != terms.name, f"Name: {offer.name} → {terms.name}"),
            (old != new, f"Commission: {old} → {new}"),
            (offer.terms != terms.terms, "Commission terms rewritten"),
            (offer.auto_approve != terms.auto_approve, _approval_in_words(terms)),
        )
        if is_different
    ]
    if not differences:
        return
    offer.name = terms.name
    offer.commission_type = terms.commission.type
    offer.commission_amount = terms.commission.amount
    offer.terms = terms.terms
    offer.auto_approve = terms.auto_approve
    _record(actor, "offer.changed", offer, "; ".join(differences))
    db.session.flush()


def _approval_in_words(terms: OfferTerms) -> str:
    return f"Approves people automatically: {'yes' if terms.auto_approve else 'no'}"


def make_default(actor: Actor, offer: Offer) -> bool:
    """Make an offer the merchant's default one; False if it is archived or it already is."""
    _lock_offers(offer)
    if offer.is_default or offer.archived_at is not None:
        return False
    db.session.execute(
        change_of(offer.merchant_id, Offer).where(Offer.is_default).values(is_default=False)
    )
    offer.is_default = True
    _record(actor, "offer.made_default", offer, offer.name)
    db.session.flush()
    return True


def what_keeps(offer: Offer) -> InUse | None:
    """Tell why an offer cannot be archived; None if it can."""
    if offer.is_default:
        return InUse.IS_DEFAULT
    if segment_offer_id(offer.merchant_id) == offer.id:
        return InUse.IS_CHOSEN_FOR_SEGMENT
    return None


def archive(actor: Actor, offer: Offer, now: datetime) -> InUse | None:
    """Archive an offer: nobody joins it any more, those who joined keep it.

    :return: why it cannot be archived, and nothing was changed; None if it is archived.
    """
    _lock_offers(offer)
    if reason := what_keeps(offer):
        return reason
    if offer.archived_at is None:
        offer.archived_at = now
        _record(actor, "offer.archived", offer, offer.name)
        db.session.flush()
    return None


def bring_back(actor: Actor, offer: Offer) -> None:
    """Bring an archived offer back."""
    _lock_offers(offer)
    if offer.archived_at is not None:
        offer.archived_at = None
        _record(actor, "offer.brought_back", offer, offer.name)
        db.session.flush()


def _lock_offers(offer: Offer) -> None:
    """Let changes of default and archive happen one after the other.

    Not FOR UPDATE: that would hold up the foreign keys of affiliates that are joining.
    """
    query = rows_of(offer.merchant_id, Offer).order_by(Offer.id).with_for_update(key_share=True)
    db.session.scalars(query.execution_options(populate_existing=True)).all()


def _record(actor: Actor, action: str, offer: Offer, detail: str) -> None:
    record(actor, action, merchant_id=offer.merchant_id, subject_id=offer.id, detail=detail)
