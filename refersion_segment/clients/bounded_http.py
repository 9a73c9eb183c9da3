"""HTTP that cannot hold us up: limited in time as a whole, limited in size, no redirects."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from time import monotonic
from typing import Any, Final, TypeVar

import requests
from requests.adapters import HTTPAdapter

MAX_ANSWER_BYTES: Final = 1024 * 1024
CHUNK_BYTES: Final = 16 * 1024

T = TypeVar("T")


class TooSlowError(Exception):
    """The whole exchange did not end in time."""


class TooLargeError(Exception):
    """The answer is larger than any honest one."""


class BoundedAdapter(HTTPAdapter):
    """Reads the body before anybody else can, within the limits.

    `timeout` of requests counts between two packets, and `content` reads whatever comes: both
    are the other side's choice. Here the body's size and the time for all of it are ours.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # keyword arguments only
        """Send a request and read its answer.

        :raise TooSlowError: if the body does not end in time
        :raise TooLargeError: if the body is too large
        """
        ends = monotonic() + self._seconds
        response = super().send(request, **{**kwargs, "stream": True, "timeout": self._seconds})
        body = bytearray()
        for chunk in response.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                response.close()
                raise TooLargeError
            if monotonic() > ends:
                response.close()
                raise TooSlowError
        response._content = bytes(body)
        return response


def bound(session: requests.Session, seconds: float) -> None:
    """Let a session send through the limits alone."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundedAdapter(seconds))


def within(seconds: float, call: Callable[[], T]) -> T:
    """Wait for a call for so long and no longer.

    A thread, because nothing in this process can interrupt a name look-up or a server that drips
    its headers. One that is given up on ends by itself, at the adapter's limits.

    :raise TooSlowError: if the call did not end in time
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # handed to the caller, whatever it is
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        if future.done():
            raise  # the call itself raised it
        raise TooSlowError from None
