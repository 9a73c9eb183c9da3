"""Groups of commands that say in one sentence when the database cannot be used."""

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError


class CommandGroup(AppGroup):
    """A group whose commands end with a sentence, not with the driver's own words."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except DBAPIError as fault:
            sentence = "The database cannot be used just now. `flask doctor` says what to mend."
            raise click.ClickException(sentence) from fault
