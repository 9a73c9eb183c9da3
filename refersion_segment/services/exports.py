"""Affiliates as CSV, for the page and for the command."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Final

COLUMNS: Final = (
    "id",
    "email",
    "first_name",
    "last_name",
    "status",
    "offer",
    "offer_name",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "source",
    "referral_link",
    "created_at",
)
# A spreadsheet takes a cell that begins like this for a formula (OWASP, "CSV Injection").
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: Iterable[dict[str, str]]) -> Iterator[str]:
    """Turn rows of `search.every_affiliate` into the lines of a CSV file, the titles first."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    yield _taken_from(buffer)
    for row in rows:
        writer.writerow([harmless(row[column]) for column in COLUMNS])
        yield _taken_from(buffer)


def harmless(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _taken_from(buffer: StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
