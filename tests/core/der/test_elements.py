"""The quick reader of elements: as strict as DER."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der.elements import elements, enter
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv
from trustworks.core.errors import Malformed


@given(st.binary(max_size=70_000), st.binary(max_size=5))
def test_what_was_written_is_entered(content: bytes, before: bytes) -> None:
    der = before + tlv(OCTET_STRING, content)
    if len(content) > 0xFFFF:
        with pytest.raises(Malformed):
            enter(der, len(before), OCTET_STRING)
        return
    begin, end = enter(der, len(before), OCTET_STRING)
    assert der[begin:end] == content
    assert end == len(der)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535])
def test_the_edges_of_the_length_s_forms(size: int) -> None:
    der = tlv(OCTET_STRING, bytes(size))
    begin, end = enter(der, 0, OCTET_STRING)
    assert end - begin == size


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x04",
        b"\x30\x00",
        b"\x04\x80",
        b"\x04\x80\x00\x00",
        b"\x04\x81",
        b"\x04\x81\x05hello",
        b"\x04\x82\x00\x80" + bytes(128),
        b"\x04\x82\x01",
        b"\x04\x83\x01\x00\x00",
        b"\x04\xff",
    ],
    ids=[
        "empty",
        "no-length",
        "other-tag",
        "indefinite",
        "indefinite-ended",
        "no-octet",
        "long-5",
        "long-128",
        "cut",
        "three-octets",
        "reserved",
    ],
)
def test_other_forms_are_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        enter(der, 0, OCTET_STRING)


def test_the_end_is_the_caller_s_to_compare() -> None:
    """An element that says that it is longer than the octets is entered; its end tells."""
    assert enter(b"\x30\x05\x00", 0, SEQUENCE) == (2, 7)


@given(st.lists(st.binary(max_size=300), max_size=6), st.binary(max_size=5))
def test_elements_are_cut_out_as_they_stand(contents: list[bytes], before: bytes) -> None:
    written = [tlv(OCTET_STRING, content) for content in contents]
    der = before + tlv(SEQUENCE, *written)
    assert elements(der, *enter(der, len(before), SEQUENCE)) == written


@pytest.mark.parametrize("content", [b"\x04", b"\x04\x02a", b"\x04\x00\x04\x01", b"\x1f\x01\x00"])
def test_elements_that_do_not_fill_what_holds_them_are_malformed(content: bytes) -> None:
    der = tlv(SEQUENCE, content) + b"and what comes after it"
    with pytest.raises(Malformed):
        elements(der, *enter(der, 0, SEQUENCE))
