"""Migrations go up, down and up again, with data, on both databases."""

from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect

from refersion_segment import create_app
from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Base
from refersion_segment.services import accounts
from tests.conftest import settings_for


@pytest.fixture(params=["sqlite", "postgres"])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    """The application on a database without tables."""
    if request.param == "sqlite":
        return create_app(settings_for(f"sqlite:///{tmp_path / 'empty.sqlite3'}"))
    return create_app(settings_for(request.getfixturevalue("empty_postgres_url")))


def test_up_down_and_up_with_data(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade()
        accounts.create_merchant(
            name="Northwind",
            owner_name="Olivia Owner",
            email="olivia@shop.example",
            password="a lantern over the quiet harbour",
            now=utc_now(),
        )
        db.session.commit()

        downgrade(revision="base")
        left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
        upgrade()
        check()  # the models say what the migrations made

        assert left == set()
        assert set(Base.metadata.tables) <= set(inspect(db.engine).get_table_names())
        db.engine.dispose()


def test_every_table_key_and_index_begins_with_the_merchant() -> None:
    """Two look-ups come before the merchant is known, and a merchant is found by its handle."""
    before_the_merchant = {("users", "email_key"), ("api_keys", "public"), ("merchants", "handle")}
    others = []
    for table in Base.metadata.tables.values():
        first = "id" if table.name == "merchants" else "merchant_id"
        keys = [list(table.primary_key.columns)]
        keys += [list(index.columns) for index in table.indexes]
        keys += [
            list(c.columns) for c in table.constraints if type(c).__name__ == "UniqueConstraint"
        ]
        others += [(table.name, columns[0].name) for columns in keys if columns[0].name != first]

    assert set(others) == before_the_merchant
