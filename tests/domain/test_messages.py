"""Events become an `Identify` or a `Delete`, whatever shape they come in."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refersion_segment.domain.email_addresses import EmailAddress
from refersion_segment.domain.messages import (
    Delete,
    Envelope,
    Identify,
    MalformedMessage,
    MessageError,
    UnsupportedType,
    parse_message,
    read_envelope,
)
from refersion_segment.domain.traits import AffiliateDetails

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
ADA = EmailAddress("ada@shop.example", "ada@shop.example")


def parse(**event: object) -> Identify | Delete:
    return parse_message(event, now=NOW)


class TestExamplesOfSegment:
    def test_the_full_event_is_read(self, segment_message):
        message = parse_message(segment_message("identify_full"), now=NOW)

        assert isinstance(message, Identify)
        assert message.message_id == "ajs-5b0c1f7e"
        assert message.user_id == "cust-1042"
        assert message.anonymous_id == "6a1f0c52-2f0e-4c57-9a53-0d6f6a0f8a11"
        assert message.project_id == "P0EXAMPLE1"
        assert message.event_at == datetime(2026, 3, 4, 9, 15, 23, 50_000, tzinfo=UTC)
        assert message.address == EmailAddress("Ada.Marsh@shop.example", "ada.marsh@shop.example")
        assert message.details == AffiliateDetails(
            "Ada", "Marsh", "12 Quay Rd", "Portland", "OR", "97201", "US"
        )
        assert message.ignored == ("traits.plan", "traits.logins")
        assert not message.is_test

    def test_the_event_testers_sample_is_a_whole_person(self, segment_message):
        message = parse_message(segment_message("identify_event_tester"), now=NOW)

        assert isinstance(message, Identify)
        assert message.is_test
        assert message.address == EmailAddress("peter@example.com", "peter@example.com")
        assert message.name_problem is None
        assert message.details.country == "US"

    def test_a_name_and_snake_case_are_enough(self, segment_message):
        message = parse_message(segment_message("identify_name_only"), now=NOW)

        assert isinstance(message, Identify)
        assert message.details == AffiliateDetails("Ola", "Berg", postal_code="0150", country="NO")
        assert message.event_at == NOW

    @pytest.mark.parametrize(
        ("name", "address"),
        [
            ("delete_with_email", "ada.marsh@shop.example"),
            ("delete_regulation", None),
            ("delete_minimal", None),
        ],
    )
    def test_all_three_shapes_of_delete_are_read(self, segment_message, name, address):
        message = parse_message(segment_message(name), now=NOW)

        assert isinstance(message, Delete)
        assert message.user_id == "cust-1042"
        assert message.event_at == datetime(2026, 4, 1, 10, tzinfo=UTC)
        assert (message.address.sent if message.address else None) == address


class TestType:
    @pytest.mark.parametrize("event", [{}, {"type": None}, {"type": 1}, {"type": ["identify"]}])
    def test_a_missing_type_is_malformed(self, event):
        with pytest.raises(MalformedMessage, match="Missing type: "):
            parse_message(event, now=NOW)

    @pytest.mark.parametrize(
        "event", [{"type": "IDENTIFY"}, {"Type": "Identify"}, {"TYPE": " identify "}]
    )
    def test_letter_case_does_not_matter(self, event):
        assert isinstance(parse_message(event, now=NOW), Identify)

    @pytest.mark.parametrize("type_", ["track", "page", "screen", "group", "alias", "Unheard Of"])
    def test_every_other_type_is_unsupported_and_named(self, type_):
        with pytest.raises(UnsupportedType) as caught:
            parse(type=type_, userId="cust-1")

        assert caught.value.type == type_
        assert (
            caught.value.sentence
            == f'Refersion accepts identify and delete calls; this was "{type_}".'
        )

    def test_a_hostile_type_is_cut_to_one_short_line(self):
        with pytest.raises(UnsupportedType) as caught:
            parse(type="track\r\n\u202e" + "x" * 10_000)

        assert caught.value.type.startswith("track xxx")
        assert len(caught.value.type) == 40


class TestIds:
    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("m-1", "m-1"),
            (" m-1 ", " m-1 "),
            ("M-1", "M-1"),
            (42, "42"),
            (42.0, "42"),
            (1.5, "1.5"),
            (0, "0"),
            (10**4000, "1" + "0" * 4000),
            ("", None),
            (" \t", None),
            (None, None),
            (True, None),
            ([], None),
            (["m-1"], None),
            ({"id": 1}, None),
        ],
    )
    def test_a_number_is_its_text_and_blanks_are_none(self, sent, read):
        assert parse(type="identify", messageId=sent).message_id == read

    def test_ids_are_found_in_any_casing(self):
        message = parse(type="identify", message_id="m", USER_ID="u", anonymous_id=7, ProjectID="p")

        assert (message.message_id, message.user_id) == ("m", "u")
        assert (message.anonymous_id, message.project_id) == ("7", "p")

    def test_a_message_id_is_never_shortened(self):
        assert parse(type="identify", messageId="m" * 100_000).message_id == "m" * 100_000

    def test_an_endless_user_id_is_kept_short_and_stays_one_of_a_kind(self):
        one = parse(type="identify", userId="u" * 100_000)
        other = parse(type="identify", userId="u" * 100_001)

        assert one.user_id is not None
        assert len(one.user_id) == 255
        assert one.user_id != other.user_id
        assert one.user_id == parse(type="identify", userId="u" * 100_000).user_id

    @pytest.mark.parametrize(
        ("message_id", "is_test"),
        [
            ("test-message-1", True),
            ("segment-test-message-1", True),
            ("my-test-message-1", False),
            ("TEST-MESSAGE-1", False),
            (None, False),
        ],
    )
    def test_a_test_is_known_by_its_message_id(self, message_id, is_test):
        assert parse(type="identify", messageId=message_id).is_test is is_test


class TestTime:
    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("2026-03-04T09:15:23.050Z", datetime(2026, 3, 4, 9, 15, 23, 50_000, tzinfo=UTC)),
            ("2026-03-04T09:15:23+02:00", datetime(2026, 3, 4, 7, 15, 23, tzinfo=UTC)),
            ("2026-03-04 09:15:23", datetime(2026, 3, 4, 9, 15, 23, tzinfo=UTC)),
            (
                "2026-03-04T09:15:23.123456789Z",
                datetime(2026, 3, 4, 9, 15, 23, 123_456, tzinfo=UTC),
            ),
            (" 2026-03-04 ", datetime(2026, 3, 4, tzinfo=UTC)),
        ],
    )
    def test_received_at_is_the_time_of_the_event(self, sent, read):
        message = parse(type="identify", receivedAt=sent, timestamp="2020-01-01T00:00:00Z")

        assert message.event_at == read
        assert message.event_at.tzinfo is UTC

    @pytest.mark.parametrize(
        "unreadable",
        [
            None,
            "",
            "yesterday",
            1772615723,
            {},
            ["2026-03-04"],
            "2026-13-01T00:00:00Z",
            "2026-04-01 10:00:00.123456789 +0000 UTC m=+70366.29",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2" * 100_000,
        ],
    )
    def test_what_cannot_be_read_gives_way_to_the_next_clock(self, unreadable):
        message = parse(type="identify", receivedAt=unreadable, timestamp="2026-03-04T00:00:00Z")
        without = parse(type="identify", receivedAt=unreadable, timestamp=unreadable)

        assert message.event_at == datetime(2026, 3, 4, tzinfo=UTC)
        assert without.event_at == NOW

    def test_the_future_is_now(self):
        assert parse(type="identify", receivedAt="2030-01-01T00:00:00Z").event_at == NOW

    def test_the_senders_own_clock_is_never_asked(self):
        message = parse(type="identify", sentAt="2020-01-01", originalTimestamp="2020-01-01")

        assert message.event_at == NOW

    def test_our_own_clock_is_read_as_utc(self):
        now = datetime(2026, 11, 22, 16, 0, tzinfo=timezone(timedelta(hours=2)))

        assert parse_message({"type": "identify"}, now=now).event_at.tzinfo is UTC


class TestAddressOfAnIdentify:
    @pytest.mark.parametrize(
        "event",
        [
            {"traits": {"email": " ada@shop.example "}},
            {"traits": {"E-Mail": "ada@shop.example"}},
            {"traits": {"EMAIL": "eve@shop.example", "email": "ada@shop.example"}},
            {"traits": {"email": "", "Email": "ada@shop.example"}},
            {"traits": {"email": "ada@shop.example"}, "email": "eve@shop.example"},
            {"traits": {"email": "ada@shop.example"}, "userId": "eve@shop.example"},
            {"traits": {"email": None}, "context": {"traits": {"email": "ada@shop.example"}}},
            {"traits": [], "context": {"Traits": {"Email": "ada@shop.example"}}},
            {"context": {"traits": {"email": "ada@shop.example"}}, "userId": "eve@shop.example"},
            {"traits": {"email": " "}, "context": [], "userId": "ada@shop.example"},
            {"traits": {"email": []}, "context": {"traits": "none"}, "userId": "ada@shop.example"},
        ],
    )
    def test_it_is_searched_in_the_documented_order(self, event):
        message = parse(type="identify", **event)

        assert message.address == ADA
        assert message.address_problem is None

    @pytest.mark.parametrize(
        "event",
        [
            {},
            {"traits": None},
            {"traits": ""},
            {"traits": []},
            {"email": "ada@shop.example"},
            {"userId": "cust-1", "anonymousId": "ada@shop.example"},
            {"traits": {"user": {"email": "ada@shop.example"}}},
            {"context": "ada@shop.example"},
            {"userId": "ada@"},
        ],
    )
    def test_a_missing_one_is_a_value_and_told_with_its_mend(self, event):
        message = parse(type="identify", **event)

        assert message.address is None
        assert message.address_problem == "Missing email address. Send it as traits.email."
        assert message.remarks == ()

    @pytest.mark.parametrize(
        ("email", "problem"),
        [
            ("peter@", '"peter@" is not an email address.'),
            (12, '"12" is not an email address.'),
            ({}, "An object or a list is not an email address. Send it as text."),
        ],
    )
    def test_a_bad_one_is_not_passed_over_for_a_worse_source(self, email, problem):
        message = parse(
            type="identify",
            traits={"email": email},
            context={"traits": {"email": "eve@shop.example"}},
            userId="eve@shop.example",
        )

        assert message.address is None
        assert message.address_problem == problem
        assert message.remarks == (problem,)
        assert message.readings[0].became == "not used"

    def test_one_that_is_a_user_id_is_shown_as_such(self):
        message = parse(type="identify", userId="ada@shop.example")

        assert message.readings[0].path == "userId"
        assert message.readings[0].note == "read from the userId"


@pytest.mark.parametrize("traits", [["ada@shop.example"], "ada@shop.example", 5, True])
def test_traits_that_are_no_object_are_malformed(traits):
    with pytest.raises(MalformedMessage, match="traits must be an object"):
        parse(type="identify", traits=traits, userId="cust-1")


class TestDelete:
    @pytest.mark.parametrize(
        "event",
        [
            {"email": "ada@shop.example"},
            {"email": "ada@shop.example", "traits": {"email": "eve@shop.example"}},
            {"email": "", "traits": {"email": "ada@shop.example"}},
            {"traits": ["wrong"], "context": {"traits": {"email": "ada@shop.example"}}},
            {"userId": "ada@shop.example"},
        ],
    )
    def test_its_address_is_searched_at_the_top_first(self, event):
        assert parse(type="delete", **event).address == ADA

    def test_an_anonymous_id_alone_names_somebody(self):
        message = parse(type="delete", anonymousId="anon-1")

        assert (message.user_id, message.anonymous_id, message.address) == (None, "anon-1", None)

    def test_a_bad_address_beside_an_id_is_no_reason_to_refuse(self):
        message = parse(type="delete", userId="cust-1", email="peter@")

        assert isinstance(message, Delete)
        assert message.address is None
        assert message.address_problem == '"peter@" is not an email address.'

    def test_a_bad_address_alone_is_malformed(self):
        with pytest.raises(MalformedMessage, match=r'^"peter@" is not an email address\.$'):
            parse(type="delete", email="peter@")

    @pytest.mark.parametrize("event", [{}, {"userId": " ", "email": ""}, {"userId": {}}])
    def test_one_that_names_nobody_is_malformed(self, event):
        with pytest.raises(MalformedMessage, match="Missing userId: "):
            parse(type="delete", **event)


def test_the_envelope_of_a_refused_call_can_still_be_read():
    envelope = read_envelope({"type": "track", "messageId": 1, "userId": "u"}, now=NOW)

    assert envelope == Envelope("1", "u", None, None, NOW)


KEYS = st.sampled_from(
    [
        *("type", "messageId", "userId", "user_id", "anonymousId", "receivedAt", "timestamp"),
        *("context", "traits", "email", "E-mail", "name", "firstName", "last name"),
        *("address", "country"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["identify", "delete", "ada@shop.example", "USA", "2026-01-01T00:00:00Z"])
)
VALUES = st.recursive(
    SCALARS,
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(KEYS | st.text(max_size=9), values)
    ),
    max_leaves=15,
)


@given(st.sampled_from(["identify", "delete", "track"]), st.dictionaries(KEYS, VALUES))
@example("identify", {"receivedAt": "0001-01-01T00:00:00+23:59"})
@example("identify", {"traits": {"name": "\u202e", "address": {"country": "\x00"}}})
@example("delete", {"userId": 1e308, "context": {"traits": {"email": float("inf")}}})
def test_no_event_is_a_reason_to_fail(type_, event):
    with suppress(MessageError):
        message = parse_message({"type": type_, **event}, now=NOW)

        assert message.event_at <= NOW
        if isinstance(message, Identify):
            assert (message.address is None) is (message.address_problem is not None)
            assert message.details.has_name is (message.name_problem is None)
