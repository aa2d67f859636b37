"""OpenDocument files that are signed here, read back; what is in them stays."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from asic_vectors import ASIC_E, container, file_list
from signed_making import SIGNING_TIME, certificate, holds, house, judged, sign, stamp

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.asic.creating.open_document import (
    SIGNATURES,
    Prepared,
    prepare,
    target,
    with_signatures,
)
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Container, Weight
from trustworks.formats.read import read
from trustworks.formats.xades.creating import unsigned
from trustworks.formats.xades.creating.signature import Options

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence

TEXT = "application/vnd.oasis.opendocument.text"
FILES = {"content.xml": b"<c/>", "Pictures/x ä.png": b"png", "Configurations2/accelerator/": b""}
DOCUMENT = container(FILES | {"META-INF/manifest.xml": file_list(*FILES)}, TEXT)
CLAIMS = Claims(signing_time=SIGNING_TIME)
OPTIONS = Options(scheme="ECDSA_SHA256", id="S1")


def signed(document: bytes = DOCUMENT, identifier: str = "S1") -> bytes:
    data = Octets(document, "a.odt")
    waiting = prepare(data, [certificate(), house().ca.der], CLAIMS, replace(OPTIONS, id=identifier))
    again = Prepared.decode(waiting.encode())
    assert (again, again.id) == (waiting, identifier)
    return again.complete(sign(again.dtbs), data).octets()


def evidence(document: bytes) -> Evidence:
    return read(Octets(document, "a.odt"))


def members(octets: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_signature_over_all_files() -> None:
    octets = signed()
    found = evidence(octets)
    assert found.container is Container.OPEN_DOCUMENT
    assert holds(found) == [True]
    assert not [one for one in found.findings if one.weight is not Weight.NOTE]
    assert found.signatures[0].level == "XAdES-BASELINE-B"
    names = {one.name for one in found.signatures[0].references}
    assert {"mimetype", "content.xml", "META-INF/manifest.xml"} <= names
    begin = DOCUMENT.index(b"PK\x01\x02")
    assert octets[:begin] == DOCUMENT[:begin]
    assert members(octets).items() >= members(DOCUMENT).items()


def test_more_signatures_stand_beside_the_first() -> None:
    twice = signed(signed(), "S2")
    thrice = signed(twice, "S3")
    for octets, number in ((twice, 2), (thrice, 3)):
        found = evidence(octets)
        assert holds(found) == [True] * number
        assert found.findings == ()
        assert next(iter(members(octets))) == "mimetype"
        assert {name: one for name, one in members(octets).items() if name in FILES}.keys() == {
            "content.xml",
            "Pictures/x ä.png",
            "Configurations2/accelerator/",
        }
    assert judged(evidence(thrice)) == ["TOTAL-PASSED"] * 3


def test_a_signature_goes_on_to_the_last_level() -> None:
    octets, levels = signed(), []
    for step in ("T", "LT", "LTA"):
        document = Octets(octets)
        of = target(document, "S1")
        if step == "LT":
            data = ValidationData(certificates=house().authorities, lists=house().lists)
            signatures = unsigned.with_values(of, data)
        else:
            kind = unsigned.SIGNATURE_TIME_STAMP if step == "T" else unsigned.ARCHIVE_TIME_STAMP
            signatures = unsigned.with_time_stamp(of, stamp(unsigned.octets_to_stamp(of, kind)), kind)
        octets = with_signatures(document, signatures).octets()
        levels.append(evidence(octets).signatures[0].level)
    assert levels == ["XAdES-BASELINE-T", "XAdES-BASELINE-LT", "XAdES-BASELINE-LTA"]
    assert judged(evidence(octets), outside=False) == ["TOTAL-PASSED"]


def test_a_file_that_was_changed_is_no_longer_signed() -> None:
    inside = {name: one for name, one in members(signed()).items() if name != "mimetype"}
    assert holds(evidence(container(inside, TEXT))) == [True]
    assert holds(evidence(container(inside | {"content.xml": b"<d/>"}, TEXT))) == [False]


# --- what is refused ----------------------------------------------------------------------------------------


def test_what_is_no_open_document() -> None:
    another = container({"a.txt": b"a"}, ASIC_E)
    for octets, code in ((another, "asic.kind"), (DOCUMENT + b"x", "asic.damaged")):
        with pytest.raises(Rejected) as caught:
            prepare(Octets(octets), [certificate()], CLAIMS, OPTIONS)
        assert caught.value.code == code
    with pytest.raises(Malformed):
        prepare(Octets(b"no package"), [certificate()], CLAIMS, OPTIONS)
    with pytest.raises(Malformed):
        Prepared.decode(b"{}")


def test_what_does_not_hold_is_not_put_in() -> None:
    data = Octets(DOCUMENT)
    waiting = prepare(data, [certificate()], CLAIMS, OPTIONS)
    value = sign(waiting.dtbs)
    with pytest.raises(Rejected) as caught:
        waiting.complete(value, Octets(signed()))
    assert caught.value.code == "data.changed"
    other = container({"content.xml": b"<other/>", "META-INF/manifest.xml": file_list("content.xml")}, TEXT)
    with pytest.raises(Rejected) as caught:
        with_signatures(Octets(other), waiting.signature.complete(value))
    assert caught.value.code == "signature.content"
    with pytest.raises(Rejected):
        with_signatures(data, b"<no-signatures/>")
    with pytest.raises(Rejected, match="cannot be read"):
        with_signatures(data, b"no XML")
    assert SIGNATURES in members(with_signatures(data, waiting.signature.complete(value)).octets())
