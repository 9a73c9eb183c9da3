"""Who does something, for the audit entry that every change leaves."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """A member of the team, a command or the product itself.

    `user_id` is None for everyone who is not logged in; `ip` is empty for commands.
    """

    name: str
    user_id: UUID | None = None
    ip: str = ""


SEGMENT = Actor(name="Segment")
COMMAND = Actor(name="Command line")
THE_AFFILIATE = Actor(name="The affiliate")


def record(
    actor: Actor,
    action: str,
    *,
    merchant_id: UUID,
    subject_id: UUID | None = None,
    detail: str = "",
    now: datetime | None = None,
) -> None:
    """Write an audit entry into the current transaction.

    :param action: noun and verb, such as `affiliate.approved`.
    :param detail: never an affiliate's name or address: the entry outlives an erasure.
    :param now: when it is done; the clock is read where it is left out.
    """
    db.session.add(
        AuditEntry(
            merchant_id=merchant_id,
            user_id=actor.user_id,
            actor_name=actor.name,
            ip=actor.ip,
            action=action,
            subject_id=subject_id,
            detail=detail,
            created_at=now or utc_now(),
        )
    )
