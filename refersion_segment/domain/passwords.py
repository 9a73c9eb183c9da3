"""Which passwords a person on the merchant's team may choose.

Long, and not one that anybody would guess first (NIST SP 800-63B, section 3.1.1.2). There are no
rules about kinds of characters: they make passwords worse.
"""

import re
import unicodedata
from collections.abc import Iterable

MIN_LENGTH = 15
MAX_LENGTH = 1_024
MIN_LEFTOVER = 5
"""How many different characters must be left when everything guessable is taken out."""

_PRODUCT_WORDS = frozenset({"refersion", "segment", "affiliate"})

# The words of the most used passwords: long common passwords are made of short common ones.
_MOST_USED = """
    abc123 admin administrator asdf asdfgh ashley baseball batman changeme charlie computer
    correcthorsebatterystaple default dragon facebook football forever freedom google guest hunter2
    iloveyou internet jesus jordan killer letmein liverpool login lovely master matrix michael
    monkey mustang myname ninja pass passphrase passwd password p@ssw0rd p@ssword passw0rd pokemon
    princess qazwsx qwerty root samsung secret shadow soccer starwars summer sunshine superman temp
    thequickbrownfox thisis trustno1 unknown welcome whatever winter zaq12wsx
"""
_COMMON_WORDS = frozenset(_MOST_USED.split())

# What a finger walks along: rows, columns and counting, forwards and backwards.
_WALKS = (
    "0123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()",
    "!qaz@wsx#edc$rfv%tgb",
)
_WALKS_BOTH_WAYS = (*_WALKS, *(walk[::-1] for walk in _WALKS))
_SHORTEST_WALK = 4


def normalise_password(password: str) -> str:
    """Write a password in Unicode's form NFC, so that every keyboard spells it alike."""
    return unicodedata.normalize("NFC", password)


def find_password_problem(password: str, *, about: Iterable[str] = ()) -> str | None:
    """Say why a password cannot be chosen; None if it can.

    :param about: texts an attacker would try first: the e-mail address, the shop's name
    """
    password = normalise_password(password)
    if len(password) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters. A few words in a row are fine."
    if len(password) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH:,} characters."
    if _repeats_itself(password.casefold()):
        return "This password repeats a short pattern. Choose one that is harder to guess."
    if len(set(_leftover(password.casefold(), about))) < MIN_LEFTOVER:
        return "This password is too easy to guess. Add words that have nothing to do with you."
    return None


def _repeats_itself(text: str) -> bool:
    """Tell whether a text is one piece said again and again, the last time perhaps cut short."""
    periods = range(1, len(text) // 2 + 1)
    return any(text.startswith(text[period:]) for period in periods)


def _leftover(text: str, about: Iterable[str]) -> str:
    """Take out everything that a guesser would try: common words, words about the person, walks."""
    words = _COMMON_WORDS | _PRODUCT_WORDS | _words_of(about)
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    text = re.sub("|".join(map(re.escape, longest_first)), " ", text)
    return _without_walks(text).replace(" ", "")


def _words_of(about: Iterable[str]) -> set[str]:
    """List the words of four letters and more, and the words of one text written together."""
    found: set[str] = set()
    for text in about:
        words = re.findall(r"\w+", normalise_password(text).casefold())
        found.update(word for word in (*words, "".join(words)) if len(word) >= _SHORTEST_WALK)
    return found


def _without_walks(text: str) -> str:
    kept: list[str] = []
    position = 0
    while position < len(text):
        length = _walk_length(text, position)
        if length < _SHORTEST_WALK:
            kept.append(text[position])
            length = 1
        position += length
    return "".join(kept)


def _walk_length(text: str, start: int) -> int:
    """Measure the longest walk that begins here."""
    length = 1
    while start + length < len(text) and _is_walk(text[start : start + length + 1]):
        length += 1
    return length


def _is_walk(piece: str) -> bool:
    return len(set(piece)) == 1 or any(piece in walk for walk in _WALKS_BOTH_WAYS)
