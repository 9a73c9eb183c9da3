"""The page of one affiliate: everything that ever happened to this person, in one timeline."""

import re

import pytest
from flask.testing import FlaskClient

from refersion_segment.extensions import db
from refersion_segment.models import Affiliate
from refersion_segment.models.scope import rows_of
from refersion_segment.services.histories import DELIVERY_LIMIT
from tests.factories import MadeMerchant, enable_segment, make_merchant, sign_in
from tests.pages import submit, text_of
from tests.web.segment_destination.events import identify


@pytest.fixture
def northwind(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    enable_segment(made.merchant)
    sign_in(client, made.owner)
    return made


def call(client: FlaskClient, made: MadeMerchant, **more: object) -> None:
    client.post("/segment/destination", json=identify(**more), auth=(made.api_key, ""))


def page_of_the_only_one(made: MadeMerchant) -> str:
    affiliate = db.session.scalars(rows_of(made.merchant.id, Affiliate)).one()
    return f"/affiliates/{affiliate.id}"


def titles(client: FlaskClient, path: str) -> list[str]:
    page = client.get(path).text
    found = re.findall(r'class="timeline__title">(.*?)</span>', page, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", title).strip() for title in found]


def test_the_history_tells_calls_decisions_and_mails_newest_first(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    call(client, northwind, userId="u-1", projectId="P0EXAMPLE1", messageId="m-1")
    call(client, northwind, userId="u-1", messageId="m-2")
    path = page_of_the_only_one(northwind)
    submit(client, path, to=f"{path}/approve")
    submit(client, path, to=f"{path}/deny", reason="A competitor", is_shared="y")

    assert titles(client, path) == [
        "Denied Affiliate not sent",
        "Denied by Olivia Owner",
        "New Affiliate queued",
        "Approved by Olivia Owner",
        "Segment sent identify",
        "Pending Affiliate queued",
        "Created from P0EXAMPLE1",
    ]
    page = text_of(client.get(path))
    assert "A competitor (told in the e-mail)" in page
    assert "Denied Affiliate was off." in page
    assert "u-1" in page


def test_a_call_in_the_history_leads_to_its_delivery(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    call(client, northwind, messageId="m-1")
    page = client.get(page_of_the_only_one(northwind)).text

    link = re.search(r'href="([^"]*/deliveries/[^"]+)">Created from', page)

    assert link is not None
    assert "m-1" in client.get(link[1]).text


def test_a_person_who_comes_at_every_log_in_keeps_a_short_page(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    for n in range(DELIVERY_LIMIT + 5):
        call(client, northwind, messageId=f"m-{n}")

    told = titles(client, page_of_the_only_one(northwind))

    assert told.count("Segment sent identify") == DELIVERY_LIMIT
    assert told[-1].startswith("Created from")
    assert "log" in text_of(client.get(page_of_the_only_one(northwind)))
