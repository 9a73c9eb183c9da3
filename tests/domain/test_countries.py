"""Countries are kept as two letters, however they were sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refersion_segment.domain.countries import Country, country

# ISO 3166-1, whole: a country that is missing would be left out of every affiliate from there.
ALPHA_2 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR "
    "BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ "
    "EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW "
    "GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY "
    "KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV "
    "MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY "
    "QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG "
    "TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM "
    "ZW"
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def code_of(value: str) -> str | None:
    found = country(value)
    return found.code if found else None


def test_exactly_the_countries_of_iso_are_known_by_two_letters_and_kosovo():
    known = {
        first + second
        for first in LETTERS
        for second in LETTERS
        if code_of(first + second) == first + second
    }

    assert known == {*ALPHA_2.split(), "XK"}


@pytest.mark.parametrize(
    ("value", "code", "read_from"),
    [
        ("US", "US", "two letters"),
        (" us\n", "US", "two letters"),
        ("UK", "GB", "two letters"),
        ("USA", "US", "three letters"),
        ("nor", "NO", "three letters"),
        ("GBR", "GB", "three letters"),
        ("United States of America", "US", "an English name"),
        ("u.s.a.", "US", "an English name"),
        ("UNITED KINGDOM", "GB", "an English name"),
        ("Great Britain", "GB", "an English name"),
        ("UAE", "AE", "an English name"),
        ("South Korea", "KR", "an English name"),
        ("Korea, Republic of", "KR", "an English name"),
        ("Czech Republic", "CZ", "an English name"),
        ("Czechia", "CZ", "an English name"),
        ("Turkey", "TR", "an English name"),
        ("Türkiye", "TR", "an English name"),
        ("Ivory Coast", "CI", "an English name"),
        ("Cote d'Ivoire", "CI", "an English name"),
        ("Côte d\u2019Ivoire", "CI", "an English name"),
        ("The Netherlands", "NL", "an English name"),
        ("Saint Lucia", "LC", "an English name"),
        ("St. Lucia", "LC", "an English name"),
        ("Bosnia and Herzegovina", "BA", "an English name"),
        ("Bosnia & Herzegovina", "BA", "an English name"),
        ("Viet Nam", "VN", "an English name"),
        ("Hong Kong", "HK", "an English name"),
        ("Congo, Democratic Republic of the", "CD", "an English name"),
        ("Virgin Islands (British)", "VG", "an English name"),
        ("Kosovo", "XK", "an English name"),
    ],
)
def test_a_country_is_understood_in_its_usual_spellings(value, code, read_from):
    assert country(value) == Country(code, read_from)


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "U", "EU", "UN", "ZZ", "XX", "EL", "SU", "\u017ft", "\u0131t"),
        *("001", "840", "EUE", "QUU", "the", "Narnia", "Europe", "World", "US" * 100),
        *("European Union", "Unknown Region"),
    ],
)
def test_what_is_no_country_is_none(value):
    assert country(value) is None


@pytest.mark.parametrize(
    ("one", "other"), [("Niger", "Nigeria"), ("Guinea", "Guinea-Bissau"), ("Congo", "DR Congo")]
)
def test_countries_of_similar_names_stay_apart(one, other):
    assert code_of(one) != code_of(other)


@given(st.text())
def test_no_text_is_a_reason_to_fail(value):
    found = country(value)

    assert found is None or len(found.code) == 2
