"""How an audit entry reads: after the name of who did it."""

from typing import Final

WORDS: Final = {
    "merchant.created": "opened the account",
    "login.opened": "logged in",
    "login.failed": "tried to log in with a wrong password",
    "login.closed": "logged out",
    "api_key.shown": "looked at an API key",
    "api_key.rotated": "rotated the API key",
    "api_key.revoked": "revoked an API key",
    "segment.enabled": "enabled the Segment integration",
    "segment.offer_chosen": "chose the offer for people from Segment",
    "segment.tried_again": "had the connection to Segment tried again",
    "segment.disabled": "disabled the Segment integration",
    "offer.added": "added an offer",
    "offer.changed": "changed an offer",
    "offer.made_default": "made an offer the default",
    "offer.archived": "archived an offer",
    "offer.brought_back": "brought an offer back",
    "channel.turned_on": "turned an e-mail on",
    "channel.turned_off": "turned an e-mail off",
    "channel.text_changed": "changed the text of an e-mail",
    "channel.text_reset": "reset the text of an e-mail",
    "affiliate.created": "created an affiliate",
    "affiliate.approved": "approved an affiliate",
    "affiliate.denied": "denied an affiliate",
    "affiliate.erased": "erased an affiliate",
}


def in_words(action: str) -> str:
    """Say an action such as `offer.archived` in words; a new one reads "offer archived"."""
    return WORDS.get(action) or f"– {action.replace('.', ' ').replace('_', ' ')}"
