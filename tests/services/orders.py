"""A connected merchant in plain values, its orders, and a worker that does them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import Flask

from refersion_segment import jobs
from refersion_segment.clients.segment_answers import AccessToken, TokenGrant
from refersion_segment.clock import utc_now
from refersion_segment.domain.segment_names import SourceName
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Install, Job, Source
from refersion_segment.models.scope import rows_of
from refersion_segment.services import connections, provisioning
from refersion_segment.services.actors import COMMAND
from tests.segment_fake import FakeSegment

SHOP = "/v1beta/workspaces/northwind/sources/shop/destinations"
CREATE, READ, UPDATE = f"POST {SHOP}", f"GET {SHOP}/refersion", f"PATCH {SHOP}/refersion"
RENEW = "GET /v1beta/installs/7/token"
EXISTS = {"error": "destination already exists or other internal error", "code": 13}


@dataclass(frozen=True)
class Tenant:
    """A merchant in plain values, so that every thread can use it."""

    id: UUID
    api_key: str


def enable(made: Tenant, segment: FakeSegment, *slugs: str) -> None:
    segment.end_token()
    grant = TokenGrant(
        AccessToken(segment.token, timedelta(hours=1)),
        segment.install,
        segment.workspace,
        tuple(SourceName(segment.workspace, slug) for slug in slugs or ("shop",)),
    )
    connections.enable_managed(made.id, grant, by=COMMAND, now=utc_now())
    db.session.commit()


def disable(made: Tenant) -> None:
    connections.disable(made.id, by=COMMAND, now=utc_now())
    db.session.commit()


def claim_next(made: Tenant) -> Job | None:
    later = utc_now() + timedelta(days=1)
    claimed = jobs.claim(made.id, "me", later, 1, timedelta(minutes=1))
    db.session.commit()
    return claimed[0] if claimed else None


def do(job: Job) -> None:
    jobs.perform(job, "me", provisioning.work(job.kind), utc_now)


def work_off(made: Tenant, *, most: int = 10) -> int:
    """Do what is ordered until nothing is; tell how many tries it took."""
    for number in range(most):
        if (job := claim_next(made)) is None:
            return number
        do(job)
    return most


def connection_of(made: Tenant) -> Connection:
    db.session.rollback()
    return db.session.get_one(Connection, made.id)


def install_of(made: Tenant) -> Install:
    db.session.rollback()
    return db.session.scalars(rows_of(made.id, Install)).one()


def source_of(made: Tenant, label: str = "shop") -> Source:
    db.session.rollback()
    query = rows_of(made.id, Source).where(Source.label == label)
    return db.session.scalars(query).one()


def jobs_of(made: Tenant) -> list[Job]:
    db.session.rollback()
    return list(db.session.scalars(rows_of(made.id, Job).order_by(Job.id)))


def in_another_thread(app: Flask, call: Callable[[], object]) -> None:
    run_all(app, [call])


def run_all(app: Flask, calls: list[Callable[[], object]]) -> None:
    faults: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        with app.app_context():
            try:
                call()
            except BaseException as fault:  # told below, in the test's own thread
                faults.append(fault)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if faults:
        raise faults[0]
