"""The whole product by one command, as a newcomer starts it, and a browser before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.processes import Server, flask, flask_run, free_port


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Settings of a local run that leaves nothing behind; the rest are the defaults."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'product.sqlite3'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    return {
        "DATABASE_URL": url,
        "SANDBOX_DATABASE": str(tmp_path / "sandbox.sqlite3"),
        "MAIL_PORT": str(free_port()),
    }


@pytest.fixture
def server(settings: dict[str, str]) -> Iterator[Server]:
    """`flask run`: pages, worker, sandbox and mail catcher."""
    flask("db", "upgrade", settings=settings)
    with flask_run(settings) as running:
        yield running
