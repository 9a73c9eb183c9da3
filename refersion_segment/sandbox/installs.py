"""Consents, one-time codes, installs and their tokens. Codes and tokens are kept as hashes only."""

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass

from refersion_segment.sandbox.clock import now_iso
from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.records import Consent, Install, Source
from refersion_segment.sandbox.switches import InstallRule

APP_NAME = "apps/2"
CODE_LIFETIME_SECONDS = 600
CONSENT_LIFETIME_SECONDS = 900
CALLS_PER_MINUTE = 200


class InstallExistsError(Exception):
    """The app is installed there already (protocol reference, section 11, row 14)."""


class CodeRefusedError(Exception):
    """The code is unknown, used, too old, or not meant for this exchange."""


@dataclass(frozen=True)
class Grant:
    """What a one-time code stands for."""

    code_hash: str
    source_id: int
    redirect_uri: str
    code_challenge: str | None


@dataclass(frozen=True)
class Bearer:
    """Who calls the Config API: an install and the one source that was consented to."""

    install: Install
    source: Source


def two_part_secret() -> str:
    """Make an opaque `x.y` secret of two times 43 characters, the form of Segment's codes."""
    return f"{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(32)}"


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def open_consent(
    database: Database, *, redirect_uri: str, scope: str, state: str | None, challenge: str | None
) -> str:
    """Keep a checked authorization request until somebody decides; return its id."""
    consent_id = secrets.token_hex(16)
    expires_at = now_iso(plus_seconds=CONSENT_LIFETIME_SECONDS)
    with database.write() as connection:
        connection.execute("DELETE FROM consents WHERE expires_at < ?", (now_iso(),))
        connection.execute(
            "INSERT INTO consents VALUES (?, ?, ?, ?, ?, ?)",
            (consent_id, redirect_uri, scope, state, challenge, expires_at),
        )
    return consent_id


def find_consent(database: Database, consent_id: str) -> Consent | None:
    """Find a request that still waits for a decision."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT * FROM consents WHERE id = ? AND expires_at >= ?", (consent_id, now_iso())
        ).fetchone()
    return Consent.from_row(row) if row else None


def close_consent(database: Database, consent: Consent) -> bool:
    """Take the decision, once; False when somebody has decided already."""
    with database.write() as connection:
        return connection.execute("DELETE FROM consents WHERE id = ?", (consent.id,)).rowcount == 1


def is_installed(database: Database, source: Source, rule: InstallRule) -> bool:
    """Tell whether a further install for that source would be one too many."""
    with database.read() as connection:
        return _is_installed(connection, source.id, rule)


def _is_installed(connection: sqlite3.Connection, source_id: int, rule: InstallRule) -> bool:
    if rule is InstallRule.NEVER:
        return False
    row = connection.execute(
        "SELECT count(*), coalesce(sum(source_id = ?), 0) FROM installs", (source_id,)
    ).fetchone()
    return bool(row[0] if rule is InstallRule.PER_WORKSPACE else row[1])


def issue_code(database: Database, consent: Consent, source: Source) -> str:
    """Make the one-time code of an allowed consent."""
    code = two_part_secret()
    expires_at = now_iso(plus_seconds=CODE_LIFETIME_SECONDS)
    with database.write() as connection:
        connection.execute("DELETE FROM codes WHERE expires_at < ?", (now_iso(),))
        connection.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, NULL)",
            (_hashed(code), source.id, consent.redirect_uri, consent.code_challenge, expires_at),
        )
    return code


def find_grant(database: Database, code: str) -> Grant:
    """Find what a code stands for, without using it up.

    :raise CodeRefusedError: if it is unknown, used or too old.
    """
    with database.read() as connection:
        row = connection.execute(
            "SELECT * FROM codes WHERE code_hash = ? AND used_at IS NULL AND expires_at >= ?",
            (_hashed(code), now_iso()),
        ).fetchone()
    if row is None:
        raise CodeRefusedError
    return Grant(row["code_hash"], row["source_id"], row["redirect_uri"], row["code_challenge"])


def redeem(
    database: Database, grant: Grant, *, rule: InstallRule, lifetime_seconds: int
) -> tuple[Install, str]:
    """Use a code up: make the install and its first token.

    :raise CodeRefusedError: if another exchange was quicker.
    :raise InstallExistsError: if the app was installed since the consent.
    """
    token = two_part_secret()
    with database.write() as connection:
        used = connection.execute(
            "UPDATE codes SET used_at = ? WHERE code_hash = ? AND used_at IS NULL",
            (now_iso(), grant.code_hash),
        )
        if used.rowcount == 0:
            raise CodeRefusedError
        if _is_installed(connection, grant.source_id, rule):
            raise InstallExistsError
        row = connection.execute(
            "INSERT INTO installs (source_id, created_at) VALUES (?, ?) RETURNING *",
            (grant.source_id, now_iso()),
        ).fetchone()
        install = Install.from_row(row)
        _put_token(connection, install, token, lifetime_seconds)
    return install, token


def renew_token(database: Database, install: Install, *, lifetime_seconds: int) -> str:
    """Give an install a new token; the one before is worth nothing from then on."""
    token = two_part_secret()
    with database.write() as connection:
        connection.execute("DELETE FROM tokens WHERE install_id = ?", (install.id,))
        _put_token(connection, install, token, lifetime_seconds)
    return token


def _put_token(
    connection: sqlite3.Connection, install: Install, token: str, lifetime_seconds: int
) -> None:
    connection.execute(
        "INSERT INTO tokens VALUES (?, ?, ?)",
        (_hashed(token), install.id, now_iso(plus_seconds=lifetime_seconds)),
    )


def find_bearer(database: Database, token: str) -> Bearer | None:
    """Find the install of a token that has not expired."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT install_id FROM tokens WHERE token_hash = ? AND expires_at > ?",
            (_hashed(token), now_iso()),
        ).fetchone()
        if row is None:
            return None
        install = Install.from_row(
            connection.execute(
                "SELECT * FROM installs WHERE id = ?", (row["install_id"],)
            ).fetchone()
        )
        source = Source.from_row(
            connection.execute(
                "SELECT * FROM sources WHERE id = ?", (install.source_id,)
            ).fetchone()
        )
    return Bearer(install=install, source=source)


def list_installs(database: Database) -> list[Install]:
    """List the installs, oldest first."""
    with database.read() as connection:
        rows = connection.execute("SELECT * FROM installs ORDER BY id").fetchall()
    return [Install.from_row(row) for row in rows]


def find_install(database: Database, install_id: int) -> Install | None:
    """Find an install by the number in its name."""
    with database.read() as connection:
        row = connection.execute("SELECT * FROM installs WHERE id = ?", (install_id,)).fetchone()
    return Install.from_row(row) if row else None


def remove_install(database: Database, install_id: int) -> None:
    """Uninstall, as the customer can inside Segment; nobody tells the app."""
    with database.write() as connection:
        connection.execute("DELETE FROM installs WHERE id = ?", (install_id,))


def count_call(database: Database, caller: str) -> bool:
    """Count one Config API call; False when it is one more than a minute allows."""
    minute_ago = now_iso(plus_seconds=-60)
    with database.write() as connection:
        connection.execute("DELETE FROM api_calls WHERE called_at <= ?", (minute_ago,))
        (calls,) = connection.execute(
            "SELECT count(*) FROM api_calls WHERE caller = ?", (caller,)
        ).fetchone()
        if calls >= CALLS_PER_MINUTE:
            return False
        connection.execute("INSERT INTO api_calls VALUES (?, ?)", (caller, now_iso()))
    return True
