"""`flask merchants`: make one, list them, take one's calls from Segment."""

import json
from uuid import UUID

import click

from refersion_segment.cli.groups import CommandGroup
from refersion_segment.cli.rows import json_option, merchant_argument, print_rows
from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Merchant
from refersion_segment.services import accounts, connections, offers
from refersion_segment.services.accounts import RefusedAccountError
from refersion_segment.services.actors import COMMAND
from refersion_segment.services.connections import RefusedConnectionError

merchants = CommandGroup("merchants", help="Merchants: the accounts of the service.")


@merchants.command("create")
@click.argument("name")
@click.option("--owner-email", required=True, help="Address that the owner logs in with.")
@click.option(
    "--password",
    prompt=True,
    hide_input=True,
    help="The owner's password, at least 15 characters; asked for when left out.",
)
@click.option("--owner-name", help="The owner's name; the shop's name when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(
    name: str, owner_email: str, password: str, owner_name: str | None, as_json: bool
) -> None:
    """Make the merchant NAME with its owner, default offer and API key."""
    try:
        made = accounts.create_merchant(
            name=name,
            owner_name=owner_name or name,
            email=owner_email,
            password=password,
            now=utc_now(),
            by=COMMAND,
        )
    except RefusedAccountError as error:
        raise click.ClickException("\n".join(error.problems.values())) from None
    merchant_id, offer_id = str(made.merchant.id), str(made.offer.id)
    db.session.commit()
    if as_json:
        click.echo(
            json.dumps({"merchant": merchant_id, "api_key": made.api_key, "offer": offer_id})
        )
    else:
        click.echo(f"Merchant: {merchant_id}\nAPI key:  {made.api_key}\nOffer:    {offer_id}")


@merchants.command("list")
@json_option
def list_merchants(*, as_json: bool) -> None:
    """List the merchants, oldest first."""
    print_rows(map(_row, accounts.all_merchants()), as_json=as_json)


@merchants.command("enable-segment")
@merchant_argument
@click.option("--offer", "offer_id", type=click.UUID, help="The offer that new people join.")
def enable_segment(merchant_id: UUID, offer_id: UUID | None) -> None:
    """Take calls from Segment for MERCHANT, by its API key; again, it chooses the offer only."""
    now = utc_now()
    is_new = connections.enable_by_key(merchant_id, by=COMMAND, now=now)
    try:
        if offer_id is not None:
            connections.choose_offer(merchant_id, offer_id, by=COMMAND, now=now)
    except RefusedConnectionError as error:
        db.session.rollback()
        raise click.ClickException(error.sentence) from None
    offer = offers.for_new_people(connections.get(merchant_id)).name
    db.session.commit()
    state = "is on" if is_new else "was on already"
    click.echo(f"Segment integration {state}. New people from Segment join {offer}.")


def _row(merchant: Merchant) -> dict[str, object]:
    return {
        "id": str(merchant.id),
        "name": merchant.name,
        "handle": merchant.handle,
        "created_at": merchant.created_at.isoformat(),
    }
