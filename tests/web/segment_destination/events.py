"""Segment's events, as small as a test needs them."""

from typing import Any


def identify(*, email: str | None = "ada@shop.example", **more: Any) -> dict[str, Any]:
    """An identify of Ada Marsh; `traits` replace or add to hers, None takes one away."""
    traits = {"firstName": "Ada", "lastName": "Marsh", "email": email, **more.pop("traits", {})}
    return {"type": "identify", "traits": traits, **more}


def delete(**more: Any) -> dict[str, Any]:
    """A delete of whomever the ids name."""
    return {"type": "delete", **more}
