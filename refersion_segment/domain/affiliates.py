"""The status of an affiliate and the moves between its values (PRODUCT, "Approval")."""

import unicodedata
from enum import StrEnum


class AffiliateStatus(StrEnum):
    """Where an affiliate stands with the merchant."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class IllegalMoveError(ValueError):
    """An affiliate was asked to move to a status it cannot reach from where it is."""

    def __init__(self, current: AffiliateStatus, wanted: AffiliateStatus) -> None:
        super().__init__(f"An affiliate who is {current} cannot become {wanted}.")
        self.current = current
        self.wanted = wanted


_MOVES = frozenset(
    {
        (AffiliateStatus.PENDING, AffiliateStatus.APPROVED),
        (AffiliateStatus.PENDING, AffiliateStatus.DENIED),
        (AffiliateStatus.DENIED, AffiliateStatus.APPROVED),
        (AffiliateStatus.APPROVED, AffiliateStatus.DENIED),
    }
)


def starting_status(*, auto_approve: bool) -> AffiliateStatus:
    """Choose the status of a new affiliate from its offer's "Automatically approve affiliates"."""
    return AffiliateStatus.APPROVED if auto_approve else AffiliateStatus.PENDING


def can_move(current: AffiliateStatus, wanted: AffiliateStatus) -> bool:
    """Tell whether `wanted` is another status that may follow `current`."""
    return (current, wanted) in _MOVES


def move(current: AffiliateStatus, wanted: AffiliateStatus) -> bool:
    """Check a move, and tell whether it changes anything.

    False means that the affiliate is already there: a repeat changes and mails nothing.

    :raise IllegalMoveError: if `wanted` cannot follow `current`, such as pending after approved
    """
    if current == wanted:
        return False
    if not can_move(current, wanted):
        raise IllegalMoveError(current, wanted)
    return True


def search_key(name: str) -> str:
    """Fold a name so that a search finds it whatever its letter case, blanks and encoding."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
