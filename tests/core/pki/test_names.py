"""Names as validation compares them (RFC 5280, 7.1)."""

from __future__ import annotations

from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.core.pki.tokens import read_distinguished_name


def dn(*attributes: tuple[str, int, bytes]) -> bytes:
    return tlv(
        SEQUENCE,
        *(tlv(0x31, tlv(SEQUENCE, oid(kind), tlv(tag, text))) for kind, tag, text in attributes),
    )


def test_names_are_compared_as_text_whatever_string_they_are() -> None:
    printable, utf8, bmp, t61 = 0x13, 0x0C, 0x1E, 0x14
    one = read_distinguished_name(dn(("2.5.4.3", printable, b"Some  Body")))
    for same in (
        ("2.5.4.3", utf8, b" some body "),
        ("2.5.4.3", bmp, "SOME BODY".encode("utf-16-be")),
        ("2.5.4.3", t61, b"some body"),
        ("2.5.4.3", utf8, "some\u00a0body\u200b".encode()),
    ):
        other = read_distinguished_name(dn(same))
        assert other == one
        assert hash(other) == hash(one)
    assert read_distinguished_name(dn(("2.5.4.10", utf8, b"some body"))) != one
    assert read_distinguished_name(dn(("2.5.4.3", utf8, b"somebody"))) != one
    ligature = read_distinguished_name(dn(("2.5.4.3", utf8, "of\ufb01ce".encode())))
    assert ligature == read_distinguished_name(dn(("2.5.4.3", utf8, b"OFFICE")))


def test_names_that_are_no_text_are_compared_as_they_stand() -> None:
    broken = read_distinguished_name(dn(("2.5.4.3", 0x0C, b"\xff\xfe")))
    assert broken == read_distinguished_name(dn(("2.5.4.3", 0x0C, b"\xff\xfe")))
    assert broken != read_distinguished_name(dn(("2.5.4.3", 0x04, b"\xff\xfe")))
    assert "fffe" in broken.text
    assert read_distinguished_name(dn(("2.5.4.45", 3, b"\0bits"))).text
