"""Merchants, the people of their teams, and the sessions that are open."""

import hmac
from datetime import timedelta
from typing import Final
from uuid import UUID

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import LoginSession, User
from refersion_segment.models.scope import rows_of
from refersion_segment.services.digests import digest

SESSION_LENGTH: Final = timedelta(days=14)


def user_of_session(ticket: str) -> User | None:
    """Return the user of an open session.

    :param ticket: `MERCHANT.SESSION.TOKEN`, as the cookie keeps it; anything else is nobody.
    """
    try:
        merchant_text, session_text, token = ticket.split(".")
        merchant_id, session_id = UUID(merchant_text), UUID(session_text)
    except ValueError:
        return None
    login = db.session.scalar(
        rows_of(merchant_id, LoginSession).where(
            LoginSession.id == session_id, LoginSession.expires_at > utc_now()
        )
    )
    if login is None or not hmac.compare_digest(login.token_digest, digest(token)):
        return None
    return db.session.get(User, (merchant_id, login.user_id))
