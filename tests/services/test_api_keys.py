"""API keys as the endpoint and the settings page use them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import ApiKey, AuditEntry
from refersion_segment.services import api_keys
from refersion_segment.services.actors import COMMAND
from refersion_segment.vault import SealError
from tests.factories import make_merchant

pytestmark = pytest.mark.usefixtures("app")


def test_a_key_finds_its_merchant() -> None:
    shop = make_merchant()
    make_merchant("Southwind")

    key = api_keys.find(shop.api_key, utc_now())

    assert key is not None
    assert key.merchant_id == shop.merchant.id


def test_a_key_with_another_secret_finds_nobody() -> None:
    shop = make_merchant()
    other = make_merchant("Southwind")
    mixed = f"{shop.api_key.partition('.')[0]}.{other.api_key.partition('.')[2]}"

    assert api_keys.find(mixed, utc_now()) is None


@pytest.mark.parametrize("text", ["", ".", "pub_0123456789.sec_" + "0" * 40, "\x00", "é" * 9000])
def test_anything_else_finds_nobody(text: str) -> None:
    assert api_keys.find(text, utc_now()) is None


def test_the_database_does_not_hold_the_secret() -> None:
    shop = make_merchant()
    secret = shop.api_key.partition(".")[2]

    key = db.session.scalars(select(ApiKey)).one()

    stored = [getattr(key, column.name) for column in ApiKey.__table__.columns]
    assert not any(secret in str(value) for value in stored)
    assert api_keys.reveal(key) == shop.api_key


def test_a_sealed_secret_does_not_open_for_another_merchant() -> None:
    shop, other = make_merchant(), make_merchant("Southwind")
    key = api_keys.current_key(shop.merchant.id)
    key.secret_sealed = api_keys.current_key(other.merchant.id).secret_sealed

    with pytest.raises(SealError):
        api_keys.reveal(key)


def test_a_rotated_key_works_seven_days_beside_the_new_one() -> None:
    shop, now = make_merchant(), utc_now()

    ends_at = api_keys.rotate(shop.merchant.id, by=COMMAND, now=now)

    new = api_keys.reveal(api_keys.current_key(shop.merchant.id))
    assert ends_at == now + timedelta(days=7)
    assert new != shop.api_key
    assert api_keys.find(new, ends_at) is not None
    assert api_keys.find(shop.api_key, ends_at - timedelta(seconds=1)) is not None
    assert api_keys.find(shop.api_key, ends_at) is None


def test_a_second_rotation_does_not_prolong_the_first_key() -> None:
    shop, now = make_merchant(), utc_now()
    first_end = api_keys.rotate(shop.merchant.id, by=COMMAND, now=now)

    api_keys.rotate(shop.merchant.id, by=COMMAND, now=now + timedelta(days=3))

    assert api_keys.find(shop.api_key, first_end) is None


def test_a_revoked_key_stops_at_once_and_only_an_old_one_can_be() -> None:
    shop, now = make_merchant(), utc_now()
    current = api_keys.current_key(shop.merchant.id)

    assert not api_keys.revoke(current, by=COMMAND, now=now)
    api_keys.rotate(shop.merchant.id, by=COMMAND, now=now)
    db.session.refresh(current)
    assert api_keys.revoke(current, by=COMMAND, now=now)

    assert api_keys.find(shop.api_key, now) is None


def test_every_look_and_change_is_audited() -> None:
    shop, now = make_merchant(), utc_now()
    old = api_keys.current_key(shop.merchant.id)

    api_keys.show(old, by=COMMAND)
    api_keys.rotate(shop.merchant.id, by=COMMAND, now=now)
    db.session.refresh(old)
    api_keys.revoke(old, by=COMMAND, now=now)

    actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == [
        "merchant.created",
        "api_key.shown",
        "api_key.rotated",
        "api_key.revoked",
    ]
