"""The three e-mails to affiliates: when each is meant, and the tags a merchant may write in them.

A tag is `{{ name }}` and nothing more: text is replaced by text, so nothing that a merchant
writes is ever run (PRODUCT, "Templates").
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from refersion_segment.domain.affiliates import AffiliateStatus

TAGS = (
    "first_name",
    "last_name",
    "email",
    "offer",
    "commission",
    "terms",
    "referral_link",
    "welcome_link",
    "merchant",
    "reason",
)

MAX_TAG_LENGTH = 60

# Bounded and without nested repeats, so that it stays linear on any text.
_TAG = re.compile(rf"\{{\{{([^{{}}\r\n]{{0,{MAX_TAG_LENGTH}}})\}}\}}")
_TAG_OR_OPENING = re.compile(rf"{_TAG.pattern}|\{{\{{[^\r\n]{{0,20}}")


class MailKind(StrEnum):
    """What an e-mail to an affiliate says; each is sent at most once per affiliate."""

    NEW_AFFILIATE = "new_affiliate"
    PENDING_AFFILIATE = "pending_affiliate"
    DENIED_AFFILIATE = "denied_affiliate"

    @property
    def label(self) -> str:
        """The name of its switch among the e-mail channels."""
        return self.value.replace("_", " ").title()

    @property
    def is_on_by_default(self) -> bool:
        """Whether a new merchant sends it.

        Not the denial: people from Segment never applied, and a refusal nobody asked for is
        worse than silence.
        """
        return self is not MailKind.DENIED_AFFILIATE


class UnknownTagError(ValueError):
    """A text uses tags that do not exist; `tags` are as written, `sentence` is for the field."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        names = ", ".join(f'"{tag}"' for tag in tags)
        known = ", ".join(TAGS)
        self.sentence = f"There is no tag {names}. These can be used: {known}."
        super().__init__(self.sentence)
        self.tags = tags


def kind_for_status(status: AffiliateStatus) -> MailKind:
    """Choose the e-mail that is due when an affiliate arrives at a status."""
    match status:
        case AffiliateStatus.PENDING:
            return MailKind.PENDING_AFFILIATE
        case AffiliateStatus.APPROVED:
            return MailKind.NEW_AFFILIATE
        case AffiliateStatus.DENIED:
            return MailKind.DENIED_AFFILIATE


def find_unknown_tags(text: str) -> tuple[str, ...]:
    """List the tags of a text that do not exist, each once, in the order of the text.

    An opening `{{` that never becomes a tag is listed too, as far as it goes: it is a typing
    mistake that would otherwise be mailed to people.
    """
    unknown: dict[str, None] = {}
    for match in _TAG_OR_OPENING.finditer(text):
        name = match[0] if match[1] is None else match[1].strip()
        if name not in TAGS:
            unknown[name] = None
    return tuple(unknown)


def fill_tags(
    text: str, values: Mapping[str, str], escape: Callable[[str], str] | None = None
) -> str:
    """Replace every tag by its value, or by nothing where `values` has none.

    :param escape: applied to each value, for a text that is HTML; the text itself is kept
    :raise UnknownTagError: if the text uses a tag that does not exist
    """
    if unknown := find_unknown_tags(text):
        raise UnknownTagError(unknown)

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match[1].strip(), "")
        return escape(value) if escape else value

    return _TAG.sub(value_of, text)
