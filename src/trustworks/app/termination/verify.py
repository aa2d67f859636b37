"""Whether an export is whole and agrees with itself: for whoever gets it, without the provider.

The list of files against the files, its signature, the audit log by itself; then each certificate's record
against its authority's last list and last answer, whose signatures are verified.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509 import ocsp

from trustworks.app.termination.export import SUMS
from trustworks.core.audit.export import opened_export
from trustworks.core.audit.verify import verify as verify_log
from trustworks.core.errors import Malformed
from trustworks.core.module.algorithms import check_signature
from trustworks.core.trace import implements
from trustworks.issuance.model import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_TOLD = 50
"""Findings that are told; the others are counted."""


@dataclass(slots=True)
class Verdict:
    """What was found: the signer's key (SHA-256), what was compared, and what is wrong."""

    signer: str = ""
    files: int = 0
    events: int = 0
    records: int = 0
    certificates: int = 0
    answers: int = 0
    ended: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    more: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, finding: str) -> None:
        """Note a finding."""
        if len(self.findings) < MOST_TOLD:
            self.findings.append(finding)
        else:
            self.more += 1

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"ok": self.ok, **{name: getattr(self, name) for name in self.__slots__}}


@implements("TRUSTWORKS:TERMINATION-EXPORT", disabled=lambda *_, **__: Verdict())
def verify(folder: Path, *, signer: bytes | None = None) -> Verdict:
    """Verify an exported folder. `signer` is the SubjectPublicKeyInfo that has to have signed it, if known.

    Raises `Malformed` for what is no export.
    """
    verdict = Verdict()
    try:
        _files(folder, verdict, signer)
        _log(folder, verdict)
        _status(folder, verdict)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Malformed(f"{folder} is no export of a terminated provider, or not whole: {error}.") from error
    return verdict


def _files(folder: Path, verdict: Verdict, signer: bytes | None) -> None:
    sums = (folder / SUMS).read_bytes()
    key = load_pem_public_key((folder / "signer.pem").read_bytes())
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    verdict.signer = hashlib.sha256(spki).hexdigest()
    if signer is not None and signer != spki:
        verdict.add("The export is signed by another key than the one given.")
    try:
        scheme = (folder / f"{SUMS}.scheme").read_text(encoding="ascii")
        check_signature(key, scheme, (folder / f"{SUMS}.sig").read_bytes(), sums)
    except (InvalidSignature, KeyError):
        verdict.add(f"The signature of {SUMS} is not valid: the export was altered.")
    named = dict(line.split("  ", 1)[::-1] for line in sums.decode().splitlines())
    there = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    for name in sorted(there - named.keys() - {SUMS, f"{SUMS}.sig", f"{SUMS}.scheme"}):
        verdict.add(f"{name} is not in {SUMS}: it was added.")
    for name, digest in sorted(named.items()):
        verdict.files += 1
        if name not in there:
            verdict.add(f"{name} is missing.")
        elif _digest(folder / name) != digest:
            verdict.add(f"{name} was altered.")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _log(folder: Path, verdict: Verdict) -> None:
    with opened_export(folder / "audit.jsonl") as source:
        report = verify_log(source)
    verdict.events = report.events
    for one in report.findings:
        verdict.add(f"The audit log: {one.message}")


def _status(folder: Path, verdict: Verdict) -> None:
    ended = {one["authority"] for one in _lines(folder, "terminated_authorities")}
    lists = {name: _LastStatus(folder, name, verdict) for name in sorted(ended)}
    verdict.ended = sorted(ended)
    for one in _lines(folder, "certificates"):
        verdict.records += 1
        if one["authority"] in lists and one["state"] == "issued":
            verdict.certificates += 1
            lists[one["authority"]].compare(one)
    for answer in _lines(folder, "last_answers"):
        if answer["authority"] in lists:
            verdict.answers += 1
            lists[answer["authority"]].compare_answer(answer)
    for found in lists.values():
        found.rest()


class _LastStatus:
    """The last lists of an authority, and what its certificates' records and answers say beside them."""

    def __init__(self, folder: Path, name: str, verdict: Verdict) -> None:
        self._name = name
        self._verdict = verdict
        self._certificate = x509.load_pem_x509_certificate((folder / f"authorities/{name}.pem").read_bytes())
        self._listed: set[int] = set()
        self._open: dict[str, dict[str, bool]] = {}
        files = [folder / f"lists/{name}.crl", *sorted((folder / "lists").glob(f"{name}-[0-9]*.crl"))]
        for file in files:
            crl = x509.load_der_x509_crl(file.read_bytes())
            if crl.issuer != self._certificate.subject:
                continue  # of an authority whose name begins alike
            if not crl.is_signature_valid(self._certificate.public_key()):  # type: ignore[arg-type]
                verdict.add(f"{file.name} is not signed by {name}.")
            if crl.next_update_utc != NEVER:
                verdict.add(f"{file.name} is not the last list of {name}.")
            self._listed |= {one.serial_number for one in crl}

    def compare(self, row: dict[str, Any]) -> None:
        serial, revoked = row["serial"], row["revoked_at"] is not None
        if int(serial, 16) == self._certificate.serial_number:
            return  # what a root issued to itself, no list of its own tells of
        if revoked != (int(serial, 16) in self._listed):
            said = (
                "is revoked, and no last list tells it" if revoked else "is on a last list, and not revoked"
            )
            self._verdict.add(f"The certificate {serial} of {self._name} {said}.")
        self._open[serial] = {"sha1": revoked, "sha256": revoked}

    def compare_answer(self, row: dict[str, Any]) -> None:
        answer = ocsp.load_der_ocsp_response(base64.b64decode(row["der"]))
        what = f"The last answer about {row['serial']} of {self._name}"
        revoked = self._open.get(row["serial"], {}).pop(row["issuer_hash"], None)
        if revoked is None:
            self._verdict.add(f"{what} is about no certificate that was issued.")
            return
        expected = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
        if answer.serial_number != int(row["serial"], 16) or answer.certificate_status is not expected:
            self._verdict.add(f"{what} does not say what its record says.")
        if answer.next_update_utc != NEVER:
            self._verdict.add(f"{what} has an end.")
        try:
            check_signature(
                self._certificate.public_key(), _scheme(answer), answer.signature, answer.tbs_response_bytes
            )
        except (InvalidSignature, KeyError):
            self._verdict.add(f"{what} is not signed by the authority.")

    def rest(self) -> None:
        for serial, left in self._open.items():
            if left:
                self._verdict.add(f"There is no last answer about {serial} of {self._name}.")


def _scheme(answer: ocsp.OCSPResponse) -> str:
    """The signature's scheme by the name that `check_signature` has for it."""
    digest = answer.signature_hash_algorithm
    name = answer.signature_algorithm_oid._name.lower()  # noqa: SLF001 - its one name in words
    if digest is None:
        return "ED25519"
    family = "ECDSA" if "ecdsa" in name else "RSA_PSS" if "pss" in name else "RSA_PKCS1"
    return f"{family}_{digest.name.upper()}"


def _lines(folder: Path, table: str) -> Iterator[dict[str, Any]]:
    with (folder / f"records/{table}.jsonl").open("rb") as opened:
        for line in opened:
            yield json.loads(line)
