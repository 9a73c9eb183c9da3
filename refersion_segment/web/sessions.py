"""The cookie of a browser that is logged in: it names a row of `login_sessions`, no more."""

from datetime import timedelta
from typing import Final

from flask import Flask, Request, g, session

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db, login_manager
from refersion_segment.models import LoginSession, User
from refersion_segment.services import login_sessions

# How exactly the idle time is known: most requests write nothing.
SEEN_EVERY: Final = timedelta(minutes=10)


def register(app: Flask) -> None:
    """Teach Flask-Login to find the user behind a cookie."""
    # Its own protection marks sessions of changed browsers as stale; ours end by themselves.
    login_manager.session_protection = None

    @login_manager.request_loader
    def load(_request: Request) -> User | None:
        login = current_session()
        return login_sessions.user_of_session(login) if login else None


def current_session() -> LoginSession | None:
    """Return the session that this request came with, looked up once."""
    if "login_session" not in g:
        g.login_session = _look_up()
    login: LoginSession | None = g.login_session
    return login


def start(ticket: str) -> None:
    """Begin a new cookie: nothing of the one before survives, its CSRF token neither."""
    session.clear()
    session["login"] = ticket
    session.permanent = True


def end() -> None:
    """Empty the cookie."""
    session.clear()


def _look_up() -> LoginSession | None:
    ticket = session.get("login")
    now = utc_now()
    login = login_sessions.session_of_ticket(ticket, now) if isinstance(ticket, str) else None
    if login and now - login.seen_at >= SEEN_EVERY:
        login.seen_at = now
        db.session.commit()
    return login
