"""The traits of a person, in any casing, become the details of an affiliate.

Only the listed traits are looked at (DESIGN section 5): `name`, or first and last name, and
`address` with its five parts. Text and numbers count, every other type is absent.
"""

from dataclasses import dataclass, fields
from itertools import chain, islice

from refersion_segment.domain.countries import country
from refersion_segment.domain.event_objects import EventObject, Sent, as_text
from refersion_segment.domain.readings import NOT_USED, Notes
from refersion_segment.domain.texts import one_line, quoted

MAX_FIELD_LENGTH = 255
MAX_IGNORED_TRAITS = 20

FIELD_LABELS = {
    "first_name": "First name",
    "last_name": "Last name",
    "street": "Street",
    "city": "City",
    "state": "State",
    "postal_code": "Postal code",
    "country": "Country",
}


@dataclass(frozen=True, slots=True)
class AffiliateDetails:
    """What is known of a person besides the e-mail address; a blank is not known."""

    first_name: str = ""
    last_name: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    """Two capital letters (ISO 3166-1 alpha-2)."""

    @property
    def has_name(self) -> bool:
        return bool(self.first_name or self.last_name)

    @property
    def known(self) -> dict[str, str]:
        """Map the name of each field that is not blank to its value."""
        values = {each.name: str(getattr(self, each.name)) for each in fields(self)}
        return {name: value for name, value in values.items() if value}

    @property
    def blanks(self) -> frozenset[str]:
        """The names of the fields that are blank."""
        return frozenset(FIELD_LABELS) - self.known.keys()


def read_details(traits: EventObject, notes: Notes) -> AffiliateDetails:
    """Read names and postal address, noting each value that is used."""
    first_name, last_name = _read_names(traits, notes)
    address = traits.first("address")
    if address is not None and isinstance(address.value, str):
        street = _noted(address, "traits.address", "street", notes)
        return AffiliateDetails(first_name, last_name, street)
    parts = traits.object("address")
    return AffiliateDetails(
        first_name=first_name,
        last_name=last_name,
        street=_read(parts, "traits.address.street", "street", notes),
        city=_read(parts, "traits.address.city", "city", notes),
        state=_read(parts, "traits.address.state", "state", notes),
        postal_code=_read(parts, "traits.address.postalCode", "postal_code", notes),
        country=_read_country(parts, notes),
    )


def list_ignored(traits: EventObject, notes: Notes) -> tuple[str, ...]:
    """List the paths of the traits that were not read: their names only, and not endlessly many."""
    used = {reading.path for reading in notes.readings}
    parts = traits.object("address")
    if (address := traits.first("address")) and isinstance(address.value, dict):
        used.add(address.path)
    ignored = (path for path in chain(traits.paths(), parts.paths()) if path not in used)
    shown = tuple(islice(ignored, MAX_IGNORED_TRAITS))
    return shown if next(ignored, None) is None else (*shown, "and more")


def _read_names(traits: EventObject, notes: Notes) -> tuple[str, str]:
    """Read both names; an explicit one replaces its half of `name`."""
    first = _read(traits, "traits.firstName", "first_name", notes)
    last = _read(traits, "traits.lastName", "last_name", notes)
    name = traits.first_text("name")
    if name is None:
        return first, last
    halves = _split(name)
    first_half = "" if first else halves[0]
    last_half = "" if last else halves[1]
    if first_half or last_half:
        became = " and ".join(
            filter(None, (first_half and "first name", last_half and "last name"))
        )
        note = "split at its first blank" if halves[1] else None
        notes.read("traits.name", name, became.capitalize(), note)
    return (
        first or _fitting(first_half, "first_name", notes),
        last or _fitting(last_half, "last_name", notes),
    )


def _split(name: Sent) -> tuple[str, str]:
    """Split a name at its first blank; one word is the first name."""
    halves = one_line(as_text(name.value) or "").split(maxsplit=1)
    return (halves[0] if halves else "", halves[1] if len(halves) > 1 else "")


def _read(part: EventObject, documented: str, field: str, notes: Notes) -> str:
    sent = part.first_text(documented.rpartition(".")[2])
    return _noted(sent, documented, field, notes) if sent else ""


def _noted(sent: Sent, documented: str, field: str, notes: Notes) -> str:
    notes.read(documented, sent, FIELD_LABELS[field])
    return _fitting(one_line(as_text(sent.value) or ""), field, notes)


def _fitting(value: str, field: str, notes: Notes) -> str:
    """Cut a value to what its column can hold, and say so."""
    if len(value) > MAX_FIELD_LENGTH:
        notes.remark(f"{FIELD_LABELS[field]} was cut at {MAX_FIELD_LENGTH} characters.")
    return value[:MAX_FIELD_LENGTH].rstrip()


def _read_country(parts: EventObject, notes: Notes) -> str:
    """Read the country as two letters; one that we do not know is left out, and that is said."""
    sent = parts.first_text("country")
    if sent is None:
        return ""
    text = one_line(as_text(sent.value) or "")
    if (found := country(text)) is None:
        notes.read("traits.address.country", sent, NOT_USED, "not a country we know")
        notes.remark(f"Country {quoted(text)} was left out: it is not a country we know.")
        return ""
    is_plain = found.code == text.upper()
    note = None if is_plain else f"read from {found.read_from}"
    notes.read("traits.address.country", sent, found.code, note)
    return found.code
