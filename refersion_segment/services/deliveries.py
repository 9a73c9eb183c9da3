"""What Segment delivers: seen before? decide, and persist everything in one transaction.

bytes → call → identity → decision → one transaction → answer. Nothing later calls back to
something earlier. `services/calls.py` reads, `domain/decisions.py` decides; this module persists.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, assert_never
from uuid import UUID

from sqlalchemy.exc import IntegrityError, OperationalError
from uuid_utils.compat import uuid7

from refersion_segment.domain.decisions import (
    CreateAffiliate,
    KeepAffiliate,
    KnownAffiliate,
    Refuse,
    SkipErased,
    choose_for_delete,
    decide_identify,
)
from refersion_segment.domain.messages import Delete, Identify
from refersion_segment.domain.outcomes import Outcome
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Answer, Connection, Delivery
from refersion_segment.models.affiliate import IdKind, Origin
from refersion_segment.models.connection import ConnectionState
from refersion_segment.models.locks import lock_merchant
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services import affiliates, erasures, offers, persons, sources
from refersion_segment.services.actors import SEGMENT
from refersion_segment.services.calls import BAD_REQUEST, Call, Rejection
from refersion_segment.services.digests import digest

OK: Final = 200
FORBIDDEN: Final = 403
TURNED_OFF: Final = "Segment integration is turned off in Refersion."

# The loser of a race sees the winner's rows on its next try.
TRIES: Final = 5
# PostgreSQL's own word for a race: serialization failure, deadlock detected.
RACE_CODES: Final = {"40001", "40P01"}


class LostRaceError(Exception):
    """Somebody else committed the same person, id or messageId first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided of a call and what its delivery says about it."""

    outcome: Outcome
    reason: str
    affiliate_id: UUID | None = None
    status: int = OK
    is_replay: bool = False
    # Whether the delivery may say who the call was about: never of somebody who was erased.
    keeps_person: bool = False


def receive(merchant_id: UUID, call: Call) -> Delivery:
    """Take one call of a known key. When it returns, everything it did is committed.

    A race that is lost against another process is run again from the start: uniqueness is the
    database's, so the second run finds the person, the id or the answer that won.

    :raise sqlalchemy.exc.OperationalError: if the database cannot be reached or stays too busy;
        nothing was written then, and the sender may come again
    :raise LostRaceError: if every try lost; nothing was written then either
    """
    for last_try in (False,) * (TRIES - 1) + (True,):
        try:
            delivery = _record(merchant_id, call)
            db.session.commit()
        except (LostRaceError, IntegrityError, OperationalError) as error:
            db.session.rollback()
            if last_try or not _is_race(error):
                raise
        else:
            return delivery
    raise AssertionError("unreachable")


def _is_race(error: Exception) -> bool:
    if isinstance(error, OperationalError):
        return getattr(error.orig, "sqlstate", None) in RACE_CODES
    return True


def _record(merchant_id: UUID, call: Call) -> Delivery:
    """Decide on a call and add its delivery, in the current transaction."""
    lock_merchant(merchant_id, exclusive=isinstance(call.message, Delete))
    connection = db.session.get_one(Connection, merchant_id, populate_existing=True)
    source_id = None
    if connection.state is ConnectionState.DISABLED:
        verdict = Verdict(Outcome.REFUSED, TURNED_OFF, status=FORBIDDEN)
    else:
        source_id = _source_of(merchant_id, call)
        verdict = _verdict(connection, call, source_id)
    return _add_delivery(merchant_id, call, verdict, source_id)


def _source_of(merchant_id: UUID, call: Call) -> UUID | None:
    if call.envelope is None:
        return None
    return sources.seen_in_call(merchant_id, call.envelope.project_id, now=call.received_at)


def _verdict(connection: Connection, call: Call, source_id: UUID | None) -> Verdict:
    merchant_id = connection.merchant_id
    message = call.message
    if isinstance(message, Rejection):
        return Verdict(message.outcome, message.sentence, status=message.status)
    first = _first_answer(merchant_id, message)
    if first is not None:
        return Verdict(
            first.outcome,
            "Sent again: this messageId was answered before.",
            first.affiliate_id,
            is_replay=True,
            keeps_person=_is_here(merchant_id, first.affiliate_id),
        )
    match message:
        case Identify():
            verdict = _identify(connection, message, source_id, now=call.received_at)
        case Delete():
            verdict = _delete(merchant_id, message, now=call.received_at)
        case _:
            assert_never(message)
    if verdict.status == OK:
        _remember_answer(merchant_id, message, verdict, now=call.received_at)
    return verdict


def _is_here(merchant_id: UUID, affiliate_id: UUID | None) -> bool:
    if affiliate_id is None:
        return False
    return db.session.get(Affiliate, (merchant_id, affiliate_id)) is not None


def _first_answer(merchant_id: UUID, message: Identify | Delete) -> Answer | None:
    """Return what this messageId was answered: only a 200 uses one up."""
    if message.message_id is None:
        return None
    key = (merchant_id, message.type, digest(message.message_id))
    return db.session.get(Answer, key)


def _remember_answer(
    merchant_id: UUID, message: Identify | Delete, verdict: Verdict, *, now: datetime
) -> None:
    if message.message_id is None:
        return
    is_first = insert_if_new(
        Answer,
        merchant_id=merchant_id,
        call_type=message.type,
        message_id_digest=digest(message.message_id),
        outcome=verdict.outcome,
        affiliate_id=verdict.affiliate_id,
        created_at=now,
    )
    if not is_first:
        raise LostRaceError("the same messageId was answered meanwhile")


def _identify(
    connection: Connection, message: Identify, source_id: UUID | None, *, now: datetime
) -> Verdict:
    merchant_id = connection.merchant_id
    email_key = message.address.key if message.address else None
    named = erasures.identifiers(
        user_id=message.user_id, email_key=email_key, anonymous_id=message.anonymous_id
    )
    offer = offers.for_new_people(connection)
    decision = decide_identify(
        message,
        by_user_id=_known(persons.by_user_id(merchant_id, message.user_id)),
        by_address=_known(persons.by_address(merchant_id, email_key)),
        erased_until=erasures.erased_until(merchant_id, named),
        auto_approve=offer.auto_approve,
    )
    match decision:
        case SkipErased():
            return Verdict(Outcome.ERASED, decision.reason)
        case Refuse():
            return Verdict(
                Outcome.NEEDS_FIXING, decision.reason, status=BAD_REQUEST, keeps_person=True
            )
        case KeepAffiliate():
            affiliate = db.session.get_one(Affiliate, (merchant_id, decision.affiliate_id))
            affiliates.fill_blanks(affiliate, decision.fills, now)
            outcome, reason = Outcome.ALREADY_AFFILIATE, decision.reason
        case CreateAffiliate():
            created = affiliates.create(
                merchant_id=merchant_id,
                details=decision.details,
                address=decision.address,
                offer=offer,
                origin=Origin.SEGMENT,
                source_id=source_id,
                is_test=message.is_test,
                actor=SEGMENT,
                now=now,
            )
            if created is None:
                raise LostRaceError("the address was taken meanwhile")
            affiliate, outcome = created, Outcome.CREATED
            reason = " ".join((f"{created.status.label} in {offer.name}.", *decision.remarks))
        case _:
            assert_never(decision)
    _link_ids(affiliate, message, now=now)
    return Verdict(outcome, reason, affiliate.id, keeps_person=True)


def _known(affiliate: Affiliate | None) -> KnownAffiliate | None:
    if affiliate is None:
        return None
    return KnownAffiliate(
        id=affiliate.id,
        status=affiliate.status,
        email=affiliate.email,
        email_key=affiliate.email_key,
        blanks=affiliates.blanks_of(affiliate),
    )


def _link_ids(affiliate: Affiliate, message: Identify, *, now: datetime) -> None:
    if not persons.link(affiliate, IdKind.USER_ID, message.user_id, now=now):
        raise LostRaceError("the userId was linked to somebody else meanwhile")
    persons.link(affiliate, IdKind.ANONYMOUS_ID, message.anonymous_id, now=now)


def _delete(merchant_id: UUID, message: Delete, *, now: datetime) -> Verdict:
    email_key = message.address.key if message.address else None
    by_user_id = persons.by_user_id(merchant_id, message.user_id)
    by_address = persons.by_address(merchant_id, email_key)
    chosen = choose_for_delete(
        by_user_id=by_user_id.id if by_user_id else None,
        by_address=by_address.id if by_address else None,
        by_anonymous_id=persons.ids_sharing(merchant_id, IdKind.ANONYMOUS_ID, message.anonymous_id),
    )
    erasures.erase(
        merchant_id,
        chosen,
        named=erasures.identifiers(
            user_id=message.user_id, email_key=email_key, anonymous_id=message.anonymous_id
        ),
        event_at=message.event_at,
        now=now,
    )
    if chosen is None:
        reason = "Nobody here has these ids. Older events of them stay away."
        return Verdict(Outcome.NOTHING_TO_DELETE, reason)
    reason = "The person was erased: affiliate, e-mails and call details."
    return Verdict(Outcome.DELETED, reason)


def _add_delivery(
    merchant_id: UUID, call: Call, verdict: Verdict, source_id: UUID | None
) -> Delivery:
    envelope = call.envelope
    delivery = Delivery(
        merchant_id=merchant_id,
        id=uuid7(),
        call_type=call.type,
        outcome=verdict.outcome,
        reason=verdict.reason,
        status_code=verdict.status,
        is_replay=verdict.is_replay,
        received_at=call.received_at,
        source_id=source_id,
        affiliate_id=verdict.affiliate_id,
    )
    if envelope is not None:
        delivery.is_test = envelope.is_test
        delivery.event_at = envelope.event_at
        if envelope.message_id is not None:
            delivery.message_id = shown(envelope.message_id)
            delivery.message_id_digest = digest(envelope.message_id)
    if verdict.keeps_person:
        _add_person(delivery, call)
    db.session.add(delivery)
    db.session.flush()
    return delivery


def _add_person(delivery: Delivery, call: Call) -> None:
    """Keep who the call was about, and how each trait was read."""
    if call.envelope is not None:
        if (user_id := call.envelope.user_id) is not None:
            delivery.user_id, delivery.user_id_digest = user_id, digest(user_id)
        if (anonymous_id := call.envelope.anonymous_id) is not None:
            delivery.anonymous_id = anonymous_id
            delivery.anonymous_id_digest = digest(anonymous_id)
    if isinstance(call.message, Identify):
        if call.message.address is not None:
            delivery.email = call.message.address.sent
            delivery.email_key = call.message.address.key
        delivery.payload = kept_payload(call.message)


def kept_payload(message: Identify) -> dict[str, Any]:
    """Return what a delivery keeps of an identify: the traits that were read, and how."""
    return {
        "traits": message.kept,
        "readings": [asdict(reading) for reading in message.readings],
        "ignored": list(message.ignored),
    }


def shown(text: str) -> str:
    """Cut an id of any length to what a page can show; look-ups go by its digest."""
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


LONGEST_SHOWN: Final = 255


def is_refused(merchant_id: UUID) -> bool:
    """Whether every call of a merchant is refused just now, because the integration is off."""
    connection = db.session.get_one(Connection, merchant_id)
    return connection.state is ConnectionState.DISABLED
