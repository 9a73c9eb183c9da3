"""What people type, made fit to be stored: filters for the fields of forms."""


def storable(text: str | None) -> str:
    """Drop NUL, which PostgreSQL cannot store, and a browser's line ends; trim the edges."""
    return (text or "").replace("\x00", "").replace("\r\n", "\n").strip()
