"""`flask worker`: does the jobs that are due."""

import signal
import sys
import threading
from types import FrameType

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from refersion_segment.worker import Worker


@click.command("worker")
@click.option("--once", is_flag=True, help="End when nothing is due any more.")
@with_appcontext
def worker(once: bool) -> None:
    """Send the mails and do the other jobs that are due, until SIGTERM or SIGINT."""
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    try:
        Worker(current_app._get_current_object(), stop).run(once=once)  # type: ignore[attr-defined]
    except SQLAlchemyError as fault:
        sys.exit(f"The database cannot be used ({type(fault).__name__}). See `flask doctor`.")
