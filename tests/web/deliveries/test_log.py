"""The delivery log: what came, why it ended as it did, and who may see it."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Delivery, Job, Message, Source
from refersion_segment.models.connection import DestinationState
from refersion_segment.models.message import MessageState
from tests.factories import MadeMerchant, enable_segment, make_merchant, sign_in
from tests.pages import submit
from tests.web.segment_destination.events import delete, identify

LOG = "/account/settings/segment/deliveries"


@pytest.fixture
def merchant(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    enable_segment(made.merchant)
    sign_in(client, made.owner)
    return made


def call(client: FlaskClient, merchant: MadeMerchant, event: object) -> None:
    client.post("/segment/destination", json=event, auth=(merchant.api_key, ""))


def send_test_event(client: FlaskClient) -> str:
    submit(client, LOG, to="/account/settings/segment/test-event")
    return client.get("/account/settings/segment").text


def test_an_empty_log_says_what_will_fill_it(client: FlaskClient, merchant: MadeMerchant) -> None:
    assert "No calls from Segment yet." in client.get(LOG).text


def test_each_call_is_there_with_its_reason(client: FlaskClient, merchant: MadeMerchant) -> None:
    call(client, merchant, identify(projectId="P0EXAMPLE1"))
    call(client, merchant, identify(email=None))
    call(client, merchant, {"type": "track"})

    page = client.get(LOG).text

    assert "Pending in Standard Affiliate Commission." in page
    assert "P0EXAMPLE1" in page
    assert "Missing email address." in page
    assert "this was &#34;track&#34;" in page


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"q": "ADA@shop.example"}, True),
        ({"q": "u-1"}, True),
        ({"q": "m-1"}, True),
        ({"q": "u-2"}, False),
        ({"show": "created"}, True),
        ({"show": "erased"}, False),
        ({"show": "test"}, False),
        ({"show": "nonsense"}, True),
        ({"q": "u-1\x00"}, True),
    ],
)
def test_the_log_is_narrowed(
    client: FlaskClient, merchant: MadeMerchant, query: dict[str, str], is_found: bool
) -> None:
    call(client, merchant, identify(userId="u-1", messageId="m-1"))

    page = client.get(LOG, query_string=query).text

    assert ("ada@shop.example" in page) is is_found
    assert ("No calls match." in page) is not is_found


def test_pages_lead_to_the_oldest_and_back(client: FlaskClient, merchant: MadeMerchant) -> None:
    for n in range(30):
        call(client, merchant, identify(email=f"p{n:02}@shop.example"))

    first = client.get(LOG).text
    ids = db.session.scalars(select(Delivery.id).order_by(Delivery.id.desc())).all()
    second = client.get(f"{LOG}?before={ids[24]}").text
    back = client.get(f"{LOG}?after={ids[25]}").text

    assert "p05@" in first
    assert "p04@" not in first
    assert "p04@" in second
    assert "p05@" not in second
    assert "p05@" in back


def test_one_delivery_shows_how_each_trait_was_read(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    event = identify(
        userId="u-1",
        traits={"address": {"country": "USA"}, "plan": "gold-secret"},
    )
    call(client, merchant, event)
    delivery = db.session.scalars(select(Delivery)).one()

    page = client.get(f"{LOG}/{delivery.id}").text

    assert "traits.address.country" in page
    assert "read from three letters" in page
    assert "traits.plan" in page
    assert "gold-secret" not in page
    assert "Pending Affiliate queued" in page
    assert "&#34;outcome&#34;: &#34;created&#34;" in page


def test_the_only_source_that_is_switched_on_is_the_one_that_calls(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    shop = Source(
        merchant_id=merchant.merchant.id,
        resource_name="workspaces/northwind/sources/shop",
        label="shop",
        destination_state=DestinationState.ON,
        created_at=utc_now(),
    )
    db.session.add(shop)
    db.session.commit()

    call(client, merchant, identify(projectId="P0EXAMPLE1"))
    call(client, merchant, identify(projectId="P0EXAMPLE2"))

    labels = db.session.scalars(select(Source.label).order_by(Source.id)).all()
    assert labels == ["shop", "P0EXAMPLE2"]


def test_another_merchants_delivery_is_unknown(client: FlaskClient, merchant: MadeMerchant) -> None:
    other = make_merchant("Southwind")
    enable_segment(other.merchant)
    call(client, other, identify())
    delivery = db.session.scalars(select(Delivery)).one()

    assert client.get(f"{LOG}/{delivery.id}").status_code == 404
    assert "No calls match." in client.get(f"{LOG}?q=ada@shop.example").text


def test_an_erased_person_is_in_no_delivery(client: FlaskClient, merchant: MadeMerchant) -> None:
    old = "2026-01-01T00:00:00Z"
    event = identify(userId="u-1", anonymousId="a-1", messageId="m-1", receivedAt=old)
    call(client, merchant, event)
    call(client, merchant, identify(email="peter@", anonymousId="a-1", traits={"city": "x"}))
    call(client, merchant, delete(userId="u-1", messageId="m-2"))
    call(client, merchant, event)  # a replay
    call(client, merchant, {**event, "messageId": "m-3"})  # an older event

    rows = db.session.scalars(select(Delivery)).all()

    assert len(rows) == 5
    for row in rows:
        values = json.dumps(
            [row.reason, row.email, row.email_key, row.user_id, row.anonymous_id, row.payload]
        )
        assert not any(text in values for text in ("ada", "Ada", "Marsh", "peter", "u-1", "a-1"))


def test_an_erased_person_is_in_no_message(client: FlaskClient, merchant: MadeMerchant) -> None:
    call(client, merchant, identify(userId="u-1"))
    message = db.session.scalars(select(Message)).one()
    message.state = MessageState.FAILED
    message.reason = "The mail server answered 550: <ada@shop.example>: Recipient rejected"
    db.session.commit()

    call(client, merchant, delete(userId="u-1"))

    db.session.expire_all()
    message = db.session.scalars(select(Message)).one()
    assert (message.to, message.state) == (None, MessageState.FAILED)
    assert "ada" not in message.reason
    assert db.session.scalars(select(Job)).all() == []


def test_a_test_event_is_done_for_real_and_marked(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    page = send_test_event(client)

    affiliate = db.session.scalars(select(Affiliate)).one()
    assert "A test person was created." in page
    assert affiliate.is_test
    assert client.get(f"{LOG}?show=test").text.count("Test.") == 1


def test_a_test_event_while_disabled_says_so(client: FlaskClient, app: Flask) -> None:
    made = make_merchant()
    sign_in(client, made.owner)

    page = send_test_event(client)

    assert "Segment integration is turned off in Refersion." in page
