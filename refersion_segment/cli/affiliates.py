"""`flask affiliates`: the affiliates of a merchant for scripts."""

from uuid import UUID

import click

from refersion_segment.cli.groups import CommandGroup
from refersion_segment.cli.rows import json_option, merchant_argument, print_rows
from refersion_segment.services import exports, search
from refersion_segment.services.search import Filters

affiliates = CommandGroup("affiliates", help="The affiliates of a merchant.")


@affiliates.command("list")
@merchant_argument
@json_option
def list_affiliates(merchant_id: UUID, *, as_json: bool) -> None:
    """List the affiliates of MERCHANT (its id), oldest first."""
    print_rows(search.every_affiliate(merchant_id, Filters()), as_json=as_json)


@affiliates.command("export")
@merchant_argument
def export(merchant_id: UUID) -> None:
    """Print the affiliates of MERCHANT (its id) as CSV."""
    for line in exports.as_csv(search.every_affiliate(merchant_id, Filters())):
        click.echo(line, nl=False)
