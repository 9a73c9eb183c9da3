"""Who is logged in: the cookie names a row of `login_sessions`, and the row decides."""

from flask import Flask, session

from refersion_segment.extensions import login_manager
from refersion_segment.models import User
from refersion_segment.services import accounts


def register(app: Flask) -> None:
    """Teach Flask-Login to find the user behind a cookie."""

    @login_manager.user_loader
    def load(_user_id: str) -> User | None:
        return accounts.user_of_session(session.get("login", ""))
