"""What servers load: `gunicorn wsgi:app`, `flask --app wsgi run`."""

import sys

from config import SettingError
from refersion_segment import create_app

try:
    app = create_app()
except SettingError as error:
    sys.exit(f"Cannot start: {error}")
