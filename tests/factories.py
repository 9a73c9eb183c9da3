"""The least valid rows that tests begin with. Each factory commits what it makes."""

from dataclasses import dataclass
from functools import cache
from itertools import count
from unittest import mock

from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from refersion_segment.clock import utc_now
from refersion_segment.domain.email_addresses import EmailAddress
from refersion_segment.domain.roles import Role
from refersion_segment.domain.traits import AffiliateDetails
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Connection, Merchant, Offer, User
from refersion_segment.models.affiliate import Origin
from refersion_segment.models.connection import ConnectionMode, ConnectionState
from refersion_segment.services import accounts, affiliates, login_sessions, passwords
from refersion_segment.services.actors import SEGMENT

PASSWORD = "a lantern over the quiet harbour"

_numbers = count(1)


@dataclass(frozen=True)
class MadeMerchant:
    """A merchant and what a test wants to know of it; every user's password is `PASSWORD`."""

    merchant: Merchant
    owner: User
    offer: Offer
    api_key: str
    password: str = PASSWORD


@cache
def hash_of_password() -> str:
    """Hash the password of all test users once: argon2 is slow on purpose."""
    return passwords.hash_password(PASSWORD)


def make_merchant(name: str = "Northwind", *, email: str | None = None) -> MadeMerchant:
    """Make a merchant as the sign-up does, Segment integration disabled."""
    fast_hash = mock.patch.object(passwords, "hash_password", return_value=hash_of_password())
    with fast_hash:
        made = accounts.create_merchant(
            name=name,
            owner_name="Olivia Owner",
            email=email or f"owner{next(_numbers)}@shop.example",
            password=PASSWORD,
            now=utc_now(),
        )
    db.session.commit()
    return MadeMerchant(made.merchant, made.owner, made.offer, made.api_key)


def make_user(merchant: Merchant, role: Role, *, name: str = "Tess Team") -> User:
    """Add a member to a merchant's team."""
    email = f"{role.value}{next(_numbers)}@shop.example"
    user = User(
        merchant_id=merchant.id,
        id=uuid7(),
        name=name,
        email=email,
        email_key=email,
        role=role,
        password_hash=hash_of_password(),
        created_at=utc_now(),
    )
    db.session.add(user)
    db.session.commit()
    return user


def sign_in(client: FlaskClient, user: User) -> None:
    """Log a browser in, as the log-in does but without its form and its slow hash."""
    ticket = login_sessions.open_session(user, ip="127.0.0.1", user_agent="test", now=utc_now())
    db.session.commit()
    with client.session_transaction() as cookie:
        cookie.clear()
        cookie["login"] = ticket


def enable_segment(merchant: Merchant) -> Connection:
    """Connect a merchant by API key: its calls are taken from now on."""
    connection = db.session.get_one(Connection, merchant.id)
    connection.state = ConnectionState.CONNECTED
    connection.mode = ConnectionMode.API_KEY
    connection.generation += 1
    connection.connected_at = utc_now()
    db.session.commit()
    return connection


def make_affiliate(
    made: MadeMerchant,
    email: str = "ada@example.com",
    *,
    first_name: str = "Ada",
    last_name: str = "Marsh",
) -> Affiliate:
    """Create an affiliate as a call from Segment does, with the e-mail that it queues."""
    affiliate = affiliates.create(
        merchant_id=made.merchant.id,
        details=AffiliateDetails(first_name=first_name, last_name=last_name),
        address=EmailAddress(sent=email, key=email.casefold()),
        offer=made.offer,
        origin=Origin.SEGMENT,
        now=utc_now(),
        actor=SEGMENT,
    )
    assert affiliate is not None, f"{email} is taken"
    db.session.commit()
    return affiliate
