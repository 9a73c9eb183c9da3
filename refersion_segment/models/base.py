"""What every table shares: names of constraints, moments in UTC, and the merchant it belongs to."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, MetaData, Text, Uuid, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment; SQLite, which has no time zones, stores it as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments: nobody could say later what they meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# Compared byte by byte, so that a prefix search is an index range on both databases.
FoldedText = Text().with_variant(Text(collation="C"), "postgresql")


class Base(DeclarativeBase):
    """The declarative base of all models."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    # Strings of any length: a limit is a rule of the domain, never a surprise of one database.
    type_annotation_map = {datetime: UtcDateTime(), str: Text(), UUID: Uuid()}  # noqa: RUF012 (SQLAlchemy's name)

    def __repr__(self) -> str:
        ids = {c.name: getattr(self, c.name) for c in inspect(type(self)).primary_key}
        return f"<{type(self).__name__} {' '.join(f'{k}={v}' for k, v in ids.items())}>"


class OfMerchant:
    """A row that belongs to one merchant: its key begins with the merchant's id.

    Ids are UUIDs of version 7 (RFC 9562): not guessable, and their order is the order of
    creation, so that a list pages by id alone.
    """

    @declared_attr
    @classmethod
    def merchant_id(cls) -> Mapped[UUID]:
        """The tenant: first part of every key and index."""
        return mapped_column(ForeignKey("merchants.id"), primary_key=True, sort_order=-2)

    @declared_attr
    @classmethod
    def id(cls) -> Mapped[UUID]:
        """The row's own part of the key."""
        return mapped_column(primary_key=True, default=uuid7, sort_order=-1)
