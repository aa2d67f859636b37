"""Evidence records in CMS: over the whole structure, and so over every signer in it."""

from __future__ import annotations

import pytest
from signed_making import SIGNING_TIME, certificate, house, sign, stamp

from trustworks.formats.cades import identifiers as ids
from trustworks.formats.cades.creating import attributes
from trustworks.formats.cades.creating.signature import (
    Options,
    prepare,
    signer_of,
    unsigned_attribute,
)
from trustworks.formats.cades.creating.unsigned import Target, octets_to_stamp, with_time_stamp
from trustworks.formats.claims import Claims
from trustworks.formats.cms.splicing import spliced
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import Octets
from trustworks.formats.evidence_record.creating import prepare_first
from trustworks.formats.read import read

CONTENT = Octets(b"what is signed", "data.bin")


def of_two_signers() -> bytes:
    """A structure with two signatures, each with a time-stamp."""
    structure = b""
    for scheme in ("ECDSA_SHA256", "RSA_PSS_SHA256"):
        options, claims = Options(scheme=scheme), Claims(signing_time=SIGNING_TIME)
        made = prepare(CONTENT, [certificate(scheme), house().ca.der], claims, options)
        value = sign(made.dtbs)
        whole = made.complete(value, content=CONTENT)
        structure = made.join(value, structure) if structure else whole
    for number in range(2):
        target = Target(structure=structure, signer=number)
        structure = with_time_stamp(target, stamp(octets_to_stamp(target)))
    return structure


def recorded(structure: bytes, signer: int, over: bytes) -> bytes:
    """The structure with an evidence record in an attribute of a signer."""
    prepared = prepare_first("asn1", [Octets(over).digest("sha256")], "sha256")
    record = prepared.complete((), stamp(b"", digest=prepared.leaf))
    data = read_signed_data(structure)
    added = attributes.attribute(ids.EVIDENCE_RECORD_INTERNAL, record)
    return spliced(data.content_info, [unsigned_attribute(signer_of(data, signer), added)])


@pytest.mark.parametrize("signer", [0, 1])
def test_a_record_covers_every_signer_of_the_structure(signer: int) -> None:
    structure = of_two_signers()
    found = read(Octets(recorded(structure, signer, structure)))
    (record,) = found.evidence_records
    assert [one.intact for one in record.references] == [True]
    assert [one.level for one in found.signatures] == ["CAdES-ERS"] * 2
    assert [len(one.evidence_records) for one in found.signatures] == [signer == 0, signer == 1]
    stamps = {one for signature in found.signatures for one in signature.time_stamps}
    assert len(stamps) == 2
    assert record.covers >= {one.id for one in found.signatures} | stamps


def test_a_record_over_something_else_does_not_hold() -> None:
    found = read(Octets(recorded(of_two_signers(), 1, b"something else")))
    (record,) = found.evidence_records
    (archival,) = (one for one in found.time_stamps if one.id in record.time_stamps)
    assert [one.intact for one in archival.references] == [False]
