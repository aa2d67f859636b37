"""Results of strangers' octets are remembered, those of long ones not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv
from trustworks.core.remembered import LONGEST, remembered
from trustworks.formats.pades.answers import responders
from trustworks.formats.verification.candidates import _digest, _facts, same_name
from trustworks.formats.verification.validation_data import _list_issuer
from trustworks.formats.verification.value import public_key_info
from trustworks.formats.xades.issuers import is_issuer_named, issuer_in

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_is_short_is_computed_once_and_what_is_long_each_time() -> None:
    asked: list[tuple[str, bytes]] = []

    @remembered(2)
    def length(name: str, octets: bytes) -> int:
        asked.append((name, octets))
        return len(octets)

    short, long = bytes(LONGEST - 1), bytes(LONGEST)
    assert [length("a", short), length("a", short), length("a", long), length("a", long)] == [
        *(LONGEST - 1, LONGEST - 1),
        *(LONGEST, LONGEST),
    ]
    assert asked == [("a", short), ("a", long), ("a", long)]


@pytest.mark.parametrize(
    "used",
    [
        public_key_info,
        _facts,
        lambda octets: _digest("sha256", octets),
        lambda octets: same_name(octets, b"0\x00"),
        _list_issuer,
        issuer_in,
        lambda octets: is_issuer_named("CN=a", octets),
        responders,
    ],
)
def test_nobody_keeps_the_octets_of_a_stranger_that_are_long(used: Callable[[bytes], object]) -> None:
    nothing = tlv(SEQUENCE)
    tbs = tlv(SEQUENCE, tlv(2, b"\x01"), *[nothing] * 5, tlv(OCTET_STRING, bytes(LONGEST)))
    octets = tlv(SEQUENCE, tbs, nothing, tlv(3, b"\0"))
    before = sys.getrefcount(octets)
    used(octets)
    assert sys.getrefcount(octets) == before
