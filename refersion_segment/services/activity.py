"""The audit entries of a merchant, newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from refersion_segment.extensions import db
from refersion_segment.models import AuditEntry
from refersion_segment.models.scope import rows_of

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Entries, newest first; `older` and `newer` begin the pages beside, None where none is."""

    entries: Sequence[AuditEntry]
    older: UUID | None
    newer: UUID | None


def read_page(
    merchant_id: UUID, *, before: UUID | None = None, after: UUID | None = None
) -> ActivityPage:
    """Return the entries right before or right after an entry; without either, the newest.

    Ids are in the order of creation, so a page is one range of the key.
    """
    query = rows_of(merchant_id, AuditEntry).limit(PAGE_SIZE + 1)
    if after is not None:
        rows = db.session.scalars(query.where(AuditEntry.id > after).order_by(AuditEntry.id)).all()
        entries = rows[:PAGE_SIZE][::-1]
        has_newer, has_older = len(rows) > PAGE_SIZE, True
    else:
        if before is not None:
            query = query.where(AuditEntry.id < before)
        rows = db.session.scalars(query.order_by(AuditEntry.id.desc())).all()
        entries = rows[:PAGE_SIZE]
        has_newer, has_older = before is not None, len(rows) > PAGE_SIZE
    return ActivityPage(
        entries,
        older=entries[-1].id if entries and has_older else None,
        newer=entries[0].id if entries and has_newer else None,
    )
