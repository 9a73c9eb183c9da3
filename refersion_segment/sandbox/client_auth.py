"""HTTP authentication as Segment reads it: Basic for apps, Bearer for installs."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus


def scheme_and_credentials(header: str | None) -> tuple[str, str]:
    """Split an Authorization header; the scheme comes back in lower case, both empty if absent."""
    scheme, _, credentials = (header or "").strip().partition(" ")
    return scheme.lower(), credentials.strip()


def basic_pair(header: str | None) -> tuple[str, str] | None:
    """Decode Basic credentials to user and password; a missing colon means no password."""
    scheme, credentials = scheme_and_credentials(header)
    if scheme != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, _, password = decoded.partition(":")
    return user, password


def is_client(header: str | None, client_id: str, client_secret: str) -> bool:
    """Check an app's Basic credentials, sent as they are or percent-encoded (RFC 6749, 2.3.1)."""
    pair = basic_pair(header)
    if pair is None:
        return False
    decoded = tuple(unquote_plus(part) for part in pair)
    return any(
        _same(user, client_id) & _same(password, client_secret)
        for user, password in (pair, decoded)
    )


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
