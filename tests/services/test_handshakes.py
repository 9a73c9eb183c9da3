"""A state is used up once, whoever comes back with it at the same time."""

import threading
from urllib.parse import parse_qs, urlsplit

from flask import Flask

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import LoginSession
from refersion_segment.services import handshakes, login_sessions, provisioning
from tests.factories import make_merchant


def test_of_many_callbacks_at_once_one_gets_the_verifier(app: Flask) -> None:
    made = make_merchant()
    now = utc_now()
    ticket = login_sessions.open_session(made.owner, ip="", user_agent="", now=now)
    login = login_sessions.session_of_ticket(ticket, now)
    assert login
    url = handshakes.begin(login, provisioning.segment_client(), now)
    db.session.commit()
    key = (login.merchant_id, login.id)
    db.session.rollback()
    state = parse_qs(urlsplit(url).query)["state"][0]
    verifiers: list[str | None] = []
    barrier = threading.Barrier(8)

    def come_back() -> None:
        with app.app_context():
            mine = db.session.get_one(LoginSession, key)
            db.session.expunge(mine)
            db.session.rollback()
            barrier.wait()
            verifiers.append(handshakes.use_up(mine, state, now))
            db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=come_back) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(verifiers) == 8
    assert len([verifier for verifier in verifiers if verifier]) == 1
