"""`flask doctor`: says what to mend."""

import json
import sys

import click
from flask.cli import with_appcontext

from refersion_segment.services import checkup


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")
@with_appcontext
def doctor(*, as_json: bool) -> None:
    """Check settings, database, migrations, mail server and Segment; say what to mend."""
    findings = list(checkup.examine())
    if as_json:
        rows = [
            {"name": one.name, "ok": one.is_well, "what": one.what, "mend": one.mend}
            for one in findings
        ]
        click.echo(json.dumps(rows))
    else:
        for one in findings:
            click.echo(f"{'ok  ' if one.is_well else 'MEND'}  {one.name}: {one.what}")
            if one.mend:
                click.echo(f"      {one.mend}")
    sys.exit(0 if all(one.is_well for one in findings) else 1)
