"""Merchants and the people of their teams."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from refersion_segment.domain.commissions import CommissionType
from refersion_segment.domain.email_addresses import EmailAddress, InvalidEmailError, parse_email
from refersion_segment.domain.passwords import find_password_problem
from refersion_segment.domain.roles import Role
from refersion_segment.domain.texts import one_line
from refersion_segment.extensions import db, vault
from refersion_segment.models import Connection, Merchant, Offer, User
from refersion_segment.models.connection import ConnectionState
from refersion_segment.models.upserts import insert_if_new
from refersion_segment.services import api_keys, passwords
from refersion_segment.services.actors import Actor, record

DEFAULT_OFFER: Final = "Standard Affiliate Commission"
LONGEST_NAME: Final = 100

# No letter or digit that is read as another.
_HANDLE_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_HANDLE_LENGTH: Final = 8


class RefusedAccountError(ValueError):
    """What was typed makes no account; `problems` has a sentence per field.

    The fields are `name`, `owner_name`, `email` and `password`.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


class AddressTakenError(RefusedAccountError):
    """Somebody logs in with this address already."""

    def __init__(self) -> None:
        super().__init__(
            {"email": "This address has an account already. Log in, or use another address."}
        )


@dataclass(frozen=True, slots=True)
class NewMerchant:
    """What `create_merchant` made; `api_key` is the whole key, `PUBLIC.SECRET`."""

    merchant: Merchant
    owner: User
    api_key: str
    offer: Offer


def create_merchant(
    *,
    name: str,
    owner_name: str,
    email: str,
    password: str,
    now: datetime,
    by: Actor | None = None,
    ip: str = "",
) -> NewMerchant:
    """Make a merchant, its owner, default offer, API key and Segment integration (disabled).

    :param by: who does it; None: the owner, signing up from `ip`.
    :raise RefusedAccountError: if a field cannot be taken; nothing is left behind.
    :raise AddressTakenError: if another user, of any merchant, has the address.
    """
    name, owner_name = one_line(name), one_line(owner_name)
    address = _check_account(name, owner_name, email, password)
    password_hash = passwords.hash_password(password)
    with db.session.begin_nested():
        merchant = _add_merchant(name, now)
        owner = _add_user(merchant.id, owner_name, address, Role.OWNER, password_hash, now)
        offer = Offer(
            merchant_id=merchant.id,
            name=DEFAULT_OFFER,
            commission_type=CommissionType.PERCENT_OF_SALE,
            commission_amount=10_00,
            is_default=True,
            created_at=now,
        )
        connection = Connection(merchant_id=merchant.id, state=ConnectionState.DISABLED)
        db.session.add_all([offer, connection])
        key = api_keys.create(merchant.id, now)
        record(
            by or Actor(name=owner_name, user_id=owner.id, ip=ip),
            "merchant.created",
            merchant_id=merchant.id,
            subject_id=merchant.id,
        )
    return NewMerchant(merchant, owner, key, offer)


def all_merchants() -> Iterator[Merchant]:
    """Yield every merchant, oldest first. For the operator: no page may see beyond its own."""
    yield from db.session.scalars(
        select(Merchant).order_by(Merchant.id).execution_options(yield_per=500)
    )


def erasure_key(merchant: Merchant) -> bytes:
    """Return the key of the hashes that this merchant's erasures keep."""
    return bytes.fromhex(
        vault.open(merchant.erasure_key_sealed, merchant_id=merchant.id, purpose="erasure_key")
    )


def _check_account(name: str, owner_name: str, email: str, password: str) -> EmailAddress:
    problems: dict[str, str] = {}
    if problem := _name_problem(name, "Give your shop a name."):
        problems["name"] = problem
    if problem := _name_problem(owner_name, "Tell us your name."):
        problems["owner_name"] = problem
    try:
        address = parse_email(email)
    except InvalidEmailError as error:
        address, problems["email"] = None, error.sentence
    else:
        if address is None:
            problems["email"] = "Enter your e-mail address."
    if problem := find_password_problem(password, about=(name, owner_name, email)):
        problems["password"] = problem
    if problems or address is None:
        raise RefusedAccountError(problems)
    return address


def _name_problem(name: str, missing: str) -> str | None:
    if not name:
        return missing
    return f"Use at most {LONGEST_NAME} characters." if len(name) > LONGEST_NAME else None


def _add_merchant(name: str, now: datetime) -> Merchant:
    merchant_id = uuid7()
    key = vault.seal(secrets.token_hex(32), merchant_id=merchant_id, purpose="erasure_key")
    # A handle that is taken is drawn again; 8 letters make 850 thousand million of them.
    while not insert_if_new(
        Merchant,
        id=merchant_id,
        name=name,
        handle="".join(secrets.choice(_HANDLE_LETTERS) for _ in range(_HANDLE_LENGTH)),
        erasure_key_sealed=key,
        created_at=now,
    ):
        pass
    return db.session.get_one(Merchant, merchant_id)


def _add_user(
    merchant_id: UUID,
    name: str,
    address: EmailAddress,
    role: Role,
    password_hash: str,
    now: datetime,
) -> User:
    user_id = uuid7()
    if not insert_if_new(
        User,
        merchant_id=merchant_id,
        id=user_id,
        name=name,
        email=address.sent,
        email_key=address.key,
        role=role,
        password_hash=password_hash,
        created_at=now,
    ):
        raise AddressTakenError
    return db.session.get_one(User, (merchant_id, user_id))
