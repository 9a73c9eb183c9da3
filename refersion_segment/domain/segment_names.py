"""The names of things inside Segment. They become parts of URLs, so only plain ones are taken.

A resource name is a relative path of slugs, such as `workspaces/northwind/sources/web-shop`
(segment-docs, `src/api/config-api/api-design.md`).
"""

import re
from typing import Final, NamedTuple, TypeGuard

# A dot only between other characters: no slug can be `.` or `..`.
_SLUG: Final = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_WORKSPACE: Final = re.compile(rf"workspaces/({_SLUG})")
_SOURCE: Final = re.compile(rf"workspaces/({_SLUG})/sources/({_SLUG})")
_INSTALL: Final = re.compile(rf"installs/{_SLUG}")

MAX_LENGTH: Final = 250
"""No name is looked into beyond this many characters."""


class SourceName(NamedTuple):
    """A source, by the slugs of its workspace and of itself."""

    workspace: str
    slug: str

    @property
    def resource_name(self) -> str:
        return f"workspaces/{self.workspace}/sources/{self.slug}"


def parse_workspace(name: object) -> str | None:
    """Return the slug of `workspaces/<slug>`; None if it is anything else."""
    match = _WORKSPACE.fullmatch(name) if _is_short_text(name) else None
    return match[1] if match else None


def parse_source(name: object) -> SourceName | None:
    """Return the slugs of `workspaces/<slug>/sources/<slug>`; None if it is anything else."""
    match = _SOURCE.fullmatch(name) if _is_short_text(name) else None
    return SourceName(match[1], match[2]) if match else None


def is_install(name: object) -> bool:
    """Tell whether this is a plain `installs/<id>`."""
    return _is_short_text(name) and _INSTALL.fullmatch(name) is not None


def _is_short_text(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and len(name) <= MAX_LENGTH
