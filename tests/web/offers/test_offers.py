"""The pages of the offers."""

import re
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from refersion_segment.domain.commissions import CommissionType
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import AuditEntry, Offer
from refersion_segment.models.scope import rows_of
from tests.factories import MadeMerchant, enable_segment, make_merchant, make_user, sign_in

TERMS = {
    "name": "VIP",
    "commission_type": "flat_per_order",
    "commission": "5.00",
    "terms": "Paid monthly.\r\nNo coupons.",
}


@pytest.fixture
def northwind(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    sign_in(client, made.owner)
    return made


def csrf_of(client: FlaskClient) -> str:
    page = client.get("/offers/new").text
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]


def post(client: FlaskClient, path: str, **values: str):
    return client.post(path, data={"csrf_token": csrf_of(client), **values}, follow_redirects=True)


def add_offer(client: FlaskClient, made: MadeMerchant, **values: str) -> Offer:
    post(client, "/offers/new", **TERMS, **values)
    query = rows_of(made.merchant.id, Offer).where(Offer.id != made.offer.id)
    return db.session.scalars(query.order_by(Offer.id.desc())).first()


def test_a_fresh_form_needs_your_approval(client: FlaskClient, northwind: MadeMerchant) -> None:
    page = client.get("/offers/new").text

    checkbox = re.search(r'<input[^>]*name="auto_approve"[^>]*>', page)[0]
    assert "checked" not in checkbox
    for label in ("Name", "Commission type", "Commission", "Commission terms"):
        assert re.search(rf"<label[^>]*>{label}\b", page)
    assert "Automatically approve affiliates" in page


def test_an_offer_is_added_with_exact_money(client: FlaskClient, northwind: MadeMerchant) -> None:
    offer = add_offer(client, northwind, auto_approve="y")

    assert (offer.name, offer.commission_type, offer.commission_amount) == (
        "VIP",
        CommissionType.FLAT_PER_ORDER,
        500,
    )
    assert offer.terms == "Paid monthly.\nNo coupons."
    assert offer.auto_approve
    assert not offer.is_default
    assert "$5.00 per order" in client.get("/offers").text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": "  "}, "Give the offer a name"),
        ({"name": "x" * 121}, "Keep the name within 120 characters."),
        ({"commission": "lots"}, "Write the commission as a number, like 5.00."),
        ({"commission": ""}, "Write the commission as a number, like 10."),
        ({"commission_type": "percent_of_sale", "commission": "100.5"}, "at most 100 %"),
        ({"commission": "0.005"}, "at most 2 decimals"),
        ({"commission_type": "barter"}, "Choose one of these."),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(
    client: FlaskClient, northwind: MadeMerchant, wrong: dict[str, str], sentence: str
) -> None:
    response = post(client, "/offers/new", **{**TERMS, "auto_approve": "y", **wrong})

    assert response.status_code == 422
    assert sentence in response.text
    assert "No coupons." in response.text
    assert "checked" in re.search(r'<input[^>]*name="auto_approve"[^>]*>', response.text)[0]
    assert len(db.session.scalars(rows_of(northwind.merchant.id, Offer)).all()) == 1


def test_a_change_is_audited_with_what_changed(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    offer = add_offer(client, northwind)

    response = post(client, f"/offers/{offer.id}", **{**TERMS, "commission": "7.5"})

    assert "Saved." in response.text
    entries = db.session.scalars(
        rows_of(northwind.merchant.id, AuditEntry).where(AuditEntry.action == "offer.changed")
    ).all()
    assert [entry.detail for entry in entries] == ["Commission: $5.00 per order → $7.50 per order"]


def test_there_is_one_default_offer(client: FlaskClient, northwind: MadeMerchant) -> None:
    offer = add_offer(client, northwind)

    response = post(client, f"/offers/{offer.id}/default")

    assert "VIP is the default offer now." in response.text
    defaults = db.session.scalars(rows_of(northwind.merchant.id, Offer).where(Offer.is_default))
    assert [each.id for each in defaults] == [offer.id]


def test_the_default_offer_cannot_be_archived(client: FlaskClient, northwind: MadeMerchant) -> None:
    offer_id = northwind.offer.id

    response = post(client, f"/offers/{offer_id}/archive")

    assert "Make another offer the default one first." in response.text
    assert f"/offers/{offer_id}/archive" not in response.text
    assert db.session.get_one(Offer, (northwind.merchant.id, offer_id)).archived_at is None


def test_the_offer_that_segment_uses_cannot_be_archived(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    offer = add_offer(client, northwind)
    enable_segment(northwind.merchant).offer_id = offer.id
    db.session.commit()

    response = post(client, f"/offers/{offer.id}/archive")

    assert "Choose another one at Account › Settings › Segment first." in response.text
    assert db.session.get_one(Offer, (northwind.merchant.id, offer.id)).archived_at is None


def test_an_offer_is_archived_and_brought_back(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    offer = add_offer(client, northwind)

    archived = post(client, f"/offers/{offer.id}/archive").text
    refused = post(client, f"/offers/{offer.id}/default").text
    back = post(client, f"/offers/{offer.id}/bring-back").text

    assert "VIP is archived. Those who joined it stay." in archived
    assert "Bring it back first." in refused
    assert "VIP can be chosen again." in back


def test_a_viewer_reads_and_changes_nothing(client: FlaskClient, northwind: MadeMerchant) -> None:
    token = csrf_of(client)
    sign_in(client, make_user(northwind.merchant, Role.VIEWER))
    page = f"/offers/{northwind.offer.id}"

    assert client.get("/offers").status_code == client.get(page).status_code == 200
    assert "Save Changes" not in client.get(page).text
    assert client.get("/offers/new").status_code == 403
    for path in ("/offers/new", page, f"{page}/default", f"{page}/archive", f"{page}/bring-back"):
        assert client.post(path, data={"csrf_token": token, **TERMS}).status_code in {400, 403}


def test_an_offer_of_somebody_else_is_not_found(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    other = make_merchant("Elsewhere").offer.id

    for offer_id in (other, uuid4()):
        assert client.get(f"/offers/{offer_id}").status_code == 404
        for path in ("", "/default", "/archive", "/bring-back"):
            assert post(client, f"/offers/{offer_id}{path}", **TERMS).status_code == 404
