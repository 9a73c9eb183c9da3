"""What Segment answers, checked: the values it stands for, or the error in words.

Every answer is somebody else's text: shapes, sizes and names are checked before anything is made
of them.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import requests
from authlib.integrations.base_client import OAuthError

from refersion_segment.domain.segment_names import (
    SourceName,
    is_install,
    parse_source,
    parse_workspace,
)
from refersion_segment.domain.texts import cut, one_line

MAX_SAID: Final = 200
"""So many characters of Segment's own words are shown at most."""
MAX_RETRY_AFTER: Final = timedelta(hours=1)
TOKEN_LIFE: Final = timedelta(hours=1)

_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_ALREADY: Final = "already exists"


class SegmentError(Exception):
    """Segment did not do what was asked; `sentence` is for the merchant.

    `status` is None where there was no answer at all; `said` is Segment's own text, shortened.
    """

    def __init__(
        self,
        sentence: str,
        *,
        retryable: bool,
        status: int | None = None,
        said: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retryable = retryable
        self.status = status
        self.said = said
        self.retry_after = retry_after

    @property
    def is_already_there(self) -> bool:
        """Whether what should be made is there; the text tells, the status varies (409, 500)."""
        return _ALREADY in self.said.lower()

    @property
    def is_token_rejected(self) -> bool:
        """Whether another token may help: 401, or 403 with the text of an expired one."""
        return self.status == 401 or (self.status == 403 and "malformed token" in self.said.lower())

    @property
    def is_server_fault(self) -> bool:
        return self.status is not None and self.status >= 500


class NoAnswerError(SegmentError):
    """Segment cannot be reached, or does not answer in time: so it is for everybody just now."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, retryable=True)


class GrantRefusedError(SegmentError):
    """The token endpoint answered with an OAuth error: this code will never be exchanged."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What opens the Config API for one install."""

    text: str = field(repr=False)
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What a consent gave us: names are checked, the sources lie in the workspace."""

    token: AccessToken
    install_name: str
    workspace: str
    sources: tuple[SourceName, ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """Our destination on a source, as Segment has it."""

    is_enabled: bool
    api_key: str = field(repr=False)


def read_object(answer: requests.Response) -> dict[str, Any]:
    """Read an answer that must be a JSON object.

    :raise SegmentError: if it is not
    """
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    if not 200 <= answer.status_code < 300:
        raise failure_of(answer)
    raise SegmentError(
        f"Segment answered {answer.status_code}, but not in JSON.",
        retryable=True,
        status=answer.status_code,
    )


def failure_of(answer: requests.Response) -> SegmentError:
    """Make the error for an answer that is no success."""
    status = answer.status_code
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        body = None
    said = _shorten(body.get("error")) if isinstance(body, dict) else ""
    # A redirect is no refusal: somebody put a page in between, such as for maintenance.
    retryable = status < 400 or status in {408, 429} or (status >= 500 and status != 501)
    return SegmentError(
        f"Segment answered {status}{': ' if said else ''}{_with_end(said)}",
        retryable=retryable,
        status=status,
        said=said,
        retry_after=_retry_after(answer.headers.get("Retry-After", "")),
    )


def refusal_of(error: OAuthError) -> GrantRefusedError:
    """Make the error for a code that Segment does not exchange."""
    said = " ".join(filter(None, (_shorten(error.error), _shorten(error.description))))
    return GrantRefusedError(
        f"Segment refused the sign-in: {_with_end(said)}", retryable=False, status=400, said=said
    )


def _retry_after(text: str) -> timedelta | None:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        return None
    return min(timedelta(seconds=int(text)), MAX_RETRY_AFTER)


def _shorten(text: object) -> str:
    """Make one short line of what somebody else wrote."""
    if not isinstance(text, str):
        return ""
    return cut(" ".join(one_line(text[: 4 * MAX_SAID]).split()), MAX_SAID)


def _with_end(said: str) -> str:
    """End what was said as a sentence, so that the next one can follow."""
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def read_access_token(body: dict[str, Any]) -> AccessToken:
    """Read the token of a token answer.

    :raise SegmentError: if there is none that fits into a header
    """
    text, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        raise unusable("holds no token")
    lifetime = TOKEN_LIFE
    if isinstance(seconds, int) and 0 <= seconds <= TOKEN_LIFE.total_seconds():
        lifetime = timedelta(seconds=seconds)
    return AccessToken(text, lifetime)


def read_grant(body: dict[str, Any]) -> TokenGrant:
    """Read a token answer. Its `scope` is ignored: it says `workspace` whatever was asked.

    :raise SegmentError: if a name is not one that may become part of a URL
    """
    token, install = read_access_token(body), body.get("install_name")
    if not isinstance(install, str) or not is_install(install):
        raise unusable("names no install")
    workspaces = body.get("workspace_names")
    workspace = parse_workspace(
        workspaces[0] if isinstance(workspaces, list) and workspaces else None
    )
    if workspace is None:
        raise unusable("names no workspace that we understand")
    names = body.get("source_names")
    sources = [parse_source(name) for name in names] if isinstance(names, list) else []
    if not sources:
        raise unusable("names no source")
    chosen = tuple(source for source in sources if source and source.workspace == workspace)
    if len(chosen) != len(sources):
        raise unusable("names a source that is not in the workspace")
    return TokenGrant(token, install, workspace, chosen)


def setting_in(config: object, name: str) -> str:
    """Return the value of one setting of a destination, "" if it has none."""
    entries = config if isinstance(config, list) else []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("name") == name:
            return str(entry.get("value", ""))
    return ""


def unusable(what: str) -> SegmentError:
    """Make the error for a 200 that cannot be used; `what` completes "Segment's answer …"."""
    return SegmentError(f"Segment's answer {what}.", retryable=False, status=200)
