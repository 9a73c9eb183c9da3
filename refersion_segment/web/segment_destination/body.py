"""Reading the body of a call: bounded in size and in time, whatever the sender does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from flask import Request
from gunicorn.http.errors import ParseException

from refersion_segment.domain.messages import MAX_BODY_BYTES

MEBIBYTE: Final = 1024 * 1024
# A larger body is read up to here, so that the sender is done sending and reads the 413.
MAX_DRAINED_BYTES: Final = 8 * MEBIBYTE
# A sender that drips is given up on then; one that stalls is dropped by gunicorn.conf.py.
MAX_SECONDS: Final = 20
CHUNK_BYTES: Final = 64 * 1024

TOO_LARGE: Final = "The call is larger than 1 MiB. Send one event per request."
CUT_SHORT: Final = "The body is shorter than its Content-Length says. Send the call again."
ENCODED: Final = "Send the body without a content encoding."


class BodyError(Exception):
    """A body that is not taken; `sentence` says why and `status` is the answer's."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


@contextmanager
def hang_up_after(seconds: float, request: Request) -> Iterator[None]:
    """Shut the sender's connection down at the deadline: no read of it waits any longer.

    A limit per read is not enough, as each byte of a sender that drips begins it anew.
    """
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if connection is None:
        yield
        return

    def hang_up() -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RD)

    alarm = threading.Timer(seconds, hang_up)
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()


def read_body(request: Request) -> bytes:
    """Read the whole body.

    The length is checked here, as not every server does: gunicorn passes on a body that ends
    before its Content-Length.

    :raise BodyError: if it is too large, too slow, cut short or encoded
    """
    with hang_up_after(MAX_SECONDS, request):
        return _read_body(request)


def _read_body(request: Request) -> bytes:
    announced = request.content_length
    if announced is not None and announced > MAX_BODY_BYTES:
        _drain(request, min(announced, MAX_DRAINED_BYTES))
        raise BodyError(TOO_LARGE, 413)
    body = _read(request, MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:  # sent in chunks, without a length
        _drain(request, MAX_DRAINED_BYTES - len(body))
        raise BodyError(TOO_LARGE, 413)
    if announced is not None and len(body) < announced:
        raise BodyError(CUT_SHORT, 400)
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise BodyError(ENCODED, 400)
    return body


def _read(request: Request, limit: int) -> bytes:
    stream = request.environ["wsgi.input"]
    wanted = limit if request.content_length is None else min(limit, request.content_length)
    if request.content_length is None and not request.environ.get("wsgi.input_terminated"):
        return b""  # without a length the end of the body cannot be known
    parts: list[bytes] = []
    while wanted > 0:
        try:
            part = stream.read(min(wanted, CHUNK_BYTES))
        except (OSError, ParseException):  # stalled, gone, or chunks that are none
            raise BodyError(CUT_SHORT, 400) from None
        if not part:
            break
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _drain(request: Request, limit: int) -> None:
    stream = request.environ["wsgi.input"]
    while limit > 0:
        try:
            part = stream.read(min(limit, CHUNK_BYTES))
        except (OSError, ParseException):
            return
        if not part:
            return
        limit -= len(part)
