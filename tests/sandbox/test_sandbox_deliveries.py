"""Deliveries: what is tried again, when, by whom, and what of it people can see."""

import json
import os
import socket
from datetime import UTC, datetime

import pytest
import time_machine

from refersion_segment.sandbox import deliveries, schedule
from refersion_segment.sandbox.deliverer import Deliverer
from refersion_segment.sandbox.destinations import update_destination
from refersion_segment.sandbox.schedule import after_try, retry_after_seconds
from refersion_segment.sandbox.sender import Answer
from refersion_segment.sandbox.switches import Network

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def answered(status, **headers):
    fault = "timeout" if status is None else ""
    return Answer("http://x", "", {}, status=status, headers=headers, fault=fault)


def outcome(answer, *, tries=1, age_seconds=0.0, time_scale=1):
    return after_try(answer, tries=tries, age_seconds=age_seconds, time_scale=time_scale)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_is_delivered(status):
    assert outcome(answered(status)).code == f"delivered.{status}"


@pytest.mark.parametrize("status", [300, 307, 408, 423, 429, 500, 502, 503, 505, None])
def test_what_may_pass_is_tried_again(status):
    found = outcome(answered(status))

    assert found.state == "waiting"
    assert found.code == f"errors.awaiting-retry.{status or 'timeout'}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 415, 422, 460, 501])
def test_what_will_not_pass_is_discarded(status):
    assert outcome(answered(status)).code == f"errors.discarded.{status}"


def test_delays_grow_at_random_up_to_a_quarter_of_an_hour():
    first = [outcome(answered(503), tries=1).delay_seconds for _ in range(200)]
    tenth = [outcome(answered(503), tries=30).delay_seconds for _ in range(200)]

    assert max(first) <= 1
    assert 500 < max(tenth) <= 900
    assert min(tenth) < 400


def test_retry_after_is_the_least_that_is_waited():
    assert 120 <= outcome(answered(429, **{"Retry-After": "120"})).delay_seconds <= 121
    assert retry_after_seconds("Wed, 04 Mar 2026 09:01:00 GMT", NOW) == 60
    assert retry_after_seconds("soon", NOW) == retry_after_seconds(None, NOW) == 0


def test_after_four_hours_an_event_is_given_up():
    assert outcome(answered(503), age_seconds=4 * 3600 + 1).code == "errors.discarded.503"
    assert outcome(answered(503), age_seconds=4 * 3600 - 2).state == "waiting"
    assert outcome(answered(503), age_seconds=241, time_scale=60).state == "discarded"


def test_a_retry_repeats_the_same_bytes(destination, identify, deliver, sandbox):
    destination.answer(503, (429, {"Retry-After": "2"}, "{}"), 200)
    with time_machine.travel(NOW, tick=False) as clock:
        identify()
        first = deliver()
        clock.shift(1.1)
        second = deliver()
        clock.shift(1.1)
        too_early = deliver()
        clock.shift(3)
        third = deliver()

    assert (first, second, too_early, third) == (1, 1, 0, 1)
    bodies = [call.body for call in destination.calls]
    assert bodies[0] == bodies[1] == bodies[2]
    tries = deliveries.list_attempts(sandbox.database, 1, 1)
    assert [one.code for one in tries] == [
        "errors.awaiting-retry.503",
        "errors.awaiting-retry.429",
        "delivered.200",
    ]


def test_a_refusal_is_kept_with_request_and_answer(destination, identify, deliver, client):
    destination.answer((401, {"X-Why": "key"}, '{"message": "API key not recognised."}'))
    identify()
    deliver()

    (one,) = client.get("/deliveries.json").json
    assert one["state"] == "discarded"
    assert one["code"] == "errors.discarded.401"
    assert one["body"]["messageId"] == "m-1"
    (attempt,) = one["attempts"]
    assert attempt["status"] == 401
    assert attempt["response_body"] == '{"message": "API key not recognised."}'
    assert attempt["response_headers"]["X-Why"] == "key"
    assert attempt["request_headers"]["User-Agent"] == "Segment.io/1.0"
    assert "cHVi" not in json.dumps(one), "the API key stays out of sight"
    page = client.get("/deliveries/1").text
    assert "errors.discarded.401" in page
    assert "API key not recognised." in page


def test_a_redirect_is_not_followed(destination, identify, deliver):
    destination.answer((307, {"Location": destination.url + "/"}, ""))
    identify()
    deliver()

    assert len(destination.calls) == 1


def test_an_unreachable_destination_is_tried_again(sandbox, destination, identify, client):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    identify()

    Deliverer(sandbox.database, url).deliver_next()

    (one,) = client.get("/deliveries.json").json
    assert one["code"] == "errors.awaiting-retry.connection"


def test_a_lost_answer_makes_a_duplicate(destination, identify, deliver, switch):
    switch(network=Network.ANSWERS_LOST)
    with time_machine.travel(NOW, tick=False) as clock:
        identify()
        deliver()
        switch(network=Network.WORKING)
        clock.shift(2)
        deliver()

    assert [call.body["messageId"] for call in destination.calls] == ["m-1", "m-1"]


def test_a_network_that_is_down_reaches_nobody(destination, identify, deliver, switch):
    switch(network=Network.DOWN)
    identify()
    deliver()

    assert destination.calls == []


def test_a_rotated_key_is_used_from_the_next_try(destination, identify, deliver, sandbox, web_shop):
    destination.answer(503)
    name = f"{web_shop.name}/destinations/refersion"
    with time_machine.travel(NOW, tick=False) as clock:
        identify()
        deliver()
        update_destination(sandbox.database, name, api_key="new.key")
        clock.shift(2)
        deliver()

    first, second = (call.headers["Authorization"] for call in destination.calls)
    assert first != second


def test_what_waits_for_a_destination_that_is_off_is_discarded(
    destination, identify, deliver, person, client
):
    identify()
    person.post("/sources/web-shop", "/sources/web-shop/destination/turn", on="0")
    deliver()

    assert destination.calls == []
    assert client.get("/deliveries.json").json[0]["code"] == "errors.discarded.destination-off"


def test_one_claim_at_a_time_and_a_dead_one_runs_out(destination, identify, sandbox):
    with time_machine.travel(NOW, tick=False) as clock:
        identify()
        first = deliveries.claim_due(sandbox.database)
        second = deliveries.claim_due(sandbox.database)
        clock.shift(deliveries.CLAIM_SECONDS + 1)
        third = deliveries.claim_due(sandbox.database)
        deliveries.close(
            sandbox.database, first, answered(503), schedule.Outcome("discarded", "late")
        )
        deliveries.close(
            sandbox.database, third, answered(200), schedule.Outcome("delivered", "in time")
        )

    assert first is not None
    assert second is None
    assert third.key != first.key
    assert deliveries.find_delivery(sandbox.database, 1).code == "in time"
    assert len(deliveries.list_attempts(sandbox.database, 1, 1)) == 1


def test_threads_deliver_by_themselves_once_each(destination, client, web_shop, sandbox):
    sandbox.deliverer.starts_by_itself = True
    batch = [{"type": "identify", "userId": f"u-{n}"} for n in range(40)]

    client.post("/v1/batch", json={"writeKey": web_shop.write_key, "batch": batch})

    destination.wait_for(40)
    sandbox.stop_deliveries()
    assert sorted(call.body["userId"] for call in destination.calls) == sorted(
        event["userId"] for event in batch
    )
    assert {one["state"] for one in client.get("/deliveries.json").json} == {"delivered"}


def test_a_forked_child_starts_threads_of_its_own(destination, identify, sandbox):
    sandbox.start_deliveries()
    child = os.fork()
    if child == 0:  # pragma: no cover  another process
        sandbox.deliverer.starts_by_itself = True
        is_clean = not sandbox.deliverer._threads
        sandbox.deliverer.wake()
        os._exit(0 if is_clean and len(sandbox.deliverer._threads) == 4 else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
