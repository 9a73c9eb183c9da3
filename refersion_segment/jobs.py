"""The queue: jobs are rows, written with their cause and claimed by a lease.

A claim is a transaction of its own; the work is done outside any; the end of the job is written
together with what the work changed, and only while the job is still ours.
"""

import logging
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from sqlalchemy import CursorResult, Delete, Update, exists, func, or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.sql.elements import ColumnElement

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Job, Merchant
from refersion_segment.models.job import JobKind
from refersion_segment.models.scope import change_of, removal_of, rows_of

log = logging.getLogger(__name__)

SHORTEST_BACKOFF: Final = timedelta(seconds=30)
LONGEST_BACKOFF: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = timedelta(hours=72)

# How long the end of a job is tried again when the database is away; shorter than any lease.
FINISH_WITHIN_SECONDS: Final = 20

UNEXPECTED: Final = "Something broke on our side. It is tried again."

_random = random.SystemRandom()

Finish = Callable[[], None]
"""Writes, in the current transaction, what a job that is done has changed. May be called again."""


def _nothing(_job: Job, _problem: str) -> None:
    """Leave it at the job's own row."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is done for one kind of job.

    `do` gets the job outside any transaction, and must have ended its own before it waits for a
    network. It returns, or raises `RetryLater` or `GiveUp`; what it leaves in the session is
    committed together with the end of the job, unless the lease was lost to somebody else. What
    must not be lost when the database is away just then (a mail is out) it returns as a `Finish`.

    `on_give_up` gets the job and the last problem when it is tried no longer, in the same
    transaction.
    """

    do: Callable[[Job], Finish | None]
    on_give_up: Callable[[Job, str], None] = _nothing


class RetryLater(Exception):  # noqa: N818 - not a fault, an outcome
    """The job could not be done now; `sentence` says why.

    :param after: how long to wait; None: the usual backoff.
    :param pauses: nothing of this kind can be done just now, whatever the job: the worker
        leaves the whole kind alone for a while.
    """

    def __init__(
        self, sentence: str, after: timedelta | None = None, *, pauses: bool = False
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.after = after
        self.pauses = pauses


class GiveUp(Exception):  # noqa: N818 - not a fault, an outcome
    """The job can never be done; `sentence` says why. It stays, to be shown and tried again."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


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


def database_clock() -> datetime:
    """Return the moment that all workers agree on: leases are no matter of one machine's clock."""
    if db.session.get_bind().dialect.name == "postgresql":
        moment: datetime = db.session.execute(select(func.clock_timestamp())).scalar_one()
        return moment
    return utc_now()


def merchants_with_due_jobs(now: datetime, *, without: Collection[JobKind] = ()) -> list[UUID]:
    """List the merchants who have something to do, in random order.

    One probe of the index (merchant_id, due_at) per merchant, so that no merchant's backlog
    stands before another's job. Reads only, and does not keep SQLite's one writer out.
    """
    if not db.session().in_transaction():
        db.session.connection(execution_options={"sqlite_begin": "DEFERRED"})
    due = exists().where(Job.merchant_id == Merchant.id, *_is_due(now, without))
    merchants = list(db.session.scalars(select(Merchant.id).where(due)))
    _random.shuffle(merchants)
    return merchants


def claim(
    merchant_id: UUID,
    owner: str,
    now: datetime,
    limit: int,
    lease: timedelta,
    *,
    without: Collection[JobKind] = (),
) -> list[Job]:
    """Take up to `limit` due jobs of a merchant, oldest first; nobody else has them until then.

    The jobs come detached: they stay readable after the commit that must follow.

    :param owner: names this claimant; a job that outlives its lease can be claimed by another.
    :param without: kinds to leave alone.
    """
    due = (
        rows_of(merchant_id, Job)
        .with_only_columns(Job.id)
        .where(*_is_due(now, without))
        .order_by(Job.due_at, Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # A common table expression: PostgreSQL runs it once, whatever the plan around it.
        .cte("due")
    )
    return _take(
        change_of(merchant_id, Job).where(Job.id.in_(select(due.c.id))), owner, now + lease
    )


def claim_one(
    merchant_id: UUID,
    job_id: UUID,
    owner: str,
    now: datetime,
    lease: timedelta = timedelta(minutes=1),
) -> Job | None:
    """Take one known job, due or not, unless somebody has it or it is gone."""
    is_free = or_(Job.lease_until.is_(None), Job.lease_until <= now)
    jobs = _take(
        change_of(merchant_id, Job).where(Job.id == job_id, Job.due_at.is_not(None), is_free),
        owner,
        now + lease,
    )
    return jobs[0] if jobs else None


def close(job: Job, owner: str) -> bool:
    """Remove a job that is done; tell whether it was still ours."""
    return _changed(removal_of(job.merchant_id, Job).where(Job.id == job.id, Job.owner == owner))


def retry(job: Job, owner: str, problem: str, delay: timedelta, *, now: datetime) -> bool:
    """Let a job wait for `delay`; tell whether it was still ours."""
    return _release(job, owner, problem=problem, due_at=now + delay)


def give_up(job: Job, owner: str, problem: str, *, now: datetime) -> bool:
    """Keep a job that is never due again, to be shown; tell whether it was still ours."""
    return _release(job, owner, problem=problem, due_at=None, gave_up_at=now)


def backoff(attempts: int) -> timedelta:
    """Choose how long to wait after so many tries: twice as long each time, with full jitter."""
    longest = min(LONGEST_BACKOFF, SHORTEST_BACKOFF * 2 ** min(max(attempts - 1, 0), 20))
    return timedelta(seconds=_random.uniform(1, longest.total_seconds()))


def perform(job: Job, owner: str, work: Work, clock: Callable[[], datetime]) -> RetryLater | None:
    """Do a claimed job and write how it ended; commits.

    :return: why it could not be done now, if that is so.
    """
    try:
        finish = work.do(job)
    except RetryLater as outcome:
        return _later(job, owner, work, outcome, now=clock())
    except GiveUp as outcome:
        _stop(job, owner, work, outcome.sentence, now=clock())
        return None
    except Exception:
        log.exception("job %s (%s) of merchant %s broke", job.id, job.kind, job.merchant_id)
        db.session.rollback()
        return _later(job, owner, work, RetryLater(UNEXPECTED), now=clock())
    _close(job, owner, finish)
    return None


def _close(job: Job, owner: str, finish: Finish | None) -> None:
    deadline = time.monotonic() + FINISH_WITHIN_SECONDS
    while True:
        try:
            if finish is not None:
                finish()
            _end(job, held=close(job, owner))
        except (DBAPIError, PoolTimeoutError):
            db.session.rollback()
            if finish is None or time.monotonic() > deadline:
                raise  # the lease lapses, and the job is done again
            log.warning("job %s is done but cannot be closed yet", job.id)
            time.sleep(1)
        else:
            return


def _later(job: Job, owner: str, work: Work, outcome: RetryLater, *, now: datetime) -> RetryLater:
    if now - job.created_at >= GIVE_UP_AFTER:
        _stop(job, owner, work, outcome.sentence, now=now)
        return outcome
    delay = outcome.after if outcome.after is not None else backoff(job.attempts)
    log.info("job %s (%s) is tried again in %d s", job.id, job.kind, delay.total_seconds())
    _end(job, held=retry(job, owner, outcome.sentence, delay, now=now))
    return outcome


def _stop(job: Job, owner: str, work: Work, problem: str, *, now: datetime) -> None:
    log.warning("job %s (%s) of merchant %s gave up", job.id, job.kind, job.merchant_id)
    work.on_give_up(job, problem)
    _end(job, held=give_up(job, owner, problem, now=now))


def _end(job: Job, *, held: bool) -> None:
    if held:
        db.session.commit()
        return
    # Removed by an erasure or a disable, or done by a successor: what we did no longer counts.
    log.warning("job %s was no longer ours when it ended", job.id)
    db.session.rollback()


def _is_due(now: datetime, without: Collection[JobKind]) -> list[ColumnElement[bool]]:
    conditions = [Job.due_at <= now, or_(Job.lease_until.is_(None), Job.lease_until <= now)]
    if without:
        conditions.append(Job.kind.not_in(without))
    return conditions


def _take(change: Update, owner: str, until: datetime) -> list[Job]:
    taken = change.values(owner=owner, lease_until=until, attempts=Job.attempts + 1).returning(Job)
    jobs = list(
        db.session.scalars(
            taken, execution_options={"synchronize_session": False, "populate_existing": True}
        )
    )
    for job in jobs:
        db.session.expunge(job)
    return sorted(jobs, key=lambda job: job.id)


def _release(job: Job, owner: str, **values: object) -> bool:
    mine = change_of(job.merchant_id, Job).where(Job.id == job.id, Job.owner == owner)
    return _changed(mine.values(owner=None, lease_until=None, **values))


def _changed(statement: Update | Delete) -> bool:
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    return bool(cast("CursorResult[object]", result).rowcount)
