"""Refersion for Segment: every new identity that a merchant's apps send becomes an affiliate."""

from collections.abc import Mapping
from pathlib import Path

from flask import Flask

from config import load_settings
from refersion_segment import cli, database, errors, pages
from refersion_segment.extensions import csrf, db, login_manager, mail, migrate, vault
from refersion_segment.web import blueprints, sessions
from refersion_segment.web.access import enforce_access
from refersion_segment.web.headers import send_security_headers

ROOT = Path(__file__).resolve().parent.parent


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Build the product.

    :param environ: the settings, instead of the process environment and `.env`.
    :raise config.SettingError: if a setting is wrong; its text names the setting.
    """
    app = Flask(__name__, static_folder=str(ROOT / "static"), instance_path=str(ROOT / "instance"))
    configure(app, environ)
    bind_extensions(app)
    errors.register(app)
    pages.register(app)
    send_security_headers(app)
    sessions.register(app)
    enforce_access(app)
    blueprints.register(app)
    cli.register(app)
    return app


def configure(app: Flask, environ: Mapping[str, str] | None) -> None:
    """Put the settings where Flask and its extensions look for them."""
    app.config.update(load_settings(environ))
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = database.engine_options(
        str(app.config["SQLALCHEMY_DATABASE_URI"])
    )
    app.json.compact = True  # type: ignore[attr-defined]  # Flask's default provider has it
    app.url_map.merge_slashes = False  # a redirect would lose a call of Segment


def bind_extensions(app: Flask) -> None:
    """Tie each extension to this application."""
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    login_manager.init_app(app)
    mail.init_app(app)
    csrf.init_app(app)
    vault.init_app(app)
    database.prepare_engine(app)
