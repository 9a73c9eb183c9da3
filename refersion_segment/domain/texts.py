"""Text from outside, made safe to show on one line."""

import re

# C0 and C1 controls, the separators U+2028 and U+2029, and the marks that turn the direction of
# the text after them: a name must neither end a header line nor rewrite the sentence around it.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


def one_line(text: str) -> str:
    """Turn each run of control characters into one blank, and trim."""
    return _CONTROLS.sub(" ", text).strip()


def cut(text: str, length: int) -> str:
    """Shorten a text to `length` characters, with an ellipsis as the last when it was longer."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def quoted(text: str, length: int = 60) -> str:
    """Quote what somebody sent, for a sentence: one line, cut, in double quotes."""
    return f'"{cut(one_line(text), length)}"'
