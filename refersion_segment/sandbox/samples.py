"""Events that the sandbox makes up itself: the Event Tester's and the documented deletes."""

import json
import secrets
from datetime import timedelta
from enum import StrEnum

from refersion_segment.sandbox.clock import iso, now_iso, utc_now
from refersion_segment.sandbox.pipeline import Event

TESTED_TYPES = ("identify", "track", "page", "screen", "group")
TEST_PREFIXES = ("test-message-", "segment-test-message-")


class DeleteShape(StrEnum):
    """The documented forms of a delete (protocol reference, section 6)."""

    CATALOG = "1: with context and e-mail, as Refersion's catalog page prints it"
    SPEC = "2: with nulls and Go's clock, as the partner spec prints it"
    SHORT = "3: userId and timestamp only, as destination functions see it"


def test_message_id() -> str:
    """Make a messageId as the Event Tester's."""
    return f"{TEST_PREFIXES[0]}{secrets.token_hex(3)}"


def tester_event(call_type: str) -> str:
    """Write what the Event Tester's editor starts with for one type of call."""
    mark = secrets.token_hex(3)
    details: dict[str, Event] = {
        "identify": {
            "traits": {
                "firstName": "Ada",
                "lastName": "Marsh",
                "email": f"ada.marsh.{mark}@example.com",
                "address": {
                    "street": "12 Quay Rd",
                    "city": "Portland",
                    "state": "OR",
                    "postalCode": "97201",
                    "country": "USA",
                },
            }
        },
        "track": {"event": "Order Completed", "properties": {"total": 30, "currency": "USD"}},
        "page": {"name": "Join", "properties": {"url": "https://shop.example/join"}},
        "screen": {"name": "Join", "properties": {}},
        "group": {"groupId": f"test-group-{mark}", "traits": {"name": "Quay Ltd"}},
    }
    event = {
        "messageId": test_message_id(),
        "timestamp": now_iso(),
        "type": call_type,
        "email": "test@example.org",
        **details[call_type],
        "userId": f"test-user-{mark}",
    }
    return json.dumps(event, indent=2)


def delete_event(shape: DeleteShape, *, project_id: str, user_id: str, email: str) -> Event:
    """Write a delete; only the first shape can carry an e-mail address."""
    now = utc_now()
    moment, earlier = iso(now), iso(now - timedelta(hours=2))
    if shape is DeleteShape.SHORT:
        return {"type": "delete", "userId": user_id, "timestamp": moment}
    is_catalog = shape is DeleteShape.CATALOG
    mark = secrets.token_hex(6)
    return {
        "type": "delete",
        "channel": "server",
        "userId": user_id,
        **({"email": email} if is_catalog and email else {}),
        "context": [] if is_catalog else None,
        "integrations": [] if is_catalog else None,
        "messageId": f"delete-{mark}" if is_catalog else f"delete-reg-{mark}::job-1-{project_id}",
        "projectId": project_id,
        "receivedAt": moment,
        "sentAt": earlier,
        "originalTimestamp": moment if is_catalog else _go_clock(moment),
        "timestamp": moment,
    }


def _go_clock(moment: str) -> str:
    return f"{moment[:10]} {moment[11:19]}.123456789 +0000 UTC m=+70366.29"
