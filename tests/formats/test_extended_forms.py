"""The older, extended forms that are built: read back with their levels, references and time-stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from extended_forms import (
    CONTENT,
    LEVELS,
    data,
    of_cades,
    of_jades,
    of_xades,
    plain_cades,
    plain_jades,
    plain_xades,
)
from signed_making import certificate, holds, house, judged, stamp

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cades.creating import extended
from trustworks.formats.cades.creating.unsigned import Target
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import Octets
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.jades import creating as jades
from trustworks.formats.read import read
from trustworks.formats.xades.creating import unsigned as xades
from trustworks.formats.xades.creating.references import with_references
from trustworks.formats.xades.creating.unsigned import Stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.formats.evidence import Evidence


def look_at(evidence: Evidence, *, alone: bool, archived: bool) -> None:
    """All is intact, references lead to what is there, and time-stamps are of the kinds that were made."""
    (signature,) = evidence.signatures
    assert holds(evidence) == [True]
    assert all(one.intact for stamp_ in evidence.time_stamps for one in stamp_.references)
    third = TimeStampKind.REFERENCES if alone else TimeStampKind.SIGNATURE_AND_REFERENCES
    kinds = [TimeStampKind.SIGNATURE, third, TimeStampKind.ARCHIVE]
    assert [one.kind for one in evidence.time_stamps] == kinds[: 2 + archived]
    assert len(signature.certificate_references) == 2
    assert sorted(one.kind for one in signature.revocation_references) == ["crl", "crl", "ocsp"]
    referred = {token for token in evidence.revocation if token in evidence.time_stamps[1].covers}
    assert len(referred) == 3


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_extended_xades(*, older: bool, alone: bool) -> None:
    made = of_xades(older=older, alone=alone)
    found = {level: read(Octets(document)) for level, document in made.items()}
    assert [one.signatures[0].level for one in found.values()] == [f"XAdES-{level}" for level in LEVELS]
    look_at(found["XL"], alone=alone, archived=False)
    look_at(found["A"], alone=alone, archived=True)
    assert judged(found["A"], outside=False) == ["TOTAL-PASSED"]


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("older", [False, True])
def test_extended_cades(*, inside: bool, alone: bool, older: bool) -> None:
    made = of_cades(inside=inside, alone=alone, older=older)
    beside = () if inside else [CONTENT]
    found = {level: read(Octets(structure), detached=beside) for level, structure in made.items()}
    assert [one.signatures[0].level for one in found.values()] == [f"CAdES-{level}" for level in LEVELS]
    look_at(found["XL"], alone=alone, archived=False)
    look_at(found["A"], alone=alone, archived=True)
    assert judged(found["A"], outside=False) == ["TOTAL-PASSED"]


@pytest.mark.parametrize("alone", [False, True])
def test_extended_jades(*, alone: bool) -> None:
    """JAdES has no names for these levels: with references it is no more than T."""
    made = of_jades(alone=alone)
    found = {level: read(Octets(file)) for level, file in made.items()}
    assert {one.signatures[0].level for one in found.values()} == {"JAdES-BASELINE-T"}
    look_at(found["XL"], alone=alone, archived=False)
    look_at(found["A"], alone=alone, archived=True)
    assert judged(found["A"], outside=False) == ["TOTAL-PASSED"]


# --- what is refused ----------------------------------------------------------------------------------------

TRY_LATER = bytes.fromhex("30030a0103")
"""An OCSPResponse that holds no answer."""
ADDERS: dict[str, Callable[[ValidationData], bytes]] = {
    "xades": lambda values: with_references(plain_xades(), values),
    "xades, older": lambda values: with_references(plain_xades(), values, older=True),
    "cades": lambda values: extended.with_references(plain_cades(), certificate(), values),
    "jades": lambda values: jades.with_references(plain_jades(), values),
}


@pytest.mark.parametrize("name", ADDERS)
@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"none", TRY_LATER])
def test_references_to_what_cannot_be_read(name: str, octets: bytes) -> None:
    ca = house().ca.der
    for values in (
        ValidationData(certificates=[ca], lists=[octets]),
        ValidationData(certificates=[ca], answers=[octets]),
    ):
        with pytest.raises(Malformed):
            ADDERS[name](values)
    with pytest.raises(Rejected, match=r"is given|give both"):
        ADDERS[name](ValidationData())


def test_what_is_there_once_is_not_added_again() -> None:
    document = xades.Target(document=of_xades(older=True, alone=False)["C"], signature="S1")
    structure = Target(structure=of_cades(inside=True, alone=False, older=False)["XL"])
    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: with_references(document, data()), "xades.references"),
        (lambda: extended.with_references(structure, certificate(), data()), "cades.references"),
        (lambda: extended.with_values_in_attributes(structure, data()), "cades.references"),
        (lambda: extended.with_values_in_attributes(structure, ValidationData()), "cades.values"),
    ]
    for act, code in acts:
        with pytest.raises(Rejected) as caught:
            act()
        assert caught.value.code == code


def test_time_stamps_over_no_references_are_not_made() -> None:
    without_content = Target(structure=plain_cades(inside=False).structure)
    version_1 = xades.Target(document=of_xades(older=True, alone=False)["C"], signature="S1")
    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: xades.octets_to_stamp(plain_xades(), Stamp(name="RefsOnlyTimeStampV2")), "xades.time-stamp"),
        (lambda: extended.octets_to_stamp_references(plain_cades()), "cades.references"),
        (lambda: extended.with_references_time_stamp(plain_cades(), b""), "cades.references"),
        (lambda: extended.octets_to_archive_v2(without_content), "cades.content"),
        (lambda: jades.data_to_stamp(plain_jades(), "sigRTst"), "jades.references"),
        (lambda: jades.with_time_stamp(plain_jades(), stamp(b"x"), "rfsTst"), "jades.references"),
        (
            lambda: xades.with_time_stamp(version_1, stamp(b"other"), Stamp(name="SigAndRefsTimeStamp")),
            "adding.time-stamp",
        ),
    ]
    for act, code in acts:
        with pytest.raises(Rejected) as caught:
            act()
        assert caught.value.code == code
    structure = Target(structure=of_cades(inside=True, alone=False, older=False)["C"])
    for alone in (False, True):
        with pytest.raises(Rejected, match="not one over what"):
            extended.with_references_time_stamp(structure, stamp(b"other"), alone=alone)
    with pytest.raises(Rejected, match="not one over what"):
        extended.with_archive_time_stamp_v2(structure, stamp(b"other"))


def test_references_stand_in_the_order_of_the_certificates() -> None:
    """A CrlOcspRef for the signer and each above; that of the root is empty, what is of nobody is last."""
    structure = of_cades(inside=True, alone=False, older=False)["C"]
    (signer,) = read_signed_data(structure).signers
    (references,) = [
        one.values[0] for one in signer.unsigned_attributes if one.type == ids.COMPLETE_REVOCATION_REFERENCES
    ]
    kinds = [[part.tag for part in one.children()] for one in references.children()]
    assert kinds == [[0xA0], [0xA0], [], [0xA1]]
