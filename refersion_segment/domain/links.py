"""The links that are sent by e-mail: what each is for and how long it works."""

from datetime import timedelta
from enum import StrEnum


class LinkPurpose(StrEnum):
    """What an e-mailed link lets its holder do.

    The value is the signature's salt: a link made for one purpose opens nothing else. Changing
    a value turns every link of that purpose already in somebody's inbox invalid.
    """

    WELCOME = "welcome"
    PASSWORD_RESET = "password-reset"  # noqa: S105 - a purpose, not a password
    INVITATION = "invitation"

    @property
    def max_age(self) -> timedelta:
        """How long a link works after it was made."""
        return _MAX_AGES[self]

    @property
    def max_age_seconds(self) -> int:
        return int(self.max_age.total_seconds())


_MAX_AGES = {
    LinkPurpose.WELCOME: timedelta(days=365),
    LinkPurpose.PASSWORD_RESET: timedelta(hours=1),
    LinkPurpose.INVITATION: timedelta(days=7),
}
