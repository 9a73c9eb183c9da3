"""Orders that cross: disables, keys, crashes and renewals at the wrong moment."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask

from refersion_segment import jobs
from refersion_segment.clients.segment_answers import Destination
from refersion_segment.clock import utc_now
from refersion_segment.domain.segment_names import SourceName
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Source
from refersion_segment.models.connection import ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import api_keys, connections, install_tokens, provisioning
from refersion_segment.services.actors import COMMAND
from tests.segment_fake import FakeSegment
from tests.services.orders import (
    CREATE,
    READ,
    SHOP,
    UPDATE,
    Tenant,
    claim_next,
    connection_of,
    disable,
    do,
    enable,
    in_another_thread,
    install_of,
    jobs_of,
    run_all,
    source_of,
    work_off,
)


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
