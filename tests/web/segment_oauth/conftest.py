"""A merchant's browser, and Segment on the other side."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import MadeMerchant, make_merchant, sign_in
from tests.pages import submit
from tests.segment_fake import FakeSegment

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
