"""Countries, read from what a source sends and kept as two letters (ISO 3166-1 alpha-2).

Babel knows the codes and the English names; ISO's formal names and everyday ones are added here.
Kosovo is taken as `XK`, a code that ISO leaves to users: the alternative is to tell a person that
their country is none. Groupings (EU, UN) and places that only CLDR has are left out.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from babel import Locale
from babel.core import get_global

MAX_LENGTH = 100

_ONLY_IN_CLDR = "AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ"

# English names that are in use and that Babel does not give. Word order and "the" do not count.
_OTHER_NAMES = {
    "AE": "UAE, U.A.E., Emirates",
    "BN": "Brunei Darussalam",
    "BO": "Plurinational State of Bolivia",
    "BQ": "Bonaire Sint Eustatius and Saba",
    "CD": "Democratic Republic of Congo, DR Congo, DRC, Congo Kinshasa",
    "CG": "Republic of Congo, Congo, Congo Brazzaville",
    "CI": "Ivory Coast",
    "CN": "People's Republic of China, Mainland China, PRC",
    "CV": "Cabo Verde",
    "CZ": "Czech Republic",
    "FK": "Falkland Islands Malvinas",
    "FM": "Federated States of Micronesia",
    "GB": (
        "Great Britain, Britain, U.K., England, Scotland, Wales, Northern Ireland,"
        "United Kingdom of Great Britain and Northern Ireland"
    ),
    "GS": "South Georgia and the South Sandwich Islands",
    "HK": "Hong Kong, Hong Kong SAR",
    "HM": "Heard Island and McDonald Islands",
    "IE": "Republic of Ireland, Eire",
    "IR": "Islamic Republic of Iran",
    "KP": "Democratic People's Republic of Korea",
    "KR": "Republic of Korea, Korea",
    "LA": "Lao People's Democratic Republic",
    "MD": "Republic of Moldova",
    "MF": "Saint Martin French part",
    "MK": "Macedonia, Republic of North Macedonia",
    "MM": "Myanmar, Burma",
    "MO": "Macao, Macau, Macao SAR",
    "NL": "Holland, Kingdom of the Netherlands",
    "PN": "Pitcairn",
    "PS": "Palestine, State of Palestine",
    "RU": "Russian Federation",
    "SH": "Saint Helena Ascension and Tristan da Cunha",
    "SX": "Sint Maarten Dutch part",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TR": "Turkey",
    "TW": "Taiwan Province of China",
    "TZ": "United Republic of Tanzania",
    "UM": "United States Minor Outlying Islands",
    "US": "United States of America, U.S.A., U.S., America",
    "VA": "Holy See, Vatican",
    "VE": "Bolivarian Republic of Venezuela",
    "VI": "US Virgin Islands",
    "VN": "Viet Nam",
}


@dataclass(frozen=True, slots=True)
class Country:
    """A country as two capital letters, and how it was read from what was sent."""

    code: str
    read_from: str


def country(value: str) -> Country | None:
    """Read a country from two letters, three letters or an English name; None if it is none.

    Letter case, accents, punctuation and surrounding blanks do not count. `UK` is GB.
    """
    text = value.strip()
    if len(text) > MAX_LENGTH:
        return None
    capitals = text.upper() if text.isascii() else ""
    if len(text) == 2:
        code = "GB" if capitals == "UK" else capitals
        return Country(code, "two letters") if code in _english_names() else None
    if code_of_three := _three_letters().get(capitals):
        return Country(code_of_three, "three letters")
    if code_of_name := _names().get(_comparable(text)):
        return Country(code_of_name, "an English name")
    return None


@cache
def _english_names() -> dict[str, str]:
    """Map the two letters of every country to its English name."""
    territories = Locale("en").territories
    return {
        code: name
        for code, name in territories.items()
        if len(code) == 2 and code not in _ONLY_IN_CLDR
    }


@cache
def _three_letters() -> dict[str, str]:
    aliases = get_global("territory_aliases")
    return {
        alias: codes[0]
        for alias, codes in aliases.items()
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1 and codes[0] in _english_names()
    }


@cache
def _names() -> dict[tuple[str, ...], str]:
    names = {_comparable(name): code for code, name in _english_names().items()}
    for code, others in _OTHER_NAMES.items():
        names.update({_comparable(name): code for name in others.split(",")})
    return names


def _comparable(name: str) -> tuple[str, ...]:
    """Reduce a name to its plain words, sorted: `Korea, Republic of` is `Republic of Korea`."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    words = re.findall(r"[a-z]+", re.sub("['\N{RIGHT SINGLE QUOTATION MARK}]", "", plain))
    return tuple(sorted("saint" if word == "st" else word for word in words if word != "the"))
