"""The tenant wall: every query begins here, with the merchant whose rows it may see."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import Delete, Select, Update, delete, select, update

from refersion_segment.models.base import Base

Row = TypeVar("Row", bound=Base)


def rows_of(merchant_id: UUID, model: type[Row]) -> Select[Row]:
    """Select rows of one merchant."""
    return select(model).where(_tenant_column(model) == merchant_id)


def change_of(merchant_id: UUID, model: type[Base]) -> Update:
    """Update rows of one merchant."""
    return update(model).where(_tenant_column(model) == merchant_id)


def removal_of(merchant_id: UUID, model: type[Base]) -> Delete:
    """Delete rows of one merchant."""
    return delete(model).where(_tenant_column(model) == merchant_id)


def _tenant_column(model: type[Base]):  # type: ignore[no-untyped-def]  # a column of any model
    return model.__table__.c["merchant_id"]
