"""What every test stands on: the application on SQLite and PostgreSQL, emptied after each."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from flask_migrate import upgrade

from refersion_segment import create_app
from refersion_segment.extensions import db
from refersion_segment.models import Base
from tests.browser import Chromium, chromium
from tests.needs import skip_or_fail

POSTGRES_SERVER = os.environ.get(
    "TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
)
ENCRYPTION_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@contextmanager
def new_postgres_database() -> Iterator[str]:
    """Make a database of this run's own, and drop it at the end."""
    name = f"refersion_test_{uuid4().hex[:12]}"
    try:
        server = psycopg.connect(POSTGRES_SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        skip_or_fail("postgres", f"no server ({str(error).splitlines()[0]})")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield POSTGRES_SERVER.rsplit("/", 1)[0] + f"/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """One Chromium for the whole run: Playwright runs once in a process."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The database that the tests on PostgreSQL share."""
    with new_postgres_database() as url:
        yield url


@pytest.fixture
def empty_postgres_url() -> Iterator[str]:
    """A database for one test alone."""
    with new_postgres_database() as url:
        yield url


def settings_for(database_url: str, **more: str) -> dict[str, str]:
    """Return the environment of an application under test."""
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a secret key for tests, long enough",
        "ENCRYPTION_KEYS": ENCRYPTION_KEY,
        "BASE_URL": "http://localhost",
        "SEGMENT_SANDBOX": "0",
        "SEGMENT_OAUTH_URL": "https://id.segment.test",
        "SEGMENT_API_URL": "https://platform.segment.test",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": "1",
        **more,
    }


class Browser(FlaskClient):
    """A client whose requests never meet a transaction that the test itself left open."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Make a request.

        In a context of its own: Flask would push the request onto the application context of
        the test, and what one request remembers (the user) would be there in the next.
        """
        if has_app_context():  # not when it follows a redirect
            db.session.rollback()
        return Context().run(super().open, *args, **kwargs)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an empty database, once for SQLite and once for PostgreSQL."""
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def migrated_app(database_url: str) -> Iterator[Flask]:
    """The application on a migrated database, shared by all tests of one database."""
    app = create_app(settings_for(database_url))
    app.testing = True
    app.test_client_class = Browser
    # An exception is answered as in production, and the test sees the answer.
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application, inside its context; whatever the test wrote is gone afterwards."""
    with migrated_app.app_context():
        yield migrated_app
        db.session.remove()
        with db.engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return app.test_client()
