"""A report that is sealed with a module's key: valid, over all of it, and refused where it would not be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from signed_making import AT, SIGNING_TIME, certificate, certify, holds, house, judged
from signed_making import sign as signed_by
from signed_making import stamp as token_over

from trustworks.core.errors import Rejected
from trustworks.core.module import KeyAlgorithm
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import ScopeKind
from trustworks.formats.read import read
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.signature import Options, prepare
from trustworks.validation import validate
from trustworks.validation.report.seal.sealing import Seal, faults_of_seal

if TYPE_CHECKING:
    from trustworks.core.module import Module
    from trustworks.validation.service import Report

VR = "http://uri.etsi.org/19102/v1.4.1#"
DS = "http://www.w3.org/2000/09/xmldsig#"


@dataclass(frozen=True)
class Unit:
    """A source of time-stamps: the house's unit, or one that stamps something else."""

    wrong: bool = False

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        return token_over(b"other") if self.wrong else token_over(b"", digest=digest, hash_name=hash_name)


def signed(document: bytes, *, within: str | None = None, claims: Claims | None = None) -> tuple[bytes, str]:
    claims = claims or Claims(signing_time=SIGNING_TIME)
    packaged = packaging.enveloped(document)
    if within is not None:
        packaged = packaging.internally_detached(document, [within])
    prepared = prepare(packaged, [certificate()], claims, Options(scheme="ECDSA_SHA256"))
    return prepared.complete(signed_by(prepared.dtbs)), prepared.id


@pytest.fixture(scope="module")
def report() -> Report:
    document, _ = signed(b"<doc>signed</doc>")
    return validate(Octets(document, "doc.xml"), trust=house().trust, at=AT, offline=True)


@pytest.fixture
def seal(module: Module) -> Seal:
    key = module.generate_key_pair(label="reports", algorithm=KeyAlgorithm.P256)
    return Seal(
        certificates=(certify(key.public_key, 9000), house().ca.der),
        scheme=key.scheme.name,
        sign=key.sign,
        clock=lambda: SIGNING_TIME,
    )


def test_a_sealed_report_is_a_valid_signature_over_all_of_it(report: Report, seal: Seal) -> None:
    document = report.etsi(seal=seal)
    evidence = read(Octets(document))
    (found,) = evidence.signatures
    assert found.level == "XAdES-BASELINE-B"
    assert [one.kind for one in found.scopes] == [ScopeKind.FULL]
    assert holds(evidence) == [True]
    assert judged(evidence) == ["TOTAL-PASSED"]
    root = etree.fromstring(document)
    assert root.tag == f"{{{VR}}}ValidationReport"
    assert [child.tag for child in root].index(f"{{{DS}}}Signature") == len(root) - 1
    root.remove(root[-1])
    unsealed = etree.fromstring(report.etsi(certificate=seal.certificates[0]))
    assert etree.tostring(root, method="c14n") == etree.tostring(unsealed, method="c14n")


def test_a_seal_is_time_stamped_where_there_is_a_source(report: Report, seal: Seal) -> None:
    evidence = read(Octets(report.etsi(seal=replace(seal, stamper=Unit()))))
    assert evidence.signatures[0].level == "XAdES-BASELINE-T"
    assert holds(evidence) == [True]
    assert [one.references[0].intact for one in evidence.time_stamps] == [True]


def test_a_report_that_was_changed_is_told_by_its_seal(report: Report, seal: Seal) -> None:
    document = report.etsi(seal=seal)
    changed = document.replace(b"mainindication:indeterminate", b"mainindication:total-passed", 1)
    assert changed != document
    assert holds(read(Octets(changed))) == [False]


def test_a_report_is_not_sealed_with_another_key_or_time_stamp(report: Report, seal: Seal) -> None:
    for wrong, code in (
        (replace(seal, certificates=(certificate(),)), "signature.own"),
        (replace(seal, sign=lambda _octets: b"\x30\x06\x02\x01\x01\x02\x01\x01"), "signature.own"),
        (replace(seal, stamper=Unit(wrong=True)), "adding.time-stamp"),
        (replace(seal, scheme="none"), "signature.scheme"),
    ):
        with pytest.raises(Rejected) as refused:
            report.etsi(seal=wrong)
        assert refused.value.code == code


@pytest.mark.req("TS119441:SVR-8.4-17")
def test_a_seal_that_does_not_cover_the_report_is_a_fault(report: Report) -> None:
    written = report.etsi()
    whole, named = signed(written)
    assert faults_of_seal(whole, named) == ()
    assert faults_of_seal(written, named) == ("It has no seal.",)
    part = b'<r xmlns="urn:r"><a Id="one">x</a><b>y</b></r>'
    document, named = signed(part, within="one")
    assert faults_of_seal(document, named) == ("Its seal is not over the whole of it.",)
    document, named = signed(written, claims=Claims())
    assert faults_of_seal(document, named) == ("Its seal is of the level XAdES-BES, not of the baseline.",)
    changed = whole.replace(b"HashOnly>false", b"HashOnly>true", 1)
    assert faults_of_seal(changed, read(Octets(whole)).signatures[0].name or "") == (
        "Its seal is over something else.",
    )
