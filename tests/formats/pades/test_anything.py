"""Whatever octets come in as PDF, the outcome is evidence or `Malformed`, within the limits."""

from __future__ import annotations

import tracemalloc
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_pdfs import AUTHORITY, OBJECTS, Pdf, document, stamped

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.data import Octets
from trustworks.formats.limits import Limits
from trustworks.formats.pades.filters import Allowance, unpack
from trustworks.formats.pades.syntax import Name, parse
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.formats.evidence import Evidence
    from trustworks.formats.pades.syntax import Object

LIMITS = Limits(work=200_000, elements=20_000)


def counted(steps: int) -> None:
    """Takes the steps of reading a value, which are a number from 0 on."""
    assert steps >= 0


FILES = [
    document(as_stream=as_stream)
    .signed_with(contents=stamped)
    .stored([AUTHORITY.ca], (b"list",))
    .time_stamped()
    .update({6: b"<< /FT /Tx /T (amount) /V (20) >>"})
    .octets
    for as_stream in (False, True)
]
WORDS = [
    *(b"<<", b">>", b"[", b"]", b"(", b")", b"<", b"/", b"%", b" 0 R", b"null", b"obj", b"endobj", b"stream"),
    *(b"endstream", b"xref", b"trailer", b"startxref", b"%%EOF", b"/Prev 0", b"/Kids", b"/Root", b"/Parent"),
    *(b"-1", b"99999999999999999999", b"0", b"20 0 R", b"1 0 R", b"/ByteRange", b"/Contents", b"/Encrypt"),
    *(b"/W [9 9 9]", b"/Length 99999999", b"/Filter /FlateDecode", b"/Type /ObjStm", b"\x00", b"\xff"),
]


def read_within(octets: bytes) -> Evidence | None:
    with suppress(Malformed):
        return read(Octets(octets, "a.pdf"), limits=LIMITS)
    return None


@settings(max_examples=60)
@given(
    st.sampled_from(FILES),
    st.lists(
        st.tuples(
            st.floats(0, 1), st.integers(0, 40), st.one_of(st.sampled_from(WORDS), st.binary(max_size=8))
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_any_change_of_a_signed_file_is_read_or_refused(
    octets: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for where, length, word in changes:
        at = int(where * len(octets))
        octets = octets[:at] + word + octets[at + length :]
    if b"%PDF-" in octets[:1024]:
        read_within(octets)


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.sampled_from([b" ", b"\n", *WORDS]), st.binary(max_size=6), st.just(b"/Type")),
        max_size=60,
    )
)
def test_any_octets_are_a_value_or_refused(parts: list[bytes]) -> None:
    octets = b"".join(parts)
    with suppress(Malformed):
        assert parse(octets, 0, LIMITS, counted).end <= len(octets)
    read_within(b"%PDF-1.7\n" + octets)


@pytest.mark.parametrize("part", [b"(", b"()", b"\\n", b"\r", b"a"])
def test_a_string_takes_little_more_memory_than_its_octets_and_its_steps_are_told(part: bytes) -> None:
    octets = b"(" + part * 60_000
    told: list[int] = []
    tracemalloc.start()
    try:
        value = parse(octets, 0, LIMITS, told.append).value
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(value, bytes)
    assert len(value) >= 60_000
    assert peak < 3 * len(octets)
    if part not in {b"(", b"a"}:
        assert len(told) > 40, "while it is read, not after it"
        assert sum(told) > 400_000


def test_what_takes_too_long_to_read_is_not_read_to_its_end() -> None:
    left = [50_000]

    def work(steps: int) -> None:
        left[0] -= steps
        if left[0] < 0:
            raise BeyondLimit("More.", "work")

    for octets in (
        b"[" + b"/A " * 9_000,
        b"(" + b"()" * 9_000,
        b"/" + b"#41" * 9_000,
        b"<" + b"1" * 10**6 + b">",
    ):
        left[0] = 50_000
        with pytest.raises(BeyondLimit):
            parse(octets, 0, LIMITS, work)


def nested(opening: bytes, closing: bytes) -> bytes:
    return b"%PDF-1.7\n1 0 obj\n" + opening * 100_000 + closing * 100_000 + b"\nendobj\n"


def catalogue(extra: bytes = b"") -> bytes:
    return b"%%PDF-1.7\n1 0 obj\n<< /Type /Catalog %b >>\nendobj\n" % extra


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(nested(b"[", b"]"), id="arrays"),
        pytest.param(nested(b"<< /A ", b">>"), id="dictionaries"),
        pytest.param(nested(b"(", b")"), id="strings"),
        pytest.param(b"%PDF-1.7\n" + b"1 0 obj\n" * 100_000, id="objects"),
        pytest.param(b"%PDF-1.7\n" + b"%" * 1_000_000, id="comments"),
        pytest.param(b"%PDF-1.7\n" + b"<" * 1_000_000, id="brackets"),
        pytest.param(b"%PDF-1.7\n" + b"0" * 1_000_000 + b" 0 R", id="digits"),
        pytest.param(b"%PDF-1.7\n" + b"trailer <<" * 20_000, id="trailers"),
        pytest.param(b"%PDF-1.7\n" + b" R" * 500_000, id="references"),
        pytest.param(b"%PDF-1.7\n" + b"stream\n" * 100_000, id="streams"),
        pytest.param(
            b"%PDF-1.7\nxref\n0 99999999999\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF", id="entries"
        ),
        pytest.param(
            b"%PDF-1.7\nxref\n0 0\ntrailer << /Root 1 0 R /Prev 9 >>\nstartxref\n9\n%%EOF",
            id="a section before itself",
        ),
        pytest.param(
            catalogue(b"/AcroForm << /Fields 2 0 R >>") + b"2 0 obj\n[2 0 R 2 0 R]\nendobj", id="a loop"
        ),
        pytest.param(
            catalogue(b"/AcroForm << /Fields [2 0 R] >>") + b"2 0 obj\n<< /Kids [2 0 R 1 0 R] >>\nendobj",
            id="a tree that is none",
        ),
        pytest.param(
            catalogue(b"/AcroForm 2 0 R") + b"2 0 obj\n3 0 R\nendobj\n3 0 obj\n2 0 R\nendobj",
            id="references around",
        ),
    ],
)
def test_what_is_made_to_exhaust_a_reader_ends(octets: bytes) -> None:
    found = read_within(octets)
    assert found is None or found.signatures == ()


def test_a_file_of_many_updates_is_read_or_refused() -> None:
    pdf = document().signed_with()
    for number in range(100, 1000):
        pdf = Pdf(pdf.octets, {1: b"", number: b""}, pdf.start).update({number: b"(x)", 1: OBJECTS[1]})
    assert read_within(pdf.octets) is None
    found = read(Octets(pdf.octets, "a.pdf"))
    (signature,) = found.signatures
    assert signature.revision is not None
    assert (signature.revision.later, found.findings) == ((), ())


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(bytes(20_000_000))
    twice = zlib.compress(bomb)
    flate = Name("FlateDecode")
    cases: list[tuple[bytes, Object]] = [(bomb, flate), (twice, [flate, flate])]
    for packed, filters in cases:
        with pytest.raises(BeyondLimit, match="unpack to more"):
            unpack(packed, filters, None, Allowance(1_000_000))


@pytest.mark.parametrize(
    ("packed", "filters", "parameters", "plain"),
    [
        (b"616263>", "ASCIIHexDecode", None, b"abc"),
        (b"@:E^~>", "ASCII85Decode", None, b"abc"),
        (b"\x02abc\xfed\x80", "RunLengthDecode", None, b"abcddd"),
        (
            zlib.compress(b"\x02\x01\x02\x02\x01\x01"),
            "FlateDecode",
            {"Predictor": 12, "Columns": 2},
            b"\1\2\2\3",
        ),
        (zlib.compress(b"\x01\x01\x02"), "FlateDecode", {"Predictor": 12, "Columns": 2}, b"\1\3"),
        (
            zlib.compress(b"\x03\x02\x02\x04\x01\x01"),
            "FlateDecode",
            {"Predictor": 12, "Columns": 2},
            b"\2\3\3\4",
        ),
    ],
)
def test_filters_are_undone(packed: bytes, filters: str, parameters: dict[str, object], plain: bytes) -> None:
    assert unpack(packed, Name(filters), parameters, Allowance(1000)) == plain  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["DCTDecode", "LZWDecode", "Nothing"])
def test_other_filters_are_refused(name: str) -> None:
    with pytest.raises(Malformed, match="filter"):
        unpack(b"", Name(name), None, Allowance(1000))


def written(value: object) -> bytes:  # noqa: PLR0911 - one for each kind of object
    match value:
        case bool():
            return b"true" if value else b"false"
        case Name():
            return b"/" + b"".join(b"#%02x" % one for one in value.encode())
        case bytes():
            return b"<" + value.hex().encode() + b">"
        case list():
            return b"[" + b" ".join(map(written, value)) + b"]"
        case dict():
            return (
                b"<<"
                + b" ".join(written(Name(key)) + b" " + written(one) for key, one in value.items())
                + b">>"
            )
        case None:
            return b"null"
        case _:
            return str(value).encode()


NAMES: Callable[[], st.SearchStrategy[Name]] = lambda: st.text(  # noqa: E731
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=5
).map(Name)


@settings(max_examples=50)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), st.binary(max_size=9), NAMES()),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES(), inner, max_size=4)),
    )
)
def test_what_is_written_is_read(value: object) -> None:
    octets = written(value)
    parsed = parse(octets, 0, LIMITS, counted)
    assert (parsed.value, parsed.end) == (value, len(octets))


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (rb"(a\(b\)\\\n\101\7)", b"a(b)\\\nA\x07"),
        (b"(a(b)c)", b"a(b)c"),
        (b"(a\r\nb\rc\\\r\nd)", b"a\nb\ncd"),
        (b"<616>", b"a`"),
        (b"<6 1\n6 2>", b"ab"),
        (b"+17", 17),
        (b"-.5", -0.5),
        (b"4.", 4.0),
        (b"%x\n true", True),
        (b"[1 2 x 3 0 R]", [1, 2, None, (3, 0)]),
    ],
)
def test_objects_are_read_as_they_are_written(octets: bytes, value: object) -> None:
    assert parse(octets, 0, LIMITS, counted).value == value
