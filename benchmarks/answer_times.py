"""How long one call takes on an idle machine, and how much memory a web process holds.

    python -m benchmarks.answer_times [DATABASE_URL]

Starts gunicorn with one worker, sends calls one after another, and compares them in the same run
with `/healthz` on the same server: a route that does nothing.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

import requests

from tests.conftest import settings_for
from tests.system.processes import flask, gunicorn

CALLS = 300
ROUNDS = 3


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        settings = settings_for(url)
        flask("db", "upgrade", settings=settings)
        made = make_merchant(settings)
        with gunicorn(settings, workers=1) as server, requests.Session() as session:
            destination = f"{server.url}/segment/destination"

            def identify(number: int) -> None:
                event = {
                    "type": "identify",
                    "messageId": f"{uuid4()}",
                    "userId": f"u-{number}",
                    "traits": {"email": f"p{number}@shop.example", "name": "Ada Marsh"},
                }
                answer = session.post(
                    destination, json=event, auth=(made["api_key"], ""), timeout=9
                )
                answer.raise_for_status()

            def nothing(_: int) -> None:
                session.get(f"{server.url}/healthz", timeout=9).raise_for_status()

            print(f"{url.split(':')[0]}, {CALLS} calls a round, milliseconds")  # noqa: T201
            print("round  call       min  median    p99     max")  # noqa: T201
            for number in range(ROUNDS):
                base = number * CALLS
                report(number, "new person", identify, range(base, base + CALLS))
                report(number, "known     ", identify, range(base, base + CALLS))
                report(number, "no-op     ", nothing, range(CALLS))
            print(f"largest process: {largest_process(server.process.pid)} MB")  # noqa: T201


def make_merchant(settings: Mapping[str, str]) -> dict[str, str]:
    """Make a merchant whose integration is on."""
    address, password = f"{uuid4().hex}@shop.example", f"a password {uuid4().hex}"
    owner = ("--owner-email", address, "--password", password, "--json")
    made: dict[str, str] = json.loads(
        flask("merchants", "create", "Bench", *owner, settings=settings)
    )
    flask("merchants", "enable-segment", made["merchant"], settings=settings)
    return made


def report(number: int, name: str, call: Callable[[int], None], numbers: range) -> None:
    """Time each call and print one line."""
    times = []
    for one in numbers:
        start = time.perf_counter()
        call(one)
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    line = (times[0], statistics.median(times), times[int(len(times) * 0.99)], times[-1])
    print(f"{number + 1:5}  {name} " + " ".join(f"{value:7.1f}" for value in line))  # noqa: T201


def largest_process(group: int) -> int:
    """Return the resident memory of the largest process of a group, in megabytes."""
    sizes = [0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            fields = (status.parent / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and "VmRSS" in text:
            sizes.append(int(text.split("VmRSS:")[1].split()[0]) // 1024)
    return max(sizes)


if __name__ == "__main__":
    main()
