"""Whether everything that the product leans on is there, and what to mend where it is not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import requests
from flask import current_app
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from refersion_segment import mails
from refersion_segment.extensions import db
from refersion_segment.models import Merchant
from refersion_segment.services import accounts, schema
from refersion_segment.vault import SealError

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` is empty when it is well."""

    name: str
    what: str
    mend: str = ""

    @property
    def is_well(self) -> bool:
        return not self.mend


def examine() -> Iterator[Finding]:
    """Look at the settings, the database, its schema, the mail server and Segment, one by one."""
    looks: tuple[Callable[[], Finding], ...] = (
        _settings,
        _database,
        _migrations,
        _encryption,
        _mail,
        _segment,
    )
    for look in looks:
        yield look()


def _settings() -> Finding:
    # A wrong setting stops the start; what is left to say is which run this is.
    environment = current_app.config["APP_ENV"]
    return Finding("settings", f"{environment} run at {current_app.config['BASE_URL']}")


def _database() -> Finding:
    try:
        db.session.execute(text("SELECT 1"))
        db.session.rollback()
    except SQLAlchemyError:
        db.session.rollback()
        return Finding("database", "cannot be reached", "Check DATABASE_URL and start the server.")
    return Finding("database", f"{db.engine.dialect.name} answers")


def _migrations() -> Finding:
    mend = "Run `flask --app wsgi db upgrade`."
    try:
        is_behind = schema.missing_migrations()
    except SQLAlchemyError:
        return Finding("migrations", "cannot be read", "Mend the database first.")
    return Finding(
        "migrations", "some are missing" if is_behind else "current", mend if is_behind else ""
    )


def _encryption() -> Finding:
    """Whether the keys open what is sealed: tried on the newest merchant."""
    try:
        merchant = db.session.scalar(select(Merchant).order_by(Merchant.id.desc()).limit(1))
        if merchant is not None:
            accounts.erasure_key(merchant)
    except SQLAlchemyError:
        db.session.rollback()
        return Finding("encryption keys", "cannot be tried", "Mend the database first.")
    except SealError:
        mend = "Put the key that it was sealed with back into ENCRYPTION_KEYS."
        return Finding("encryption keys", "do not open what is sealed", mend)
    db.session.rollback()
    return Finding("encryption keys", "open what is sealed")


def _mail() -> Finding:
    config = current_app.config
    place = f"{config['MAIL_SERVER']}:{config['MAIL_PORT']}"
    try:
        mails.greet_server()
    except mails.MailServerAwayError as away:
        if config["MAIL_CATCHER"]:
            mend = "`flask run` starts the mail catcher; or name a server in MAIL_SERVER."
        else:
            mend = f"{away.sentence} Check the MAIL_ settings."
        return Finding("mail server", f"{place} does not take mail", mend)
    return Finding("mail server", f"{place} takes mail")


def _segment() -> Finding:
    url = current_app.config["SEGMENT_API_URL"]
    try:
        requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True).close()
    except requests.RequestException:
        if current_app.config["SEGMENT_SANDBOX"]:
            mend = "The sandbox answers while `flask run` is running."
        else:
            mend = "Check SEGMENT_API_URL and the way out of this network."
        return Finding("Segment", f"{url} cannot be reached", mend)
    return Finding("Segment", f"{url} answers")
