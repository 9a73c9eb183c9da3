"""The activity page."""

import itertools

import pytest
from flask.testing import FlaskClient

from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.services.activity import PAGE_SIZE
from refersion_segment.services.actors import Actor, record
from tests.factories import MadeMerchant, make_merchant, make_user, sign_in
from tests.pages import text_of

PAGE = "/account/settings/activity"


def make_entries(shop: MadeMerchant, number: int) -> None:
    for index in range(number):
        record(
            Actor("Maya Chen", ip="192.0.2.7"),
            "offer.changed",
            merchant_id=shop.merchant.id,
            detail=f"change {index:03}",
        )
        db.session.flush()
    db.session.commit()


def changes_on(text: str) -> list[int]:
    words = text.split()
    return [int(word) for before, word in itertools.pairwise(words) if before == "change"]


def test_an_entry_says_who_did_what_and_from_where(client: FlaskClient) -> None:
    shop = make_merchant()
    make_entries(shop, 1)
    sign_in(client, make_user(shop.merchant, Role.VIEWER))

    text = text_of(client.get(PAGE))

    assert "Maya Chen changed an offer change 000 192.0.2.7 just now" in text
    assert text.index("changed an offer") < text.index("opened the account")


def test_entries_of_another_merchant_are_not_shown(client: FlaskClient) -> None:
    make_entries(make_merchant("Southwind"), 3)
    sign_in(client, make_merchant().owner)

    assert "Maya Chen" not in text_of(client.get(PAGE))


def test_the_pages_show_every_entry_once_both_ways(client: FlaskClient) -> None:
    shop = make_merchant()
    make_entries(shop, 2 * PAGE_SIZE + 10)
    sign_in(client, shop.owner)

    down, url = [], PAGE
    while url:
        page = client.get(url)
        down.append(changes_on(text_of(page)))
        last, url = url, link_of(page.text, "next")
    up, url = [], last
    while url:
        page = client.get(url)
        up.append(changes_on(text_of(page)))
        url = link_of(page.text, "prev")

    assert [n for page in down for n in page] == list(range(2 * PAGE_SIZE + 9, -1, -1))
    assert sorted({n for page in up for n in page}) == list(range(2 * PAGE_SIZE + 10))
    assert up[1] == down[1]


def link_of(page: str, direction: str) -> str:
    for piece in page.split("<a ")[1:]:
        tag = piece.partition(">")[0]
        if f'rel="{direction}"' in tag:
            return tag.split('href="')[1].split('"')[0]
    return ""


@pytest.mark.parametrize("query", ["before=x", "after=%00"])
def test_a_page_that_begins_nowhere_does_not_exist(client: FlaskClient, query: str) -> None:
    sign_in(client, make_merchant().owner)

    assert client.get(f"{PAGE}?{query}").status_code == 404
