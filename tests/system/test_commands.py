"""Commands and settings as an operator meets them: exact output, exit codes, sentences."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from config import SettingError, load_settings
from tests.conftest import ENCRYPTION_KEY, settings_for
from tests.system.processes import ROOT, environment, flask, free_port, json_lines

PASSWORD = "a lantern over the quiet harbour"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    settings = settings_for(f"sqlite:///{tmp_path / 'product.sqlite3'}")
    flask("db", "upgrade", settings=settings)
    return settings


def test_a_merchant_is_made_and_enabled_by_commands(settings: dict[str, str]) -> None:
    owner = ("--owner-email", "olivia@shop.example", "--password", PASSWORD)

    made = json.loads(
        flask("merchants", "create", "Northwind", *owner, "--json", settings=settings)
    )
    flask("merchants", "enable-segment", made["merchant"], settings=settings)

    assert set(made) == {"merchant", "api_key", "offer"}
    assert made["api_key"].count(".") == 1
    for command in ("affiliates", "deliveries", "messages"):
        listed = flask(command, "list", made["merchant"], "--json", settings=settings)
        assert json_lines(listed) == []
    assert flask("affiliates", "export", made["merchant"], settings=settings).startswith("id,email")


def test_a_merchant_that_nobody_knows_is_said_to_be_unknown(settings: dict[str, str]) -> None:
    command = ["affiliates", "list", "01a207ff-8eaf-70d6-a3bd-14cc8013aa02"]

    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "There is no merchant" in done.stderr
    assert "Traceback" not in done.stderr


PRODUCTION = {
    "APP_ENV": "production",
    "DATABASE_URL": "postgresql://refersion@db/refersion",
    "SECRET_KEY": "0123456789abcdef" * 3,
    "ENCRYPTION_KEYS": ENCRYPTION_KEY,
    "BASE_URL": "https://app.refersion.example",
    "SEGMENT_CLIENT_ID": "id",
    "SEGMENT_CLIENT_SECRET": "secret",
    "MAIL_SERVER": "smtp.refersion.example",
    "MAIL_DEFAULT_SENDER": "hello@refersion.example",
}


def test_production_starts_with_everything_it_needs() -> None:
    settings = load_settings(PRODUCTION)

    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["SEGMENT_SANDBOX"] is False
    assert settings["SEGMENT_OAUTH_URL"] == "https://id.segmentapis.com"


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"APP_ENV"}))
def test_production_names_the_setting_that_is_missing(name: str) -> None:
    with pytest.raises(SettingError, match=rf"^{name} "):
        load_settings({**PRODUCTION, name: " "})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_ENV", "staging"),
        ("DATABASE_URL", "mysql://db/refersion"),
        ("DATABASE_URL", "nonsense"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 40),
        ("DATABASE_URL", "postgresql://u@h:abc/x"),
        ("SEGMENT_CLIENT_SECRET", "local-runs-only"),
        ("SEGMENT_DESTINATION_SLUG", "a b/c"),
        ("MAIL_SERVER", "bad host"),
        ("MAIL_DEFAULT_SENDER", "nobody"),
        ("ENCRYPTION_KEYS", "not a key"),
        ("ENCRYPTION_KEYS", f"{ENCRYPTION_KEY},x"),
        ("BASE_URL", "http://app.refersion.example"),
        ("BASE_URL", "https://app.refersion.example/shop"),
        ("BASE_URL", "app.refersion.example"),
        ("SEGMENT_SANDBOX", "1"),
        ("SEGMENT_SANDBOX", "maybe"),
        ("SEGMENT_OAUTH_URL", "http://id.segment.example"),
        ("MAIL_PORT", "smtp"),
        ("MAIL_PORT", "70000"),
        ("MAIL_USE_TLS", "on"),
    ],
)
def test_production_names_the_setting_that_is_wrong(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"^{name} "):
        load_settings({**PRODUCTION, name: value})


def test_tls_and_ssl_exclude_each_other() -> None:
    with pytest.raises(SettingError, match=r"^MAIL_USE_SSL "):
        load_settings({**PRODUCTION, "MAIL_USE_TLS": "1", "MAIL_USE_SSL": "yes"})


def test_a_wrong_setting_stops_gunicorn_too(settings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app", "-b", f"127.0.0.1:{free_port()}"],
        cwd=ROOT,
        env=environment({**settings, "SEGMENT_SANDBOX": "maybe"}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "Cannot start: SEGMENT_SANDBOX " in done.stderr


def test_a_database_that_is_away_is_one_sentence(settings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "merchants", "list"],
        cwd=ROOT,
        env=environment({**settings, "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/x"}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database cannot be used just now.")
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_stops_the_server_with_one_line(settings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env=environment({**settings, "MAIL_PORT": "smtp"}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Cannot start: MAIL_PORT ")
    assert "Traceback" not in done.stderr
