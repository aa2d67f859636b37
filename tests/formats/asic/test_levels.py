"""The level of CAdES in a container, by what the container holds beside it."""

from __future__ import annotations

from judged_making import SIGNER, Maker, root, stamp

from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.validation.trust import Trust


def level(octets: bytes) -> str:
    (signature,) = read(Octets(octets, "a.asice"), anchors=Trust.of([root().der]).anchors).signatures
    return signature.level


def test_an_archive_time_stamp_over_the_container_makes_lta_of_lt() -> None:
    make = Maker("ASiC")
    kept = make.kept()
    assert level(kept) == "CAdES-BASELINE-LT"
    assert level(make.archived(kept)) == "CAdES-BASELINE-LTA"


def test_it_makes_nothing_of_less() -> None:
    make = Maker("ASiC")
    assert level(make.archived(make.signed())) == "CAdES-BASELINE-B"
    assert level(make.archived(make.signed(SIGNER, stamp()))) == "CAdES-BASELINE-T"
