"""The API keys: who sees what, and what Show, Rotate and Revoke ask for."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from refersion_segment.clock import utc_now
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import AuditEntry
from refersion_segment.services import api_keys
from refersion_segment.services.actors import COMMAND
from tests.factories import PASSWORD, MadeMerchant, make_merchant, make_user, sign_in
from tests.pages import submit, text_of, values_of

PAGE = "/account/settings/api"


@pytest.fixture
def shop(app: object) -> MadeMerchant:
    return make_merchant()


def path_of_key(shop: MadeMerchant, verb: str) -> str:
    return f"{PAGE}/{api_keys.current_key(shop.merchant.id).id}/{verb}"


def rotate(shop: MadeMerchant) -> str:
    """Rotate the key; return the path of the old one."""
    old = path_of_key(shop, "")
    api_keys.rotate(shop.merchant.id, by=COMMAND, now=utc_now())
    db.session.commit()
    return old


def actions(shop: MadeMerchant) -> list[str]:
    query = select(AuditEntry.action).where(AuditEntry.action.startswith("api_key."))
    return list(db.session.scalars(query.order_by(AuditEntry.id)))


@pytest.mark.parametrize("role", list(Role))
def test_the_list_shows_the_public_part_alone(
    client: FlaskClient, shop: MadeMerchant, role: Role
) -> None:
    sign_in(client, make_user(shop.merchant, role))

    page = client.get(PAGE)

    public, _, secret = shop.api_key.partition(".")
    assert f"{public}.••••••••" in text_of(page)
    assert secret not in page.text
    assert ("/show" in page.text) == role.includes(Role.MANAGER)
    assert ("/rotate" in page.text) == (role is Role.OWNER)


def test_a_manager_sees_the_whole_key_after_typing_the_password(
    client: FlaskClient, shop: MadeMerchant
) -> None:
    manager = make_user(shop.merchant, Role.MANAGER, name="Maya Chen")
    sign_in(client, manager)
    path = path_of_key(shop, "show")

    shown = submit(client, path, password=PASSWORD)

    assert shop.api_key in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert shop.api_key not in client.get(path).text
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.user_id, entry.ip) == ("api_key.shown", manager.id, "127.0.0.1")


@pytest.mark.parametrize("password", ["", "not the password at all"])
def test_a_wrong_password_shows_and_rotates_nothing(
    client: FlaskClient, shop: MadeMerchant, password: str
) -> None:
    sign_in(client, shop.owner)

    for path in (path_of_key(shop, "show"), f"{PAGE}/rotate"):
        answer = submit(client, path, password=password)

        assert answer.status_code == 422
        assert "This is not your password." in text_of(answer)
        assert ("password", "") in values_of(answer)
        assert shop.api_key.partition(".")[2] not in answer.text
    assert actions(shop) == []


def test_rotate_makes_a_key_beside_the_old_one(client: FlaskClient, shop: MadeMerchant) -> None:
    sign_in(client, shop.owner)

    answer = submit(client, f"{PAGE}/rotate", password=PASSWORD)

    page = text_of(client.get(answer.location))
    assert "A new key is ready. The old one works until" in page
    assert "In use" in page
    assert "Works until" in page
    new = api_keys.reveal(api_keys.current_key(shop.merchant.id))
    assert api_keys.find(new, utc_now())
    assert api_keys.find(shop.api_key, utc_now())
    assert actions(shop) == ["api_key.rotated"]


def test_revoke_ends_an_old_key_at_once(client: FlaskClient, shop: MadeMerchant) -> None:
    old = rotate(shop)
    sign_in(client, shop.owner)

    answer = submit(client, old + "revoke")

    assert "Revoked." in text_of(client.get(answer.location))
    assert api_keys.find(shop.api_key, utc_now()) is None
    assert client.get(old + "show").status_code == 404
    assert actions(shop) == ["api_key.rotated", "api_key.revoked"]


def test_the_key_in_use_is_not_revoked(client: FlaskClient, shop: MadeMerchant) -> None:
    sign_in(client, shop.owner)
    path = path_of_key(shop, "revoke")

    assert client.get(path).status_code == 404
    answer = submit(client, f"{PAGE}/rotate", to=path)

    assert "Rotate it first" in text_of(client.get(answer.location))
    assert api_keys.find(shop.api_key, utc_now())


def test_a_key_of_another_merchant_does_not_exist(client: FlaskClient, shop: MadeMerchant) -> None:
    old = rotate(shop)
    sign_in(client, make_merchant("Southwind").owner)

    for verb in ("show", "revoke"):
        assert client.get(old + verb).status_code == 404
        answer = submit(client, f"{PAGE}/rotate", to=old + verb, password=PASSWORD)
        assert answer.status_code == 404
    assert api_keys.find(shop.api_key, utc_now())
