"""The loop that does jobs: merchant by merchant, so that none waits behind another's backlog."""

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils.compat import uuid7

from refersion_segment import jobs
from refersion_segment.extensions import db
from refersion_segment.jobs import Work
from refersion_segment.models.job import JobKind
from refersion_segment.services import messages, provisioning

log = logging.getLogger(__name__)

WORK: Final[dict[JobKind, Work]] = {
    JobKind.SEND_MESSAGE: Work(messages.send, messages.stop),
    JobKind.TURN_ON_DESTINATION: provisioning.work(JobKind.TURN_ON_DESTINATION),
    JobKind.TURN_OFF_DESTINATION: provisioning.work(JobKind.TURN_OFF_DESTINATION),
}

POLL_SECONDS: Final = 1.0
LONGEST_DATABASE_WAIT_SECONDS: Final = 10.0

# One merchant's turn ends after so many jobs, or so many seconds.
JOBS_PER_TURN: Final = 10
TURN_SECONDS: Final = 5.0

# How long a kind rests when none of it can be done (a mail server that is down).
SHORTEST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 60.0

# A mail's session ends after 30 seconds, whatever the server does.
SHORTEST_LEASE: Final = timedelta(seconds=60)
CALLS_PER_JOB: Final = 6

_random = random.SystemRandom()


class Worker:
    """Does the jobs that are due until `stop` is set; then it finishes the one in hand."""

    def __init__(
        self,
        app: Flask,
        stop: threading.Event,
        *,
        clock: Callable[[], datetime] = jobs.database_clock,
    ) -> None:
        self._app = app
        self._stop = stop
        self._clock = clock
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid7().hex[-8:]}"
        self._pauses = _Pauses()
        # Longer than the longest job: one that calls Segment does a handful of calls.
        segment = timedelta(seconds=app.config["SEGMENT_TIMEOUT_SECONDS"])
        self._lease = max(SHORTEST_LEASE, CALLS_PER_JOB * segment + timedelta(seconds=20))

    def run(self, *, once: bool = False) -> None:
        """Work until stopped.

        :param once: end when nothing is due that this worker could do; jobs leased by others or
            due later are not waited for.
        :raise sqlalchemy.exc.SQLAlchemyError: if the database is away, with `once`; without, it
            is waited for.
        """
        log.info("worker %s begins", self._owner)
        failures = 0
        while not self._stop.is_set():
            try:
                did_something = self._round()
            except SQLAlchemyError as fault:
                if once:
                    raise
                failures += 1
                wait = min(LONGEST_DATABASE_WAIT_SECONDS, 0.5 * 2**failures)
                log.error("database not usable (%s), waiting", type(fault).__name__)  # noqa: TRY400
                self._stop.wait(wait)
                continue
            failures = 0
            if did_something:
                continue
            if once:
                break
            self._stop.wait(POLL_SECONDS * _random.uniform(0.8, 1.2))
        log.info("worker %s ends", self._owner)

    def _round(self) -> bool:
        """Give each merchant who has something due one turn; tell whether anything was done."""
        with self._app.app_context():
            merchants = jobs.merchants_with_due_jobs(self._clock(), without=self._left_alone())
            db.session.rollback()
        did_something = False
        for merchant_id in merchants:
            did_something |= self._turn(merchant_id)
        return did_something

    def _turn(self, merchant_id: UUID) -> bool:
        end = time.monotonic() + TURN_SECONDS
        for number in range(JOBS_PER_TURN):
            if self._stop.is_set() or time.monotonic() > end or not self._do_one(merchant_id):
                return number > 0
        return True

    def _do_one(self, merchant_id: UUID) -> bool:
        """Claim and do one job; tell whether there was one."""
        with self._app.app_context():
            claimed = jobs.claim(
                merchant_id, self._owner, self._clock(), 1, self._lease, without=self._left_alone()
            )
            db.session.commit()
            for job in claimed:
                outcome = jobs.perform(job, self._owner, WORK[job.kind], self._clock)
                self._pauses.note(job.kind, is_away=outcome is not None and outcome.pauses)
            return bool(claimed)

    def _left_alone(self) -> set[JobKind]:
        return (set(JobKind) - set(WORK)) | self._pauses.kinds()


class _Pauses:
    """Kinds of job that rest because their server is away: one try at a time finds out."""

    def __init__(self) -> None:
        self._faults: dict[JobKind, int] = {}
        self._until: dict[JobKind, float] = {}

    def note(self, kind: JobKind, *, is_away: bool) -> None:
        if not is_away:
            self._faults.pop(kind, None)
            return
        self._faults[kind] = self._faults.get(kind, 0) + 1
        longest = min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS * 2 ** (self._faults[kind] - 1))
        self._until[kind] = time.monotonic() + _random.uniform(longest / 2, longest)
        log.warning("jobs of kind %s pause: their server is away", kind)

    def kinds(self) -> set[JobKind]:
        now = time.monotonic()
        return {kind for kind, until in self._until.items() if until > now}


def start_worker_thread(app: Flask) -> threading.Event:
    """Run a worker beside a server of this process; setting the event ends it."""
    stop = threading.Event()
    threading.Thread(target=Worker(app, stop).run, name="refersion-worker", daemon=True).start()
    return stop
