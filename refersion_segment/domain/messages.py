"""Segment's calls: bytes become an event, an event becomes an `Identify` or a `Delete`.

What can never be mended by us raises a `MessageError`. A missing or bad e-mail address and a
missing name are values instead: whether they matter depends on who is known already, and a replay
or an erasure comes before them (DESIGN section 5, order of the checks).
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import ClassVar, NoReturn

from refersion_segment.domain.email_addresses import (
    EmailAddress,
    InvalidEmailError,
    looks_like_email,
    parse_email,
)
from refersion_segment.domain.event_objects import EventObject, Sent
from refersion_segment.domain.readings import NOT_USED, Notes, Reading
from refersion_segment.domain.texts import cut, one_line
from refersion_segment.domain.traits import AffiliateDetails, list_ignored, read_details

MAX_BODY_BYTES = 1_048_576
MAX_NESTING = 64
MAX_ID_LENGTH = 255

TEST_PREFIXES = ("test-message-", "segment-test-message-")
"""How the messageId of a call begins that somebody sent to try us (PRODUCT, "Tests")."""

MISSING_ADDRESS = "Missing email address. Send it as traits.email."
MISSING_PERSON = "Missing userId: say who is to be deleted by userId, anonymousId or email."
MISSING_NAME = "Missing name: send name, or firstName and lastName."


class MessageError(ValueError):
    """A call that cannot be taken; `sentence` is what the merchant reads."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class MalformedMessage(MessageError):  # noqa: N818 - a noun of the protocol, answered 400
    """The body is no event, or the event does not say what it must."""


class UnsupportedType(MessageError):  # noqa: N818 - a noun of the protocol, answered 501
    """A call type that we do not take; `type` is the text that was sent, made safe to show."""

    def __init__(self, type_: str) -> None:
        self.type = cut(one_line(type_), 40)
        super().__init__(
            f'Refersion accepts identify and delete calls; this was "{self.type}".',
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every call says about itself. Ids are kept as sent; a number counts as its text."""

    message_id: str | None
    """Of any length: it is compared by its hash."""
    user_id: str | None
    anonymous_id: str | None
    project_id: str | None
    """The source's id at Segment."""
    event_at: datetime
    """Aware, UTC, never in the future."""

    @property
    def is_test(self) -> bool:
        return (self.message_id or "").startswith(TEST_PREFIXES)


@dataclass(frozen=True, slots=True)
class Identify(Envelope):
    """Who somebody is."""

    type: ClassVar[str] = "identify"

    details: AffiliateDetails
    address: EmailAddress | None
    address_problem: str | None
    """Why there is no address: it is missing, or what was sent is none."""
    name_problem: str | None
    kept: dict[str, str]
    """Documented path to value, of the traits that were read and of no other."""
    readings: tuple[Reading, ...]
    ignored: tuple[str, ...]
    """The paths of the traits that were not read, without their values."""
    remarks: tuple[str, ...]
    """Sentences for the delivery's reason."""


@dataclass(frozen=True, slots=True)
class Delete(Envelope):
    """Whose data is to be erased; at least one of userId, anonymousId and address is there."""

    type: ClassVar[str] = "delete"

    address: EmailAddress | None
    address_problem: str | None
    """What was wrong with an address that was sent beside an id."""


def read_object(body: bytes) -> dict[str, object]:
    """Read the body of one call: strict JSON in UTF-8, one object.

    Stricter than Python's `json`, because an event that later breaks the database would be sent
    again for four hours: no NaN, Infinity, NUL, half surrogate pairs or endless numbers, and at
    most 64 levels. Linear in the length of the body.

    :raise MalformedMessage: if the body is anything else
    """
    event = _decode(body)
    if isinstance(event, list):
        raise MalformedMessage("Send one event per request.")
    if not isinstance(event, dict):
        raise MalformedMessage("Send one event as a JSON object.")
    # A pair of backslashes is a backslash; without the pairs, each one left begins an escape.
    # Something must stay in their place: two halves of a surrogate pair are none when apart.
    escapes = body.replace(rb"\\", b"_")
    _check_characters(escapes)
    _check_nesting(escapes)
    return event


_TOO_DEEP = f"The event is nested more than {MAX_NESTING} levels deep."
_TOO_LARGE = "The event holds a number that is too large."
_NO_CHARACTER = "The event holds a character that is none: NUL, or half of a surrogate pair."

_SURROGATE_PAIR = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_STEPS = bytes.maketrans(b"{[]}", b"\x01\x01\xff\xff")  # as signed bytes: one in, one out
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise MalformedMessage(_TOO_LARGE)
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedMessage(f"The body is not JSON: {name} is no number.")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)


def _decode(body: bytes) -> object:
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedMessage("The body is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedMessage(f"The body is not JSON: see {place}.") from error
    except RecursionError as error:
        raise MalformedMessage(_TOO_DEEP) from error
    except MalformedMessage:
        raise
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise MalformedMessage(_TOO_LARGE) from error


def _check_characters(escapes: bytes) -> None:
    """Look for what is no text. UTF-8 cannot hold it, so it can only come as an escape."""
    if rb"\u0000" in escapes or _SURROGATE.search(_SURROGATE_PAIR.sub(b"_", escapes)):
        raise MalformedMessage(_NO_CHARACTER)


def _check_nesting(escapes: bytes) -> None:
    """Measure the nesting of valid JSON by counting its brackets outside of strings.

    Much faster than a walk over the values, of which 1 MiB may hold half a million.
    """
    outside_of_strings = b"".join(escapes.replace(rb"\"", b"").split(b'"')[::2])
    steps = memoryview(outside_of_strings.translate(_STEPS, _NO_BRACKETS)).cast("b")
    if max(accumulate(steps)) > MAX_NESTING:
        raise MalformedMessage(_TOO_DEEP)


def parse_message(event: dict[str, object], *, now: datetime) -> Identify | Delete:
    """Read an event as the call it is.

    Traits that are neither an object nor absent are malformed: the person is in there, in a way
    that nobody can read. On a delete they are no reason to refuse. Every other wrong shape is
    the same as absent.

    :param now: our clock, for an event without a time of its own
    :raise UnsupportedType: if the type is neither identify nor delete
    :raise MalformedMessage: if there is no type, the traits are no object, or a delete names nobody
    """
    top = EventObject(event)
    sent_type = _read_type(top)
    if sent_type is None:
        raise MalformedMessage('Missing type: send "identify" or "delete" as type.')
    match sent_type.strip().lower():
        case "identify":
            return _parse_identify(top, _read_envelope(top, now))
        case "delete":
            return _parse_delete(top, _read_envelope(top, now))
    raise UnsupportedType(sent_type)


def read_type(event: dict[str, object]) -> str | None:
    """Read the call type as it was sent; None if there is none, or it is no text."""
    return _read_type(EventObject(event))


def read_envelope(event: dict[str, object], *, now: datetime) -> Envelope:
    """Read only what a call says about itself, for the delivery of one that is refused."""
    return _read_envelope(EventObject(event), now)


def _read_type(top: EventObject) -> str | None:
    sent = top.first("type")
    return sent.value if sent and isinstance(sent.value, str) else None


def _read_envelope(top: EventObject, now: datetime) -> Envelope:
    return Envelope(
        message_id=top.text("messageId"),
        user_id=_bounded(top.text("userId")),
        anonymous_id=_bounded(top.text("anonymousId")),
        project_id=_bounded(top.text("projectId")),
        event_at=_read_time(top, now),
    )


def _bounded(text: str | None) -> str | None:
    """Shorten an endless id to its beginning and its digest: still one id for one person."""
    if text is None or len(text) <= MAX_ID_LENGTH:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: MAX_ID_LENGTH - len(digest) - 1]}~{digest}"


def _read_time(top: EventObject, now: datetime) -> datetime:
    """Read when the event happened: `receivedAt`, then `timestamp`, then our clock.

    A time is never a reason to refuse: what cannot be read is passed over, the future is now.
    `sentAt` and `originalTimestamp` are the sender's clock, which may be hours off.
    """
    now = now.astimezone(UTC)
    for name in ("receivedAt", "timestamp"):
        sent = top.first(name)
        if sent and isinstance(sent.value, str) and (moment := _parse_time(sent.value.strip())):
            return min(moment, now)
    return now


def _parse_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # no time, or beyond year 1 or 9999 in UTC
        return None


def _parse_identify(top: EventObject, envelope: Envelope) -> Identify:
    sent_traits = top.first("traits")
    if sent_traits and not isinstance(sent_traits.value, dict):
        raise MalformedMessage('The traits must be an object, such as {"email": ...}.')
    traits = top.object("traits")
    notes = Notes()
    address, problem = _find_address(top, traits, notes)
    if problem:
        notes.remark(problem)
    details = read_details(traits, notes)
    return Identify(
        message_id=envelope.message_id,
        user_id=envelope.user_id,
        anonymous_id=envelope.anonymous_id,
        project_id=envelope.project_id,
        event_at=envelope.event_at,
        details=details,
        address=address,
        address_problem=None if address else problem or MISSING_ADDRESS,
        name_problem=None if details.has_name else MISSING_NAME,
        kept=notes.kept,
        readings=tuple(notes.readings),
        ignored=list_ignored(traits, notes),
        remarks=tuple(notes.remarks),
    )


def _parse_delete(top: EventObject, envelope: Envelope) -> Delete:
    address, problem = _find_address(top, top.object("traits"), Notes(), on_delete=True)
    if not (address or envelope.user_id or envelope.anonymous_id):
        raise MalformedMessage(problem or MISSING_PERSON)
    return Delete(
        message_id=envelope.message_id,
        user_id=envelope.user_id,
        anonymous_id=envelope.anonymous_id,
        project_id=envelope.project_id,
        event_at=envelope.event_at,
        address=address,
        address_problem=problem,
    )


def _find_address(
    top: EventObject, traits: EventObject, notes: Notes, *, on_delete: bool = False
) -> tuple[EmailAddress | None, str | None]:
    """Find the person's address, or say what is wrong with the one that was sent.

    The first place that holds anything decides: a bad address is not passed over for one that
    may be somebody else's. The top-level `email` counts on delete only, because Segment's Event
    Tester puts a placeholder there.
    """
    places = {
        "traits.email": traits.first("email"),
        "context.traits.email": top.object("context").object("traits").first("email"),
    }
    if on_delete:
        places = {"email": top.first("email"), **places}
    for documented, sent in places.items():
        if sent is not None:
            return _read_address(documented, sent, notes)
    user_id = top.text("userId")
    if not looks_like_email(user_id):
        return None, None
    notes.readings.append(Reading("userId", user_id, "E-mail", "read from the userId"))
    return parse_email(user_id), None


def _read_address(
    documented: str, sent: Sent, notes: Notes
) -> tuple[EmailAddress | None, str | None]:
    try:
        address = parse_email(sent.value)
    except InvalidEmailError as error:
        notes.read(documented, sent, NOT_USED, "not an email address")
        return None, error.sentence
    notes.read(documented, sent, "E-mail")
    return address, None
