"""The worker's loop: fair, never stopped by one job, gone when there is nothing to do."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from refersion_segment import jobs, mails, worker
from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.jobs import RetryLater, Work
from refersion_segment.models import Job, Message
from refersion_segment.models.job import JobKind
from refersion_segment.models.message import MessageState
from refersion_segment.worker import Worker, start_worker_thread
from tests.factories import make_affiliate, make_merchant
from tests.smtp_server import Postbox, free_port, serving

Does = Callable[[Callable[[Job], None]], None]


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Does:
    """Let the workers do something else than send mails."""

    def replace(do: Callable[[Job], None]) -> None:
        monkeypatch.setitem(worker.WORK, JobKind.SEND_MESSAGE, Work(do))

    return replace


def add_jobs(number: int = 1, *, merchant_id: UUID | None = None) -> UUID:
    merchant_id = merchant_id or make_merchant().merchant.id
    for _ in range(number):
        jobs.enqueue(
            JobKind.SEND_MESSAGE,
            merchant_id=merchant_id,
            subject_id=merchant_id,
            now=utc_now() - timedelta(seconds=1),
        )
    db.session.commit()
    return merchant_id


def run_once(app: Flask, stop: threading.Event | None = None) -> None:
    db.session.rollback()
    Worker(app, stop or threading.Event()).run(once=True)


def number_of_jobs() -> int:
    db.session.rollback()
    number = db.session.query(Job).count()
    db.session.rollback()  # on SQLite an open transaction keeps the workers out
    return number


@contextmanager
def working(app: Flask) -> Iterator[None]:
    """Run a worker beside the test, and see that it ends when it is asked to."""
    db.session.rollback()
    before = set(threading.enumerate())
    stop = start_worker_thread(app)
    [thread] = set(threading.enumerate()) - before
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.02)


def test_once_does_all_that_is_due_and_ends(app: Flask, does: Does) -> None:
    add_jobs(25)
    done: list[UUID] = []
    does(lambda job: done.append(job.id))

    run_once(app)

    assert len(set(done)) == len(done) == 25
    assert number_of_jobs() == 0


def test_once_waits_neither_for_leases_nor_for_later(app: Flask, does: Does) -> None:
    merchant_id = add_jobs(2)
    jobs.claim(merchant_id, "somebody else", utc_now(), 1, timedelta(minutes=1))
    db.session.query(Job).filter(Job.owner.is_(None)).update(
        {Job.due_at: utc_now() + timedelta(minutes=1)}
    )
    db.session.commit()
    done: list[UUID] = []
    does(lambda job: done.append(job.id))

    run_once(app)

    assert done == []
    assert number_of_jobs() == 2


def test_once_ends_although_what_fails_is_due_again(app: Flask, does: Does) -> None:
    add_jobs(3)
    tries: Counter[UUID] = Counter()

    def fail(job: Job) -> None:
        tries[job.id] += 1
        raise RetryLater("Not now.")

    does(fail)
    run_once(app)

    assert list(tries.values()) == [1, 1, 1]
    assert number_of_jobs() == 3


def test_one_merchants_backlog_does_not_delay_anothers_job(
    app: Flask, does: Does, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, quiet = add_jobs(500), add_jobs(1)
    ask = jobs.merchants_with_due_jobs
    busy_first = lambda *args, **more: sorted(ask(*args, **more))  # noqa: E731 - as a stand-in
    monkeypatch.setattr(jobs, "merchants_with_due_jobs", busy_first)
    turns: list[UUID] = []
    stop = threading.Event()

    def do(job: Job) -> None:
        turns.append(job.merchant_id)
        if job.merchant_id == quiet:
            stop.set()

    does(do)
    run_once(app, stop)

    assert turns.count(quiet) == 1
    assert 1 <= turns.count(busy) <= 20


def test_one_poisoned_job_does_not_stop_the_others(app: Flask, does: Does) -> None:
    merchant_id = add_jobs(3)
    poisoned = db.session.query(Job.id).order_by(Job.id).first()[0]
    done: list[UUID] = []

    def do(job: Job) -> None:
        if job.id == poisoned:
            raise KeyError("a mistake of ours")
        done.append(job.id)

    does(do)
    run_once(app)

    assert len(done) == 2
    db.session.rollback()
    left = db.session.query(Job).one()
    assert (left.merchant_id, left.problem) == (merchant_id, jobs.UNEXPECTED)


def test_a_worker_that_is_asked_to_stop_finishes_the_job_in_hand(app: Flask, does: Does) -> None:
    add_jobs(5)
    stop = threading.Event()
    done: list[UUID] = []

    def do(job: Job) -> None:
        stop.set()
        done.append(job.id)

    does(do)
    run_once(app, stop)

    assert len(done) == 1
    assert number_of_jobs() == 4
    assert db.session.query(Job).filter(Job.owner.is_not(None)).count() == 0


def test_several_workers_send_each_mail_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_merchant()
    for number in range(30):
        make_affiliate(made, f"person{number}@example.com")
    port = free_port()
    monkeypatch.setattr(app.extensions["mail"], "port", port)

    with serving(Postbox(), port) as postbox, working(app), working(app), working(app):
        wait_until(lambda: number_of_jobs() == 0)

    sent = Counter(mail["To"] for mail in postbox.taken)
    assert len(sent) == 30
    assert set(sent.values()) == {1}
    assert {message.state for message in db.session.query(Message)} == {MessageState.SENT}


def test_a_job_that_comes_later_is_done_by_a_worker_that_waits(app: Flask, does: Does) -> None:
    done: list[UUID] = []
    does(lambda job: done.append(job.id))

    with working(app):
        time.sleep(0.2)
        add_jobs()
        wait_until(lambda: len(done) == 1)


def test_a_worker_outlives_a_database_that_is_away(
    app: Flask, does: Does, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[UUID] = []
    does(lambda job: done.append(job.id))
    ask, faults = jobs.merchants_with_due_jobs, iter([True, True])

    def ask_in_vain(*arguments: object, **options: object) -> list[UUID]:
        if next(faults, False):
            raise OperationalError("SELECT", {}, ConnectionError("away"))
        return ask(*arguments, **options)

    monkeypatch.setattr(jobs, "merchants_with_due_jobs", ask_in_vain)
    add_jobs()

    with working(app):
        wait_until(lambda: len(done) == 1)


def test_a_mail_that_is_out_is_written_down_although_the_database_was_away(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_affiliate(make_merchant())
    port = free_port()
    monkeypatch.setattr(app.extensions["mail"], "port", port)
    close, faults = jobs.close, iter([True])

    def close_in_vain(job: Job, owner: str) -> bool:
        if next(faults, False):
            raise OperationalError("DELETE", {}, ConnectionError("away"))
        return close(job, owner)

    monkeypatch.setattr(jobs, "close", close_in_vain)

    with serving(Postbox(), port) as postbox:
        run_once(app)

    assert len(postbox.taken) == 1
    assert db.session.query(Message).one().state is MessageState.SENT


def test_a_lease_is_longer_than_the_longest_mail(app: Flask) -> None:
    longest_mail = timedelta(seconds=mails.SESSION_SECONDS + jobs.FINISH_WITHIN_SECONDS)

    assert longest_mail < worker.SHORTEST_LEASE
