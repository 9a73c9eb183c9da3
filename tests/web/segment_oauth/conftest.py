"""A merchant's browser, and Segment on the other side."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from refersion_segment.extensions import db
from refersion_segment.models import Connection, Install, Job, Source
from refersion_segment.models.connection import ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from tests.factories import MadeMerchant, make_merchant, sign_in
from tests.pages import submit
from tests.segment_fake import FakeSegment

TOOK_TOO_LONG = "That sign-in took too long or was opened twice. Please start again."
PAGE = "/account/settings/segment"


@pytest.fixture
def segment() -> Iterator[FakeSegment]:
    with FakeSegment().running() as fake:
        yield fake


@pytest.fixture
def northwind(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    sign_in(client, made.owner)
    return made


def start(client: FlaskClient) -> dict[str, str]:
    """Press the green button; return what Segment is asked."""
    response = submit(client, PAGE, to=f"{PAGE}/enable")
    assert response.status_code == 303, response.text
    return {
        name: values[0]
        for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()
    }


def come_back(client: FlaskClient, **query: str) -> TestResponse:
    """Come back from Segment, and see the page."""
    return client.get(f"{PAGE}/callback", query_string=query, follow_redirects=True)


def connect(client: FlaskClient, segment: FakeSegment, *sources: str) -> TestResponse:
    """Go the whole way, and allow sources."""
    state = start(client)["state"]
    return come_back(client, code=segment.consent(*sources), state=state)


def connection_of(made: MadeMerchant) -> Connection:
    db.session.rollback()
    return db.session.get_one(Connection, made.merchant.id)


def sources_of(made: MadeMerchant) -> dict[str, DestinationState]:
    rows = db.session.scalars(rows_of(made.merchant.id, Source).order_by(Source.id))
    return {source.label: source.destination_state for source in rows}


def assert_nothing_is_connected(made: MadeMerchant) -> None:
    connection = connection_of(made)
    assert connection.state is ConnectionState.DISABLED
    assert connection.workspace is None
    assert db.session.scalars(rows_of(made.merchant.id, Install)).all() == []
    assert sources_of(made) == {}
    assert db.session.scalars(rows_of(made.merchant.id, Job)).all() == []
