"""`flask messages list`."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Message
from refersion_segment.services import affiliates, messages
from refersion_segment.services.actors import COMMAND
from tests.factories import make_affiliate, make_merchant


def test_messages_are_listed_newest_first_with_their_reason(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "PAGE", 2)  # so that three rows are more than one page
    made, other = make_merchant(), make_merchant("Other")
    make_affiliate(other, "somebody@else.example")
    ada = make_affiliate(made)
    affiliates.approve(COMMAND, made.merchant.id, ada.id, utc_now())
    affiliates.deny(COMMAND, made.merchant.id, ada.id, now=utc_now())
    db.session.commit()

    result = FlaskCliRunner(app).invoke(args=["messages", "list", str(made.merchant.id), "--json"])

    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["kind"], row["state"], row["reason"]) for row in rows] == [
        ("denied_affiliate", "not_sent", "Denied Affiliate was off."),
        ("new_affiliate", "queued", ""),
        ("pending_affiliate", "queued", ""),
    ]
    assert rows[0].keys() == {"id", "kind", "to", "state", "reason", "attempts"}
    assert {(row["to"], row["attempts"]) for row in rows} == {("ada@example.com", 0)}
    db.session.rollback()
    assert db.session.query(Message).count() == 4
