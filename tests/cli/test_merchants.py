"""`flask merchants`."""

import json

from flask import Flask
from flask.testing import FlaskCliRunner

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Merchant, Offer
from refersion_segment.services import api_keys
from tests.factories import PASSWORD, make_merchant


def run(app: Flask, *arguments: str):  # type: ignore[no-untyped-def]
    db.session.rollback()
    return FlaskCliRunner(app).invoke(args=["merchants", *arguments])


def test_create_prints_the_merchant_its_key_and_its_offer(app: Flask) -> None:
    result = run(
        app,
        "create",
        "Northwind",
        "--owner-email",
        "o@shop.example",
        "--password",
        PASSWORD,
        "--json",
    )

    made = json.loads(result.stdout)
    key = api_keys.find(made["api_key"], utc_now())
    assert result.exit_code == 0
    assert set(made) == {"merchant", "api_key", "offer"}
    assert key is not None
    assert str(key.merchant_id) == made["merchant"]
    assert str(db.session.query(Offer).one().id) == made["offer"]


def test_create_refuses_a_weak_password_in_words(app: Flask) -> None:
    result = run(app, "create", "Northwind", "--owner-email", "o@shop", "--password", "short")

    assert result.exit_code == 1
    assert '"o@shop" is not an email address.' in result.stderr
    assert "Use at least 15 characters." in result.stderr
    assert db.session.query(Merchant).count() == 0


def test_create_refuses_an_address_that_is_taken(app: Flask) -> None:
    make_merchant(email="o@shop.example")

    result = run(
        app, "create", "Other", "--owner-email", "O@shop.example", "--password", PASSWORD, "--json"
    )

    assert result.exit_code == 1
    assert "has an account already" in result.stderr


def test_list_prints_one_merchant_a_line(app: Flask) -> None:
    names = ["Northwind", "Southwind"]
    ids = [str(make_merchant(name).merchant.id) for name in names]

    result = run(app, "list", "--json")

    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["name"] for row in rows] == names
    assert [row["id"] for row in rows] == ids
