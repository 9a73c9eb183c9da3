"""What every part of a running sandbox shares; reached as `current_sandbox()` in a request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urljoin

from flask import current_app

from refersion_segment.sandbox.database import Database
from refersion_segment.sandbox.deliverer import Deliverer
from refersion_segment.sandbox.switches import Switches

EXTENSION_KEY = "sandbox"
MOST_REDIRECT_URIS = 5


@dataclass
class Sandbox:
    """The registered app (client, redirect URIs, destination) and the database of one sandbox."""

    database: Database
    destination_url: str
    client_id: str
    client_secret: str
    registered_redirect_uris: Sequence[str]
    destination_slug: str
    deliverer: Deliverer = field(init=False)

    def __post_init__(self) -> None:
        """Make the deliverer of this process; it starts with the first event at the latest."""
        self.deliverer = Deliverer(self.database, self.destination_url)

    def start_deliveries(self) -> None:
        """Start the threads that deliver what waits, also what an earlier process left."""
        self.deliverer.start()

    def stop_deliveries(self) -> None:
        """Finish the tries in hand and stop the threads."""
        self.deliverer.stop()

    @property
    def scope(self) -> str:
        """The one scope registered for the app; singular, unlike the resource names."""
        return f"destination/{self.destination_slug}"

    @property
    def display_name(self) -> str:
        """The destination's name in the catalog and in `integrations` objects."""
        return self.destination_slug.capitalize()

    @property
    def product_url(self) -> str:
        """The way back to the product's pages."""
        return urljoin(self.destination_url, "/")

    @property
    def switches(self) -> Switches:
        """The switches of the settings page as they are now."""
        return Switches.load(self.database)

    @property
    def redirect_uris(self) -> list[str]:
        """Every redirect URI that the app has registered."""
        return [*self.registered_redirect_uris, *self.switches.further_redirect_uris.split()]


def current_sandbox() -> Sandbox:
    """Return the sandbox that the current request is for."""
    return cast(Sandbox, current_app.extensions[EXTENSION_KEY])
