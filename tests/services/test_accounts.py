"""What a sign-up makes, and what it refuses."""

import pytest
from sqlalchemy import func, select

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Merchant, Offer
from refersion_segment.models.connection import ConnectionState
from refersion_segment.services import accounts, passwords
from refersion_segment.services.accounts import AddressTakenError, RefusedAccountError
from tests.factories import PASSWORD, make_merchant

pytestmark = pytest.mark.usefixtures("app")


def test_a_new_merchant_has_all_that_it_needs() -> None:
    shop = make_merchant()

    connection = db.session.get_one(Connection, shop.merchant.id)
    offers = db.session.scalars(select(Offer)).all()
    assert shop.owner.role is Role.OWNER
    assert [offer.name for offer in offers] == ["Standard Affiliate Commission"]
    assert offers[0].is_default
    assert not offers[0].auto_approve
    assert offers[0].commission_amount == 1000
    assert (connection.state, connection.generation) == (ConnectionState.DISABLED, 0)
    assert len(shop.merchant.handle) == 8
    assert len(accounts.erasure_key(shop.merchant)) == 32


def test_an_address_in_other_letters_is_taken_and_leaves_nothing() -> None:
    make_merchant(email="olivia@shop.example")

    with pytest.raises(AddressTakenError) as refused:
        make_merchant("Southwind", email="Olivia@Shop.Example ")
    db.session.commit()

    assert list(refused.value.problems) == ["email"]
    assert db.session.scalar(select(func.count()).select_from(Merchant)) == 1


def test_every_field_that_is_refused_has_its_sentence() -> None:
    with pytest.raises(RefusedAccountError) as refused:
        accounts.create_merchant(
            name=" \x00", owner_name="a" * 101, email="olivia@", password="short", now=utc_now()
        )

    assert refused.value.problems == {
        "name": "Give your shop a name.",
        "owner_name": "Use at most 100 characters.",
        "email": '"olivia@" is not an email address.',
        "password": "Use at least 15 characters. A few words in a row are fine.",
    }


def test_a_password_about_the_shop_is_refused() -> None:
    with pytest.raises(RefusedAccountError) as refused:
        accounts.create_merchant(
            name="Wonderland",
            owner_name="Olivia Owner",
            email="olivia@shop.example",
            password="wonderland-olivia-owner",
            now=utc_now(),
        )

    assert list(refused.value.problems) == ["password"]


def test_a_password_is_right_however_a_keyboard_spells_it() -> None:
    hashed = passwords.hash_password("caf\u00e9 by the harbour wall")

    assert passwords.is_right(hashed, "cafe\u0301 by the harbour wall")
    assert not passwords.is_right(hashed, "cafe by the harbour wall")
    assert not passwords.is_right(None, "the password of somebody who does not exist")
    assert not passwords.is_right(hashed, "x" * 1025)


def test_factories_and_form_share_the_password() -> None:
    assert passwords.is_right(make_merchant().owner.password_hash, PASSWORD)
