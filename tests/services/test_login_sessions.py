"""Sessions and what opens them."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import AuditEntry, LoginSession
from refersion_segment.services import login_sessions, passwords
from refersion_segment.services.actors import COMMAND
from tests.factories import PASSWORD, make_merchant

pytestmark = pytest.mark.usefixtures("app")


def test_a_session_ends_when_idle_and_at_the_latest_after_fourteen_days() -> None:
    shop, now = make_merchant(), utc_now()
    ticket = login_sessions.open_session(shop.owner, ip="", user_agent="", now=now)

    assert login_sessions.session_of_ticket(ticket, now + timedelta(days=2)) is None
    login = login_sessions.session_of_ticket(ticket, now + timedelta(days=1))
    assert login is not None
    assert login_sessions.user_of_session(login) == shop.owner
    login.seen_at = now + timedelta(days=13, hours=23)
    assert login_sessions.session_of_ticket(ticket, now + timedelta(days=14)) is None


def test_a_closed_session_opens_nothing() -> None:
    shop, now = make_merchant(), utc_now()
    ticket = login_sessions.open_session(shop.owner, ip="", user_agent="", now=now)
    login = login_sessions.session_of_ticket(ticket, now)
    assert login is not None

    login_sessions.close_session(login, by=COMMAND)

    assert login_sessions.session_of_ticket(ticket, now) is None


@pytest.mark.parametrize("ticket", ["", "a.b.c", "..", "\x00"])
def test_a_forged_ticket_opens_nothing(ticket: str) -> None:
    assert login_sessions.session_of_ticket(ticket, utc_now()) is None


def test_a_ticket_with_another_token_opens_nothing() -> None:
    shop, now = make_merchant(), utc_now()
    ticket = login_sessions.open_session(shop.owner, ip="", user_agent="", now=now)

    assert login_sessions.session_of_ticket(ticket[:-1] + "?", now) is None


def log_in(email: str, password: str) -> str | None:
    return login_sessions.log_in(
        email, password, ip="192.0.2.7", user_agent="a browser", now=utc_now()
    )


def test_each_log_in_and_each_failure_of_a_known_user_is_audited() -> None:
    shop = make_merchant(email="olivia@shop.example")

    assert log_in("olivia@shop.example", "something else entirely") is None
    db.session.commit()
    assert log_in("nobody@shop.example", PASSWORD) is None
    assert log_in("not an address \x00", PASSWORD) is None
    assert log_in(" Olivia@Shop.Example", PASSWORD)
    db.session.commit()

    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()[1:]
    assert [(entry.action, entry.user_id, entry.ip) for entry in entries] == [
        ("login.failed", None, "192.0.2.7"),
        ("login.opened", shop.owner.id, "192.0.2.7"),
    ]


def test_an_unknown_address_costs_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    make_merchant(email="olivia@shop.example")
    asked: list[str | None] = []
    monkeypatch.setattr(passwords, "is_right", lambda hashed, _: asked.append(hashed))

    log_in("olivia@shop.example", "x")
    log_in("nobody@shop.example", "x")
    log_in("no address", "x")

    assert [hashed is not None for hashed in asked] == [True, False, False]


def test_a_hash_of_older_costs_is_made_anew_at_the_log_in() -> None:
    shop = make_merchant(email="olivia@shop.example")
    shop.owner.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(
        PASSWORD
    )
    db.session.commit()

    log_in("olivia@shop.example", PASSWORD)
    db.session.commit()

    assert not passwords.is_outdated(shop.owner.password_hash)
    assert passwords.is_right(shop.owner.password_hash, PASSWORD)


def test_the_database_does_not_hold_the_ticket() -> None:
    make_merchant(email="olivia@shop.example")

    ticket = log_in("olivia@shop.example", PASSWORD)

    login = db.session.scalars(select(LoginSession)).one()
    assert ticket is not None
    assert ticket.split(".")[2] not in str(vars(login))
