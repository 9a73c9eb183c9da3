"""gunicorn's settings: `gunicorn wsgi:app`; `-w` and `-b` may be given on the command line."""

import os
import socket
import struct
import sys

from config import SettingError, load_settings

bind = "127.0.0.1:8000"
worker_class = "gthread"
threads = 8
# SQLite has one writer at a time; PostgreSQL takes as many processes as there are cores.
workers = 2 if os.environ.get("DATABASE_URL", "").startswith("postgres") else 1
timeout = 30
graceful_timeout = 10
keepalive = 75  # longer than the proxy's, so that the proxy is the one who closes
max_requests = 0
accesslog = None  # the proxy keeps one; it must hold no query strings
forwarded_allow_ips = "127.0.0.1"
control_socket_disable = True  # one place for all services of a machine: they would collide

STALL_SECONDS = 20


def on_starting(server):  # type: ignore[no-untyped-def]  # gunicorn's signature
    """Stop before the first worker: one that cannot start would be started again for ever."""
    try:
        load_settings()
    except SettingError as error:
        sys.exit(f"Cannot start: {error}")


def when_ready(server):  # type: ignore[no-untyped-def]  # gunicorn's signature
    """Drop a sender that stalls in a header or a body.

    gunicorn's threads read from blocking sockets without a limit of time. The kernel has one per
    socket, and a connection takes it over from the socket that listens (Linux).
    """
    limit = struct.pack("ll", STALL_SECONDS, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
