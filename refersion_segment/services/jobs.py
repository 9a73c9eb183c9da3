"""The queue: jobs are rows, written with their cause and claimed by a lease."""

from datetime import datetime
from uuid import UUID

from refersion_segment.extensions import db
from refersion_segment.models import Job
from refersion_segment.models.job import JobKind


def enqueue(
    kind: JobKind, *, merchant_id: UUID, subject_id: UUID, now: datetime, generation: int = 0
) -> Job:
    """Add a job that is due at once to the current transaction."""
    job = Job(
        merchant_id=merchant_id,
        kind=kind,
        subject_id=subject_id,
        generation=generation,
        due_at=now,
        created_at=now,
    )
    db.session.add(job)
    db.session.flush()
    return job
