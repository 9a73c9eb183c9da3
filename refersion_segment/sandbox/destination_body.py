"""What a create or an update of a destination says: read strictly, told back as Segment does."""

from dataclasses import dataclass

from refersion_segment.sandbox.records import Destination

_MODES = ("CLOUD", "UNSPECIFIED")
_PATHS = ("destination.enabled", "destination.config", "destination.connection_mode")


class BadBodyError(Exception):
    """A field of the body is missing or has a wrong value; the text names it."""


@dataclass(frozen=True)
class DestinationBody:
    """The fields that were sent; None where nothing was."""

    name: str | None
    enabled: bool | None
    has_config: bool
    api_key: str | None


def read_body(document: dict[str, object], name: str) -> DestinationBody:
    """Read the `destination` object of a call about the destination of that full name.

    :raise BadBodyError: if a field is not what the Config API takes.
    """
    sent = document.get("destination")
    if sent is None:
        return DestinationBody(None, None, has_config=False, api_key=None)
    if not isinstance(sent, dict):
        raise BadBodyError("destination must be an object")
    if sent.get("name") not in (None, name):
        raise BadBodyError(f"destination.name must be {name}")
    mode = sent.get("connection_mode")
    if mode not in (None, *_MODES):
        raise BadBodyError("destination.connection_mode must be CLOUD")
    enabled = sent.get("enabled")
    if enabled is not None and not isinstance(enabled, bool):
        raise BadBodyError("destination.enabled must be true or false")
    config = sent.get("config")
    return DestinationBody(
        name=sent.get("name"),
        enabled=enabled,
        has_config=config is not None,
        api_key=_read_config(config, name),
    )


def _read_config(config: object, name: str) -> str | None:
    if config is None:
        return None
    if not isinstance(config, list):
        raise BadBodyError("destination.config must be a list")
    api_key = None
    for entry in config:
        if not isinstance(entry, dict):
            raise BadBodyError("destination.config must be a list of objects")
        if entry.get("name") != f"{name}/config/apiKey":
            raise BadBodyError(f"destination.config has no setting {entry.get('name')}")
        if entry.get("type", "string") != "string" or not isinstance(entry.get("value"), str):
            raise BadBodyError("destination.config apiKey must be a string")
        api_key = entry["value"]
    return api_key


def read_mask(document: dict[str, object]) -> frozenset[str]:
    """Read the paths of the `update_mask` beside `destination`; nested inside it, it is none.

    :raise BadBodyError: if it is no object with a list of known paths.
    """
    mask = document.get("update_mask")
    if mask is None:
        return frozenset()
    paths = mask.get("paths", []) if isinstance(mask, dict) else None
    if not isinstance(paths, list):
        raise BadBodyError("update_mask must be an object with a list of paths")
    for path in paths:
        if path not in _PATHS:
            raise BadBodyError(f"update_mask has no path {path}")
    return frozenset(paths)


def resource(destination: Destination, display_name: str) -> dict[str, object]:
    """Describe a destination; a connection mode sent as CLOUD comes back UNSPECIFIED."""
    return {
        "name": destination.name,
        "parent": destination.name.rpartition("/destinations/")[0],
        "display_name": display_name,
        "enabled": bool(destination.enabled),
        "connection_mode": "UNSPECIFIED",
        "config": [
            {
                "name": f"{destination.name}/config/apiKey",
                "display_name": "API Key",
                "value": destination.api_key,
                "type": "string",
            }
        ],
        "create_time": destination.created_at,
        "update_time": destination.updated_at,
    }
