"""How identifiers of any length become index keys."""

from hashlib import sha256


def digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal: fits an index, whatever Segment sends."""
    return sha256(text.encode()).hexdigest()
