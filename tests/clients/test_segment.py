"""Segment's HTTP interface: what is sent, and what is made of every kind of answer."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from refersion_segment.clients.segment import SegmentClient, SegmentSettings
from refersion_segment.clients.segment_answers import (
    AccessToken,
    GrantRefusedError,
    SegmentError,
    TokenGrant,
)
from refersion_segment.domain.segment_names import SourceName

OAUTH = "https://id.segment.test"
API = "https://platform.segment.test"
CALLBACK = "https://shop.test/account/settings/segment/callback"
SHOP = SourceName("northwind", "shop")
DESTINATIONS = f"{API}/v1beta/workspaces/northwind/sources/shop/destinations"
TOKEN = AccessToken("the.token", timedelta(hours=1))
GRANT = {
    "access_token": "tA.Xy",
    "token_type": "bearer",
    "expires_in": 3599,
    "scope": "workspace",
    "app_name": "apps/2",
    "install_name": "installs/7",
    "workspace_names": ["workspaces/northwind"],
    "source_names": ["workspaces/northwind/sources/shop"],
}

Mock = responses.RequestsMock


def settings(**changes: object) -> SegmentSettings:
    values: dict[str, Any] = {
        "oauth_url": OAUTH,
        "api_url": API,
        "client_id": "app",
        "client_secret": "s3cr&t/+ %",
        "slug": "refersion",
        "timeout_seconds": 2,
    }
    return SegmentSettings(**{**values, **changes})


@pytest.fixture
def segment() -> Iterator[Mock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client() -> SegmentClient:
    return SegmentClient(settings())


def exchange(client: SegmentClient) -> TokenGrant:
    return client.exchange_code("a.b", verifier="v" * 43, redirect_uri=CALLBACK)


def test_the_way_to_the_consent_names_scope_state_and_challenge(client: SegmentClient) -> None:
    url = client.authorization_url(state="s" * 64, verifier="v" * 43, redirect_uri=CALLBACK)

    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(f"{OAUTH}/oauth2/auth?")
    assert query.pop("code_challenge") != "v" * 43
    assert query == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": CALLBACK,
        "scope": "destination/refersion",
        "state": "s" * 64,
        "code_challenge_method": "S256",
    }


def test_a_code_is_exchanged_with_basic_credentials_and_the_verifier(
    segment: Mock, client: SegmentClient
) -> None:
    segment.post(f"{OAUTH}/oauth2/token", json=GRANT)

    grant = exchange(client)

    request = segment.calls[0].request
    sent = {name: values[0] for name, values in parse_qs(request.body).items()}
    assert sent == {
        "grant_type": "authorization_code",
        "code": "a.b",
        "redirect_uri": CALLBACK,
        "code_verifier": "v" * 43,
    }
    credentials = base64.b64encode(b"app:s3cr&t/+ %").decode()
    assert request.headers["Authorization"] == f"Basic {credentials}"
    assert grant == TokenGrant(
        AccessToken("tA.Xy", timedelta(seconds=3599)), "installs/7", "northwind", (SHOP,)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": "two\r\nlines"},
        {"install_name": "installs/../apps"},
        {"install_name": 7},
        {"workspace_names": []},
        {"workspace_names": ["workspaces/.."]},
        {"workspace_names": ["workspaces/a/../../installs"]},
        {"workspace_names": "workspaces/northwind"},
        {"source_names": None},
        {"source_names": []},
        {"source_names": ["workspaces/other/sources/shop"]},
        {"source_names": ["workspaces/northwind/sources/a?b"]},
        {"source_names": ["workspaces/northwind/sources/a%2f.."]},
        {"source_names": ["workspaces/northwind/sources/" + "a" * 300]},
        {"expires_in": "soon"},
    ],
)
def test_a_token_answer_with_a_name_that_is_no_name_is_refused(
    segment: Mock, client: SegmentClient, change: dict[str, object]
) -> None:
    segment.post(f"{OAUTH}/oauth2/token", json={**GRANT, **change})

    with pytest.raises(SegmentError) as caught:
        exchange(client)

    assert caught.value.sentence.startswith("Segment's answer ")
    assert not caught.value.retryable


def test_a_refused_code_is_told_in_segments_words(segment: Mock, client: SegmentClient) -> None:
    body = {"error": "invalid_grant", "error_description": "The code\n was <b>used</b>."}
    segment.post(f"{OAUTH}/oauth2/token", json=body, status=400)

    with pytest.raises(GrantRefusedError) as caught:
        exchange(client)

    assert caught.value.said == "invalid_grant The code was <b>used</b>."


def test_an_install_that_exists_is_known_at_the_exchange_too(
    segment: Mock, client: SegmentClient
) -> None:
    body = {"error": "install already exists", "code": 6}
    segment.post(f"{OAUTH}/oauth2/token", json=body, status=409)

    with pytest.raises(SegmentError) as caught:
        exchange(client)

    assert caught.value.is_already_there


@pytest.mark.parametrize("url", [f"{OAUTH}/oauth2/token", f"{API}/v1beta/installs/7/token"])
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"body": "<h1>Maintenance</h1>"}, "Segment answered 200, but not in JSON."),
        ({"body": "[1]"}, "Segment answered 200, but not in JSON."),
        ({"body": "{" * 100_000}, "Segment answered 200, but not in JSON."),
        ({"body": "upstream connect error", "status": 503}, "Segment answered 503."),
        ({"json": {"error": "down", "code": 14}, "status": 503}, "Segment answered 503: down."),
        ({"json": {"error": "slow down"}, "status": 429}, "Segment answered 429: slow down."),
        ({"status": 302, "headers": {"Location": API}}, "Segment answered 302."),
        ({"body": "x" * 2_000_000}, "Segment's answer was too large to be one."),
        ({"body": requests.ConnectionError("refused")}, "Segment could not be reached."),
    ],
)
def test_an_answer_that_is_none_can_be_tried_again(
    segment: Mock, client: SegmentClient, url: str, answer: dict[str, Any], sentence: str
) -> None:
    is_exchange = "oauth2" in url
    segment.add("POST" if is_exchange else "GET", url, **answer)

    with pytest.raises(SegmentError) as caught:
        exchange(client) if is_exchange else client.install_token("installs/7")

    assert caught.value.sentence == sentence
    assert caught.value.retryable
    assert len(segment.calls) == 1


def test_a_refresh_takes_the_token_and_no_name(segment: Mock, client: SegmentClient) -> None:
    answer = {**GRANT, "install_name": "install/10", "expires_in": 3600}
    del answer["source_names"]
    segment.get(f"{API}/v1beta/installs/7/token", json=answer)

    token = client.install_token("installs/7")

    assert token == AccessToken("tA.Xy", timedelta(hours=1))
    assert segment.calls[0].request.headers["Authorization"].startswith("Basic ")


def test_a_destination_is_created_switched_on_with_the_key(
    segment: Mock, client: SegmentClient
) -> None:
    segment.post(DESTINATIONS, json={})

    client.create_destination(TOKEN, SHOP, "pub_1.sec_2")

    request = segment.calls[0].request
    name = "workspaces/northwind/sources/shop/destinations/refersion"
    assert request.headers["Authorization"] == "Bearer the.token"
    assert json.loads(request.body) == {
        "destination": {
            "name": name,
            "enabled": True,
            "connection_mode": "CLOUD",
            "config": [{"name": f"{name}/config/apiKey", "type": "string", "value": "pub_1.sec_2"}],
        }
    }


def test_the_update_mask_stands_beside_the_destination(
    segment: Mock, client: SegmentClient
) -> None:
    segment.patch(f"{DESTINATIONS}/refersion", json={})

    client.update_destination(TOKEN, SHOP, "pub_1.sec_2")

    body = json.loads(segment.calls[0].request.body)
    assert body["update_mask"] == {
        "paths": ["destination.enabled", "destination.config", "destination.connection_mode"]
    }
    assert body["destination"]["enabled"] is True


def test_switching_off_sends_nothing_but_that(segment: Mock, client: SegmentClient) -> None:
    segment.patch(f"{DESTINATIONS}/refersion", json={})

    client.disable_destination(TOKEN, SHOP)

    assert json.loads(segment.calls[0].request.body) == {
        "destination": {"enabled": False},
        "update_mask": {"paths": ["destination.enabled"]},
    }


def test_a_destination_that_is_gone_is_off(segment: Mock, client: SegmentClient) -> None:
    gone = {"error": "no such", "code": 5}
    segment.patch(f"{DESTINATIONS}/refersion", json=gone, status=404)

    client.disable_destination(TOKEN, SHOP)


def test_a_destination_is_read_without_trusting_its_shape(
    segment: Mock, client: SegmentClient
) -> None:
    name = "workspaces/northwind/sources/shop/destinations/refersion/config/apiKey"
    config = [1, {"name": "other", "value": "x"}, {"name": name, "value": "pub_1.sec_2"}]
    segment.get(f"{DESTINATIONS}/refersion", json={"enabled": True, "config": config})

    found = client.get_destination(TOKEN, SHOP)

    assert found is not None
    assert (found.is_enabled, found.api_key) == (True, "pub_1.sec_2")


SORTED = [
    (400, "bad field", "final"),
    (401, "missing token", "token"),
    (403, "insufficient scope", "final"),
    (403, "Malformed Token", "token"),
    (404, "no such source", "final"),
    (409, "destination already exists", "there"),
    (429, "too many", "later"),
    (500, "destination already exists or other internal error", "there"),
    (501, "unsupported", "final"),
    (503, "down", "later"),
]


@pytest.mark.parametrize(("status", "said", "kind"), SORTED)
def test_each_error_is_sorted(
    segment: Mock, client: SegmentClient, status: int, said: str, kind: str
) -> None:
    segment.post(DESTINATIONS, json={"error": said, "code": 13}, status=status)

    with pytest.raises(SegmentError) as caught:
        client.create_destination(TOKEN, SHOP, "pub_1.sec_2")

    error = caught.value
    assert error.sentence == f"Segment answered {status}: {said}."
    assert error.is_already_there == (kind == "there")
    assert error.is_token_rejected == (kind == "token")
    if kind != "there":
        assert error.retryable == (kind == "later")


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", timedelta(seconds=7)), ("999999", timedelta(hours=1)), ("-1", None), ("soon", None)],
)
def test_a_wait_that_segment_asks_for_is_bounded(
    segment: Mock, client: SegmentClient, header: str, expected: timedelta | None
) -> None:
    segment.post(DESTINATIONS, status=429, json={}, headers={"Retry-After": header})

    with pytest.raises(SegmentError) as caught:
        client.create_destination(TOKEN, SHOP, "pub_1.sec_2")

    assert caught.value.retry_after == expected


def test_what_segment_says_is_shortened_to_a_line(segment: Mock, client: SegmentClient) -> None:
    segment.post(DESTINATIONS, status=400, json={"error": "a\x00b\n" * 10_000})

    with pytest.raises(SegmentError) as caught:
        client.create_destination(TOKEN, SHOP, "pub_1.sec_2")

    assert len(caught.value.said) <= 200
    assert caught.value.said.isprintable()


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection by hand: `talk` answers after the request came."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):  # the client hangs up, as it should
            connection.recv(65536)
            talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    thread.join(timeout=6)


def drip(connection: socket.socket, start: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + start)
    for _ in range(40):
        sleep(0.1)
        connection.sendall(b"{")


def drip_head(connection: socket.socket) -> None:
    drip(connection, b"X-Slow: ")


def drip_body(connection: socket.socket) -> None:
    drip(connection, b"Content-Length: 100000\r\n\r\n")


def say_nothing(_connection: socket.socket) -> None:
    sleep(2.5)


@pytest.mark.parametrize("talk", [drip_head, drip_body, say_nothing])
def test_a_server_that_drips_cannot_hold_us_up(talk: Callable[[socket.socket], None]) -> None:
    with server(talk) as url:
        client = SegmentClient(settings(api_url=url, timeout_seconds=1))
        began = monotonic()

        with pytest.raises(SegmentError) as caught:
            client.install_token("installs/7")

        assert monotonic() - began < 2
    assert caught.value.sentence == "Segment did not answer within 1 s."
    assert caught.value.retryable


def test_all_calls_of_one_conversation_share_its_time() -> None:
    with server(say_nothing) as url:
        client = SegmentClient(settings(api_url=url, timeout_seconds=30), seconds=0.5)
        began = monotonic()

        for _ in range(2):
            with pytest.raises(SegmentError):
                client.install_token("installs/7")

        assert monotonic() - began < 1.5
