"""The lists of affiliates: filters, paging and the forms, as a browser without scripts has them."""

import html
import re
from itertools import chain

import pytest
from flask.testing import FlaskClient

from refersion_segment.clock import utc_now
from refersion_segment.domain.affiliates import AffiliateStatus
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, LinkedId, Source
from refersion_segment.models.affiliate import IdKind
from refersion_segment.models.scope import rows_of
from refersion_segment.services.digests import digest
from tests.factories import MadeMerchant, make_affiliate, make_merchant, sign_in
from tests.pages import csrf_token_of


@pytest.fixture
def northwind(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    sign_in(client, made.owner)
    return made


def people(page: str) -> list[str]:
    """Return the addresses of a list in its order."""
    return re.findall(r"p\d+@shop\.example", page)


def link_of(page: str, rel: str) -> str | None:
    found = re.search(rf'<a[^>]*href="([^"]*)"[^>]*rel="{rel}"', page)
    return html.unescape(found[1]) if found else None


def make_many(made: MadeMerchant, number: int, *, from_shop: int = 0) -> Source:
    """Make affiliates; each one in `from_shop` comes from the source that is returned."""
    source = Source(merchant_id=made.merchant.id, label="shop", created_at=utc_now())
    db.session.add(source)
    db.session.commit()
    for n in range(number):
        affiliate = make_affiliate(made, f"p{n:03}@shop.example")
        if from_shop and n % from_shop == 0:
            affiliate.source_id = source.id
    db.session.commit()
    return source


def statuses(made: MadeMerchant) -> set[AffiliateStatus]:
    db.session.expire_all()
    return {row.status for row in db.session.scalars(rows_of(made.merchant.id, Affiliate))}


def test_paging_under_a_filter_skips_and_repeats_nobody_there_and_back(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    source = make_many(northwind, 210, from_shop=2)
    pages: list[list[str]] = []
    path: str | None = f"/affiliates?source={source.id}&q=ada"

    while path:
        page = client.get(path).text
        pages.append(people(page))
        last, path = path, link_of(page, "next")
    back = link_of(client.get(last).text, "prev")

    assert [len(each) for each in pages] == [50, 50, 5]
    assert list(chain(*pages)) == [f"p{n:03}@shop.example" for n in range(208, -1, -2)]
    assert back is not None
    assert people(client.get(back).text) == pages[1]


def test_a_decision_comes_back_to_the_same_page(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    make_many(northwind, 60)
    older = link_of(client.get("/affiliates").text, "next")
    assert older is not None
    page = client.get(older).text
    token = csrf_token_of(client, older)
    row_action = re.search(r'action="(/affiliates/[^"]+/approve[^"]*)"', page)
    bulk_action = re.search(r'<form class="bulk-bar"[^>]*action="([^"]*)"', page)
    chosen = re.findall(r'name="affiliate" value="([^"]+)"', page)[1:3]

    of_row = client.post(
        html.unescape(row_action[1]), data={"csrf_token": token, "back": "list"}
    ).location
    of_bulk = client.post(
        html.unescape(bulk_action[1]),
        data={"csrf_token": token, "move": "approve", "affiliate": chosen},
    ).location

    assert of_row == of_bulk == older
    assert len(people(client.get(older).text)) == 7


def test_the_last_page_that_was_emptied_gives_way_to_the_first(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    make_many(northwind, 51)
    older = link_of(client.get("/affiliates").text, "next")
    oldest = db.session.scalars(rows_of(northwind.merchant.id, Affiliate).order_by(Affiliate.id))
    oldest.first().status = AffiliateStatus.DENIED
    db.session.commit()

    assert len(people(client.get(older).text)) == 50


@pytest.mark.parametrize("move", [None, "", "erase", "APPROVE"])
def test_a_move_that_is_none_decides_about_nobody(
    client: FlaskClient, northwind: MadeMerchant, move: str | None
) -> None:
    affiliate = make_affiliate(northwind)
    data = {"csrf_token": csrf_token_of(client, "/affiliates"), "affiliate": str(affiliate.id)}

    response = client.post(
        "/affiliates/decide", data=data | ({} if move is None else {"move": move})
    )

    assert response.status_code == 400
    assert statuses(northwind) == {AffiliateStatus.PENDING}


def test_several_are_chosen_and_approved_without_a_script(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    make_many(northwind, 3)
    page = client.get("/affiliates").text
    form = re.search(r'<form class="bulk-bar" id="bulk".*?</form>', page, re.DOTALL)[0]
    boxes = re.findall(r'type="checkbox" form="bulk" name="affiliate" value="([^"]+)"', page)

    response = client.post(
        re.search(r'action="([^"]+)"', form)[1],
        data={
            "csrf_token": re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)[1],
            "move": "approve",
            "affiliate": boxes,
        },
        follow_redirects=True,
    )

    assert 'name="move" value="approve"' in form
    assert "hidden" not in form.split(">")[0]
    assert "3 approved." in response.text
    assert statuses(northwind) == {AffiliateStatus.APPROVED}


@pytest.mark.parametrize("kind", list(IdKind))
def test_a_whole_segment_id_finds_a_person_and_half_of_it_does_not(
    client: FlaskClient, northwind: MadeMerchant, kind: IdKind
) -> None:
    affiliate = make_affiliate(northwind)
    value = "User-" + "9" * 300
    db.session.add(
        LinkedId(
            merchant_id=northwind.merchant.id,
            affiliate_id=affiliate.id,
            kind=kind,
            value=value,
            digest=digest(value),
            created_at=utc_now(),
        )
    )
    db.session.commit()

    assert "Ada Marsh" in client.get(f"/affiliates?q={value}").text
    assert "Nobody matches." in client.get(f"/affiliates?q={value[:-1]}").text


def test_a_filter_with_somebody_elses_offer_finds_nobody(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    make_affiliate(northwind)
    other = make_merchant("Elsewhere")
    make_affiliate(other)

    assert "Nobody matches." in client.get(f"/affiliates?offer={other.offer.id}").text


def test_tabs_count_under_the_same_search(client: FlaskClient, northwind: MadeMerchant) -> None:
    make_affiliate(northwind, "ada@shop.example")
    make_affiliate(northwind, "bo@shop.example", first_name="Bo")

    page = client.get("/affiliates?q=bo").text

    counts = re.findall(r'class="tabs__count">([^<]+)<', page)
    assert counts == ["1", "0", "0"]
