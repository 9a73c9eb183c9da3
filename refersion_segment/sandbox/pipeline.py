"""What Segment does to an event between a source and its destinations; plain values only.

Protocol reference, section 9: validation that drops, the fields that Segment sets, and the
`integrations` object.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from refersion_segment.sandbox.clock import iso, parse_moment

CALL_TYPES = ("identify", "track", "page", "screen", "group", "alias")
LONGEST_MESSAGE_ID = 100
LONGEST_WHO = 200
_BROWSER_LIBRARIES = ("analytics.js", "npm:next", "@segment/analytics-next")
_MOBILE_LIBRARIES = ("analytics-ios", "analytics-android", "analytics-swift", "analytics-kotlin")

Event = dict[str, object]


class DroppedError(Exception):
    """Segment answers 200 and drops the event all the same; the text is its name for why."""


@dataclass(frozen=True)
class Arrival:
    """What one request tells about each of its events."""

    project_id: str
    received_at: datetime
    sent_at: object
    remote_address: str
    is_browser: bool


def as_object(value: object, reason: str) -> dict[str, object]:
    """Read an object; null and an empty list, as PHP writes it, are an empty one.

    :raise DroppedError: if it is anything else, named by the reason.
    """
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise DroppedError(reason)
    return value


def check(event: Event) -> None:
    """Check an event as ingest does.

    :raise DroppedError: if Segment would drop it.
    """
    kind = event.get("type")
    if kind not in CALL_TYPES:
        raise DroppedError("type_not_supported")
    if kind == "alias":
        if not (_has(event, "userId") and _has(event, "previousId")):
            raise DroppedError("id_required")
        return
    if not (_has(event, "userId") or _has(event, "anonymousId")):
        raise DroppedError("no_user_anon_id")
    if kind == "group" and not _has(event, "groupId"):
        raise DroppedError("id_required")
    if kind == "track" and not _has(event, "event"):
        raise DroppedError("event_not_defined")
    field = "traits" if kind in ("identify", "group") else "properties"
    as_object(event.get(field), f"{field}_not_object")


def _has(event: Event, name: str) -> bool:
    value = event.get(name)
    return isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip() != ""


def message_id_of(event: Event) -> str:
    """Keep the sender's messageId if it is text of a sound length, else make one."""
    sent = event.get("messageId")
    if isinstance(sent, str) and 0 < len(sent) <= LONGEST_MESSAGE_ID:
        return clean(sent)
    return f"api-{uuid.uuid4()}"


def who_of(event: Event) -> str:
    """Name the person for lists: the userId, or what else there is."""
    for name in ("userId", "anonymousId", "email"):
        if _has(event, name):
            return clean(str(event[name]))[:LONGEST_WHO]
    return ""


def clean(text: str) -> str:
    """Replace what UTF-8 cannot write, such as half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def as_forwarded(event: Event, arrival: Arrival, message_id: str) -> Event:
    """Dress a checked event as Segment forwards it to a destination."""
    context = dict(as_object(event.get("context"), "context_not_object"))
    channel = _channel(event, context, arrival)
    if channel == "client":
        context.setdefault("ip", arrival.remote_address)
    original = parse_moment(event.get("timestamp")) or arrival.received_at
    sent = parse_moment(arrival.sent_at) or parse_moment(event.get("sentAt")) or arrival.received_at
    forwarded = {key: value for key, value in event.items() if key != "writeKey"}
    return {
        **forwarded,
        "channel": channel,
        "context": context,
        "integrations": event.get("integrations") or {},
        "messageId": message_id,
        "projectId": arrival.project_id,
        "version": 2,
        "originalTimestamp": iso(original),
        "sentAt": iso(sent),
        "receivedAt": iso(arrival.received_at),
        "timestamp": iso(_corrected(arrival.received_at, sent, original)),
    }


def _corrected(received: datetime, sent: datetime, original: datetime) -> datetime:
    try:
        return received - (sent - original)
    except OverflowError:  # a clock at the end of the calendar
        return received


def _channel(event: Event, context: dict[str, object], arrival: Arrival) -> str:
    sent = event.get("channel")
    if isinstance(sent, str) and sent:
        return sent
    library = context.get("library")
    name = str(library.get("name", "")) if isinstance(library, dict) else ""
    if name in _MOBILE_LIBRARIES:
        return "mobile"
    return "client" if arrival.is_browser or name in _BROWSER_LIBRARIES else "server"


def is_meant_for(event: Event, display_name: str) -> bool:
    """Read the `integrations` object: the destination's own key wins over `All`.

    Keys are the display names, in exact case; `All` in any. An object counts as yes.
    """
    wanted = event.get("integrations")
    if not isinstance(wanted, dict):
        return True
    if display_name in wanted:
        return wanted[display_name] is not False
    default = next((value for key, value in wanted.items() if key.lower() == "all"), True)
    return default is not False


def as_body(event: Event) -> str:
    """Write an event as the JSON that goes over the wire."""
    return json.dumps(event, separators=(",", ":"))
