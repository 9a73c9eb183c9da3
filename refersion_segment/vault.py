"""Encryption at rest: what is sealed can only be opened for the merchant and purpose it names."""

from collections.abc import Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Flask


class SealError(Exception):
    """A sealed value does not open: a key is missing, or it belongs to another row."""


class Vault:
    """Seals with the newest key and opens with any (Fernet: AES-CBC with HMAC)."""

    def __init__(self) -> None:
        self._fernet: MultiFernet | None = None

    def init_app(self, app: Flask) -> None:
        """Take the keys from the setting `ENCRYPTION_KEYS`, newest first."""
        keys: Sequence[str] = app.config["ENCRYPTION_KEYS"]
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @property
    def _keys(self) -> MultiFernet:
        if self._fernet is None:
            raise RuntimeError("the vault has no application yet")
        return self._fernet

    def seal(self, secret: str, *, merchant_id: UUID, purpose: str) -> str:
        """Encrypt `secret` so that it opens only under the same merchant and purpose.

        Fernet has no associated data, so the binding stands inside the sealed text: a value that
        is copied into another merchant's row does not open there.
        """
        return self._keys.encrypt(f"{merchant_id}/{purpose}\n{secret}".encode()).decode()

    def open(self, sealed: str, *, merchant_id: UUID, purpose: str) -> str:
        """Decrypt what `seal` made.

        :raise SealError: if no key fits or the value was sealed for another row.
        """
        try:
            label, _, secret = self._keys.decrypt(sealed).decode().partition("\n")
        except InvalidToken:
            raise SealError(f"{purpose} does not open: no key fits") from None
        if label != f"{merchant_id}/{purpose}":
            raise SealError(f"{purpose} was sealed for another row")
        return secret
