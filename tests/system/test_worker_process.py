"""`flask worker` as a process: killed in the middle of a mail, and asked to stop."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask

from refersion_segment.clock import utc_now
from refersion_segment.extensions import db
from refersion_segment.models import Job, Message
from refersion_segment.models.message import MessageState
from tests.conftest import settings_for
from tests.factories import make_affiliate, make_merchant
from tests.smtp_server import Postbox, free_port, rude_server, serving
from tests.system.processes import ROOT, environment, flask, wait_until


@pytest.fixture
def port(app: Flask) -> int:
    make_affiliate(make_merchant())
    return free_port()


@pytest.fixture
def settings(database_url: str, port: int) -> dict[str, str]:
    return settings_for(database_url, MAIL_PORT=str(port))


@contextmanager
def a_worker(settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `flask worker` as a process of its own."""
    db.session.rollback()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(settings))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def the_message() -> Message:
    db.session.rollback()
    message = db.session.query(Message).one()
    db.session.expunge(message)
    db.session.rollback()
    return message


def let_the_lease_end() -> None:
    db.session.query(Job).update({Job.lease_until: utc_now() - timedelta(seconds=1)})
    db.session.commit()


@pytest.mark.parametrize("stage", [b"MAIL", b"RCPT", b"DATA", b"text", b"end"])
def test_a_mail_survives_a_worker_that_is_killed_while_sending_it(
    port: int, settings: dict[str, str], stage: bytes
) -> None:
    reached = threading.Event()
    begun: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        stall_at(connection, stage, reached, begun)

    with rude_server(port, talk), a_worker(settings) as process:
        assert reached.wait(20)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert the_message().state is MessageState.QUEUED
    with serving(Postbox(), port) as postbox:
        flask("worker", "--once", settings=settings)
        assert postbox.taken == []  # the dead worker's lease still holds
        let_the_lease_end()
        flask("worker", "--once", settings=settings)

    message = the_message()
    assert message.state is MessageState.SENT
    assert [mail["Message-ID"] for mail in postbox.taken] == [message.header_id]
    assert set(begun) <= {message.header_id.encode()}
    assert bool(begun) is (stage == b"end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_stop_finishes_its_mail_and_ends_well(
    port: int, settings: dict[str, str], number: signal.Signals
) -> None:
    reached = threading.Event()

    class Slow(Postbox):
        async def handle_DATA(self, *arguments: object) -> str:  # noqa: N802 - aiosmtpd's name
            reached.set()
            time.sleep(1)
            return await super().handle_DATA(*arguments)

    with serving(Slow(), port) as postbox, a_worker(settings) as process:
        assert reached.wait(20)
        process.send_signal(number)
        assert process.wait(15) == 0

    assert len(postbox.taken) == 1
    assert the_message().state is MessageState.SENT


def test_an_idle_worker_ends_at_once_and_well(port: int, settings: dict[str, str]) -> None:
    with serving(Postbox(), port), a_worker(settings) as process:
        wait_until(lambda: the_message().state is MessageState.SENT)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert process.wait(15) == 0
        assert time.monotonic() - began < 3


def test_once_says_that_the_database_cannot_be_used(settings: dict[str, str]) -> None:
    away = {**settings, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}

    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--once"],
        cwd=ROOT,
        env=environment(away),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "The database cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def stall_at(
    connection: socket.socket, stage: bytes, reached: threading.Event, begun: list[bytes]
) -> None:
    """Take a mail up to a stage, and never answer from there on."""
    connection.sendall(b"220 hello\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        if line.upper().startswith(stage):
            break
        if line.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
            if stage == b"text":
                break
            text = b"".join(iter(lines.readline, b".\r\n"))
            begun.extend(re.findall(rb"(?im)^Message-ID: *(\S+)", text))
            break
        connection.sendall(b"250 OK\r\n")
    reached.set()
    while connection.recv(1000):
        pass
