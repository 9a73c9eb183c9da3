"""What a call changes for a merchant: decided from plain values, before anything is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from refersion_segment.domain.affiliates import AffiliateStatus, starting_status
from refersion_segment.domain.email_addresses import EmailAddress
from refersion_segment.domain.messages import MISSING_ADDRESS, Identify
from refersion_segment.domain.traits import FIELD_LABELS, AffiliateDetails


@dataclass(frozen=True, slots=True)
class KnownAffiliate:
    """The facts about an affiliate that a decision needs."""

    id: UUID
    status: AffiliateStatus
    email: str
    email_key: str
    blanks: frozenset[str]
    """The fields of `AffiliateDetails` that are empty."""


@dataclass(frozen=True, slots=True)
class CreateAffiliate:
    """A new person: create the affiliate, and tell them."""

    details: AffiliateDetails
    address: EmailAddress
    status: AffiliateStatus
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeepAffiliate:
    """A person who is an affiliate already: link the ids, fill in blanks, mail nobody."""

    affiliate_id: UUID
    status: AffiliateStatus
    fills: dict[str, str]
    """Field of `AffiliateDetails` to the value that fills it."""
    remarks: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Tell the merchant in sentences what was found, filled and left."""
        labels = ", ".join(FIELD_LABELS[field].lower() for field in self.fills)
        filled = (f"Filled in: {labels}.",) if labels else ()
        return " ".join((f"Already an affiliate ({self.status}).", *filled, *self.remarks))


@dataclass(frozen=True, slots=True)
class SkipErased:
    """A person who was erased after this call was made: keep nothing of it."""

    reason: str = "This person was erased, and the call is not newer than that. Nothing was kept."


@dataclass(frozen=True, slots=True)
class Refuse:
    """A new person of whom the call does not say enough: answer 400."""

    reason: str


IdentifyDecision = CreateAffiliate | KeepAffiliate | SkipErased | Refuse


def decide_identify(
    message: Identify,
    *,
    by_user_id: KnownAffiliate | None,
    by_address: KnownAffiliate | None,
    erased_until: datetime | None,
    auto_approve: bool,
) -> IdentifyDecision:
    """Decide what an identify call changes.

    The order is DESIGN section 5: erasure, known person, address, name. A known affiliate keeps
    status, offer and address whatever is sent: sources call identify at every login, and that must
    neither let a denied person back in nor overwrite what a person has put right by hand.

    :param by_user_id: who has the userId of the call; this person is meant
    :param by_address: who has the address of the call; meant if nobody has the userId
    :param erased_until: the event time of the latest erasure that matches the call
    :param auto_approve: whether the offer approves people automatically
    """
    if erased_until is not None and message.event_at <= erased_until:
        return SkipErased()
    known = by_user_id or by_address
    if known is not None:
        return KeepAffiliate(
            affiliate_id=known.id,
            status=known.status,
            fills={
                field: value
                for field, value in message.details.known.items()
                if field in known.blanks
            },
            remarks=(*_remarks_on_address(message, known, by_address), *message.remarks),
        )
    if message.address is None:
        return Refuse(message.address_problem or MISSING_ADDRESS)
    if message.name_problem is not None:
        return Refuse(message.name_problem)
    return CreateAffiliate(
        details=message.details,
        address=message.address,
        status=starting_status(auto_approve=auto_approve),
        remarks=message.remarks,
    )


def choose_for_delete(
    by_user_id: UUID | None, by_address: UUID | None, by_anonymous_id: Sequence[UUID]
) -> UUID | None:
    """Choose whom a delete call erases: the first match of userId, address, anonymousId.

    An anonymousId counts only if exactly one affiliate has it: it belongs to a browser, which
    several people may share, and erasing cannot be undone.
    """
    if by_user_id is not None:
        return by_user_id
    if by_address is not None:
        return by_address
    people = set(by_anonymous_id)
    return people.pop() if len(people) == 1 else None


def _remarks_on_address(
    message: Identify, known: KnownAffiliate, by_address: KnownAffiliate | None
) -> tuple[str, ...]:
    """Say that the address of a call is not the one that its person has, and whose it is."""
    if message.address is None or message.address.key == known.email_key:
        return ()
    now_says = f"Segment now says {message.address.sent}; the address {known.email} stays."
    if by_address is None or by_address.id == known.id:
        return (now_says,)
    other = f"{by_address.email} is another affiliate, who was left untouched."
    return (now_says, other)
