"""The sandbox's nouns as they lie in its database: one frozen record per table."""

import sqlite3
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Record:
    """A row of one table; the columns bear the names of the fields."""

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Self:
        """Build the record from a row that has at least its columns."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class User(Record):
    """Somebody who can log in to Segment. Only an owner of the workspace can consent."""

    id: int
    email: str
    name: str
    is_owner: int


@dataclass(frozen=True)
class Source(Record):
    """Where events enter the workspace: a write key for the SDKs, a project id for destinations."""

    id: int
    workspace: str
    slug: str
    kind: str
    write_key: str
    project_id: str
    enabled: int
    created_at: str

    @property
    def name(self) -> str:
        """The resource name of the Config API."""
        return f"workspaces/{self.workspace}/sources/{self.slug}"


@dataclass(frozen=True)
class Consent(Record):
    """One visit of `/oauth2/auth` that waits for Allow or Deny."""

    id: str
    redirect_uri: str
    scope: str
    state: str | None
    code_challenge: str | None
    expires_at: str


@dataclass(frozen=True)
class Install(Record):
    """The result of an owner's consent; tokens belong to it, not to a person."""

    id: int
    source_id: int
    created_at: str

    @property
    def name(self) -> str:
        """The resource name of the Config API."""
        return f"installs/{self.id}"


@dataclass(frozen=True)
class Destination(Record):
    """The integration attached to one source; its name holds the source and the slug."""

    id: int
    name: str
    source_id: int
    api_key: str
    enabled: int
    created_at: str
    updated_at: str

    @property
    def masked_key(self) -> str:
        """The API key as pages show it: the public part, dots for the rest."""
        public, dot, _ = self.api_key.partition(".")
        return f"{public[:12]}{dot}••••••••" if self.api_key else "no key"


@dataclass(frozen=True)
class Delivery(Record):
    """One event on its way to one destination. `state` is waiting, delivered or discarded."""

    id: int
    source_id: int
    destination_name: str
    kind: str
    event_type: str
    message_id: str
    who: str
    body: str
    state: str
    code: str
    tries: int
    created_at: str
    next_try_at: str


@dataclass(frozen=True)
class Attempt(Record):
    """One try of a delivery: what was sent, what came back, in how many milliseconds."""

    id: int
    delivery_id: int
    number: int
    started_at: str
    duration_ms: int
    url: str
    request_headers: str
    status: int | None
    response_headers: str
    response_body: str
    code: str


@dataclass(frozen=True)
class IngestedEvent(Record):
    """What became of one event that a source sent: `accepted`, or why Segment dropped it."""

    id: int
    source_id: int
    received_at: str
    event_type: str
    message_id: str
    who: str
    verdict: str


@dataclass(frozen=True)
class Mail(Record):
    """One e-mail that the catcher took. `recipients` are those of the envelope."""

    id: int
    sender: str
    recipients: str
    subject: str
    text: str
    html: str
    message_id: str
    raw: bytes
    received_at: str
