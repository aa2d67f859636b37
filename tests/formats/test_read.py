"""Files are known by their octets; evidence records about a file may come beside it."""

from __future__ import annotations

import pytest
from evidence_records import XmlRecord, digest, record, stamp
from foreign_tokens import DATA, ForeignAuthority

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets
from trustworks.formats.limits import Limits
from trustworks.formats.read import kind_of, read

TOKEN = ForeignAuthority().token()


def xml_record(content: bytes) -> bytes:
    made = XmlRecord()
    made.chain()
    made.stamp([[digest(content)]])
    return made.octets


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"%PDF-1.7\n", "pdf"),
        (b"PK\x03\x04 mimetype", "zip"),
        (b"\xef\xbb\xbf <a/>", "xml"),
        (b"<?xml version='1.0'?><!-- EvidenceRecord --><a/>", "xml"),
        (b'{"payload": ""}', "json"),
        (TOKEN, "cms"),
        (record([stamp([[digest(DATA)]])]), "record"),
        (xml_record(DATA), "record"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<ers:EvidenceRecord xmlns:ers='urn'/>", "record"),
    ],
)
def test_a_file_is_known_by_its_octets(octets: bytes, kind: str) -> None:
    assert kind_of(Octets(octets)) == kind


@pytest.mark.parametrize("octets", [b"", b"text", b"\x00" * 10, b"\x89PNG\r\n"])
def test_another_file_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed, match="no signed file of a format that is known"):
        read(Octets(octets))


def test_an_evidence_record_alone_is_about_the_detached_data() -> None:
    for octets in (record([stamp([[digest(DATA)]])]), xml_record(DATA)):
        found = read(Octets(octets, "data.ers"), detached=[Octets(DATA, "data")])
        (one,) = found.evidence_records
        assert one.covers == set(found.data)
        assert (one.file, one.references[0].name, one.references[0].intact) == ("data.ers", "data", True)


def test_an_evidence_record_beside_a_file_covers_all_that_the_file_holds() -> None:
    about = Octets(record([stamp([[digest(TOKEN)]])]), "token.ers")
    found = read(Octets(TOKEN, "data.tst"), detached=[Octets(DATA, "data")], records=[about])
    (one,) = found.evidence_records
    first = found.time_stamps[0]
    assert {first.id, *first.signature.certificates} <= one.covers
    assert one.references[0].intact


def test_an_evidence_record_that_is_too_long_is_refused() -> None:
    octets = record([stamp([[digest(DATA)]])])
    with pytest.raises(Malformed, match="more than 100 octets"):
        read(Octets(octets), limits=Limits(parsed=100))
