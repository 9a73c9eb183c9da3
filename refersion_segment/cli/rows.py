"""What the listing commands share: the merchant they are about, and how a row is printed."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import click

from refersion_segment.extensions import db
from refersion_segment.models import Merchant

Command = TypeVar("Command", bound=Callable[..., Any])


class MerchantId(click.ParamType[UUID]):
    """The id of a merchant that exists."""

    name = "merchant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """Return the id; a text that is none, or nobody's, ends the command with a sentence."""
        try:
            merchant_id = UUID(str(value))
        except ValueError:
            raise click.ClickException(f"{value!r} is not the id of a merchant.") from None
        if db.session.get(Merchant, merchant_id) is None:
            raise click.ClickException(f"There is no merchant {merchant_id}.")
        return merchant_id


merchant_argument = click.argument("merchant_id", metavar="MERCHANT", type=MerchantId())
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


def print_rows(rows: Iterable[Mapping[str, object]], *, as_json: bool) -> None:
    """Print each row as it comes: a JSON object a line, or its values between tabs."""
    is_first = True
    for row in rows:
        if as_json:
            click.echo(json.dumps(row, ensure_ascii=False))
            continue
        if is_first:
            click.echo("\t".join(row))
        click.echo("\t".join("" if value is None else str(value) for value in row.values()))
        is_first = False
