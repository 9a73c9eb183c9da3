"""Column types that need a word of their own."""

from enum import StrEnum

from sqlalchemy import Enum


def text_enum(values: type[StrEnum]) -> Enum:
    """Store a StrEnum as its value in a text column, the same on both databases.

    No native enum type and no check constraint: a new value must not need a table rewrite.
    """
    return Enum(
        values,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )
