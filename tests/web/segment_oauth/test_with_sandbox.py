"""The whole handshake with the sandbox, over HTTP, by a browser without scripts."""

import re
import socket
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin
from uuid import UUID

import pytest
import requests
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from refersion_segment import create_app, jobs
from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Source
from refersion_segment.models.connection import ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from refersion_segment.sandbox import create_sandbox
from refersion_segment.sandbox.database import DEMO_PASSWORD, OWNER_EMAIL
from refersion_segment.services import api_keys, connections, provisioning
from refersion_segment.services.actors import COMMAND
from tests.conftest import settings_for
from tests.factories import PASSWORD, make_merchant

EMAIL = "maya@northwind.example"
PAGE = "/account/settings/segment"


class Made(NamedTuple):
    """A merchant in plain values: reading a row would open a transaction, and hold SQLite."""

    merchant_id: UUID
    offer_id: str


class Person:
    """Somebody at a browser: opens pages, fills in forms, presses buttons, follows redirects."""

    def __init__(self, base: str) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._page = self.open(base)

    @property
    def text(self) -> str:
        body = re.sub(r"<(head|svg)\b.*?</\1>", " ", self._page.text, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    @property
    def url(self) -> str:
        return self._page.url

    def open(self, path: str) -> requests.Response:
        url = urljoin(self._page.url, path) if hasattr(self, "_page") else path
        self._page = self._session.get(url, timeout=20)
        return self._page

    def press(self, button: str, **fields: str) -> None:
        """Send the form around a button, with the button's own value."""
        for form in re.finditer(r"<form\b([^>]*)>(.*?)</form>", self._page.text, re.DOTALL):
            found = re.search(rf"<button\b([^>]*)>\s*{re.escape(button)}\s*</button>", form[2])
            if not found:
                continue
            sent = {}
            for tag in [*re.findall(r"<input\b[^>]*>", form[2]), f"<button {found[1]}>"]:
                attributes = {k: unescape(v) for k, v in re.findall(r'([\w-]+)="([^"]*)"', tag)}
                if "name" in attributes:
                    sent[attributes["name"]] = attributes.get("value", "")
            action = re.search(r'action="([^"]*)"', form[1])
            url = urljoin(self._page.url, unescape(action[1]) if action else "")
            self._page = self._session.post(url, data={**sent, **fields}, timeout=20)
            return
        raise AssertionError(f"no button {button!r} on {self._page.url}: {self.text}")

    def allow(self, source: str) -> None:
        """Go through Segment's screens."""
        if "Log in" in self.text:
            self.press("Log in", email=OWNER_EMAIL, password=DEMO_PASSWORD)
        self.press("Allow", workspace="northwind", source=source)


@pytest.fixture
def product(app: Flask, database_url: str, tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    """Product and sandbox behind one port, on the database of the test."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    served = create_app(
        settings_for(
            database_url,
            BASE_URL=base,
            SEGMENT_OAUTH_URL=f"{base}/sandbox",
            SEGMENT_API_URL=f"{base}/sandbox",
        )
    )
    sandbox = create_sandbox(
        database_path=tmp_path / "sandbox.sqlite3",
        destination_url=f"{base}/segment/destination",
        client_id=served.config["SEGMENT_CLIENT_ID"],
        client_secret=served.config["SEGMENT_CLIENT_SECRET"],
        redirect_uris=[f"{base}{PAGE}/callback"],
        secret_key="a secret for tests",
    )
    both = DispatcherMiddleware(served.wsgi_app, {"/sandbox": sandbox.wsgi_app})
    server = make_server("127.0.0.1", int(base.rpartition(":")[2]), both, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with served.app_context():
        yield served, base
        db.session.remove()
        db.engine.dispose()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def person(product: tuple[Flask, str], made: Made) -> Person:
    _, base = product
    person = Person(f"{base}/login?next={PAGE}")
    person.press("Log in", email=EMAIL, password=PASSWORD)
    assert person.url == f"{base}{PAGE}"
    return person


@pytest.fixture
def made(product: tuple[Flask, str]) -> Made:
    new = make_merchant(email=EMAIL)
    made = Made(new.merchant.id, str(new.offer.id))
    db.session.rollback()
    return made


def work_off(made: Made) -> None:
    while claimed := jobs.claim(made.merchant_id, "me", utc_now(), 1, connections.HEAD_START):
        db.session.commit()
        jobs.perform(claimed[0], "me", provisioning.work(claimed[0].kind), utc_now)
    db.session.rollback()


def states_of(made: Made) -> tuple[ConnectionState, dict[str, DestinationState]]:
    sources = db.session.scalars(rows_of(made.merchant_id, Source)).all()
    state = db.session.get_one(Connection, made.merchant_id).state
    found = {source.label: source.destination_state for source in sources}
    db.session.rollback()
    return state, found


def test_connect_another_source_rotate_disable_and_enable_again(person: Person, made: Made) -> None:
    person.press("Enable Segment Integration")
    assert "/sandbox/" in person.url
    person.allow("web-shop")
    assert "Segment is connected. Source: web-shop . Now choose an offer." in person.text
    assert states_of(made) == (ConnectionState.CONNECTED, {"web-shop": DestinationState.ON})

    person.press("Save Changes", offer=made.offer_id)
    assert "Saved. New people from Segment will join Standard" in person.text

    person.press("Connect another source")
    person.allow("ios-app")
    assert "Segment is connected. Source: ios-app" in person.text
    assert set(states_of(made)[1].values()) == {DestinationState.ON}

    api_keys.rotate(made.merchant_id, by=COMMAND, now=utc_now())
    db.session.commit()
    work_off(made)
    assert set(states_of(made)[1].values()) == {DestinationState.ON}

    person.open(f"{PAGE}/disable")
    person.press("Disable Segment Integration")
    assert "Segment integration is off." in person.text
    assert "Switching off at Segment" in person.text
    work_off(made)
    person.open(PAGE)
    assert "Switching off" not in person.text
    assert set(states_of(made)[1].values()) == {DestinationState.OFF}

    person.press("Enable Segment Integration")
    person.allow("web-shop")
    # The sandbox, like Segment, answers that the install exists and not what was chosen.
    assert "Segment is connected. Sources: web-shop , ios-app ." in person.text
    assert states_of(made) == (
        ConnectionState.CONNECTED,
        {"web-shop": DestinationState.ON, "ios-app": DestinationState.ON},
    )


def test_denying_at_segment_connects_nothing(person: Person, made: Made) -> None:
    person.press("Enable Segment Integration")
    person.press("Log in", email=OWNER_EMAIL, password=DEMO_PASSWORD)
    person.press("Deny", workspace="northwind", source="web-shop")

    assert "You did not allow access, so nothing was connected." in person.text
    assert states_of(made) == (ConnectionState.DISABLED, {})
    assert jobs.merchants_with_due_jobs(utc_now()) == []
