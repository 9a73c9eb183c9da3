"""A sandbox of its own for each test, and the steps that many of them share."""

import json
import re
import threading
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from refersion_segment.sandbox import create_sandbox
from refersion_segment.sandbox.core import Sandbox
from refersion_segment.sandbox.database import DEMO_PASSWORD, OWNER_EMAIL
from refersion_segment.sandbox.deliverer import Deliverer
from refersion_segment.sandbox.destinations import create_destination
from refersion_segment.sandbox.records import Source
from refersion_segment.sandbox.workspace import find_source

REDIRECT_URI = "http://127.0.0.1:5000/account/settings/segment/callback"
CLIENT = ("refersion-app", "s3cr&t/+ %")
STATE = "a-state-of-more-than-eight-characters"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return create_sandbox(
        database_path=tmp_path / "sandbox.db",
        destination_url="http://127.0.0.1:9/segment/destination",
        client_id=CLIENT[0],
        client_secret=CLIENT[1],
        redirect_uris=[REDIRECT_URI],
        secret_key="a secret for tests",
    )


@pytest.fixture
def sandbox(app: Flask) -> Sandbox:
    return app.extensions["sandbox"]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def web_shop(sandbox: Sandbox) -> Source:
    source = find_source(sandbox.database, "web-shop")
    assert source is not None
    return source


@pytest.fixture
def switch(sandbox: Sandbox):
    """Set switches of the settings page: switch(time_scale=60)."""
    return lambda **values: replace(sandbox.switches, **values).save(sandbox.database)


@dataclass
class Person:
    """Somebody with a browser: follows the screens as far as a test wants."""

    client: FlaskClient

    def start(self, **changes: str | None) -> TestResponse:
        """Open /oauth2/auth with good parameters, less or more those given (None removes)."""
        parameters = {
            "response_type": "code",
            "client_id": CLIENT[0],
            "redirect_uri": REDIRECT_URI,
            "scope": "destination/refersion",
            "state": STATE,
            **changes,
        }
        sent = {key: value for key, value in parameters.items() if value is not None}
        return self.client.get("/oauth2/auth", query_string=sent)

    def post(self, page: str, action: str, **fields: str) -> TestResponse:
        """Send a form of a page, with the token it carries."""
        return self.client.post(action, data={"form_token": self.token_on(page), **fields})

    def token_on(self, page: str) -> str:
        """Read the form token of a page."""
        match = re.search(r'name="form_token" value="([^"]+)"', self.client.get(page).text)
        assert match
        return match[1]

    def log_in(self, email: str = OWNER_EMAIL, password: str = DEMO_PASSWORD) -> TestResponse:
        """Log in by the form."""
        return self.post("/login", "/login", email=email, password=password)

    def decide(self, decision: str, *, source: str = "web-shop", **changes: str | None):
        """Go from the start to the decision; return where the app is sent, as its query."""
        self.log_in()
        page = self.start(**changes).headers["Location"]
        response = self.post(
            page,
            "/authorize",
            consent_challenge=query_of(page)["consent_challenge"],
            workspace="northwind",
            source=source,
            decision=decision,
        )
        return query_of(response.headers["Location"])

    def token(self, **changes: str) -> TestResponse:
        """Allow web-shop and exchange the code."""
        return self.exchange(self.decide("allow", **changes)["code"])

    def exchange(self, code: str, *, auth: tuple[str, str] | None = CLIENT, **changes: str | None):
        """Exchange a code with good parameters, less or more those given."""
        parameters = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            **changes,
        }
        sent = {key: value for key, value in parameters.items() if value is not None}
        return self.client.post("/oauth2/token", data=sent, auth=auth)


def query_of(location: str) -> dict[str, str]:
    """Read the query of a URL, one value for each name."""
    return {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}


@pytest.fixture
def person(client: FlaskClient) -> Person:
    return Person(client)


@pytest.fixture
def token(person: Person) -> str:
    """An install token for web-shop."""
    return person.token().json["access_token"]


@dataclass
class Call:
    """One request that the fake destination got."""

    headers: dict[str, str]
    body: dict[str, object]


class FakeDestination:
    """Somebody's endpoint over real HTTP: answers as scripted, 200 when the script is over."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: list[tuple[int, dict[str, str], str]] = []
        self._arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.take(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/segment/destination"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def take(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers["Content-Length"]))
        with self._arrived:
            status, headers, text = self.script.pop(0) if self.script else (200, {}, '{"ok":1}')
            self.calls.append(Call(dict(request.headers), json.loads(raw)))
            self._arrived.notify_all()
        request.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(text.encode())

    def answer(self, *answers: int | tuple[int, dict[str, str], str]) -> None:
        """Script the next answers."""
        self.script = [one if isinstance(one, tuple) else (one, {}, "{}") for one in answers]

    def wait_for(self, count: int) -> None:
        """Wait until so many calls have come."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.calls) >= count, timeout=10)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def destination(sandbox: Sandbox, web_shop: Source):
    """The fake destination, attached to web-shop with an API key and turned on.

    Deliveries are made by the test, with `deliver`, unless it starts the threads.
    """
    fake = FakeDestination()
    sandbox.deliverer = Deliverer(sandbox.database, fake.url)
    sandbox.deliverer.starts_by_itself = False
    create_destination(
        sandbox.database,
        web_shop,
        f"{web_shop.name}/destinations/refersion",
        api_key="pub_7f3c91.sec_b2d04e",
        enabled=True,
    )
    yield fake
    sandbox.stop_deliveries()
    fake.close()


@pytest.fixture
def deliver(sandbox: Sandbox):
    """Deliver what is due, in the test's own thread; return how many tries that took."""

    def run() -> int:
        tries = 0
        while sandbox.deliverer.deliver_next():
            tries += 1
        return tries

    return run


@pytest.fixture
def identify(client: FlaskClient, web_shop: Source):
    """Send an identify call to the tracking API, less or more the fields given."""

    def send(**changes: object) -> TestResponse:
        event = {
            "writeKey": web_shop.write_key,
            "userId": "cust-1042",
            "messageId": "m-1",
            "traits": {"email": "ada@example.com", "firstName": "Ada"},
            **changes,
        }
        return client.post("/v1/identify", json=event)

    return send
