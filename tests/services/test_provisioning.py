"""What is done at Segment: every answer it can give, disables in between, one renewal at a time."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import requests
from flask import Flask

from refersion_segment.clients.segment_answers import AccessToken, Destination, TokenGrant
from refersion_segment.clock import utc_now
from refersion_segment.domain.segment_names import SourceName
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Install, Job, Source
from refersion_segment.models.connection import ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import api_keys, connections, install_tokens, jobs, provisioning
from refersion_segment.services.actors import COMMAND
from tests.factories import make_merchant
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


@pytest.fixture
def segment() -> Iterator[FakeSegment]:
    with FakeSegment().running() as fake:
        yield fake


@pytest.fixture
def northwind(app: Flask) -> Tenant:
    made = make_merchant()
    tenant = Tenant(made.merchant.id, made.api_key)
    db.session.rollback()
    return tenant


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


# Faults that end well by themselves: what Segment does first, and the requests that follow.
MENDED = [
    pytest.param([], [CREATE, READ], id="created"),
    pytest.param(
        [(CREATE, {"status": 500, "json": EXISTS})],
        [CREATE, UPDATE, READ],
        id="exists as observed",
    ),
    pytest.param(
        [(CREATE, {"status": 409, "json": {"error": "already exists", "code": 6}})],
        [CREATE, UPDATE, READ],
        id="exists as documented",
    ),
    pytest.param(
        [(CREATE, {"status": 502, "body": "upstream connect error"})],
        [CREATE, READ, UPDATE, READ],
        id="a fault that did create it",
    ),
    pytest.param(
        [(CREATE, {"status": 401, "json": {"error": "no", "code": 16}})],
        [CREATE, RENEW, CREATE, UPDATE, READ],
        id="token refused",
    ),
    pytest.param(
        [(READ, {"status": 403, "json": {"error": "malformed token", "code": 7}})],
        [CREATE, UPDATE, READ, RENEW, CREATE, UPDATE, READ],
        id="token refused half-way",
    ),
]


@pytest.mark.parametrize(("faults", "expected"), MENDED)
def test_what_segment_answers_is_mended(
    northwind: Tenant,
    segment: FakeSegment,
    faults: list[tuple[str, dict[str, Any]]],
    expected: list[str],
) -> None:
    enable(northwind, segment)
    if faults:
        name = f"{SHOP}/refersion".removeprefix("/v1beta/")
        segment.destinations[name] = {"name": name, "enabled": False, "config": []}
    for request, fault in faults:
        segment.fail(request, **fault)

    assert work_off(northwind) == 1

    assert segment.requests == expected
    assert segment.is_on("shop")
    assert segment.key_of("shop") == northwind.api_key
    assert source_of(northwind).destination_state is DestinationState.ON
    assert connection_of(northwind).state is ConnectionState.CONNECTED


TRANSIENT = [
    ({"status": 503}, "Segment answered 503: API down."),
    ({"status": 429, "json": {"error": "slow down"}}, "Segment answered 429: slow down."),
    ({"status": 200, "body": "<h1>Maintenance</h1>"}, "Segment answered 200, but not in JSON."),
    ({"status": 302, "body": "moved"}, "Segment answered 302."),
    ({"status": 200, "body": "x" * 2_000_000}, "Segment's answer was too large to be one."),
    ({"exception": requests.ConnectionError("no")}, "Segment could not be reached."),
    ({"exception": requests.ReadTimeout("slow")}, "Segment did not answer within 4 s."),
    (
        {"status": 200, "json": {"enabled": False, "config": []}},
        "Segment took the settings, but shows others when asked.",
    ),
]


@pytest.mark.parametrize(("fault", "sentence"), TRANSIENT)
def test_what_may_pass_is_tried_again(
    northwind: Tenant, segment: FakeSegment, fault: dict[str, Any], sentence: str
) -> None:
    enable(northwind, segment)
    segment.fail(READ, **fault)
    job = claim_next(northwind)
    assert job

    do(job)

    [waiting] = jobs_of(northwind)
    assert (waiting.problem, source_of(northwind).problem) == (sentence, sentence)
    assert waiting.due_at
    assert waiting.due_at > utc_now()
    assert source_of(northwind).destination_state is DestinationState.TURNING_ON
    assert connection_of(northwind).state is ConnectionState.CONNECTING
    assert connection_of(northwind).problem == sentence
    work_off(northwind)
    assert connection_of(northwind).state is ConnectionState.CONNECTED
    assert source_of(northwind).problem == ""
    assert len(segment.destinations) == 1


def test_a_wait_that_segment_asks_for_is_kept(northwind: Tenant, segment: FakeSegment) -> None:
    enable(northwind, segment)
    segment.fail(CREATE, status=429, headers={"Retry-After": "600"})
    job = claim_next(northwind)
    assert job

    do(job)

    [waiting] = jobs_of(northwind)
    assert waiting.due_at
    wait = waiting.due_at - utc_now()
    assert timedelta(seconds=590) < wait <= timedelta(seconds=600)


FINAL = [
    ({"status": 400, "json": {"error": "bad field"}}, "Segment answered 400: bad field."),
    ({"status": 403, "json": {"error": "insufficient scope"}}, "insufficient scope"),
    ({"status": 404, "json": {"error": "no such source"}}, "no such source"),
    ({"status": 501, "json": {"error": "unsupported"}}, "Segment answered 501"),
]


@pytest.mark.parametrize(("fault", "sentence"), FINAL)
def test_what_will_not_pass_is_shown(
    northwind: Tenant, segment: FakeSegment, fault: dict[str, Any], sentence: str
) -> None:
    enable(northwind, segment)
    segment.fail(CREATE, **fault)

    assert work_off(northwind) == 1

    assert source_of(northwind).destination_state is DestinationState.FAILED
    assert sentence in source_of(northwind).problem
    assert connection_of(northwind).state is ConnectionState.FAILING
    assert sentence in connection_of(northwind).problem
    [given_up] = jobs_of(northwind)
    assert given_up.gave_up_at

    connections.try_again(northwind.id, by=COMMAND, now=utc_now())
    db.session.commit()
    assert connection_of(northwind).state is ConnectionState.CONNECTING
    work_off(northwind)
    assert connection_of(northwind).state is ConnectionState.CONNECTED


def test_a_failing_connection_takes_calls(northwind: Tenant, segment: FakeSegment) -> None:
    enable(northwind, segment)
    segment.fail(CREATE, status=400, json={"error": "bad field"})
    work_off(northwind)

    assert connection_of(northwind).state is not ConnectionState.DISABLED


def test_a_renewal_that_is_refused_asks_for_a_new_consent(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    segment.end_token()
    segment.fail(RENEW, status=401, json={"error": "install was removed"})

    work_off(northwind)

    connection = connection_of(northwind)
    assert connection.state is ConnectionState.FAILING
    assert connection.problem == (
        "Segment no longer accepts the access that it gave us: connect it again. "
        "Segment answered 401: install was removed."
    )
    enable(northwind, segment)
    work_off(northwind)
    assert connection_of(northwind).state is ConnectionState.CONNECTED


def test_a_renewal_that_fails_for_now_is_tried_again(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    segment.end_token()
    segment.fail(RENEW, status=503, times=2)

    assert work_off(northwind) == 3

    assert connection_of(northwind).state is ConnectionState.CONNECTED


def test_a_fresh_token_that_is_refused_too_asks_for_a_new_consent(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    segment.fail(CREATE, status=401, json={"error": "revoked"}, times=2)

    work_off(northwind)

    assert segment.renewals == 1
    assert "connect it again" in connection_of(northwind).problem


def test_a_token_that_ends_soon_is_renewed_before_it_is_used(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    install = install_of(northwind)
    install.token_expires_at = utc_now() + timedelta(seconds=50)
    db.session.commit()

    work_off(northwind)

    assert segment.requests == [RENEW, CREATE, READ]
    assert install_of(northwind).name == "installs/7"


def test_switching_off_leaves_the_destination_there(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    work_off(northwind)

    disable(northwind)

    assert connection_of(northwind).state is ConnectionState.DISABLED
    assert source_of(northwind).destination_state is DestinationState.TURNING_OFF
    work_off(northwind)
    assert segment.is_on("shop") is False
    assert segment.key_of("shop") == northwind.api_key
    assert source_of(northwind).destination_state is DestinationState.OFF
    assert jobs_of(northwind) == []


def test_a_destination_that_was_removed_is_off(northwind: Tenant, segment: FakeSegment) -> None:
    enable(northwind, segment)
    work_off(northwind)
    segment.destinations.clear()
    disable(northwind)

    work_off(northwind)

    assert source_of(northwind).destination_state is DestinationState.OFF


def test_a_switch_off_that_fails_is_shown_and_tried_again(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    work_off(northwind)
    disable(northwind)
    segment.fail(UPDATE, status=403, json={"error": "insufficient scope"})

    work_off(northwind)

    assert source_of(northwind).destination_state is DestinationState.FAILED
    assert connection_of(northwind).state is ConnectionState.DISABLED
    connections.try_again(northwind.id, by=COMMAND, now=utc_now())
    db.session.commit()
    assert source_of(northwind).destination_state is DestinationState.TURNING_OFF
    work_off(northwind)
    assert segment.is_on("shop") is False


def test_a_disable_before_the_switch_on_makes_it_void(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)

    disable(northwind)
    work_off(northwind)

    assert segment.requests == [UPDATE]
    assert segment.is_on("shop") is None
    assert source_of(northwind).destination_state is DestinationState.OFF


@pytest.mark.parametrize("request_in_flight", [CREATE, READ])
def test_a_disable_wins_over_a_switch_on_in_flight(
    app: Flask, northwind: Tenant, segment: FakeSegment, request_in_flight: str
) -> None:
    enable(northwind, segment)
    job = claim_next(northwind)
    assert job

    def disable_meanwhile() -> None:
        # The switch-off even overtakes the switch-on: another worker is done before us.
        in_another_thread(app, lambda: (disable(northwind), work_off(northwind)))

    segment.fail(request_in_flight, goes_on=True, before=disable_meanwhile)
    do(job)

    assert connection_of(northwind).state is ConnectionState.DISABLED
    work_off(northwind)
    assert segment.is_on("shop") is False
    assert source_of(northwind).destination_state is DestinationState.OFF
    assert jobs_of(northwind) == []


def test_a_disable_wins_over_a_switch_on_that_broke_in_flight(
    app: Flask, northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    job = claim_next(northwind)
    assert job

    def disable_meanwhile() -> None:
        in_another_thread(app, lambda: disable(northwind))

    segment.fail(READ, status=503, before=disable_meanwhile)
    do(job)
    work_off(northwind)

    assert segment.is_on("shop") is False
    assert source_of(northwind).destination_state is DestinationState.OFF


def test_a_worker_that_died_in_flight_leaves_nothing_on(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    claim_next(northwind)
    name = f"{SHOP}/refersion".removeprefix("/v1beta/")
    disable(northwind)
    work_off(northwind, most=1)
    # The dead worker's request reaches Segment after the switch-off.
    segment.destinations[name] = {"name": name, "enabled": True, "config": []}

    in_a_day = utc_now() + timedelta(days=2)
    for _ in range(4):
        for job in jobs.claim(northwind.id, "me", in_a_day, 1, timedelta(minutes=1)):
            db.session.commit()
            do(job)

    assert segment.is_on("shop") is False
    assert jobs_of(northwind) == []


def test_enabling_again_wins_over_a_switch_off_in_flight(
    app: Flask, northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    work_off(northwind)
    disable(northwind)
    job = claim_next(northwind)
    assert job

    def enable_meanwhile() -> None:
        in_another_thread(app, lambda: (enable(northwind, segment), work_off(northwind)))

    # The switch-off was sent with the token of before, and Segment takes it last.
    segment.fail(UPDATE, goes_on=True, before=enable_meanwhile)
    do(job)
    work_off(northwind)

    assert segment.is_on("shop") is True
    assert connection_of(northwind).state is ConnectionState.CONNECTED


def test_a_source_that_is_not_chosen_again_is_still_switched_off(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment, "shop", "app")
    work_off(northwind)
    disable(northwind)

    enable(northwind, segment, "app")
    work_off(northwind)

    assert (segment.is_on("shop"), segment.is_on("app")) == (False, True)
    assert source_of(northwind).destination_state is DestinationState.OFF
    assert connection_of(northwind).state is ConnectionState.CONNECTED


def test_a_rotated_key_is_pushed_to_what_is_on(northwind: Tenant, segment: FakeSegment) -> None:
    enable(northwind, segment, "shop", "app")
    work_off(northwind)

    api_keys.rotate(northwind.id, by=COMMAND, now=utc_now())
    connections.push_key(northwind.id, now=utc_now())
    db.session.commit()

    assert source_of(northwind).destination_state is DestinationState.ON
    assert work_off(northwind) == 2
    new = api_keys.reveal(api_keys.current_key(northwind.id))
    assert new != northwind.api_key
    assert segment.key_of("shop") == segment.key_of("app") == new


def test_a_key_that_is_rotated_in_flight_is_pushed_after_it(
    app: Flask, northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    job = claim_next(northwind)
    assert job

    def rotate() -> None:
        api_keys.rotate(northwind.id, by=COMMAND, now=utc_now())
        db.session.commit()

    segment.fail(CREATE, goes_on=True, before=lambda: in_another_thread(app, rotate))
    do(job)
    work_off(northwind)

    assert segment.key_of("shop") == api_keys.reveal(api_keys.current_key(northwind.id))


def test_no_key_is_pushed_while_it_is_off(northwind: Tenant, segment: FakeSegment) -> None:
    enable(northwind, segment)
    work_off(northwind)
    disable(northwind)
    work_off(northwind)

    connections.push_key(northwind.id, now=utc_now())
    db.session.commit()

    assert jobs_of(northwind) == []


def test_trying_again_leaves_a_job_in_hand_alone(northwind: Tenant, segment: FakeSegment) -> None:
    enable(northwind, segment)
    now = utc_now()
    later = now + connections.HEAD_START
    jobs.claim(northwind.id, "worker", later, 1, timedelta(minutes=1))
    db.session.commit()

    connections.try_again(northwind.id, by=COMMAND, now=now)
    db.session.commit()

    assert [job.owner for job in jobs_of(northwind)] == ["worker"]


def test_many_at_once_renew_a_token_once(
    app: Flask, northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    work_off(northwind)
    segment.end_token()
    done: list[Destination | None] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        client = provisioning.segment_client()
        source = SourceName("northwind", "shop")
        look = partial(client.get_destination, source=source)
        barrier.wait()
        done.append(install_tokens.with_token(northwind.id, "installs/7", client, look))

    run_all(app, [ask] * 8)

    assert len(done) == 8
    assert all(found and found.is_enabled for found in done)
    assert segment.renewals == 1


def test_a_process_that_died_while_it_renewed_holds_nobody_up_for_long(
    northwind: Tenant, segment: FakeSegment
) -> None:
    enable(northwind, segment)
    segment.end_token()
    install = install_of(northwind)
    install.token_lease_until = jobs.database_clock() - timedelta(seconds=1)
    db.session.commit()

    work_off(northwind)

    assert segment.renewals == 1
    assert connection_of(northwind).state is ConnectionState.CONNECTED


def test_two_consents_at_once_give_one_install(
    app: Flask, northwind: Tenant, segment: FakeSegment
) -> None:
    barrier = threading.Barrier(4)

    def consent() -> None:
        barrier.wait()
        enable(northwind, segment)

    run_all(app, [consent] * 4)
    work_off(northwind)

    assert len(db.session.scalars(rows_of(northwind.id, Connection)).all()) == 1
    assert len(db.session.scalars(rows_of(northwind.id, Source)).all()) == 1
    assert jobs_of(northwind) == []
    assert connection_of(northwind).generation == 1
    assert connection_of(northwind).state is ConnectionState.CONNECTED


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
