"""The commands: each parses its arguments and calls one service."""

from flask import Flask

from refersion_segment.cli.merchants import merchants


def register(app: Flask) -> None:
    """Attach every command to `flask`."""
    for group in (merchants,):
        app.cli.add_command(group)
