"""The signed files of the corpus with what is expected of each, and readers measured against it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.formats.data import Stored
from trustworks.formats.evidence import Format, ReferenceKind, TimeStampKind
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.evidence import Evidence, Signature

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "dss"


_MATCHERS = ("isDataFound", "isDataIntact", "isSignatureIntact", "isSignatureValid")


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the corpus: a file, data beside it, and the fields that override what all are to be."""

    document: str
    detached: tuple[str, ...]
    fields: dict[str, Any]

    def evidence(self) -> Evidence:
        """The file, read."""
        return read(
            Stored(CORPUS / self.document, name=Path(self.document).name),
            detached=[Stored(CORPUS / name, name=Path(name).name) for name in self.detached],
            anchors=anchors_of(self.fields),
        )


def anchors_of(fields: dict[str, Any]) -> TrustAnchors:
    """Whom a line of the corpus trusts."""
    return TrustAnchors(
        TrustAnchor.of(Certificate.read((CORPUS / name).read_bytes())) for name in fields.get("trust", ())
    )


def cases(*folders: str) -> list[Case]:
    """The cases of the folders named; skips the test where the corpus is not on this machine."""
    listed = CORPUS / "cases.json"
    if not listed.is_file():
        pytest.skip(f"NOT TESTED, because the corpus of signed files is not at {CORPUS}")
    return [
        Case(line["document"], tuple(line.get("detached", ())), line)
        for line in json.loads(listed.read_text(encoding="utf-8"))
        if line["document"].split("/", 1)[0] in folders
    ]


def signer(evidence: Evidence, signature: Signature) -> bytes | None:
    """The certificate that the signature binds by its digest, else the one that came first."""
    for reference in signature.signing_certificate:
        for token in evidence.certificates.values():
            try:
                digest = hashlib.new((reference.digest_algorithm or "").replace("sha3_", "sha3-"), token.der)
            except ValueError:
                continue
            if digest.digest() == reference.digest:
                return token.der
    return evidence.certificates[signature.key_info[0]].der if signature.key_info else None


def verifies(signature: Signature, certificate: bytes | None) -> bool:
    """Whether the value is that of the certificate's key over what is signed, by `cryptography` alone."""
    if certificate is None:
        return False
    key: Any = x509.load_der_x509_certificate(certificate).public_key()
    algorithm, signed = signature.algorithm, signature.signed.octets()
    try:
        if algorithm.scheme == "eddsa" and isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature.value, signed)
            return True
        digest: Any = getattr(hashes, (algorithm.digest or "").upper())()
        if isinstance(key, rsa.RSAPublicKey) and algorithm.scheme == "rsa-pkcs1":
            key.verify(signature.value, signed, padding.PKCS1v15(), digest)
        elif isinstance(key, rsa.RSAPublicKey) and algorithm.scheme == "rsa-pss":
            mask: Any = getattr(hashes, (algorithm.mask_digest or "").upper())()
            salt = padding.PSS.AUTO if algorithm.salt is None else algorithm.salt
            key.verify(signature.value, signed, padding.PSS(padding.MGF1(mask), salt), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm.scheme == "ecdsa":
            value = signature.value
            if algorithm.plain:
                half = len(value) // 2
                value = encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))
            key.verify(value, signed, ec.ECDSA(digest))
        else:
            return False
    except (InvalidSignature, AttributeError, ValueError):
        return False
    return True


def asked(case: Case, field: str, name: str) -> set[bool]:
    """What one matcher of a field allows: ``isDataFound=T|isDataFound=F`` is both.

    Without the field it is True alone; a field that tells other matchers leaves this one open.
    """
    said = str(case.fields.get(field) or "super").split("|")
    found = {part.rsplit("=", 1)[1] == "T" for part in said if part.rsplit("=", 1)[0].endswith(name)}
    return found or ({True} if said[0].startswith("super") else {True, False})


def mismatches(case: Case, *, payload_by_value: bool = False) -> list[str]:
    """Where the reader's evidence is not what the corpus expects, each as a short line.

    `payload_by_value`: data that only the value protects (a JWS payload) is intact where the value verifies.
    """
    try:
        evidence = case.evidence()
    except Malformed as error:
        return [] if _refused(case) else [f"unreadable: {error}"]
    if _refused(case) and not any(
        finding.weight == "fatal" for signature in evidence.signatures for finding in signature.findings
    ):
        return ["read without a fatal finding"]
    wrong = [*_counts(case, evidence), *_levels(case, evidence)]
    if _refused(case):
        return wrong
    seen: dict[str, set[bool]] = {name: set() for name in _MATCHERS}
    for signature in evidence.signatures:
        certificate = signer(evidence, signature)
        value = verifies(signature, certificate)
        references = [one for one in signature.references if one.kind is not ReferenceKind.MANIFEST_ENTRY]
        found = all(reference.found for reference in references)
        intact = all(reference.intact for reference in references) and (value or not payload_by_value)
        seen["isDataFound"].add(found)
        seen["isDataIntact"].add(intact)
        # In CMS and XML a value is called intact only where what it is over is.
        seen["isSignatureIntact"].add(value and (intact or signature.format is Format.JADES))
        seen["isSignatureValid"].add(value and intact)
    if evidence.signatures and "custom" not in str(case.fields.get("blevel")):
        for name, outcomes in seen.items():
            expected = asked(case, "blevel", name)
            if not outcomes <= expected:
                wrong.append(f"{name}: {sorted(outcomes)}, expected {sorted(expected)}")
    return wrong + _imprints(case, evidence)


def _refused(case: Case) -> bool:
    """Whether EU DSS refuses to read the file; other exceptions are of what its test does with it after."""
    return "IllegalInput" in str(case.fields.get("throws"))


def _counts(case: Case, evidence: Evidence) -> list[str]:
    wrong = []
    # Cases about evidence records count the time-stamps of these alone.
    records = "record" in case.document
    stamps = [
        stamp for stamp in evidence.time_stamps if (stamp.kind is TimeStampKind.EVIDENCE_RECORD) is records
    ]
    for field, found in (("n_signatures", len(evidence.signatures)), ("n_timestamps", len(stamps))):
        expected = case.fields.get(field)
        if expected is not None and found != int(expected):
            wrong.append(f"{field}: {found}, expected {expected}")
    return wrong


def _levels(case: Case, evidence: Evidence) -> list[str]:
    said = case.fields.get("levels")
    if not said:
        return []
    expected = {level.replace("_", "-") for level in str(said).split(";")}
    found = {signature.level for signature in evidence.signatures}
    return [] if found == expected else [f"levels: {sorted(found)}, expected {sorted(expected)}"]


def _imprints(case: Case, evidence: Evidence) -> list[str]:
    said = str(case.fields.get("timestamps_check", ""))
    if said == "custom" or "record" in case.document:
        return []
    expected = asked(case, "timestamps_check", "isSignatureValid")
    found = {all(reference.intact for reference in stamp.references) for stamp in evidence.time_stamps}
    if found <= expected or (expected == {False} and False in found):
        return []
    return [f"imprints: {sorted(found)}, expected {sorted(expected)}"]


def table(found: Sequence[tuple[Case, list[str]]], explained: dict[str, str]) -> list[str]:
    """Cases with mismatches that nothing explains, and explanations that nothing needs any more."""
    lines = [
        f"{case.document}: {'; '.join(wrong)}"
        for case, wrong in found
        if wrong and case.document not in explained
    ]
    wrong_ones = {case.document for case, wrong in found if wrong}
    lines += [f"{document}: explained, and agrees" for document in explained if document not in wrong_ones]
    return lines
