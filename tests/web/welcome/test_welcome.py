"""The page behind the link in the mail: what it shows, and how its person says no."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from refersion_segment.clock import utc_now
from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, AuditEntry, Job, Message
from refersion_segment.models.message import MessageState
from refersion_segment.services import affiliates, links
from refersion_segment.services.actors import COMMAND
from tests.factories import MadeMerchant, enable_segment, make_merchant
from tests.pages import submit, text_of
from tests.web.segment_destination.events import identify


@pytest.fixture
def merchant(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    enable_segment(made.merchant)
    client.post("/segment/destination", json=identify(userId="u-1"), auth=(made.api_key, ""))
    return made


@pytest.fixture
def path(merchant: MadeMerchant) -> str:
    affiliate = db.session.scalars(select(Affiliate)).one()
    return links.welcome_link(affiliate).removeprefix("http://localhost")


def test_a_pending_person_sees_who_set_up_what(client: FlaskClient, path: str) -> None:
    page = text_of(client.get(path))

    assert "Northwind has set up an affiliate account for you." in page
    assert "Pending" in page
    assert "10 % of sale" in page
    assert "application" not in page


def test_an_approved_person_sees_the_link_to_share(client: FlaskClient, path: str) -> None:
    affiliate = db.session.scalars(select(Affiliate)).one()
    affiliates.approve(COMMAND, affiliate.merchant_id, affiliate.id, now=utc_now())
    db.session.commit()

    response = client.get(path)

    assert f"/{affiliate.referral_code}" in response.text
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_looking_changes_nothing_and_saying_no_closes_the_account(
    client: FlaskClient, merchant: MadeMerchant, path: str
) -> None:
    client.get(f"{path}/decline")
    before = db.session.scalars(select(Affiliate.status)).one()

    submit(client, f"{path}/decline")
    again = client.post(
        "/segment/destination", json=identify(userId="u-1"), auth=(merchant.api_key, "")
    )

    affiliate = db.session.scalars(select(Affiliate)).one()
    assert before is AffiliateStatus.PENDING
    assert affiliate.status is AffiliateStatus.DENIED
    assert again.json["outcome"] == "already_affiliate"
    message = db.session.scalars(select(Message)).one()
    assert message.state is MessageState.NOT_SENT
    assert db.session.scalars(select(Job)).all() == []
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "affiliate.denied")
    ).one()
    assert entry.actor_name == "The affiliate"
    assert "This account is closed" in client.get(path).text


@pytest.mark.parametrize("change", ["x", "%00", "..", "é"])
def test_a_link_that_is_not_ours_leads_nowhere(client: FlaskClient, path: str, change: str) -> None:
    response = client.get(f"{path}{change}")

    assert response.status_code == 404
    assert "Northwind" not in response.text


def test_the_link_of_an_erased_person_leads_nowhere(
    client: FlaskClient, merchant: MadeMerchant, path: str
) -> None:
    event = {"type": "delete", "userId": "u-1"}
    client.post("/segment/destination", json=event, auth=(merchant.api_key, ""))

    assert client.get(path).status_code == 404
