"""Senders that stall or stop short, against gunicorn as it is configured."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from tests.conftest import settings_for
from tests.system.processes import Server, flask, gunicorn

STALLED = 5


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    settings = settings_for(f"sqlite:///{tmp_path / 'product.sqlite3'}")
    flask("db", "upgrade", settings=settings)
    return settings


@pytest.fixture
def server(settings: dict[str, str]) -> Iterator[Server]:
    with gunicorn(settings, workers=1) as running:
        yield running


@pytest.fixture
def api_key(settings: dict[str, str]) -> str:
    made = json.loads(
        flask(
            *("merchants", "create", "Slow", "--owner-email", f"{uuid4().hex}@shop.example"),
            *("--password", "a lantern over the quiet harbour", "--json"),
            settings=settings,
        )
    )
    flask("merchants", "enable-segment", made["merchant"], settings=settings)
    key: str = made["api_key"]
    return key


def connect(server: Server) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=40)


def head(api_key: str, length: int) -> bytes:
    request = requests.Request(
        "POST", "http://localhost/segment/destination", auth=(api_key, "")
    ).prepare()
    return (
        "POST /segment/destination HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {request.headers['Authorization']}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


def test_a_body_that_ends_early_is_refused(server: Server, api_key: str) -> None:
    with connect(server) as sender:
        sender.sendall(head(api_key, 100) + b'{"type": "identify"}')
        sender.shutdown(socket.SHUT_WR)
        answer = sender.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"shorter than its Content-Length" in answer


def test_a_body_that_is_too_large_is_drained_so_that_the_sender_reads_why(
    server: Server, api_key: str
) -> None:
    response = requests.post(
        f"{server.url}/segment/destination",
        data=b" " * 5 * 2**20,
        auth=(api_key, ""),
        timeout=20,
    )

    assert response.status_code == 413


@pytest.mark.parametrize("chunk", [b"zz\r\nabc\r\n", b"-5\r\nabcde\r\n"])
def test_chunks_that_are_none_are_refused(server: Server, api_key: str, chunk: bytes) -> None:
    chunked = head(api_key, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")

    with connect(server) as sender:
        sender.sendall(chunked + chunk)
        answer = sender.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/json" in answer


def test_a_sender_that_drips_is_given_up_on(server: Server, api_key: str) -> None:
    with connect(server) as sender:
        sender.sendall(head(api_key, 10_000))
        sender.settimeout(0.5)
        answer = b""
        for _ in range(80):
            try:
                sender.sendall(b" ")
                answer += sender.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            break

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_senders_that_stall_are_dropped_and_others_are_served(server: Server, api_key: str) -> None:
    senders = [connect(server) for _ in range(STALLED)]
    for number, sender in enumerate(senders):
        # half of them stall within the head, half within the body
        text = head(api_key, 100) + b'{"type"'
        sender.sendall(text[:40] if number % 2 else text)

    others = requests.post(
        f"{server.url}/segment/destination",
        json={"type": "delete", "userId": "u-1"},
        auth=(api_key, ""),
        timeout=5,
    )
    with ThreadPoolExecutor(STALLED) as pool:
        answers = list(pool.map(read_to_the_end, senders))

    assert others.status_code == 200
    assert all(answer == b"" or answer.startswith(b"HTTP/1.1 4") for answer in answers)


def read_to_the_end(sender: socket.socket) -> bytes:
    """Read until the server closes; a server that never does fails by the time-out of 40 s."""
    with sender:
        try:
            return sender.makefile("rb").read()
        except ConnectionResetError:
            return b""
