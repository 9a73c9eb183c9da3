"""The tracking API: what SDKs get answered, what is dropped, what goes to the destination."""

import base64
import gzip
import json
import threading

import pytest
import time_machine
from segment.analytics.client import Client
from werkzeug.serving import make_server

from refersion_segment.sandbox import pipeline, tracking
from refersion_segment.sandbox.ingest import list_events, suppress

NOW = "2026-03-04T09:15:23.050Z"


@pytest.fixture
def verdicts(sandbox, web_shop):
    """What became of the events of web-shop, oldest first."""
    return lambda: [
        event.verdict for event in reversed(list_events(sandbox.database, web_shop, limit=50))
    ]


def test_an_identify_reaches_the_destination_as_segment_sends_it(destination, identify, deliver):
    with time_machine.travel(NOW, tick=False):
        response = identify(
            timestamp="2026-03-04T10:15:20.100+01:00", sentAt="2026-03-04T09:15:20.600Z"
        )
        deliver()

    assert (response.status_code, response.json) == (200, {"success": True})
    (call,) = destination.calls
    assert call.headers["Authorization"] == "Basic cHViXzdmM2M5MS5zZWNfYjJkMDRlOg=="
    assert call.headers["User-Agent"] == "Segment.io/1.0"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["Accept"] == "*/*"
    assert call.headers["Cache-Control"] == "no-cache"
    assert len(call.body.pop("projectId")) == 22
    assert call.body == {
        "type": "identify",
        "userId": "cust-1042",
        "messageId": "m-1",
        "traits": {"email": "ada@example.com", "firstName": "Ada"},
        "channel": "server",
        "context": {},
        "integrations": {},
        "version": 2,
        "originalTimestamp": "2026-03-04T09:15:20.100Z",
        "sentAt": "2026-03-04T09:15:20.600Z",
        "receivedAt": NOW,
        "timestamp": "2026-03-04T09:15:22.550Z",
    }


@pytest.mark.parametrize("path", ["track", "page", "screen", "group", "t", "p", "s", "g"])
def test_other_calls_are_delivered_too(destination, client, web_shop, deliver, path):
    body = {"writeKey": web_shop.write_key, "userId": "u", "event": "Paid", "groupId": "g"}

    client.post(f"/v1/{path}", json=body)

    assert deliver() == 1
    assert destination.calls[0].body["type"].startswith(path)


def test_an_alias_is_delivered(destination, client, web_shop, deliver):
    body = {"writeKey": web_shop.write_key, "userId": "new", "previousId": "old"}

    client.post("/v1/a", json=body)

    assert deliver() == 1


def test_a_batch_is_exploded_and_shares_its_context(destination, client, web_shop, deliver):
    batch = {
        "writeKey": web_shop.write_key,
        "sentAt": "2026-03-04T09:15:20.600Z",
        "context": {"locale": "en-GB", "ip": "198.51.100.7"},
        "batch": [
            {"type": "identify", "userId": "a", "context": {"locale": "nb-NO"}},
            {"type": "track", "userId": "b", "event": "Paid"},
            {"userId": "c"},
            "nonsense",
        ],
    }

    response = client.post("/v1/batch", json=batch)

    assert response.status_code == 200
    assert deliver() == 2
    first, second = (call.body for call in destination.calls)
    assert first["context"] == {"locale": "nb-NO", "ip": "198.51.100.7"}
    assert second["context"] == {"locale": "en-GB", "ip": "198.51.100.7"}
    assert first["sentAt"] == second["sentAt"] == "2026-03-04T09:15:20.600Z"
    assert first["messageId"] != second["messageId"]


@pytest.mark.parametrize("with_colon", [":", ""])
def test_the_write_key_may_be_the_basic_user_name(
    destination, client, web_shop, deliver, with_colon
):
    token = base64.b64encode(f"{web_shop.write_key}{with_colon}".encode()).decode()

    client.post("/v1/identify", json={"userId": "u"}, headers={"Authorization": f"Basic {token}"})

    assert deliver() == 1


def test_gzip_and_plain_text_are_understood(destination, client, web_shop, deliver):
    body = json.dumps({"writeKey": web_shop.write_key, "userId": "u"}).encode()

    zipped = client.post(
        "/v1/identify", data=gzip.compress(body), headers={"Content-Encoding": "gzip"}
    )
    beacon = client.post("/v1/i", data=body, content_type="text/plain")

    assert zipped.status_code == beacon.status_code == 200
    assert deliver() == 2
    assert destination.calls[1].body["channel"] == "client"
    assert destination.calls[1].body["context"]["ip"] == "127.0.0.1"


def test_a_browser_may_ask_before_it_sends(client):
    response = client.options(
        "/v1/i", headers={"Origin": "https://shop.example", "Access-Control-Request-Headers": "x"}
    )

    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "x"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b"[]", "Invalid JSON"),
        (b'{"a": NaN}', "Invalid JSON"),
        (b"[" * 20_000, "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b'{"userId": "u"}', "Invalid write key"),
        (b'{"userId": "u", "writeKey": ""}', "Invalid write key"),
        (b'{"userId": "u", "writeKey": "short"}', "Invalid write key"),
        (b'{"writeKey": "12345678", "userId": "%s"}' % (b"u" * 33_000), "Exceed payload limit"),
    ],
)
def test_what_cannot_be_read_is_refused(client, body, message):
    response = client.post("/v1/identify", data=body)

    assert response.status_code == 400
    assert response.json["message"].startswith(message)
    assert response.json["code"]


def test_a_batch_beyond_its_limits_is_refused(client, web_shop):
    def batch(*sizes):
        items = [{"type": "identify", "userId": "u" * size} for size in sizes]
        return client.post("/v1/batch", json={"writeKey": web_shop.write_key, "batch": items})

    assert batch(*[30_000] * 16).status_code == 200
    assert batch(*[30_000] * 18).json["message"] == "Exceed payload limit"
    assert batch(33_000).json["message"] == "Exceed payload limit"


def test_an_unpacked_gzip_counts(client, web_shop):
    body = json.dumps({"writeKey": web_shop.write_key, "userId": "u" * 9_000_000}).encode()

    response = client.post(
        "/v1/batch", data=gzip.compress(body), headers={"Content-Encoding": "gzip"}
    )

    assert response.json["message"] == "Exceed payload limit"


def test_a_torn_gzip_is_refused(client):
    torn = gzip.compress(b'{"writeKey": "12345678"}')[:-6]

    response = client.post("/v1/batch", data=torn, headers={"Content-Encoding": "gzip"})

    assert response.status_code == 400


def test_an_unknown_write_key_is_answered_like_a_good_one(destination, identify, deliver):
    response = identify(writeKey="k" * 32)

    assert (response.status_code, response.json) == (200, {"success": True})
    assert deliver() == 0


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        ({"type": "identify"}, "no_user_anon_id"),
        ({"type": "identify", "userId": " ", "anonymousId": None}, "no_user_anon_id"),
        ({"type": "identify", "userId": "u", "traits": "ada"}, "traits_not_object"),
        ({"type": "identify", "userId": "u", "traits": ["ada"]}, "traits_not_object"),
        ({"type": "track", "userId": "u"}, "event_not_defined"),
        ({"type": "track", "userId": "u", "event": "x", "properties": 1}, "properties_not_object"),
        ({"type": "group", "userId": "u"}, "id_required"),
        ({"type": "alias", "userId": "u"}, "id_required"),
        ({"type": "delete", "userId": "u"}, "type_not_supported"),
        ({"userId": "u"}, "type_not_supported"),
    ],
)
def test_what_makes_no_sense_is_answered_200_and_dropped(
    destination, client, web_shop, deliver, verdicts, event, verdict
):
    response = client.post("/v1/batch", json={"writeKey": web_shop.write_key, "batch": [event]})

    assert response.json == {"success": True}
    assert verdicts() == [verdict]
    assert deliver() == 0


def test_an_empty_and_an_overlong_batch_are_dropped(client, web_shop, verdicts):
    for batch in ([], [{}] * 2501):
        client.post("/v1/batch", json={"writeKey": web_shop.write_key, "batch": batch})

    assert verdicts() == ["empty_batch", "too_many_events"]


def test_an_empty_list_for_traits_is_an_empty_object(destination, identify, deliver):
    identify(traits=[], context=[])

    assert deliver() == 1


def test_a_message_id_counts_once_for_a_source(destination, identify, deliver, verdicts):
    identify()
    identify(traits={"email": "other@example.com"})

    assert deliver() == 1
    assert verdicts() == ["accepted", "duplicate_message_id"]


def test_a_dropped_event_does_not_use_its_message_id_up(destination, identify, deliver):
    identify(traits="nonsense")
    identify()

    assert deliver() == 1


def test_an_overlong_or_missing_message_id_is_replaced(destination, identify, deliver):
    identify(messageId="m" * 101)
    identify(messageId=None)
    identify(messageId="m" * 100)

    assert deliver() == 3
    sent = [call.body["messageId"] for call in destination.calls]
    assert [message_id.startswith("api-") for message_id in sent] == [True, True, False]


@pytest.mark.parametrize(
    ("integrations", "is_meant"),
    [
        (None, True),
        ([], True),
        ({}, True),
        ({"All": False}, False),
        ({"all": False}, False),
        ({"All": False, "Refersion": True}, True),
        ({"All": False, "Refersion": {"some": "option"}}, True),
        ({"Refersion": False}, False),
        ({"refersion": False}, True),
    ],
)
def test_integrations_decide_who_gets_an_event(integrations, is_meant):
    assert pipeline.is_meant_for({"integrations": integrations}, "Refersion") is is_meant


def test_a_switched_off_destination_gets_nothing(destination, identify, deliver, person):
    person.post("/sources/web-shop", "/sources/web-shop/destination/turn", on="0")
    identify()
    person.post("/sources/web-shop", "/sources/web-shop/destination/turn", on="1")

    assert deliver() == 0


def test_a_switched_off_source_drops_what_it_sends(destination, identify, person, verdicts):
    person.post("/sources/web-shop", "/sources/web-shop/turn", on="0")

    assert identify().status_code == 200
    assert verdicts() == ["source_disabled"]


def test_a_suppressed_user_is_dropped(destination, identify, sandbox, deliver, verdicts):
    suppress(sandbox.database, "cust-1042")

    identify()

    assert deliver() == 0
    assert verdicts() == ["suppressed_user"]


def test_the_catalog_can_filter_calls(destination, client, web_shop, deliver, switch):
    switch(identify_only=True)

    client.post("/v1/track", json={"writeKey": web_shop.write_key, "userId": "u", "event": "e"})

    assert deliver() == 0


def test_odd_moments_and_letters_are_no_reason_to_fail(destination, identify, deliver):
    identify(userId="\ud800", timestamp="soon", sentAt="0001-01-01T00:00:00Z")
    identify(messageId="m-2", timestamp="9999-12-31T23:59:59Z", sentAt="0001-01-01T00:00:00+14:00")

    assert deliver() == 2


def test_too_many_requests_a_second_are_asked_to_wait(identify, monkeypatch):
    monkeypatch.setattr(tracking, "REQUESTS_PER_SECOND", 0)

    response = identify()

    assert response.status_code == 429
    assert response.headers["Retry-After"] == response.headers["X-RateLimit-Reset"] == "1"


@pytest.mark.parametrize("path", ["/v1/delete", "/v1/identify/", "/v1", "/v1/projects/x/settings"])
def test_there_is_nothing_else(client, path):
    response = client.post(path, json={})

    assert response.status_code in (404, 405)
    assert response.is_json or path == "/v1"


@pytest.mark.parametrize("zipped", [True, False])
def test_segments_python_sdk_works_unchanged(destination, app, web_shop, deliver, zipped):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        host = f"http://127.0.0.1:{server.server_port}"
        sdk = Client(web_shop.write_key, host=host, gzip=zipped, sync_mode=True)
        sdk.identify("cust-7", {"name": "Ola Berg", "email": "ola@example.com"})
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert deliver() == 1
    assert destination.calls[0].body["traits"]["email"] == "ola@example.com"
    assert destination.calls[0].body["context"]["library"]["name"] == "analytics-python"
