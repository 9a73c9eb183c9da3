"""The commands: each parses its arguments and calls one service."""

from flask import Flask

from refersion_segment.cli.affiliates import affiliates
from refersion_segment.cli.deliveries import deliveries
from refersion_segment.cli.demo import demo
from refersion_segment.cli.doctor import doctor
from refersion_segment.cli.merchants import merchants
from refersion_segment.cli.messages import messages
from refersion_segment.cli.worker import worker

COMMANDS = (
    affiliates,
    deliveries,
    demo,
    doctor,
    merchants,
    messages,
    worker,
)


def register(app: Flask) -> None:
    """Attach every command to `flask`."""
    for command in COMMANDS:
        app.cli.add_command(command)
