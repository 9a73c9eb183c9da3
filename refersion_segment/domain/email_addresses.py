"""E-mail addresses: which are taken, and when two are the same.

RFC 5321's `Mailbox` with a dotted domain; no quoted local part, no address literal, no display
form, ASCII only. The grammar is written out here because a library for sign-up forms refuses more
than that (reserved top-level domains, hyphens in the third and fourth place), and a person whose
address is refused is lost: Segment drops what is answered 400.
"""

import re
from dataclasses import dataclass

from refersion_segment.domain.event_objects import as_text, is_absent
from refersion_segment.domain.texts import quoted

MAX_LENGTH = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 characters, and its angle brackets count."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?=[^@]{{1,64}}@)"  # 4.5.3.1.1: the length of a local part
    rf"{_ATOM}(?:\.{_ATOM})*"
    rf"@(?:{_LABEL}\.)+"
    rf"(?![0-9]+\Z){_LABEL}"  # a last label of digits is an address literal without its brackets
)


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address as it was sent, trimmed, and the key by which it is compared."""

    sent: str
    key: str

    @property
    def domain(self) -> str:
        return self.key.rpartition("@")[2]


class InvalidEmailError(ValueError):
    """What was given is no address; `sentence` tells the merchant."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def parse_email(value: object) -> EmailAddress | None:
    """Read an address; None if there is none: missing, `null`, blanks or `[]`.

    :raise InvalidEmailError: if it is anything but a string, or a string that is no address
    """
    if is_absent(value):
        return None
    if not isinstance(value, str):
        raise InvalidEmailError(_sentence_about(value))
    address = value.strip()
    if len(address) > MAX_LENGTH or not _ADDRESS.fullmatch(address):
        raise InvalidEmailError(_sentence_about(value))
    return EmailAddress(sent=address, key=address.casefold())


def looks_like_email(text: str | None) -> bool:
    """Tell whether a text, such as a userId, is an address."""
    try:
        return parse_email(text) is not None
    except InvalidEmailError:
        return False


def _sentence_about(value: object) -> str:
    if isinstance(value, bool):
        return f'"{str(value).lower()}" is not an email address.'
    text = as_text(value)
    if text is None:
        return "An object or a list is not an email address. Send it as text."
    return f"{quoted(text)} is not an email address."
