"""Who is logged in: sessions are rows, so that ending one ends it everywhere at once."""

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from refersion_segment.domain.email_addresses import InvalidEmailError, parse_email
from refersion_segment.domain.texts import cut, one_line
from refersion_segment.extensions import db
from refersion_segment.models import LoginSession, User
from refersion_segment.models.scope import rows_of
from refersion_segment.services import passwords
from refersion_segment.services.actors import Actor, record
from refersion_segment.services.digests import digest

SESSION_LENGTH: Final = timedelta(days=14)

LONGEST_USER_AGENT: Final = 300


class _Found(NamedTuple):
    merchant_id: UUID
    id: UUID
    password_hash: str


def log_in(email: str, password: str, *, ip: str, user_agent: str, now: datetime) -> str | None:
    """Check address and password; return the ticket of a new session, None if they do not fit.

    An unknown address and a wrong password take the same steps. The caller commits in both
    cases: a try that failed is an audit entry too.
    """
    found = _find_by_email(email)
    # Hashing takes its time; no lock of the database is held meanwhile.
    db.session.rollback()
    is_right = passwords.is_right(found.password_hash if found else None, password)
    user = db.session.get(User, (found.merchant_id, found.id)) if found else None
    if user is None or found is None or user.password_hash != found.password_hash:
        return None  # unknown, or removed or changed while we were hashing
    if not is_right:
        record(
            Actor(name="Somebody", ip=ip),
            "login.failed",
            merchant_id=user.merchant_id,
            subject_id=user.id,
            detail=user.name,
        )
        return None
    if passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    user.last_login_at = now
    ticket = open_session(user, ip=ip, user_agent=user_agent, now=now)
    record(actor_of(user, ip), "login.opened", merchant_id=user.merchant_id, subject_id=user.id)
    return ticket


def is_own_password(user: User, password: str) -> bool:
    """Ask a person who is logged in for the password again.

    Ends the transaction, so that no lock of the database is held while the password is hashed.
    """
    password_hash = user.password_hash
    db.session.rollback()
    return passwords.is_right(password_hash, password)


def actor_of(user: User, ip: str) -> Actor:
    """Return a user as the actor of an audit entry."""
    return Actor(name=user.name, user_id=user.id, ip=ip)


def open_session(user: User, *, ip: str, user_agent: str, now: datetime) -> str:
    """Log a browser in; return the ticket `MERCHANT.SESSION.TOKEN` that its cookie keeps."""
    token = secrets.token_urlsafe(32)
    login = LoginSession(
        merchant_id=user.merchant_id,
        id=uuid7(),
        user_id=user.id,
        token_digest=digest(token),
        created_at=now,
        seen_at=now,
        expires_at=now + SESSION_LENGTH,
        ip=ip,
        user_agent=cut(one_line(user_agent), LONGEST_USER_AGENT),
    )
    db.session.add(login)
    db.session.flush()
    return f"{user.merchant_id}.{login.id}.{token}"


def session_of_ticket(ticket: str, now: datetime) -> LoginSession | None:
    """Return the open session behind a cookie; None if it has ended, or never was."""
    try:
        merchant_text, session_text, token = ticket.split(".")
        merchant_id, session_id = UUID(merchant_text), UUID(session_text)
    except ValueError:
        return None
    login = db.session.scalar(
        rows_of(merchant_id, LoginSession).where(LoginSession.id == session_id)
    )
    if login is None or not hmac.compare_digest(login.token_digest, digest(token)):
        return None
    return login if login.is_open(now) else None


def user_of_session(login: LoginSession) -> User:
    """Return who is logged in with a session."""
    return db.session.get_one(User, (login.merchant_id, login.user_id))


def close_session(login: LoginSession, *, by: Actor) -> None:
    """Log a browser out: whatever copy of its cookie exists opens nothing any more."""
    record(by, "login.closed", merchant_id=login.merchant_id, subject_id=login.user_id)
    db.session.delete(login)
    db.session.flush()


def _find_by_email(email: str) -> _Found | None:
    """Look a user up before the merchant is known: one of the two look-ups that may."""
    try:
        address = parse_email(email)
    except InvalidEmailError:
        return None
    if address is None:
        return None
    query = select(User.merchant_id, User.id, User.password_hash)
    row = db.session.execute(query.where(User.email_key == address.key)).first()
    return _Found(*row) if row else None
