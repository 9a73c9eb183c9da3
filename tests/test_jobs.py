"""The queue: one job, one owner, one end."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from uuid_utils.compat import uuid7

from refersion_segment import jobs
from refersion_segment.extensions import db
from refersion_segment.jobs import GiveUp, RetryLater, Work
from refersion_segment.models import Job, Merchant
from refersion_segment.models.job import JobKind

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)


@pytest.fixture
def merchant_id(app: Flask) -> UUID:
    """A merchant who has nothing but a name."""
    return add_merchant()


def add_merchant() -> UUID:
    merchant = Merchant(
        name="Shop", handle=uuid7().hex, erasure_key_sealed="sealed", created_at=NOW
    )
    db.session.add(merchant)
    db.session.commit()
    return merchant.id


def add_jobs(merchant_id: UUID, number: int = 1) -> None:
    for _ in range(number):
        jobs.enqueue(JobKind.SEND_MESSAGE, merchant_id=merchant_id, subject_id=uuid7(), now=NOW)
    db.session.commit()


def take(merchant_id: UUID, owner: str = "me", *, now: datetime = NOW, limit: int = 1) -> list[Job]:
    claimed = jobs.claim(merchant_id, owner, now, limit, LEASE)
    db.session.commit()
    return claimed


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(merchant_id: UUID) -> None:
    add_jobs(merchant_id)

    first = take(merchant_id, "one")

    assert [job.owner for job in first] == ["one"]
    assert take(merchant_id, "two") == []
    assert len(take(merchant_id, "two", now=NOW + LEASE)) == 1


def test_a_job_is_removed_by_its_owner_only(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    [job] = take(merchant_id, "one")
    take(merchant_id, "two", now=NOW + LEASE)

    assert not jobs.close(job, "one")
    assert jobs.close(job, "two")
    db.session.commit()
    assert db.session.query(Job).count() == 0


def test_only_merchants_with_something_to_do_are_asked(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    add_merchant()

    assert jobs.merchants_with_due_jobs(NOW) == [merchant_id]
    assert jobs.merchants_with_due_jobs(NOW - LEASE) == []
    assert jobs.merchants_with_due_jobs(NOW, without={JobKind.SEND_MESSAGE}) == []


def test_many_workers_share_the_jobs_without_doing_one_twice(app: Flask, merchant_id: UUID) -> None:
    add_jobs(merchant_id, 40)
    taken: list[UUID] = []

    def work(owner: str) -> None:
        with app.app_context():
            while claimed := take(merchant_id, owner, limit=3):
                taken.extend(job.id for job in claimed)

    threads = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 40


def test_what_a_job_changed_is_written_with_its_end(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    [job] = take(merchant_id)

    jobs.perform(job, "me", Work(rename(merchant_id)), lambda: NOW)

    assert db.session.get_one(Merchant, merchant_id).name == "Renamed"
    assert db.session.query(Job).count() == 0


def test_a_worker_that_lost_its_lease_writes_nothing(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    [job] = take(merchant_id, "slow")
    take(merchant_id, "successor", now=NOW + LEASE)

    jobs.perform(job, "slow", Work(rename(merchant_id)), lambda: NOW)

    assert db.session.get_one(Merchant, merchant_id).name == "Shop"
    assert db.session.query(Job.owner).scalar() == "successor"


def test_a_job_that_breaks_is_tried_again_later(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    [job] = take(merchant_id)

    jobs.perform(job, "me", Work(broken), lambda: NOW)

    assert take(merchant_id) == []
    [again] = take(merchant_id, now=NOW + jobs.SHORTEST_BACKOFF)
    assert again.attempts == 2
    assert again.problem == jobs.UNEXPECTED


def test_a_job_that_fails_for_days_gives_up_and_says_so(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    [job] = take(merchant_id)
    told: list[str] = []
    later = NOW + jobs.GIVE_UP_AFTER

    jobs.perform(
        job, "me", Work(not_now, lambda _job, problem: told.append(problem)), lambda: later
    )

    stays = db.session.query(Job).one()
    assert (stays.gave_up_at, stays.due_at, stays.problem) == (later, None, "Not now.")
    assert told == ["Not now."]


def test_a_job_that_gives_up_is_never_due_again(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    [job] = take(merchant_id)

    jobs.perform(job, "me", Work(hopeless), lambda: NOW)

    assert take(merchant_id, now=NOW + timedelta(days=900)) == []
    assert jobs.claim_one(merchant_id, job.id, "me", NOW + timedelta(days=900)) is None


def test_a_known_job_can_be_claimed_once_by_its_id(merchant_id: UUID) -> None:
    add_jobs(merchant_id)
    job_id = db.session.query(Job.id).scalar()

    first = jobs.claim_one(merchant_id, job_id, "page", NOW)

    assert first is not None
    assert jobs.claim_one(merchant_id, job_id, "worker", NOW) is None


def test_the_backoff_grows_to_an_hour_and_no_further() -> None:
    assert all(jobs.backoff(1) <= jobs.SHORTEST_BACKOFF for _ in range(50))
    assert max(jobs.backoff(8) for _ in range(50)) > jobs.SHORTEST_BACKOFF
    assert all(jobs.backoff(10_000) <= jobs.LONGEST_BACKOFF for _ in range(50))


def rename(merchant_id: UUID):  # type: ignore[no-untyped-def]
    def work(_job: Job) -> None:
        db.session.get_one(Merchant, merchant_id).name = "Renamed"

    return work


def broken(_job: Job) -> None:
    raise KeyError("a mistake of ours")


def not_now(_job: Job) -> None:
    raise RetryLater("Not now.")


def hopeless(_job: Job) -> None:
    raise GiveUp("Never.")
