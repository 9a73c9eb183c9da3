"""Each row of the answer table (DESIGN section 5), through the front door."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.domain.outcomes import Outcome
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Connection, Delivery, Job, Message
from refersion_segment.models.connection import ConnectionState
from refersion_segment.models.message import MessageState
from tests.factories import MadeMerchant, make_merchant
from tests.web.segment_destination.conftest import Send
from tests.web.segment_destination.events import delete, identify


def number_of(model: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def newest_delivery() -> Delivery:
    return db.session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()


def test_a_new_identity_becomes_an_affiliate_with_its_mail(send: Send) -> None:
    response = send(identify(messageId="m-1", userId="u-1"))

    affiliate = db.session.scalars(select(Affiliate)).one()
    message = db.session.scalars(select(Message)).one()
    assert response.status_code == 200
    assert response.json == {"outcome": "created", "affiliate": str(affiliate.id)}
    assert affiliate.status is AffiliateStatus.PENDING
    assert (message.state, message.to) == (MessageState.QUEUED, "ada@shop.example")
    assert number_of(Job) == 1
    assert newest_delivery().reason == "Pending in Standard Affiliate Commission."


def test_a_known_person_changes_nothing_but_blanks(send: Send) -> None:
    first = send(identify(userId="u-1"))

    again = send(
        identify(
            email="ADA@shop.example",
            userId="u-2",
            traits={"firstName": "Eve", "address": {"city": "Oslo"}},
        )
    )

    affiliate = db.session.scalars(select(Affiliate)).one()
    assert again.json == {
        "outcome": "already_affiliate",
        "affiliate": first.json["affiliate"],
    }
    assert (affiliate.first_name, affiliate.city) == ("Ada", "Oslo")
    assert number_of(Message) == 1


def test_a_known_user_id_needs_no_address(send: Send) -> None:
    first = send(identify(userId="u-1"))

    again = send({"type": "identify", "userId": "u-1"})

    assert again.json == {"outcome": "already_affiliate", "affiliate": first.json["affiliate"]}


def test_a_message_id_is_answered_once_and_then_repeated(send: Send) -> None:
    first = send(identify(messageId="m-1"))

    again = send(identify(messageId="m-1", email="somebody@else.example"))

    assert again.status_code == 200
    assert again.json == {**first.json, "replayed": True}
    assert number_of(Affiliate) == 1
    assert number_of(Delivery) == 2


def test_a_refused_call_does_not_use_up_its_message_id(send: Send) -> None:
    assert send(identify(messageId="m-1", email=None)).status_code == 400

    again = send(identify(messageId="m-1"))

    assert again.json["outcome"] == "created"


def test_message_ids_are_compared_exactly_and_per_type(send: Send) -> None:
    send(identify(messageId="m-1"))

    other = send(identify(messageId=" m-1", email="b@shop.example"))
    deleted = send(delete(messageId="m-1", userId="nobody"))

    assert other.json["outcome"] == "created"
    assert deleted.json == {"outcome": "nothing_to_delete"}


def test_a_number_is_its_text_and_blanks_are_no_message_id(send: Send) -> None:
    send(identify(messageId=17))

    assert send(identify(messageId="17")).json["replayed"] is True
    assert "replayed" not in send(identify(messageId=" ")).json
    assert "replayed" not in send(identify(messageId=" ")).json


def test_a_delete_removes_the_person_and_older_events_stay_away(send: Send) -> None:
    send(identify(userId="u-1", messageId="m-1"))

    deleted = send(delete(userId="u-1", receivedAt="2026-04-01T10:00:00Z"))
    older = send(identify(receivedAt="2026-04-01T10:00:00Z", messageId="m-2"))
    newer = send(identify(receivedAt="2026-04-01T10:00:01Z", messageId="m-3"))

    assert deleted.json == {"outcome": "deleted"}
    assert older.json == {"outcome": "erased"}
    assert newer.json["outcome"] == "created"


def test_a_delete_of_nobody_keeps_older_events_away(send: Send) -> None:
    deleted = send(delete(anonymousId="a-1", receivedAt="2026-04-01T10:00:00Z"))

    older = send(identify(anonymousId="a-1", timestamp="2026-03-01T10:00:00Z"))

    assert deleted.json == {"outcome": "nothing_to_delete"}
    assert older.json == {"outcome": "erased"}


@pytest.mark.parametrize(
    "key", ["", "nonsense", "pub_0123456789.sec_" + "0" * 40, "pub_7f3c91.sec_b2d04e"]
)
def test_an_unknown_key_is_told_where_to_find_it(send: Send, key: str) -> None:
    response = send(identify(), key=key)

    assert response.status_code == 401
    assert response.json == {
        "message": "API key not recognised. Copy it again from Account › Settings › API keys."
    }
    assert response.headers["WWW-Authenticate"] == 'Basic realm="Refersion"'
    assert number_of(Delivery) == 0


@pytest.mark.parametrize("header", [None, "Basic", "Basic !!!", "Bearer x", "Basic bm9jb2xvbg=="])
def test_a_garbled_header_is_no_key(client: FlaskClient, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}

    response = client.post("/segment/destination", json=identify(), headers=headers)

    assert response.status_code == 401


def test_a_disabled_integration_refuses_before_reading(send: Send, merchant: MadeMerchant) -> None:
    db.session.get(Connection, merchant.merchant.id).state = ConnectionState.DISABLED
    db.session.commit()

    response = send(data="not json")

    assert response.status_code == 403
    assert response.json == {"message": "Segment integration is turned off in Refersion."}
    assert newest_delivery().outcome is Outcome.REFUSED


@pytest.mark.parametrize("state", ["connecting", "connected", "failing"])
def test_calls_are_taken_in_every_other_state(
    send: Send, merchant: MadeMerchant, state: str
) -> None:
    db.session.get(Connection, merchant.merchant.id).state = ConnectionState(state)
    db.session.commit()

    assert send(identify()).status_code == 200


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (identify(email=None), "Missing email address."),
        (identify(email=""), "Missing email address."),
        (identify(email="peter@"), '"peter@" is not an email address.'),
        (identify(email=17), "email address"),
        (
            identify(traits={"firstName": None, "lastName": " "}),
            "Missing name: send name, or firstName and lastName.",
        ),
        ([identify()], "Send one event per request."),
        ("text", "object"),
        ({"userId": "u-1"}, "Missing type"),
        ({"type": 3}, "Missing type"),
        (delete(), "Missing userId"),
    ],
)
def test_a_call_that_needs_fixing_says_what_and_where(
    send: Send, event: Any, sentence: str
) -> None:
    response = send(event)

    delivery = newest_delivery()
    assert response.status_code == 400
    assert sentence in response.json["message"]
    assert response.json["message"].endswith(
        f" http://localhost/account/settings/segment/deliveries/{delivery.id}"
    )
    assert (delivery.outcome, delivery.status_code) == (Outcome.NEEDS_FIXING, 400)
    assert number_of(Affiliate) == number_of(Message) == number_of(Job) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'\xff{"type": "identify"}',
        b'{"type": "identify", "traits": {"age": NaN}}',
        b'{"type": "identify", "plan": "\\u0000"}',
        b'{"type": "identify", "plan": "\\ud800"}',
        # two halves of a surrogate pair with an escaped backslash in between
        b'{"type": "delete", "userId": "\\ud83d\\\\\\ude00"}',
        b'{"type": "identify", "traits": {"\\ud83d\\\\\\ude00": 1}}',
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 100_000,
        b'{"type": ' + b"9" * 5000 + b"}",
    ],
)
def test_bytes_that_are_no_event_are_refused_the_same_way_for_ever(send: Send, body: bytes) -> None:
    first, second = send(data=body), send(data=body)

    assert first.status_code == second.status_code == 400
    assert number_of(Affiliate) == 0


@pytest.mark.parametrize("kind", ["track", "page", "screen", "group", "alias", "Track", "dance"])
def test_other_calls_are_not_for_us(send: Send, kind: str) -> None:
    response = send({"type": kind, "userId": "u-1"})

    assert response.status_code == 501
    assert response.json == {
        "message": f'Refersion accepts identify and delete calls; this was "{kind}".'
    }
    assert newest_delivery().outcome is Outcome.IGNORED


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/segment/destination", "/segment/destination/"])
def test_only_post_is_taken_and_the_key_is_not_asked_first(
    client: FlaskClient, method: str, path: str
) -> None:
    response = client.open(path, method=method)

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert response.content_type == "application/json"


@pytest.mark.parametrize("path", ["//segment/destination", "/segment/destination//"])
def test_other_spellings_of_the_path_are_no_redirect(client: FlaskClient, path: str) -> None:
    assert client.post(f"http://localhost{path}").status_code == 404


def test_a_type_of_endless_blanks_is_kept_short(send: Send) -> None:
    response = send({"type": "identify" + " " * 100_000, "traits": 5})

    assert response.status_code == 400
    assert len(newest_delivery().call_type) <= 40


def test_a_trailing_slash_is_no_redirect(client: FlaskClient, merchant: MadeMerchant) -> None:
    response = client.post(
        "/segment/destination/", json=identify(), auth=(merchant.api_key, "ignored")
    )

    assert response.json["outcome"] == "created"


@pytest.mark.parametrize("size", [2**20 + 1, 3 * 2**20])
def test_more_than_a_mebibyte_is_too_large(send: Send, size: int) -> None:
    response = send(data=b" " * size)

    assert response.status_code == 413
    assert "1 MiB" in response.json["message"]
    assert newest_delivery().status_code == 413


def test_a_body_of_just_a_mebibyte_is_read(send: Send) -> None:
    event = identify(traits={"plan": "x"})
    event["traits"]["plan"] = "x" * (2**20 - len(str(event)) - 50)

    assert send(event).status_code == 200


def test_the_content_type_does_not_matter_but_an_encoding_does(send: Send) -> None:
    body = b'{"type": "delete", "userId": "u-1"}'

    plain = send(data=body, content_type="text/plain; charset=latin-1")
    packed = send(data=body, headers={"Content-Encoding": "gzip"})

    assert plain.status_code == 200
    assert packed.status_code == 400


def test_too_many_calls_of_one_key_come_again_later(
    send: Send, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(app.extensions["call_rates"]), "take_call", lambda *_: False)

    response = send(identify())

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert number_of(Delivery) == 0


def test_another_merchants_key_makes_another_affiliate(send: Send) -> None:
    other = make_merchant("Southwind")
    db.session.get(Connection, other.merchant.id).state = ConnectionState.CONNECTED
    db.session.commit()

    mine = send(identify(userId="u-1", messageId="m-1"))
    theirs = send(identify(userId="u-1", messageId="m-1"), key=other.api_key)

    assert mine.json["outcome"] == theirs.json["outcome"] == "created"
    assert mine.json["affiliate"] != theirs.json["affiliate"]
