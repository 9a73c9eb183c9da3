"""`flask doctor`: what is well, and what to mend."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner

from refersion_segment.extensions import db
from tests.smtp_server import Postbox, free_port, serving


def examine(app: Flask, *options: str) -> Result:
    db.session.rollback()
    return FlaskCliRunner(app).invoke(args=["doctor", *options])


@contextmanager
def a_segment() -> Iterator[str]:
    """A server that answers something: not what, but that it answers is looked at."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_all_is_well_when_everything_answers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    port, postbox = free_port(), Postbox()
    monkeypatch.setattr(app.extensions["mail"], "port", port)

    with serving(postbox, port), a_segment() as url:
        monkeypatch.setitem(app.config, "SEGMENT_API_URL", url)
        result = examine(app, "--json")

    findings = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [one["name"] for one in findings] == [
        "settings",
        "database",
        "migrations",
        "encryption keys",
        "mail server",
        "Segment",
    ]
    assert all(one["ok"] for one in findings)
    assert postbox.tries == []


def test_what_does_not_answer_is_named_with_what_to_mend(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SEGMENT_API_URL", f"http://127.0.0.1:{free_port()}")

    result = examine(app)

    assert result.exit_code == 1
    assert "ok    database" in result.stdout
    assert "MEND  mail server: 127.0.0.1:1 does not take mail" in result.stdout
    assert "The mail server cannot be reached. Check the MAIL_ settings." in result.stdout
    assert "MEND  Segment" in result.stdout
