"""`flask merchants enable-segment`."""

from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Offer
from refersion_segment.models.connection import ConnectionMode, ConnectionState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import accounts, offers
from refersion_segment.services.actors import COMMAND
from tests.cli.test_merchants import run
from tests.factories import MadeMerchant, make_merchant


def add_offer(made: MadeMerchant, *, is_archived: bool = False) -> Offer:
    terms = offers.OfferTerms("VIP", offers.commission_of(made.offer, "USD"))
    offer = offers.add(COMMAND, made.merchant.id, terms, utc_now())
    offer.archived_at = utc_now() if is_archived else None
    db.session.commit()
    return offer


def connection_of(made: MadeMerchant) -> Connection:
    return db.session.scalars(rows_of(made.merchant.id, Connection)).one()


def test_it_takes_calls_from_then_on(app: Flask, client: FlaskClient) -> None:
    made = make_merchant()

    result = run(app, "enable-segment", str(made.merchant.id))

    assert result.output == (
        f"Segment integration is on. New people from Segment join {accounts.DEFAULT_OFFER}.\n"
    )
    assert (connection_of(made).state, connection_of(made).mode) == (
        ConnectionState.CONNECTED,
        ConnectionMode.API_KEY,
    )
    event = {"type": "identify", "traits": {"email": "a@b.example", "name": "A"}}
    answer = client.post("/segment/destination", json=event, auth=(made.api_key, ""))
    assert answer.status_code == 200


def test_it_chooses_the_offer_also_when_it_is_on(app: Flask) -> None:
    made = make_merchant()
    offer = add_offer(made)

    run(app, "enable-segment", str(made.merchant.id))
    result = run(app, "enable-segment", str(made.merchant.id), "--offer", str(offer.id))

    assert result.exit_code == 0
    assert "was on already. New people from Segment join VIP." in result.output
    assert connection_of(made).offer_id == offer.id


def test_what_it_cannot_use_leaves_it_off(app: Flask) -> None:
    made = make_merchant()
    archived = add_offer(made, is_archived=True)
    merchant_id = str(made.merchant.id)

    for offer_id in (archived.id, uuid4(), make_merchant("Elsewhere").offer.id):
        result = run(app, "enable-segment", merchant_id, "--offer", str(offer_id))
        assert result.exit_code == 1
        assert "Choose one of your offers" in result.output
    unknown = run(app, "enable-segment", str(uuid4()))

    assert "There is no merchant" in unknown.output
    assert connection_of(made).state is ConnectionState.DISABLED
