"""Bytes become one object, or a sentence that says why not; never anything else."""

import json
import sys
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from refersion_segment.domain.messages import (
    MAX_BODY_BYTES,
    MAX_NESTING,
    MalformedMessage,
    read_object,
)

NESTED_LIST = b'{"a":' + b"[" * (MAX_NESTING - 1) + b"]" * (MAX_NESTING - 1) + b"}"
NESTED_OBJECT = b'{"a":' * MAX_NESTING + b"1" + b"}" * MAX_NESTING


def repeated(piece: bytes, around: tuple[bytes, bytes] = (b'{"a":[', b"1]}")) -> bytes:
    """Fill the largest allowed body with one piece."""
    start, end = around
    return start + piece * ((MAX_BODY_BYTES - len(start) - len(end)) // len(piece)) + end


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b' \r\n\t{"a": 1} ', {"a": 1}),
        ('{"é": "日本"}'.encode(), {"é": "日本"}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a": "\\\\u0000 \\\\ud800"}', {"a": "\\u0000 \\ud800"}),
        (b'{"a": "[[{{\\"[", "b": []}', {"a": '[[{{"[', "b": []}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": 1.5e300}', {"a": 1.5e300}),
        (b'{"a": ' + b"9" * 4300 + b"}", {"a": int("9" * 4300)}),
    ],
)
def test_an_object_is_read(body, value):
    assert read_object(body) == value


@pytest.mark.parametrize("body", [NESTED_LIST, NESTED_OBJECT])
def test_sixty_four_levels_are_read(body):
    assert read_object(body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is not JSON: see line 1, column 1."),
        (b"\n {", "The body is not JSON: see line 2, column 3."),
        (b"{} {}", "The body is not JSON: see line 1, column 4."),
        (b"{'a': 1}", "The body is not JSON: see line 1, column 2."),
        (b'\xef\xbb\xbf{"a": 1}', "The body is not JSON: see line 1, column 1."),
        (b'{"a": "\x00"}', "The body is not JSON: see line 1, column 8."),
        (b'{"a": "\\x41"}', "The body is not JSON: see line 1, column 8."),
        (b'{"a": 01}', "The body is not JSON: see line 1, column 8."),
        (b'{"a": "\xff"}', "The body is not UTF-8 text."),
        (b'{"a": "\xed\xa0\x80"}', "The body is not UTF-8 text."),
        ('{"a": 1}'.encode("utf-16"), "The body is not UTF-8 text."),
        (b"[{}]", "Send one event per request."),
        (b"[]", "Send one event per request."),
        (b"null", "Send one event as a JSON object."),
        (b'"text"', "Send one event as a JSON object."),
        (b'{"a": NaN}', "The body is not JSON: NaN is no number."),
        (b'{"a": -Infinity}', "The body is not JSON: -Infinity is no number."),
        (b'{"a": 1e999}', "The event holds a number that is too large."),
        (b'{"a": -1e999}', "The event holds a number that is too large."),
        (b'{"a": ' + b"9" * 4301 + b"}", "The event holds a number that is too large."),
    ],
)
def test_anything_else_is_refused_with_a_sentence(body, sentence):
    with pytest.raises(MalformedMessage) as caught:
        read_object(body)

    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    "text",
    [
        r'{"a": "\u0000"}',
        r'{"\u0000": 1}',
        r'{"a": [["\\\u0000"]]}',
        r'{"a": "\ud800"}',
        r'{"a": "\uDFFF"}',
        r'{"a": "\ud800 \udc00"}',
        r'{"a": "\udc00\ud800"}',
        r'{"a": "\ud800", "b": "\udc00"}',
        r'{"a": "\ud83d\ud83d\ude00\ude00"}',
        r'{"a": "\ud800", "a": 1}',
    ],
)
def test_what_is_no_text_is_refused_however_it_is_hidden(text):
    with pytest.raises(MalformedMessage, match="a character that is none"):
        read_object(text.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + NESTED_LIST.removeprefix(b'{"a":').removesuffix(b"}") + b"]}",
        b'{"a":' + NESTED_OBJECT + b"}",
        b'{"b":"]]]]","a":[' + b'{"\\"]":[' * 32 + b"]}" * 32 + b"]}",
        b"[" * MAX_BODY_BYTES,
        b'{"a":' * (MAX_BODY_BYTES // 5),
    ],
)
def test_more_levels_are_refused(body):
    with pytest.raises(MalformedMessage, match="more than 64 levels"):
        read_object(body)


def test_the_stack_it_is_called_on_does_not_matter():
    def call_at_depth(frames: int) -> object:
        return call_at_depth(frames - 1) if frames else read_object(NESTED_OBJECT)

    assert call_at_depth(sys.getrecursionlimit() // 2)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "body",
    [
        repeated(b"1,"),
        repeated(b"1.5,"),
        repeated(b"[],"),
        repeated(b"[" * 60 + b"]" * 60 + b","),
        repeated(b"9" * 4300 + b","),
        repeated(b"\\\\", (b'{"a":"', b'"}')),
        repeated(b'\\"', (b'{"a":"', b'"}')),
        repeated(b"\\ud83d\\ude00", (b'{"a":"', b'"}')),
        repeated(b"\\u0041", (b'{"a":"', b'"}')),
        repeated(b'"\\u0041",'),
    ],
    ids=lambda body: repr(body[6:12]),
)
def test_the_largest_body_is_read_whatever_it_is_made_of(body):
    assert read_object(body)


@given(st.binary() | st.text().map(str.encode))
@example(b'{"a": "\\ud800"}')
def test_no_bytes_are_a_reason_to_fail(body):
    with suppress(MalformedMessage):
        assert isinstance(read_object(body), dict)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # NUL is the one character of a text that is refused
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda values: (
        st.lists(values)
        | st.dictionaries(st.text(st.characters(codec="ascii", exclude_characters="\0")), values)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["a", "b\\", '"[{']), JSON_VALUES), st.booleans())
def test_every_harmless_object_is_read_as_it_is(value, ensure_ascii):
    body = json.dumps(value, ensure_ascii=ensure_ascii).encode()

    assert read_object(body) == value
