"""The commands: each parses its arguments and calls one service."""

from flask import Flask


def register(app: Flask) -> None:
    """Attach every command to `flask`."""
