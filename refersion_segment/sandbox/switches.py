"""The switches of the settings page: where Segment is undocumented, and what demos need faster."""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from refersion_segment.sandbox.database import Database

# Of Segment's public sample consumer, so that it runs with nothing changed but hosts and keys.
SAMPLE_REDIRECT_URI = "http://localhost:8888/auth/segment/callback"


class InstallRule(StrEnum):
    """When a second consent is answered `install already exists` (undocumented by Segment)."""

    PER_SOURCE = "per source"
    PER_WORKSPACE = "per workspace"
    NEVER = "never"


class DuplicateAnswer(StrEnum):
    """How a second create of a destination is refused: as observed, or as documented."""

    OBSERVED = "500 code 13"
    DOCUMENTED = "409 code 6"


class Network(StrEnum):
    """What lies between Segment and the destination."""

    WORKING = "working"
    ANSWERS_LOST = "answers are lost"
    DOWN = "down"


@dataclass(frozen=True)
class Switches:
    """All switches with their values from a fresh start."""

    install_rule: InstallRule = InstallRule.PER_SOURCE
    duplicate_answer: DuplicateAnswer = DuplicateAnswer.OBSERVED
    token_lifetime_seconds: int = 3600
    time_scale: int = 1
    network: Network = Network.WORKING
    hold_deliveries: bool = False
    identify_only: bool = False
    further_redirect_uris: str = SAMPLE_REDIRECT_URI

    @classmethod
    def load(cls, database: Database) -> Self:
        """Read the switches that somebody has set; the rest keep their defaults."""
        with database.read() as connection:
            rows = connection.execute("SELECT key, value FROM settings").fetchall()
        defaults, names = cls(), {field.name for field in fields(cls)}
        values: dict[str, Any] = {
            row["key"]: _typed(getattr(defaults, row["key"]), row["value"])
            for row in rows
            if row["key"] in names
        }
        return cls(**values)

    def save(self, database: Database) -> None:
        """Store every switch."""
        values = [(key, _as_text(value)) for key, value in asdict(self).items()]
        with database.write() as connection:
            connection.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", values)


def _typed(default: bool | int | str, text: str) -> bool | int | str:
    if isinstance(default, bool):
        return text == "1"
    return type(default)(text)


def _as_text(value: bool | int | str) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
