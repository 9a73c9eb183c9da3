"""A user, who logs in for a merchant, and the sessions that are open."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from refersion_segment.domain.roles import Role
from refersion_segment.models.base import Base, OfMerchant
from refersion_segment.models.types import text_enum

IDLE_LIMIT: Final = timedelta(days=2)


class User(OfMerchant, Base):
    """A person of a merchant's team."""

    __tablename__ = "users"

    name: Mapped[str]
    email: Mapped[str]
    # Unique over all merchants: log-in looks a person up before the merchant is known.
    email_key: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role] = mapped_column(text_enum(Role))
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]

    # Flask-Login asks; a user who is not logged in is not this class.
    is_authenticated = True


class LoginSession(OfMerchant, Base):
    """One browser that is logged in. Ending the row ends the session everywhere at once.

    It also holds the one OAuth handshake that the session may have under way: `state` and PKCE
    verifier live here and not in the cookie, so that a state works once, whatever is replayed.
    """

    __tablename__ = "login_sessions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["merchant_id", "user_id"], ["users.merchant_id", "users.id"], ondelete="CASCADE"
        ),
        Index(None, "merchant_id", "user_id"),
    )

    user_id: Mapped[UUID]
    token_digest: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ip: Mapped[str]
    user_agent: Mapped[str]
    oauth_state_digest: Mapped[str | None]
    oauth_verifier_sealed: Mapped[str | None]
    oauth_expires_at: Mapped[datetime | None]

    def is_open(self, now: datetime) -> bool:
        """Whether the cookie still logs in at `now`: within 14 days, and never idle for 2."""
        return now < self.expires_at and now - self.seen_at < IDLE_LIMIT
