"""Account › Settings › Segment in each of its states."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from refersion_segment.clock import utc_now
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.domain.outcomes import Outcome
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Connection, Delivery, EmailSetting, Offer, Source
from refersion_segment.models.connection import ConnectionState, DestinationState
from refersion_segment.models.scope import rows_of
from refersion_segment.services import connection_overview, connections, offers
from refersion_segment.services.actors import COMMAND
from tests.factories import MadeMerchant, enable_segment, make_merchant, make_user, sign_in
from tests.pages import submit, text_of

PAGE = "/account/settings/segment"
DISABLE = f"{PAGE}/disable"
EVENT = {"type": "identify", "traits": {"email": "ada@shop.example", "name": "Ada Marsh"}}


@pytest.fixture
def northwind(client: FlaskClient) -> MadeMerchant:
    made = make_merchant()
    sign_in(client, made.owner)
    return made


def add_offer(made: MadeMerchant, name: str = "VIP", *, auto_approve: bool = False) -> Offer:
    terms = offers.OfferTerms(
        name, offers.commission_of(made.offer, "USD"), auto_approve=auto_approve
    )
    offer = offers.add(COMMAND, made.merchant.id, terms, utc_now())
    db.session.commit()
    return offer


def add_source(made: MadeMerchant, state: DestinationState, *, problem: str = "") -> Source:
    connection = db.session.get_one(Connection, made.merchant.id)
    connection.workspace = "northwind"
    source = Source(
        merchant_id=made.merchant.id,
        id=uuid7(),
        resource_name="workspaces/northwind/sources/shop",
        label="shop",
        destination_state=state,
        problem=problem,
        created_at=utc_now(),
    )
    db.session.add(source)
    db.session.commit()
    return source


def state_of(made: MadeMerchant) -> ConnectionState:
    db.session.rollback()
    return db.session.get_one(Connection, made.merchant.id).state


def test_a_disabled_integration_has_one_green_button(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    page = client.get(PAGE)

    assert len(re.findall(r'class="btn btn-primary[^>]*>', page.text)) == 1
    assert re.search(r"<button[^>]*btn-primary[^>]*>Enable Segment Integration</button>", page.text)
    for words in (
        "Create affiliates from your Segment sources.",
        "You need to be an owner of the Segment workspace.",
        "Connect with an API key instead",
        "Not connected",
    ):
        assert words in text_of(page)


def test_the_api_key_way_enables_and_shows_what_to_paste_where(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    submit(client, PAGE, to=f"{PAGE}/connect-with-key")

    page = client.get(PAGE)

    public, _, secret = northwind.api_key.partition(".")
    assert state_of(northwind) is ConnectionState.CONNECTED
    assert "Catalog › Sources › your source › Add Destination › Refersion" in text_of(page)
    assert f"{public}.••••••••" in text_of(page)
    assert 'href="/account/settings/api"' in page.text
    assert secret not in page.text
    answer = client.post("/segment/destination", json=EVENT, auth=(northwind.api_key, ""))
    assert answer.status_code == 200


def test_it_waits_for_the_first_person_and_then_tells_of_the_last(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    waiting = "Waiting for the first person. Send a test event, or use Segment's Event Tester."
    assert waiting in text_of(client.get(PAGE))
    assert "No calls from Segment yet." in text_of(client.get(PAGE))

    client.post("/segment/destination", json=EVENT, auth=(northwind.api_key, ""))

    page = text_of(client.get(PAGE))
    assert "Last event just now ." in page
    assert "ada@shop.example" in page
    assert waiting not in page


def test_a_call_of_before_is_no_event_of_this_connection(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    with time_machine.travel(utc_now() - timedelta(hours=1)):
        client.post("/segment/destination", json=EVENT, auth=(northwind.api_key, ""))

    enable_segment(northwind.merchant)

    assert "Waiting for the first person." in text_of(client.get(PAGE))


def test_a_last_call_that_needs_fixing_is_said_first(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    client.post("/segment/destination", json={"type": "identify"}, auth=(northwind.api_key, ""))

    assert "Needs attention The last call needs fixing: Missing email" in text_of(client.get(PAGE))


def test_the_offer_is_preselected_and_saved(client: FlaskClient, northwind: MadeMerchant) -> None:
    enable_segment(northwind.merchant)
    vip = add_offer(northwind, "V<i>P", auto_approve=True)
    page = client.get(PAGE)
    chosen = re.search(r"<option selected[^>]*>([^<]*)", page.text)[1]
    assert chosen == "Standard Affiliate Commission — 10 % of sale"
    assert "New people from Segment join this offer. This offer needs your approval." in text_of(
        page
    )

    response = submit(client, PAGE, offer=str(vip.id))

    page = client.get(response.headers["Location"])
    assert "Saved. New people from Segment will join <strong>V&lt;i&gt;P</strong>." in page.text
    assert "This offer approves people automatically." in text_of(page)
    answer = client.post("/segment/destination", json=EVENT, auth=(northwind.api_key, ""))
    assert answer.json["outcome"] == "created"


def test_an_offer_that_cannot_be_used_is_refused_at_the_field(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    archived = add_offer(northwind)
    archived.archived_at = utc_now()
    db.session.commit()
    wrong = (str(archived.id), str(make_merchant("Elsewhere").offer.id), str(uuid4()), "x", "")

    assert "VIP" not in client.get(PAGE).text
    for offer in wrong:
        response = submit(client, PAGE, offer=offer)
        assert response.status_code == 422
        assert "Choose one of your offers that is not archived." in text_of(response)
    db.session.rollback()
    assert db.session.get_one(Connection, northwind.merchant.id).offer_id is None


def test_an_offer_is_not_saved_for_an_integration_that_is_off(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(PAGE).text)[1]
    connections.disable(northwind.merchant.id, by=COMMAND, now=utc_now())
    db.session.commit()

    response = client.post(PAGE, data={"csrf_token": token, "offer": str(northwind.offer.id)})

    assert response.status_code == 422
    assert "Enable Segment Integration" in text_of(response)


def test_a_mail_that_is_off_is_hinted_at(client: FlaskClient, northwind: MadeMerchant) -> None:
    enable_segment(northwind.merchant)
    assert "is off." not in text_of(client.get(PAGE))
    for kind in MailKind:
        db.session.add(EmailSetting(merchant_id=northwind.merchant.id, kind=kind, is_on=False))
    db.session.commit()

    page = text_of(client.get(PAGE))

    assert "Pending Affiliate is off. People created now are not told." in page
    assert "New Affiliate is off." in page
    assert "Denied Affiliate is off." not in page
    assert "Turn it on in Channels › Email" in page


def test_the_dialog_and_its_page_say_what_stops_and_what_stays(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    client.post("/segment/destination", json=EVENT, auth=(northwind.api_key, ""))
    words = (
        "Segment will no longer create affiliates. "
        "Your 1 pending and 0 approved affiliates stay, and your settings are kept."
    )

    page, without_script = client.get(PAGE), client.get(DISABLE)

    assert re.search(rf'href="{DISABLE}"[^>]*data-dialog="disable-segment"', page.text)
    assert '<dialog class="dialog" id="disable-segment"' in page.text
    for place in (page, without_script):
        assert "Disable Segment Integration?" in text_of(place)
        assert words in text_of(place)
        assert "Cancel" in text_of(place)
    assert state_of(northwind) is ConnectionState.CONNECTED


def test_many_affiliates_are_not_counted_one_by_one(
    client: FlaskClient, northwind: MadeMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_overview, "MOST_COUNTED", 0)
    enable_segment(northwind.merchant)
    client.post("/segment/destination", json=EVENT, auth=(northwind.api_key, ""))

    stays = connection_overview.affiliates_that_stay(northwind.merchant.id)

    assert stays == "more than 0 pending and 0 approved"


def test_only_the_second_button_disables(client: FlaskClient, northwind: MadeMerchant) -> None:
    enable_segment(northwind.merchant)

    client.get(DISABLE)
    assert state_of(northwind) is ConnectionState.CONNECTED
    response = submit(client, DISABLE)

    page = client.get(response.headers["Location"])
    assert "Segment integration is off." in text_of(page)
    assert "Enable Segment Integration" in text_of(page)
    answer = client.post("/segment/destination", json=EVENT, auth=(northwind.api_key, ""))
    assert answer.status_code == 403


def test_disabling_twice_is_one_disable(client: FlaskClient, northwind: MadeMerchant) -> None:
    enable_segment(northwind.merchant)
    page = client.get(DISABLE)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]

    for _ in range(2):
        response = client.post(DISABLE, data={"csrf_token": token})
        assert response.status_code == 302
    assert db.session.get_one(Connection, northwind.merchant.id).generation == 2
    assert client.get(DISABLE).headers["Location"] == PAGE


def test_the_page_shows_the_switching_off_until_it_is_done(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    source = add_source(northwind, DestinationState.ON)
    submit(client, DISABLE)

    page = text_of(client.get(PAGE))
    assert "Switching off at Segment" in page
    assert "Segment is told to send nothing more. First try:" in page
    assert "Try again" in page

    db.session.get_one(
        Source, (northwind.merchant.id, source.id)
    ).destination_state = DestinationState.OFF
    db.session.commit()
    assert "Switching off" not in text_of(client.get(PAGE))


def test_the_page_says_why_it_could_not_be_switched_off(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    add_source(northwind, DestinationState.FAILED, problem="Segment answered 403: <b>scope</b>")

    page = client.get(PAGE)

    assert "Segment answered 403: <b>scope</b> It is not tried again by itself." in text_of(page)
    assert "<b>scope" not in page.text


def test_a_failing_integration_says_what_to_do(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    add_source(northwind, DestinationState.FAILED, problem="Segment answered 404: no such source")
    connection = connections.get(northwind.merchant.id)
    connection.state, connection.problem = ConnectionState.FAILING, "Segment answered 404: none"
    db.session.commit()

    page = text_of(client.get(PAGE))

    assert "Segment answered 404: no such source" in page
    assert "Segment sends nobody until this is mended." in page
    assert "Connect again" in page
    assert "Try again" in page
    assert "Segment Integration Settings" in page


def test_a_viewer_reads_and_changes_nothing(client: FlaskClient, northwind: MadeMerchant) -> None:
    enable_segment(northwind.merchant)
    sign_in(client, make_user(northwind.merchant, Role.VIEWER))

    page = client.get(PAGE)

    assert "Segment Integration Settings" in text_of(page)
    for words in ("Save Changes", "Disable Segment Integration", "Connect another", "Try again"):
        assert words not in text_of(page)
    assert client.get(DISABLE).status_code == 403
    for path in ("", "/disable", "/connect-with-key", "/try-again", "/enable"):
        assert submit(client, PAGE, to=f"{PAGE}{path}").status_code == 403
    assert state_of(northwind) is ConnectionState.CONNECTED


def test_a_get_changes_nothing(client: FlaskClient, northwind: MadeMerchant) -> None:
    for path in ("/enable", "/connect-with-key", "/try-again"):
        assert client.get(f"{PAGE}{path}").status_code == 405
    assert state_of(northwind) is ConnectionState.DISABLED


def add_deliveries(made: MadeMerchant, at: datetime, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        # A version 7 UUID of that moment: a delivery's id carries its time.
        number = (int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | uuid4().int >> 70
        db.session.add(
            Delivery(
                merchant_id=made.merchant.id,
                id=UUID(int=number),
                call_type="identify",
                outcome=outcome,
                reason="",
                status_code=200,
                received_at=at,
            )
        )
    db.session.commit()


def test_the_chart_counts_by_the_merchants_days(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    northwind.merchant.time_zone = "Pacific/Auckland"
    now = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)  # 24 Nov in Auckland
    add_deliveries(northwind, now - timedelta(hours=1, minutes=29), Outcome.CREATED)
    add_deliveries(northwind, now - timedelta(hours=1, minutes=31), Outcome.NEEDS_FIXING)
    add_deliveries(northwind, now - timedelta(days=28), Outcome.CREATED)
    add_deliveries(northwind, now - timedelta(days=26), Outcome.REFUSED, Outcome.IGNORED)

    with time_machine.travel(now, tick=False):
        sign_in(client, northwind.owner)
        page = client.get(PAGE)

    rows = re.findall(r'<th scope="row">([^<]+)</th>((?:<td.*?</td>)+)', page.text)
    numbers = {day: re.findall(r">(\d+)<", cells) for day, cells in rows}
    assert len(numbers) == 28
    assert numbers["24 Nov"] == ["1", "0", "0", "0"]
    assert numbers["23 Nov"] == ["0", "0", "1", "0"]
    assert numbers["29 Oct"] == ["0", "0", "0", "2"]
    assert sum(int(number) for row in numbers.values() for number in row) == 4


def test_a_source_shows_its_last_event_and_where_it_is_known_from(
    client: FlaskClient, northwind: MadeMerchant
) -> None:
    enable_segment(northwind.merchant)
    add_source(northwind, DestinationState.ON)
    for project_id in ("P0SHOP", "P0X"):
        event = {**EVENT, "projectId": project_id}
        client.post("/segment/destination", json=event, auth=(northwind.api_key, ""))

    page = text_of(client.get(PAGE))

    # the only source that was switched on is the one that calls first
    assert "P0SHOP" not in page
    assert "shop from Segment" in page
    assert "P0X first seen in a call just now" in page


def test_nothing_of_another_merchant_is_shown(client: FlaskClient, northwind: MadeMerchant) -> None:
    other = make_merchant("Elsewhere")
    enable_segment(other.merchant)
    enable_segment(northwind.merchant)
    client.post("/segment/destination", json=EVENT, auth=(other.api_key, ""))

    page = text_of(client.get(PAGE))

    assert "ada@shop.example" not in page
    assert "0 pending and 0 approved" in page
    assert db.session.scalars(rows_of(northwind.merchant.id, Delivery)).all() == []
