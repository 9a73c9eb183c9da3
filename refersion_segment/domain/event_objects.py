"""Objects of an event, looked up the way Segment's own library compares keys.

Keys are compared lower-cased and with non-alphanumerics removed, so `firstName`, `first_name`
and `First Name` are one key. When several match, the documented spelling wins, then the first in
the order of the document.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from refersion_segment.domain.texts import cut, one_line

MAX_SHOWN_KEY = 60

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Sent:
    """A value that was sent, and the path it was sent under."""

    path: str
    value: object


class EventObject:
    """An object inside an event; anything that is no object is an empty one."""

    def __init__(self, value: object, path: str = "") -> None:
        self._path = path
        self._sent: dict[str, list[tuple[str, object]]] = {}
        if isinstance(value, Mapping):
            for key, member in value.items():
                self._sent.setdefault(_comparable(key), []).append((key, member))

    def all(self, name: str) -> Iterator[Sent]:
        """Yield what was sent under a documented name and is not absent, the most wanted first."""
        matches = self._sent.get(_comparable(name), [])
        for key, value in sorted(matches, key=lambda match: match[0] != name):
            if not is_absent(value):
                yield Sent(self._path_of(key), value)

    def first(self, name: str) -> Sent | None:
        """Find what was sent under a documented name, whatever its type."""
        return next(self.all(name), None)

    def first_text(self, name: str) -> Sent | None:
        """Find the first value under a name that is text or a number."""
        return next((sent for sent in self.all(name) if as_text(sent.value)), None)

    def text(self, name: str) -> str | None:
        """Read an id: a number counts as its text, blanks are none, nothing is trimmed."""
        sent = self.first_text(name)
        return as_text(sent.value) if sent else None

    def object(self, name: str) -> "EventObject":
        """Find the object under a name; an empty one if there is none or it has another shape."""
        sent = self.first(name)
        return EventObject(sent.value, sent.path) if sent else EventObject(None)

    def paths(self) -> Iterator[str]:
        """Yield the path of every key, for telling which were not used."""
        for matches in self._sent.values():
            for key, _value in matches:
                yield self._path_of(key)

    def _path_of(self, key: str) -> str:
        name = cut(one_line(key), MAX_SHOWN_KEY)
        return f"{self._path}.{name}" if self._path else name


def is_absent(value: object) -> bool:
    """Tell whether a value is the same as none: `null`, `""`, blanks or `[]`."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def as_text(value: object) -> str | None:
    """Read text or a number as text, untrimmed; None for blanks and every other type."""
    if isinstance(value, str):
        return None if is_absent(value) else value
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else None


def _comparable(key: str) -> str:
    lowered = key.lower()
    return lowered if lowered.isalnum() else _NOT_ALPHANUMERIC.sub("", lowered)
