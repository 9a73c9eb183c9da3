"""Passwords: hashed with argon2id, compared in the same time whether anybody has them or not."""

from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from refersion_segment.domain.passwords import MAX_LENGTH, normalise_password

# Above OWASP's least cost for argon2id (19 MiB, two passes, one lane).
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)

# Each hash takes 32 MiB while it is made: a crowd at the log-in waits in line for its turn.
_TURNS: Final = BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """Return what is stored instead of a password."""
    with _TURNS:
        return _HASHER.hash(normalise_password(password))


def is_right(password_hash: str | None, password: str) -> bool:
    """Compare a password with a stored hash.

    :param password_hash: None if there is no such user; it takes as long, and is never right.
    """
    if len(password) > MAX_LENGTH:
        password_hash, password = None, ""
    compared_with = password_hash or _hash_of_nobody()
    try:
        with _TURNS:
            _HASHER.verify(compared_with, normalise_password(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash was made with other costs than today's."""
    return _HASHER.check_needs_rehash(password_hash)


@cache
def _hash_of_nobody() -> str:
    return hash_password("the password of somebody who does not exist")
