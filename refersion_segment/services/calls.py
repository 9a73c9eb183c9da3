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
from refersion_segment.domain.texts import cut, one_line

BAD_REQUEST: Final = 400
LONGEST_TYPE: Final = 40
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
    try:
        message = parse_message(event, now=now)
    except UnsupportedType as error:
        rejection = Rejection(Outcome.IGNORED, NOT_IMPLEMENTED, error.sentence)
        return Call(now, error.type, read_envelope(event, now=now), rejection)
    except MessageError as error:
        rejection = Rejection(Outcome.NEEDS_FIXING, BAD_REQUEST, error.sentence)
        type_ = cut(one_line(read_type(event) or ""), LONGEST_TYPE)
        return Call(now, type_, read_envelope(event, now=now), rejection)
    return Call(now, message.type, message, message)


def unreadable_call(sentence: str, status: int, *, now: datetime) -> Call:
    """Make the call of a body that is no event: too large, cut short or not JSON."""
    rejection = Rejection(Outcome.NEEDS_FIXING, status, sentence)
    return Call(now, type="", envelope=None, message=rejection)
