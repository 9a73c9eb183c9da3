"""The settings: read once, here alone, from the environment (a `.env` file stands behind it)."""

import os
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parseaddr
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from dotenv import dotenv_values
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT: Final = Path(__file__).resolve().parent
MEBIBYTE: Final = 1024 * 1024
SANDBOX_SECRET: Final = "local-runs-only"  # noqa: S105 (opens the sandbox alone)

_TRUE: Final = {"1", "true", "yes"}
_FALSE: Final = {"0", "false", "no", ""}


class SettingError(ValueError):
    """A setting is missing, malformed or too weak; the text begins with its name."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name = name


def load_settings(environ: Mapping[str, str] | None = None) -> dict[str, object]:
    """Read every setting into what Flask and its extensions expect to find in `app.config`.

    :param environ: stands in for the process environment and the `.env` file (for tests).
    :raise SettingError: if a setting cannot be used; production forgives no missing or weak one.
    """
    if environ is None:
        file = {name: value or "" for name, value in dotenv_values(ROOT / ".env").items()}
        environ = {**file, **os.environ}
    read = _Reader(environ)
    production = read.choice("APP_ENV", "local", {"local", "production"}) == "production"
    settings: dict[str, Any] = {"APP_ENV": "production" if production else "local"}
    settings |= _web(read, production=production)
    settings |= _database(read, production=production)
    settings |= _secrets(read, production=production)
    settings |= _segment(read, str(settings["BASE_URL"]), production=production)
    settings |= _mail(read, production=production)
    settings |= _limits(read)
    settings["SANDBOX_DATABASE"] = Path(
        read.text("SANDBOX_DATABASE") or _sandbox_database(str(settings["SQLALCHEMY_DATABASE_URI"]))
    )
    settings["CATCHER_PORT_FILE"] = port_file = settings["SANDBOX_DATABASE"].with_suffix(".port")
    if settings["MAIL_CATCHER"] and not read.text("MAIL_PORT") and port_file.exists():
        # The catcher of a run beside this one found its usual port taken.
        settings["MAIL_PORT"] = int(port_file.read_text() or settings["MAIL_PORT"])
    return settings


class _Reader:
    """Typed access to the raw environment; an empty value counts as not given."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name, "").strip() or default

    def choice(self, name: str, default: str, allowed: set[str]) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise SettingError(name, f"is {value!r}; it can be {' or '.join(sorted(allowed))}.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        if name not in self._environ:
            return default
        value = self._environ[name].strip().lower()
        if value not in _TRUE | _FALSE:
            raise SettingError(name, f"is {value!r}; write 1, true, yes or 0, false, no.")
        return value in _TRUE

    def number(self, name: str, default: int, *, low: int = 0, high: int = 10**9) -> int:
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise SettingError(name, f"is {value!r}; it is a number from {low} to {high}.")
        return int(value)

    def url(self, name: str, default: str, *, https: bool = False) -> str:
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:
            fits = False
        if not fits or parts.query or parts.fragment or parts.username:
            raise SettingError(name, f"is {value!r}; it is an address such as {default}.")
        if https and parts.scheme != "https":
            raise SettingError(name, "must begin with https:// in production.")
        return value

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise SettingError(name, "is missing; production needs it.")
        return value


def _web(read: _Reader, *, production: bool) -> dict[str, object]:
    if production:
        read.required("BASE_URL")
    base_url = read.url("BASE_URL", "http://127.0.0.1:5000", https=production)
    if urlsplit(base_url).path:
        raise SettingError("BASE_URL", f"is {base_url!r}; it ends after the host and port.")
    return {
        "BASE_URL": base_url,
        # Browsers keep a __Host- cookie to this very host, over https, for the whole site.
        "SESSION_COOKIE_NAME": "__Host-refersion" if production else "refersion",
        "SESSION_COOKIE_SECURE": production,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
        "WTF_CSRF_SSL_STRICT": production,
        "TRUSTED_PROXIES": read.number("TRUSTED_PROXIES", 0, high=5),
        "MAX_FORM_MEMORY_SIZE": MEBIBYTE,
    }


def _database(read: _Reader, *, production: bool) -> dict[str, object]:
    default = f"sqlite:///{ROOT / 'instance' / 'refersion.sqlite3'}"
    url = read.required("DATABASE_URL") if production else read.text("DATABASE_URL", default)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingError("DATABASE_URL", "is not a database address.") from None
    backend = parsed.get_backend_name()
    if backend in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif backend != "sqlite":
        raise SettingError("DATABASE_URL", f"names {backend!r}; use sqlite or postgresql.")
    return {"SQLALCHEMY_DATABASE_URI": parsed.render_as_string(hide_password=False)}


def _sandbox_database(database_url: str) -> Path:
    """Place the sandbox's file beside the product's, so that two runs never share one."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database).with_name(f"{Path(url.database).stem}-sandbox.sqlite3")
    tag = sha256(database_url.encode()).hexdigest()[:8]
    return ROOT / "instance" / f"sandbox-{tag}.sqlite3"


def _secrets(read: _Reader, *, production: bool) -> dict[str, object]:
    if production:
        secret_key = read.required("SECRET_KEY")
        if len(secret_key) < 32 or len(set(secret_key)) < 8:
            raise SettingError("SECRET_KEY", "is too weak; use at least 32 random characters.")
        encryption_keys = read.required("ENCRYPTION_KEYS")
    else:
        secret_key = read.text("SECRET_KEY") or _made_once("secret_key", secrets.token_hex(32))
        encryption_keys = read.text("ENCRYPTION_KEYS") or _made_once(
            "encryption_keys", Fernet.generate_key().decode()
        )
    keys = [key.strip() for key in encryption_keys.split(",") if key.strip()]
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise SettingError(
            "ENCRYPTION_KEYS", "must be Fernet keys (32 bytes in URL-safe base64), comma separated."
        ) from None
    if not keys:
        raise SettingError("ENCRYPTION_KEYS", "holds no key.")
    return {"SECRET_KEY": secret_key, "ENCRYPTION_KEYS": keys}


def _made_once(name: str, fresh: str) -> str:
    """Keep a secret of local runs in `instance/`, so that a restart logs nobody out."""
    path = ROOT / "instance" / name
    path.parent.mkdir(exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(fresh)
    except FileExistsError:
        return path.read_text().strip() or fresh  # another process may be writing it just now
    return fresh


def _segment(read: _Reader, base_url: str, *, production: bool) -> dict[str, object]:
    sandbox = read.flag("SEGMENT_SANDBOX", default=not production)
    if sandbox and production:
        raise SettingError("SEGMENT_SANDBOX", "must be off in production.")
    if not sandbox and production:
        read.required("SEGMENT_CLIENT_ID")
        if read.required("SEGMENT_CLIENT_SECRET") == SANDBOX_SECRET:
            raise SettingError("SEGMENT_CLIENT_SECRET", "is the sandbox's; use your own app's.")
    slug = read.text("SEGMENT_DESTINATION_SLUG", "refersion")
    if not re.fullmatch(r"[a-z0-9-]+", slug):
        raise SettingError("SEGMENT_DESTINATION_SLUG", f"is {slug!r}; it is like refersion.")
    home = f"{base_url}/sandbox" if sandbox else ""
    return {
        "SEGMENT_SANDBOX": sandbox,
        "SEGMENT_OAUTH_URL": read.url(
            "SEGMENT_OAUTH_URL", home or "https://id.segmentapis.com", https=production
        ),
        "SEGMENT_API_URL": read.url(
            "SEGMENT_API_URL", home or "https://platform.segmentapis.com", https=production
        ),
        "SEGMENT_CLIENT_ID": read.text("SEGMENT_CLIENT_ID", "refersion-local"),
        "SEGMENT_CLIENT_SECRET": read.text("SEGMENT_CLIENT_SECRET", SANDBOX_SECRET),
        "SEGMENT_DESTINATION_SLUG": slug,
        "SEGMENT_TIMEOUT_SECONDS": read.number("SEGMENT_TIMEOUT_SECONDS", 4, low=1, high=30),
    }


def _mail(read: _Reader, *, production: bool) -> dict[str, object]:
    if production:
        read.required("MAIL_SERVER")
        read.required("MAIL_DEFAULT_SENDER")
    use_tls = read.flag("MAIL_USE_TLS", default=False)
    use_ssl = read.flag("MAIL_USE_SSL", default=False)
    if use_tls and use_ssl:
        raise SettingError("MAIL_USE_SSL", "cannot be on together with MAIL_USE_TLS.")
    sender = read.text("MAIL_DEFAULT_SENDER", "Refersion <no-reply@refersion.example>")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(sender)[1]):
        raise SettingError("MAIL_DEFAULT_SENDER", f"is {sender!r}; it holds no e-mail address.")
    if re.search(r"\s", read.text("MAIL_SERVER")):
        raise SettingError("MAIL_SERVER", "holds a blank; it is a host name or an address.")
    # With no server named, a local run starts a mail catcher of its own.
    catcher = not read.text("MAIL_SERVER")
    return {
        "MAIL_CATCHER": catcher,
        "MAIL_SERVER": read.text("MAIL_SERVER", "127.0.0.1"),
        "MAIL_PORT": read.number("MAIL_PORT", 1025 if catcher else 25, low=1, high=65535),
        "MAIL_USERNAME": read.text("MAIL_USERNAME") or None,
        "MAIL_PASSWORD": read.text("MAIL_PASSWORD") or None,
        "MAIL_USE_TLS": use_tls,
        "MAIL_USE_SSL": use_ssl,
        "MAIL_DEFAULT_SENDER": sender,
        "MAIL_TIMEOUT_SECONDS": read.number("MAIL_TIMEOUT_SECONDS", 20, low=1, high=120),
    }


def _limits(read: _Reader) -> dict[str, object]:
    return {
        "CALLS_PER_SECOND_PER_KEY": read.number("CALLS_PER_SECOND_PER_KEY", 1000, low=1),
        "BAD_KEYS_PER_MINUTE_PER_ADDRESS": read.number(
            "BAD_KEYS_PER_MINUTE_PER_ADDRESS", 300, low=1
        ),
    }
