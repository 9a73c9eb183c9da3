"""What a worker does at Segment: switch our destination on a source on or off.

Each step can be repeated: a create that is there already becomes an update, a destination that is
gone is off. So an order that was interrupted anywhere is simply done again.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from flask import current_app
from uuid_utils.compat import uuid7

from refersion_segment import jobs
from refersion_segment.clients.segment import SegmentClient, SegmentSettings
from refersion_segment.clients.segment_answers import AccessToken, NoAnswerError, SegmentError
from refersion_segment.clock import utc_now
from refersion_segment.domain.segment_names import SourceName, parse_source
from refersion_segment.extensions import db
from refersion_segment.jobs import GiveUp, RetryLater, Work
from refersion_segment.models import Job, Source
from refersion_segment.models.connection import DestinationState
from refersion_segment.models.job import JobKind
from refersion_segment.models.scope import rows_of
from refersion_segment.services import api_keys, connections
from refersion_segment.services.install_tokens import with_token

# A request does not wait for more orders than these.
MOST_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True)
class _Task:
    """What an order needs to know, read before anything waits for Segment."""

    source: SourceName
    install_name: str | None
    api_key: str = field(repr=False)


def segment_client(seconds: float | None = None) -> SegmentClient:
    """Return a client for the Segment of the settings."""
    return SegmentClient(SegmentSettings.of(current_app.config), seconds=seconds)


def work(kind: JobKind, client: SegmentClient | None = None) -> Work:
    """Return what is done for an order; with a client of its own where time is limited."""
    do = turn_on if kind is JobKind.TURN_ON_DESTINATION else turn_off
    return Work(partial(do, client=client), stop)


def try_now(merchant_id: UUID, client: SegmentClient) -> None:
    """Do the merchant's orders within the request; what fails stays with the worker.

    Ends the transaction before and after.

    :param client: one whose time is limited.
    """
    owner = f"web:{uuid7().hex}"
    generation = connections.get(merchant_id).generation
    waiting = (
        rows_of(merchant_id, Job)
        .with_only_columns(Job.id)
        .where(Job.kind.in_(connections.ORDERS), Job.generation == generation)
        .order_by(Job.id.desc())
        .limit(MOST_AT_ONCE)
    )
    ids = db.session.scalars(waiting)
    for job_id in ids.all():
        job = jobs.claim_one(merchant_id, job_id, owner, jobs.database_clock())
        db.session.commit()
        if job is not None:
            jobs.perform(job, owner, work(job.kind, client), jobs.database_clock)


def turn_on(job: Job, *, client: SegmentClient | None = None) -> None:
    """Switch the destination on, with the API key, and see that Segment has it so.

    :raise RetryLater: if Segment cannot do it now
    :raise GiveUp: if Segment will not do it
    """
    task = _begin(job)
    if task is None:
        return
    client = client or segment_client()
    failure = None
    try:
        with_token(job.merchant_id, task.install_name, client, partial(_switch_on, client, task))
    except SegmentError as error:
        failure = error
    _conclude(job, failure, DestinationState.ON, task)


def turn_off(job: Job, *, client: SegmentClient | None = None) -> None:
    """Switch the destination off.

    :raise RetryLater: if Segment cannot do it now
    :raise GiveUp: if Segment will not do it
    """
    task = _begin(job)
    if task is None:
        return
    used = client or segment_client()
    failure = None
    try:
        with_token(
            job.merchant_id,
            task.install_name,
            used,
            lambda token: used.disable_destination(token, task.source),
        )
    except SegmentError as error:
        failure = error
    _conclude(job, failure, DestinationState.OFF, task)


def stop(job: Job, problem: str) -> None:
    """Write down that an order is not tried any more."""
    connection = connections.lock(job.merchant_id)
    source = _source_of(job)
    if source is None or connection.generation != job.generation:
        return
    source.destination_state, source.problem = DestinationState.FAILED, problem
    connections.settle(connection)
    db.session.flush()


def _begin(job: Job) -> _Task | None:
    """Read what the order needs and end the transaction; None if the order is void."""
    connection = connections.get(job.merchant_id)
    source = _source_of(job)
    name = parse_source(source.resource_name) if source else None
    if source is None or name is None:
        return None
    if connection.generation != job.generation:
        if job.attempts > 1:  # a try before this one may have reached Segment
            connections.correct(connections.lock(job.merchant_id), source, job.kind, utc_now())
        return None
    key = api_keys.reveal(api_keys.current_key(job.merchant_id))
    task = _Task(name, source.install_name, key)
    db.session.rollback()
    return task


def _switch_on(client: SegmentClient, task: _Task, token: AccessToken) -> None:
    try:
        client.create_destination(token, task.source, task.api_key)
    except SegmentError as error:
        if not error.is_already_there and not _is_there_after_all(client, task, token, error):
            raise
        client.update_destination(token, task.source, task.api_key)
    found = client.get_destination(token, task.source)
    if found is None or not found.is_enabled or found.api_key != task.api_key:
        raise SegmentError(
            "Segment took the settings, but shows others when asked.", retryable=True, status=200
        )


def _is_there_after_all(
    client: SegmentClient, task: _Task, token: AccessToken, error: SegmentError
) -> bool:
    """Ask whether a destination exists whose creation ended in a server's fault."""
    return error.is_server_fault and client.get_destination(token, task.source) is not None


def _conclude(
    job: Job, failure: SegmentError | None, reached: DestinationState, task: _Task
) -> None:
    """Write down how the order ended, unless the merchant has changed everything meanwhile."""
    connection = connections.lock(job.merchant_id)
    source = _source_of(job)
    if source is None:
        return
    now = utc_now()
    if connection.generation != job.generation:
        connections.correct(connection, source, job.kind, now)
        return
    if failure is None:
        source.destination_state, source.problem = reached, ""
        if reached is DestinationState.ON and _is_outdated(job, task):
            connections.order(connection, source, job.kind, now)
        connections.settle(connection)
        db.session.flush()
        return
    if not failure.retryable:
        raise GiveUp(failure.sentence)
    source.problem = failure.sentence
    connections.settle(connection)
    is_away = isinstance(failure, NoAnswerError)
    raise RetryLater(failure.sentence, failure.retry_after, pauses=is_away)


def _is_outdated(job: Job, task: _Task) -> bool:
    """Tell whether the key was rotated while the one before it was on its way."""
    return api_keys.reveal(api_keys.current_key(job.merchant_id)) != task.api_key


def _source_of(job: Job) -> Source | None:
    query = rows_of(job.merchant_id, Source).where(Source.id == job.subject_id)
    return db.session.scalar(query.execution_options(populate_existing=True))
