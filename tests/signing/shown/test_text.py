"""Text, JSON and HTML as a signer is shown them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.formats.data import Octets
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.letters import odd_letters, pieces
from trustworks.signing.shown.look import look
from trustworks.signing.shown.model import Absent, Kind, Text, Weight

if TYPE_CHECKING:
    from trustworks.signing.shown.model import Seen


def seen(octets: bytes, name: str = "document", **more: Any) -> Seen:
    return look(Octets(octets, name), name, **more)


def codes(found: Seen) -> set[str]:
    return {one.code for one in found.findings}


def text(found: Seen) -> Text:
    (part,) = found.parts
    assert isinstance(part, Text)
    return part


@pytest.mark.parametrize(
    ("octets", "encoding"),
    [
        (b"I owe nothing.", "ASCII"),
        ("Ich schulde Zoë nichts.".encode(), "UTF-8"),
        (b"\xef\xbb\xbf" + "Zoë".encode(), "UTF-8"),
        (b"\xff\xfe" + "Zoë".encode("utf-16-le"), "UTF-16LE"),
        (b"\xfe\xff" + "Zoë".encode("utf-16-be"), "UTF-16BE"),
        (b"\xff\xfe\0\0" + "Zoë".encode("utf-32-le"), "UTF-32LE"),
    ],
)
def test_text_is_shown_in_the_encoding_that_it_has(octets: bytes, encoding: str) -> None:
    found = seen(octets)
    assert (found.kind, text(found).encoding, found.findings) == (Kind.TEXT, encoding, ())


def test_the_media_type_says_the_encoding_where_the_octets_agree() -> None:
    found = seen("Zoë".encode("iso-8859-2"), media_type="text/plain; charset=ISO-8859-2")
    assert (text(found).text, text(found).encoding) == ("Zoë", "ISO-8859-2")
    assert codes(seen("Zoë".encode(), media_type="text/plain; charset=us-ascii")) == {"text.encoding-wrong"}
    # Python knows codecs that are no encodings of text.
    assert text(seen(b"abc", media_type="text/plain; charset=rot13")).text == "abc"


def test_an_encoding_that_nothing_says_is_a_guess_and_said_to_be_one() -> None:
    found = seen("Zoë, 5 €".encode("cp1252"))
    assert (text(found).text, codes(found)) == ("Zoë, 5 €", {"text.encoding-guessed"})


def test_text_in_two_encodings_is_an_objection() -> None:
    (finding,) = seen("Zoë ".encode() + "Zoë".encode("latin-1")).findings
    assert (finding.code, finding.weight) == ("text.mixed-encodings", Weight.OBJECTION)


@pytest.mark.req("TRUSTWORKS:SHOWN-LETTERS")
@pytest.mark.parametrize(
    ("letters", "code"),
    [
        ("pay \u202e001\u202c EUR", "text.bidi-override"),
        ("pay \u2066100\u2069 EUR", "text.bidi"),
        ("pay 1\u200b00 EUR", "text.invisible"),
        ("pay 100 EUR\U000e0041", "text.invisible"),
        ("pay 100\x7f EUR", "text.control"),
        ("p\u0430y 100 EUR", "text.mixed-scripts"),
    ],
)
def test_letters_that_deceive_are_told(letters: str, code: str) -> None:
    found = seen(letters.encode())
    assert code in codes(found)
    assert code in codes(seen(b"harmless", name=letters + ".txt"))


def test_an_objection_is_made_to_text_that_is_turned_around() -> None:
    (finding,) = (one for one in seen("a\u202eb".encode()).findings if one.code == "text.bidi-override")
    assert (finding.weight, finding.values) == (Weight.OBJECTION, {"count": "1"})


@given(st.text())
def test_the_pieces_are_the_text_and_none_that_is_drawn_has_anything_odd(given_text: str) -> None:
    cut = list(pieces(given_text))
    assert "".join(one.text for one in cut) == given_text
    drawn = "".join(one.text for one in cut if not one.number)
    assert {one.code for one in odd_letters(drawn)} <= {"text.mixed-scripts"}
    assert all(one.number == f"U+{ord(one.text):04X}" and one.name for one in cut if one.number)


@given(st.text())
def test_any_text_is_shown_as_it_is(given_text: str) -> None:
    octets = given_text.encode()
    found = seen(octets)
    if found.kind is Kind.TEXT and not given_text.startswith("\ufeff"):
        assert text(found).text == given_text


@given(st.binary())
def test_any_octets_have_an_answer(octets: bytes) -> None:
    found = seen(octets)
    assert found.parts


@pytest.mark.req("TRUSTWORKS:SHOWN-WHOLE", "TS119101:SCP-9")
def test_what_is_cut_off_is_an_objection_that_says_how_much() -> None:
    found = seen(b"x" * 100, bounds=replace(DEFAULT, letters=60))
    assert text(found).text == "x" * 60
    (finding,) = found.findings
    assert (finding.code, finding.weight) == ("cut", Weight.OBJECTION)
    assert finding.values == {"shown": "60", "of": "100", "what": "characters"}


def test_what_cannot_be_shown_is_said_to_be_so() -> None:
    found = seen(b"\x00\x01\x02\x03" * 40)
    assert (found.kind, found.parts, codes(found)) == (Kind.OTHER, (Absent(reason="kind"),), {"absent"})
    large = seen(b"x" * 100, bounds=replace(DEFAULT, octets=99))
    assert large.parts == (Absent(reason="size", values={"size": "100", "most": "99"}),)
    assert codes(large) == {"absent"}


def test_json_is_laid_out_with_each_token_as_it_was_written() -> None:
    written = b'{"sum":1.0e2,"to":"Zo\\u00eb","parts":[1,{"a":[]}],"none":{}}'
    found = seen(written, name="a.json")
    assert text(found).role == "laid-out"
    assert text(found).text == (
        '{\n  "sum": 1.0e2,\n  "to": "Zo\\u00eb",\n  "parts": [\n    1,\n    {\n      "a": []\n    }\n  ],\n'
        '  "none": {}\n}'
    )
    assert found.findings == ()


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_JSON.filter(lambda value: isinstance(value, list | dict)), st.booleans())
def test_laid_out_json_says_the_same(value: Any, ascii_alone: bool) -> None:
    octets = json.dumps(value, ensure_ascii=ascii_alone).encode("utf-8", "surrogatepass")
    found = seen(octets)
    if isinstance(found.parts[0], Text) and found.parts[0].role == "laid-out":
        assert json.loads(found.parts[0].text) == value


def test_a_member_that_is_there_twice_is_an_objection() -> None:
    (finding,) = seen(b'{"to": "A", "sum": 1, "sum": 100}').findings
    assert (finding.code, finding.weight) == ("json.duplicate", Weight.OBJECTION)
    assert finding.values == {"names": "sum"}


@pytest.mark.parametrize("octets", [b'{"a": ', b"[1, 2", b"[" * 5_000, b'{"a": NaN}', b"{]"])
def test_what_only_begins_as_json_is_shown_as_text(octets: bytes) -> None:
    found = seen(octets)
    assert text(found).role == "text"
    assert "json.unread" in codes(found)


def test_html_is_source_and_never_more() -> None:
    found = seen(b"<!DOCTYPE html><title>Contract</title><p>I owe nothing.", name="a.html")
    assert (found.kind, text(found).role, codes(found)) == (Kind.HTML, "source", {"html.source"})


@pytest.mark.req("TRUSTWORKS:SHOWN-ACTIVE", "TS119101:SCP-23", "EN419111:2-STABILITY")
@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (b"<script>pay()</script>", "html.script"),
        (b"<p onclick='pay()'>", "html.script"),
        (b"<a href='  JavaScript:pay()'>x</a>", "html.script"),
        (b"<img src=https://elsewhere.example/a.png>", "html.elsewhere"),
        (b"<link rel=stylesheet href=a.css>", "html.elsewhere"),
        (b"<style>p { background: url(https://elsewhere.example/) }</style>", "html.elsewhere"),
        (b"<p style='display: none'>100</p>", "html.hidden"),
    ],
)
def test_what_a_browser_would_run_fetch_or_hide_is_told(inside: bytes, code: str) -> None:
    assert codes(seen(b"<html><body>" + inside)) == {"html.source", code}
    assert codes(seen(b"<html><body><a href='https://elsewhere.example/'>a link</a>")) == {"html.source"}


@pytest.mark.req("TRUSTWORKS:SHOWN-KIND", "TS119101:SCP-7")
@pytest.mark.parametrize(
    ("octets", "name", "media_type", "code"),
    [
        (b"I owe nothing.", "contract.pdf", None, "other-kind"),
        (b"I owe nothing.", "contract", "image/png", "other-kind"),
        (b"<html>\n%PDF-1.7\n", "contract.html", None, "two-kinds"),
        (b"I owe nothing. PK\x01\x02 PK\x05\x06", "contract.txt", None, "two-kinds"),
    ],
)
def test_what_is_or_may_be_something_else_is_told(
    octets: bytes, name: str, media_type: str | None, code: str
) -> None:
    assert code in codes(seen(octets, name=name, media_type=media_type))


@pytest.mark.parametrize(
    ("octets", "name", "media_type"),
    [
        (b'{"a": 1}', "a.txt", "text/plain"),
        (b"a,b\n1,2\n", "a.csv", "text/csv; charset=utf-8"),
        (b"<a/>", "a.xml", "application/xml"),
        (b"I owe nothing.", "Agreement with A. Pdf", None),
    ],
)
def test_a_name_that_fits_is_not_told(octets: bytes, name: str, media_type: str | None) -> None:
    assert codes(seen(octets, name=name, media_type=media_type)) == set()
