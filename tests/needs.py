"""What a test may need of the machine, and what happens where it is not there."""

import os

import pytest

REQUIRED = set(filter(None, os.environ.get("REQUIRE", "").split(",")))


def skip_or_fail(what: str, why: str) -> None:
    """Skip a test that this machine cannot run, unless `REQUIRE` names what it needs."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required: {why}")
    pytest.skip(f"{what}: {why}")
