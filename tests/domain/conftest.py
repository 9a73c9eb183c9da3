"""Events as Segment sends them, for the tests of the parser and of the decisions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from refersion_segment.domain.messages import Identify, parse_message

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
MESSAGES = Path(__file__).parent.parent / "segment"


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def segment_message():
    """Load an example message by its name."""
    return lambda name: json.loads((MESSAGES / f"{name}.json").read_bytes())


@pytest.fixture
def identify():
    """Parse an identify of the given traits; other arguments are top-level members."""

    def parse(traits: object = None, **members: object) -> Identify:
        message = parse_message({"type": "identify", "traits": traits, **members}, now=NOW)
        assert isinstance(message, Identify)
        return message

    return parse
