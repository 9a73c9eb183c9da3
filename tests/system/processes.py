"""The product as real processes: gunicorn, a worker, `flask` commands."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 30


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with the settings, less what pytest put into it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    return {**kept, **settings, "PYTHONUNBUFFERED": "1"}


def flask(*arguments: str, settings: Mapping[str, str]) -> str:
    """Run `flask --app wsgi …` to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def json_lines(text: str) -> list[dict[str, Any]]:
    """Read one JSON object a line."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


@dataclass
class Server:
    """A web server that answers."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End every process of the server at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def started(command: list[str], *, url: str, settings: Mapping[str, str]) -> Iterator[Server]:
    """Start a server as a process group of its own, wait until it answers, stop it at the end."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), start_new_session=True)
    server = Server(url, process)
    try:
        _wait_until_up(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                server.kill()


def gunicorn(settings: Mapping[str, str], *, workers: int = 2) -> Any:
    """Serve the product as in production."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "-b", f"127.0.0.1:{port}"]
    command += ["-w", str(workers), "--log-level", "warning"]
    return started(command, url=url, settings={**settings, "BASE_URL": url})


def flask_run(settings: Mapping[str, str]) -> Any:
    """Serve the product as a newcomer does: pages, worker, sandbox and mail catcher in one."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "run", "--port", str(port)]
    return started(command, url=url, settings={**settings, "BASE_URL": url})


def wait_until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until a condition holds.

    :raise AssertionError: if it does not in time
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.05)


def _wait_until_up(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.process.poll() is None, "the server ended before it answered"
        try:
            if requests.get(f"{server.url}/healthz", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
