"""Evidence for level LT before others: openssl, pyhanko-certvalidator, and EU DSS in every format."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from dss_judge import Case, answers
from evidence_graphs import DAY, YEAR, Entity, crl, entity, key, ocsp_answer
from evidence_web import Web, access, listed
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathValidationError
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy
from pyhanko_certvalidator.policy_decl import RevocationCheckingRule as Rule
from signed_stories import KINDS, Signing, token

from trustworks.core.ports import ValidationData
from trustworks.validation import Trust, validate
from trustworks.validation.gathering.certificate_evidence import CertificateEvidence
from trustworks.validation.policies.policy import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = pytest.mark.interop

NOW: Final = datetime.now(UTC).replace(microsecond=0)
OCSP, CRL, ISSUER = "http://ca.example/ocsp", "http://ca.example/ca.crl", "http://ca.example/ca.cer"
ROOT_CRL = "http://root.example/root.crl"


def made(name: str, issuer: Entity | None = None, **given: Any) -> Entity:
    """A certificate with the identifiers of its key and its issuer's, for which EU DSS asks."""
    above = key(name if issuer is None else issuer.name).public_key()
    identifiers = (
        x509.SubjectKeyIdentifier.from_public_key(key(name).public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(above),
    )
    extensions = (*identifiers, *given.pop("extensions", ()))
    return entity(name, issuer, since=NOW - YEAR, until=NOW + YEAR, extensions=extensions, **given)


ROOT = made("root", ca=True)
CA = made("ca", ROOT, ca=True, extensions=[listed(ROOT_CRL)])
NAMED = [access(ocsp=OCSP, issuer=ISSUER), listed(CRL)]
SIGNER = made("signer", CA, extensions=NAMED)
UNIT_OCSP = "http://ca.example/unit"
UNIT = made(
    "unit",
    CA,
    usage=("digital_signature",),
    purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
    extensions=[access(ocsp=UNIT_OCSP, issuer=ISSUER), listed(CRL)],
)
RESPONDER = partial(
    made, "responder", CA, usage=("digital_signature",), purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,)
)
WITHOUT_STATUS = RESPONDER(extensions=[x509.OCSPNoCheck()])
WITH_STATUS = RESPONDER(extensions=[listed(CRL)])


def source(responder: Entity | None) -> CertificateEvidence:
    """What finds evidence where lists are published, and a responder answers."""
    web = {ISSUER: CA.der, CRL: crl(CA, NOW - DAY / 24), ROOT_CRL: crl(ROOT, NOW - DAY / 24)}
    if responder is not None:
        web |= {OCSP: ocsp_answer(SIGNER, responder, NOW), UNIT_OCSP: ocsp_answer(UNIT, responder, NOW)}
    trust = Trust.of([ROOT.der])
    return CertificateEvidence(trust=lambda: trust, policy=shipped(), fetcher=Web(web))


def pem(ders: Iterable[bytes], what: type[Any]) -> bytes:
    load = x509.load_der_x509_crl if what is asn1_crl.CertificateList else x509.load_der_x509_certificate
    return b"".join(load(one).public_bytes(Encoding.PEM) for one in ders)


def openssl(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False, timeout=60)


def written(folder: Path, data: ValidationData) -> tuple[Path, Path, Path]:
    """Files with the anchor, the certificates below it, and the lists."""
    anchor, below, lists = folder / "anchor.pem", folder / "below.pem", folder / "lists.pem"
    anchor.write_bytes(pem([ROOT.der], asn1_x509.Certificate))
    below.write_bytes(pem([one for one in data.certificates if one != ROOT.der], asn1_x509.Certificate))
    lists.write_bytes(pem(data.lists, asn1_crl.CertificateList))
    return anchor, below, lists


def test_openssl_verifies_the_path_with_the_lists_of_all(tmp_path: Path) -> None:
    data = source(None).evidence_of(SIGNER.der, NOW)
    anchor, below, lists = written(tmp_path, data)
    verify = ("verify", "-CAfile", anchor, "-untrusted", below, "-crl_check_all")
    said = openssl(*verify, "-CRLfile", lists, below)
    assert said.stdout.strip().endswith(b"OK"), said.stderr
    lists.write_bytes(pem(data.lists[:1], asn1_crl.CertificateList))
    assert openssl(*verify, "-CRLfile", lists, below).returncode != 0, "one list is not enough"


@pytest.mark.parametrize("responder", [WITHOUT_STATUS, WITH_STATUS], ids=["nocheck", "listed"])
def test_openssl_takes_the_answer_and_the_lists_of_the_rest(tmp_path: Path, responder: Entity) -> None:
    data = source(responder).evidence_of(SIGNER.der, NOW)
    anchor, below, lists = written(tmp_path, data)
    answer, issuer = tmp_path / "answer.der", tmp_path / "ca.pem"
    answer.write_bytes(data.answers[0])
    issuer.write_bytes(pem([data.certificates[1]], asn1_x509.Certificate))
    said = openssl(
        "ocsp",
        "-respin",
        answer,
        "-CAfile",
        anchor,
        "-verify_other",
        below,
        "-issuer",
        issuer,
        "-cert",
        below,
    )
    assert b"Response verify OK" in said.stderr
    assert b": good" in said.stdout
    above = openssl("verify", "-CAfile", anchor, "-crl_check_all", "-CRLfile", lists, issuer)
    assert above.stdout.strip().endswith(b"OK"), above.stderr


@pytest.mark.parametrize("responder", [None, WITHOUT_STATUS, WITH_STATUS], ids=["lists", "nocheck", "listed"])
@pytest.mark.parametrize("leaf", [SIGNER, UNIT], ids=["signer", "unit"])
def test_pyhanko_takes_it_and_nothing_less(responder: Entity | None, leaf: Entity) -> None:
    data = source(responder).evidence_of(leaf.der, NOW, time_stamp=leaf is UNIT)
    # What it asks about a signer it asks about a responder as well.
    rule = Rule.OCSP_REQUIRED if responder is WITHOUT_STATUS else Rule.CRL_OR_OCSP_REQUIRED

    def judged(data: ValidationData) -> int:
        context = ValidationContext(
            trust_roots=[asn1_x509.Certificate.load(ROOT.der)],
            other_certs=[asn1_x509.Certificate.load(one) for one in data.certificates],
            moment=NOW,
            allow_fetching=False,
            crls=[asn1_crl.CertificateList.load(one) for one in data.lists],
            ocsps=[asn1_ocsp.OCSPResponse.load(one) for one in data.answers],
            revinfo_policy=CertRevTrustPolicy(
                RevocationCheckingPolicy(
                    ee_certificate_rule=rule, intermediate_ca_cert_rule=Rule.CRL_REQUIRED
                )
            ),
        )
        judge: Any = CertificateValidator(asn1_x509.Certificate.load(leaf.der), validation_context=context)
        purposes = {"digital_signature"} if leaf is UNIT else {"non_repudiation"}
        return len(asyncio.run(judge.async_validate_usage(purposes)))

    assert judged(data) == 3
    with pytest.raises(PathValidationError):
        judged(ValidationData(certificates=data.certificates, lists=data.lists[:-1], answers=data.answers))


def signed(kind: str, responder: Entity | None) -> bytes:
    """A signature of level LT by evidence for the signer and the unit, as of their moments."""
    found = source(responder)
    time = NOW - timedelta(minutes=1)
    signer = found.evidence_of(SIGNER.der, time)
    unit = found.evidence_of(UNIT.der, NOW, time_stamp=True)
    values = ValidationData(
        certificates=tuple(dict.fromkeys((*signer.certificates, *unit.certificates))),
        lists=tuple(dict.fromkeys((*signer.lists, *unit.lists))),
        answers=tuple(dict.fromkeys((*signer.answers, *unit.answers))),
    )
    stamp = partial(token, UNIT, time=time)
    return KINDS[kind].sign(Signing(by=SIGNER, time=time, stamps=(stamp,), values=values))


def test_dss_and_ours_find_level_lt_and_pass_offline(tmp_path: Path) -> None:
    anchor = tmp_path / "root.cer"
    anchor.write_bytes(ROOT.der)
    cases = []
    for number, responder in enumerate((None, WITHOUT_STATUS, WITH_STATUS)):
        for name, kind in KINDS.items():
            file = tmp_path / f"{name}-{number}.{kind.suffix}"
            file.write_bytes(signed(name, responder))
            cases.append(Case(file=file, anchors=(anchor,)))
            report = validate(file, trust=[anchor], offline=True)
            (own,) = report.outcome.signatures
            assert str(own.indication) == "TOTAL-PASSED", report.explained()
            assert [one.level[-3:] for one in report.evidence.signatures] == ["-LT"], file.name
    for answer in answers(cases, tmp_path):
        (theirs,) = answer["signatures"]
        assert (theirs["indication"], theirs["level"][-3:]) == ("TOTAL_PASSED", "-LT"), answer
        assert [one["indication"] for one in answer["time_stamps"]] == ["PASSED"], answer
