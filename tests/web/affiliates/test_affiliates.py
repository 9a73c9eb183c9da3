"""The pages of the affiliates: lists, decisions, one person."""

import csv
import re
from io import StringIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from refersion_segment.clock import utc_now
from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.email_addresses import EmailAddress
from refersion_segment.domain.roles import Role
from refersion_segment.domain.traits import AffiliateDetails
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, AuditEntry, EmailSetting, Erasure, Message
from refersion_segment.models.affiliate import Origin
from refersion_segment.models.message import MessageState
from refersion_segment.services import affiliates
from refersion_segment.services.actors import SEGMENT
from tests.factories import MadeMerchant, make_merchant, make_user, sign_in
from tests.pages import csrf_token_of


def add(made: MadeMerchant, email: str, first: str = "Ada", last: str = "Marsh") -> Affiliate:
    affiliate = affiliates.create(
        merchant_id=made.merchant.id,
        details=AffiliateDetails(first_name=first, last_name=last),
        address=EmailAddress(email, email.casefold()),
        offer=made.offer,
        origin=Origin.SEGMENT,
        actor=SEGMENT,
        now=utc_now(),
    )
    assert affiliate is not None
    db.session.commit()
    return affiliate


@pytest.fixture
def merchant(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    sign_in(client, made.owner)
    return made


def post(client: FlaskClient, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
    """Post a form of the list's page."""
    token = csrf_token_of(client, "/affiliates")
    return client.post(path, data={"csrf_token": token, **(data or {})}, **more)


def status_of(affiliate: Affiliate) -> AffiliateStatus:
    db.session.expire_all()
    return db.session.get_one(Affiliate, (affiliate.merchant_id, affiliate.id)).status


def test_those_who_wait_come_first(client: FlaskClient, merchant: MadeMerchant) -> None:
    add(merchant, "ada@shop.example")

    page = client.get("/affiliates").text

    assert "Ada Marsh" in page
    assert "ada@shop.example" in page
    assert "Approving sends" in page


def test_an_empty_tab_says_what_will_fill_it(client: FlaskClient, merchant: MadeMerchant) -> None:
    assert "Nobody is waiting." in client.get("/affiliates").text
    assert "Nobody is approved yet." in client.get("/affiliates?status=approved").text


def test_approving_moves_mails_and_is_written_down(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    affiliate = add(merchant, "ada@shop.example")

    page = post(client, f"/affiliates/{affiliate.id}/approve", follow_redirects=True).text

    assert "Approved. New Affiliate email queued." in page
    assert status_of(affiliate) is AffiliateStatus.APPROVED
    kinds = db.session.scalars(select(Message.kind).order_by(Message.id)).all()
    assert kinds == ["pending_affiliate", "new_affiliate"]
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "affiliate.approved")
    ).one()
    assert (entry.subject_id, entry.user_id) == (affiliate.id, merchant.owner.id)


def test_approving_again_changes_and_mails_nothing(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    affiliate = add(merchant, "ada@shop.example")
    post(client, f"/affiliates/{affiliate.id}/approve")

    page = post(client, f"/affiliates/{affiliate.id}/approve", follow_redirects=True).text

    assert "Already approved. Nothing was changed." in page
    assert len(db.session.scalars(select(Message)).all()) == 2


def test_a_mail_that_is_off_is_said_to_be_off(client: FlaskClient, merchant: MadeMerchant) -> None:
    affiliate = add(merchant, "ada@shop.example")
    db.session.add(
        EmailSetting(merchant_id=merchant.merchant.id, kind="new_affiliate", is_on=False)
    )
    db.session.commit()

    page = post(client, f"/affiliates/{affiliate.id}/approve", follow_redirects=True).text

    assert "Approved. No email: New Affiliate is off." in page


def test_denying_keeps_the_reason_for_the_team(client: FlaskClient, merchant: MadeMerchant) -> None:
    affiliate = add(merchant, "ada@shop.example")

    page = post(
        client,
        f"/affiliates/{affiliate.id}/deny",
        data={"reason": "A competitor"},
        follow_redirects=True,
    ).text

    assert status_of(affiliate) is AffiliateStatus.DENIED
    assert "A competitor (for the team only)" in page
    denied = db.session.scalars(select(Message).order_by(Message.id.desc())).first()
    assert denied is not None
    assert denied.state is MessageState.NOT_SENT


def test_several_are_decided_at_once_and_counted(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    people = [add(merchant, f"p{n}@shop.example") for n in range(3)]
    post(client, f"/affiliates/{people[0].id}/approve")

    page = post(
        client,
        "/affiliates/decide",
        data={"move": "approve", "affiliate": [str(one.id) for one in people]},
        follow_redirects=True,
    ).text

    assert "2 approved, 1 was already approved." in page


def test_choosing_nobody_is_said(client: FlaskClient, merchant: MadeMerchant) -> None:
    page = post(client, "/affiliates/decide", data={"move": "deny"}, follow_redirects=True).text

    assert "Choose at least one person first." in page


def test_ids_of_another_merchant_are_nobody(client: FlaskClient, merchant: MadeMerchant) -> None:
    theirs = add(make_merchant("Southwind"), "ada@shop.example")

    bulk = post(
        client,
        "/affiliates/decide",
        data={"move": "approve", "affiliate": str(theirs.id)},
        follow_redirects=True,
    )

    assert "Choose at least one person first." in bulk.text
    assert client.get(f"/affiliates/{theirs.id}").status_code == 404
    for path in ("/approve", "/deny", "/erase"):
        assert post(client, f"/affiliates/{theirs.id}{path}").status_code == 404
    assert status_of(theirs) is AffiliateStatus.PENDING


def test_a_viewer_sees_and_decides_nothing(client: FlaskClient) -> None:
    made = make_merchant()
    affiliate = add(made, "ada@shop.example")
    sign_in(client, make_user(made.merchant, Role.VIEWER))

    assert ">Approve<" not in client.get("/affiliates").text
    assert post(client, f"/affiliates/{affiliate.id}/approve").status_code == 403


@pytest.mark.parametrize("words", ["ada", "MARSH", "ada marsh", "ada@shop", "Ada@Shop.example"])
def test_search_finds_the_start_of_names_and_addresses(
    client: FlaskClient, merchant: MadeMerchant, words: str
) -> None:
    add(merchant, "ada@shop.example")
    add(merchant, "bob@shop.example", "Bob", "Stone")

    page = client.get("/affiliates", query_string={"q": words}).text

    assert "Ada Marsh" in page
    assert "Bob Stone" not in page


@pytest.mark.parametrize("words", ["%", "_", "'; --", "nobody", "\x00", "x" * 5000])
def test_search_takes_every_text_as_text(
    client: FlaskClient, merchant: MadeMerchant, words: str
) -> None:
    add(merchant, "ada@shop.example")

    response = client.get("/affiliates", query_string={"q": words})

    assert response.status_code == 200
    assert ("Nobody matches." in response.text) is (words != "\x00")


def test_pages_neither_skip_nor_repeat(
    client: FlaskClient, merchant: MadeMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(120):
        add(merchant, f"p{n:03}@shop.example")
    seen: list[str] = []
    path: str | None = "/affiliates"

    while path:
        page = client.get(path).text
        seen += re.findall(r"p\d{3}@shop\.example", page)
        found = re.search(r'href="([^"]*older=[^"]*)"', page)
        path = found[1].replace("&amp;", "&") if found else None

    assert sorted(set(seen)) == [f"p{n:03}@shop.example" for n in range(120)]
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("query", ["older=x", "offer=1", "source='", "newer=-"])
def test_an_id_that_is_none_is_no_page(
    client: FlaskClient, merchant: MadeMerchant, query: str
) -> None:
    assert client.get(f"/affiliates?{query}").status_code == 404


def test_erasing_asks_for_the_address_and_leaves_keyed_hashes(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    affiliate = add(merchant, "ada@shop.example")

    wrong = post(client, f"/affiliates/{affiliate.id}/erase", data={"erase-address": "bob"})
    right = post(
        client,
        f"/affiliates/{affiliate.id}/erase",
        data={"erase-address": " ADA@shop.example"},
        follow_redirects=True,
    )

    assert wrong.status_code == 422
    assert "Type ada@shop.example to erase this person." in wrong.text
    assert "Erased." in right.text
    db.session.expire_all()
    assert db.session.scalars(select(Affiliate)).all() == []
    assert len(db.session.scalars(select(Erasure)).all()) == 1
    message = db.session.scalars(select(Message)).one()
    assert (message.to, message.state) == (None, MessageState.NOT_SENT)


def test_the_export_has_everybody_of_the_tab_and_runs_no_formula(
    client: FlaskClient, merchant: MadeMerchant
) -> None:
    add(merchant, "ada@shop.example", "=1+1")

    rows = list(csv.DictReader(StringIO(client.get("/affiliates/export", buffered=True).text)))

    assert [(row["email"], row["first_name"]) for row in rows] == [("ada@shop.example", "'=1+1")]


def test_a_referral_link_leads_to_the_shop(client: FlaskClient, merchant: MadeMerchant) -> None:
    affiliate = add(merchant, "ada@shop.example")
    path = f"/r/{merchant.merchant.handle}/{affiliate.referral_code}"

    without_shop = client.get(path)
    merchant.merchant.website = "https://shop.example/?a=1"
    db.session.commit()
    with_shop = client.get(path)

    assert "friend of" in without_shop.text
    assert with_shop.location == f"https://shop.example/?a=1&rfsn={affiliate.referral_code}"
    assert client.get("/r/nobody/nothing").status_code == 404
