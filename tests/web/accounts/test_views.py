"""Log in, log out, sign up: through the pages."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import LoginSession, Merchant, User
from tests.factories import PASSWORD, make_merchant, sign_in
from tests.pages import submit, text_of, values_of

REFUSED = "Email and password do not fit together. Check both and try again."

SIGNUP = {
    "name": "Northwind",
    "owner_name": "Olivia Owner",
    "email": "olivia@shop.example",
    "password": PASSWORD,
}


def is_logged_in(client: FlaskClient) -> bool:
    return client.get("/").status_code == 200


def test_a_page_asks_to_log_in_and_comes_back_to_itself(client: FlaskClient) -> None:
    shop = make_merchant()
    asked = client.get("/?days=7")

    answer = submit(client, asked.location, email=shop.owner.email, password=PASSWORD)

    assert asked.location == "/login?next=/?days%3D7"
    assert answer.location == "/?days=7"
    assert is_logged_in(client)


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_the_log_in_never_leads_to_another_site(client: FlaskClient, target: str) -> None:
    shop = make_merchant()

    answer = submit(client, f"/login?next={target}", email=shop.owner.email, password=PASSWORD)

    assert answer.location == "/"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: FlaskClient) -> None:
    make_merchant(email="olivia@shop.example")

    wrong = submit(client, "/login", email="olivia@shop.example", password="not the password")
    unknown = submit(client, "/login", email="orlando@shop.example", password="not the password")

    assert wrong.status_code == unknown.status_code == 422
    assert REFUSED in text_of(wrong)
    assert text_of(wrong) == text_of(unknown)
    assert dict(values_of(wrong))["email"] == "olivia@shop.example"
    assert dict(values_of(wrong))["password"] == ""
    assert not is_logged_in(client)


def test_a_visitor_who_is_logged_in_goes_to_the_dashboard(client: FlaskClient) -> None:
    sign_in(client, make_merchant().owner)

    assert client.get("/login").location == "/"
    assert client.get("/signup").location == "/"


def test_log_in_without_csrf_token_is_refused(client: FlaskClient) -> None:
    shop = make_merchant()

    answer = client.post("/login", data={"email": shop.owner.email, "password": PASSWORD})

    assert answer.status_code == 400
    assert not is_logged_in(client)


def test_log_in_and_log_out_begin_new_cookies(client: FlaskClient) -> None:
    shop = make_merchant()
    client.get("/login")
    tokens = [token_of(client)]

    submit(client, "/login", email=shop.owner.email, password=PASSWORD)
    client.get("/")
    tokens.append(token_of(client))
    submit(client, "/", to="/logout")
    client.get("/login")
    tokens.append(token_of(client))

    assert len(set(tokens)) == 3


def token_of(client: FlaskClient) -> str:
    with client.session_transaction() as cookie:
        return str(cookie["csrf_token"])


def test_a_cookie_opens_nothing_after_the_log_out(client: FlaskClient) -> None:
    sign_in(client, make_merchant().owner)
    kept = client.get_cookie("refersion")
    assert kept is not None

    answer = submit(client, "/", to="/logout")
    client.set_cookie("refersion", kept.value)

    assert answer.location == "/login"
    assert not is_logged_in(client)
    assert db.session.scalar(select(func.count()).select_from(LoginSession)) == 0


def test_the_cookie_holds_nothing_about_the_person(client: FlaskClient) -> None:
    sign_in(client, make_merchant().owner)
    client.get("/")

    with client.session_transaction() as cookie:
        assert set(cookie) <= {"login", "csrf_token", "_permanent"}


def test_a_session_lives_while_it_is_used(client: FlaskClient) -> None:
    with time_machine.travel(utc_now()) as clock:
        sign_in(client, make_merchant().owner)

        clock.shift(timedelta(days=1, hours=23))
        assert is_logged_in(client)
        clock.shift(timedelta(days=1, hours=23))
        assert is_logged_in(client)
        clock.shift(timedelta(days=2))
        assert not is_logged_in(client)


def test_a_user_who_was_removed_is_logged_out(client: FlaskClient) -> None:
    shop = make_merchant()
    sign_in(client, shop.owner)

    db.session.delete(shop.owner)
    db.session.commit()

    assert not is_logged_in(client)


def test_a_sign_up_ends_logged_in_on_the_dashboard(client: FlaskClient) -> None:
    answer = submit(client, "/signup", **SIGNUP)

    assert answer.location == "/"
    assert "Your account is ready." in text_of(client.get("/"))
    assert db.session.scalars(select(Merchant.name)).all() == ["Northwind"]


def test_the_password_of_the_sign_up_logs_in(app: Flask) -> None:
    submit(app.test_client(), "/signup", **SIGNUP)
    client = app.test_client()

    submit(client, "/login", email="OLIVIA@shop.example", password=PASSWORD)

    assert is_logged_in(client)


def test_a_refused_sign_up_says_why_at_each_field_and_keeps_the_rest(client: FlaskClient) -> None:
    answer = submit(client, "/signup", **{**SIGNUP, "name": " ", "email": "olivia@"})

    assert answer.status_code == 422
    assert "Give your shop a name." in text_of(answer)
    assert '"olivia@" is not an email address.' in text_of(answer)
    assert dict(values_of(answer))["owner_name"] == "Olivia Owner"
    assert PASSWORD not in answer.text
    assert db.session.scalars(select(Merchant)).all() == []


@pytest.mark.parametrize("password", ["too short", "passwordpassword1", "northwind-northwind"])
def test_a_weak_password_is_refused(client: FlaskClient, password: str) -> None:
    answer = submit(client, "/signup", **{**SIGNUP, "password": password})

    assert answer.status_code == 422
    assert 'id="password-error"' in answer.text


def test_an_address_that_is_taken_is_refused(client: FlaskClient) -> None:
    make_merchant("Southwind", email="olivia@shop.example")

    answer = submit(client, "/signup", **SIGNUP)

    assert answer.status_code == 422
    assert "This address has an account already." in text_of(answer)
    assert db.session.scalars(select(Merchant.name)).all() == ["Southwind"]


def test_fields_that_the_form_does_not_have_are_not_read(client: FlaskClient) -> None:
    submit(client, "/signup", **SIGNUP, role="viewer", merchant_id="x", id="x")

    assert db.session.scalars(select(User.role)).all() == ["owner"]
