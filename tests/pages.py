"""Using a page as a browser without scripts does."""

import html
import re
from collections.abc import Iterator

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def submit(
    client: FlaskClient, path: str, *, to: str | None = None, **fields: object
) -> TestResponse:
    """Load a page and send a form of it: to the page itself, or to another path."""
    return client.post(to or path, data={"csrf_token": csrf_token_of(client, path), **fields})


def csrf_token_of(client: FlaskClient, path: str) -> str:
    """Load a page and return the token that its forms send along."""
    page = client.get(path)
    found = _CSRF.search(page.text)
    assert found, f"{path} answers {page.status} and has no form"
    return found[1]


def text_of(response: TestResponse) -> str:
    """Return what a person reads on a page: no tags, single blanks."""
    without_head = re.sub(
        r"<(head|script|style|svg)\b.*?</\1>", " ", response.text, flags=re.DOTALL
    )
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without_head)).split())


def values_of(response: TestResponse) -> Iterator[tuple[str, str]]:
    """Yield name and value of every input on a page."""
    for tag in re.findall(r"<input\b[^>]*>", response.text):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in attributes:
            yield attributes["name"], html.unescape(attributes.get("value", ""))
