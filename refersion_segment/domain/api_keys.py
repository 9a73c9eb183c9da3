"""The API key `PUBLIC.SECRET`, which Segment sends as the Basic user name of every call."""

import base64
import re
import secrets
from typing import NamedTuple

MAX_HEADER_LENGTH = 4_096
"""An `Authorization` header is not looked into beyond this many characters."""

_KEY = re.compile(r"(pub_[0-9a-f]{10})\.(sec_[0-9a-f]{40})")


class ApiKey(NamedTuple):
    """Both parts of a key: `public` finds it, `secret` proves it."""

    public: str
    secret: str

    @property
    def text(self) -> str:
        """The whole key as the merchant pastes it into Segment."""
        return f"{self.public}.{self.secret}"

    def __repr__(self) -> str:
        return f"<ApiKey {self.public}>"


def new_api_key() -> ApiKey:
    """Make a key from the system's randomness: 40 bits to find it, 160 bits to prove it."""
    return ApiKey(f"pub_{secrets.token_hex(5)}", f"sec_{secrets.token_hex(20)}")


def split_api_key(text: str) -> ApiKey | None:
    """Split `PUBLIC.SECRET` into its parts; None if the text is not exactly of our form."""
    match = _KEY.fullmatch(text)
    return ApiKey(*match.groups()) if match else None


def parse_basic_auth(header: str | None) -> str | None:
    """Read the user name out of an `Authorization: Basic ...` header (RFC 7617).

    The password is ignored. None if the header is missing, of another scheme, not strictly
    base64, without the colon, or not UTF-8 in its user name.
    """
    if header is None or len(header) > MAX_HEADER_LENGTH:
        return None
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(" "), validate=True)
        user_name, colon, _password = decoded.partition(b":")
        return user_name.decode() if colon else None
    except ValueError:  # binascii.Error and UnicodeDecodeError are both
        return None
