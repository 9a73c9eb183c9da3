"""What is done at Segment, whatever it answers."""

from datetime import timedelta
from typing import Any

import pytest
import requests

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models.connection import ConnectionState, DestinationState
from refersion_segment.services import connections
from refersion_segment.services.actors import COMMAND
from tests.segment_fake import FakeSegment
from tests.services.orders import (
    CREATE,
    EXISTS,
    READ,
    RENEW,
    SHOP,
    UPDATE,
    Tenant,
    claim_next,
    connection_of,
    disable,
    do,
    enable,
    install_of,
    jobs_of,
    source_of,
    work_off,
)

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
