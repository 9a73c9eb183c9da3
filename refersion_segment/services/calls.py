"""One call of a known key, read as far as it can be read, before anything is decided."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from refersion_segment.domain.messages import (
    Delete,
    Envelope,
    Identify,
    MessageError,
    UnsupportedType,
    parse_message,
    read_envelope,
    read_object,
    read_type,
)
from refersion_segment.domain.outcomes import Outcome

BAD_REQUEST: Final = 400
NOT_IMPLEMENTED: Final = 501


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a call is not taken: the sentence is what the merchant reads in Segment's debugger."""

    outcome: Outcome
    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Call:
    """A message, or why there is none; and what the call says about itself, if it can be read."""

    received_at: datetime
    type: str
    envelope: Envelope | None
    message: Identify | Delete | Rejection


def read_call(body: bytes, *, now: datetime) -> Call:
    """Read the body of a call. One that cannot be taken becomes a call with its rejection."""
    try:
        event = read_object(body)
    except MessageError as error:
        return unreadable_call(error.sentence, BAD_REQUEST, now=now)
    envelope = read_envelope(event, now=now)
    try:
        message = parse_message(event, now=now)
    except UnsupportedType as error:
        rejection = Rejection(Outcome.IGNORED, NOT_IMPLEMENTED, error.sentence)
        return Call(now, error.type, envelope, rejection)
    except MessageError as error:
        rejection = Rejection(Outcome.NEEDS_FIXING, BAD_REQUEST, error.sentence)
        return Call(now, read_type(event) or "", envelope, rejection)
    return Call(now, message.type, envelope, message)


def unreadable_call(sentence: str, status: int, *, now: datetime) -> Call:
    """Make the call of a body that is no event: too large, cut short or not JSON."""
    rejection = Rejection(Outcome.NEEDS_FIXING, status, sentence)
    return Call(now, type="", envelope=None, message=rejection)
