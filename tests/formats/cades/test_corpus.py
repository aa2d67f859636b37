"""Every CAdES file of the corpus against what is known of it, with the verification of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signed_corpus import asked, cases, table

from trustworks.formats.evidence import TimeStampKind, Weight
from trustworks.formats.verification import signing_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signed_corpus import Case

    from trustworks.formats.evidence import Evidence, Signature

V = "dss-cades/validation/"
NOT_GIVEN = "the test of EU DSS gives the detached data, and the case does not name it"
EXPLAINED: dict[str, str] = {
    f"{V}d-trust.tsr": NOT_GIVEN,
    f"{V}dss-1892/detached_with_counter_sig.p7m": "the time-stamp of the counter-signature is not counted",
    f"{V}dss-2011/cades-lta-detached.pkcs7": "said of the archive time-stamp; the other needs no data",
    f"{V}dss-916/test.txt.signed.qes.attached.p7s": "one of the two time-stamps is counted",
    f"{V}evidence-record/C-E-ERS-detached.p7s": NOT_GIVEN,
    f"{V}evidence-record/C-E-ERS-detached_renewed_hashtree_invalid.p7s": NOT_GIVEN,
    f"{V}evidence-record/Double-C-E-ERS-detached_hashtree_renewal.p7m": NOT_GIVEN,
}
"""Why a case is not read as the corpus says, in one line each."""


def is_verified(signature: Signature, evidence: Evidence) -> bool:
    chosen = signing_certificate(signature, evidence)
    fatal = any(one.weight is Weight.FATAL for one in signature.findings)
    return chosen is not None and chosen.verifies is True and not fatal


def is_identified(signature: Signature, evidence: Evidence) -> bool:
    chosen = signing_certificate(signature, evidence)
    return chosen is not None and chosen.reference is not None and chosen.reference.holds


def wrong_in(case: Case) -> list[str]:
    """Where the evidence is not what the corpus expects, each as a short line."""
    evidence = case.evidence()
    return [
        *counts(case, evidence),
        *(line for one in evidence.signatures for line in of_signature(case, evidence, one)),
        *of_time_stamps(case, evidence),
    ]


def counts(case: Case, evidence: Evidence) -> Iterator[str]:
    levels = {one.level.replace("-", "_") for one in evidence.signatures}
    wanted = case.fields.get("levels")
    if wanted and set(wanted.split(";")) != levels:
        yield f"levels: {sorted(levels)}, expected {wanted}"
    signatures = case.fields.get("n_signatures")
    if signatures and int(signatures) != len(evidence.signatures):
        yield f"signatures: {len(evidence.signatures)}, expected {signatures}"
    # The cases count the time-stamps of evidence records in some files, and not in others.
    stamps = evidence.time_stamps
    own = sum(one.kind is not TimeStampKind.EVIDENCE_RECORD for one in stamps)
    wanted = case.fields.get("n_timestamps")
    if wanted and int(wanted) not in {own, len(stamps), len(stamps) - own}:
        yield f"time-stamps: {own} of {len(stamps)}, expected {wanted}"


def of_signature(case: Case, evidence: Evidence, signature: Signature) -> Iterator[str]:
    content, value = signature.references[0], is_verified(signature, evidence)
    found = {
        "isDataFound": content.found,
        "isDataIntact": content.intact,
        # EU DSS does not verify a value whose data it has not.
        **(
            {"isSignatureIntact": value, "isSignatureValid": value and content.intact}
            if content.found
            else {}
        ),
    }
    for name, answer in found.items():
        if answer not in asked(case, "blevel", name):
            yield f"{name}: {answer}"
    if is_identified(signature, evidence) not in asked(
        case, "signing_cert", "isSigningCertificateIdentified"
    ):
        yield "the signed reference does not hold"


def of_time_stamps(case: Case, evidence: Evidence) -> Iterator[str]:
    custom = case.fields.get("timestamps_check") == "custom"
    for stamp in evidence.time_stamps:
        own = is_verified(stamp.signature, evidence) and stamp.signature.references[0].intact
        imprint = stamp.references[0]
        if not own:
            yield f"the time-stamp {stamp.form} is not signed by the certificate that it refers to"
        if stamp.kind is TimeStampKind.EVIDENCE_RECORD or custom:
            continue
        if imprint.intact not in asked(case, "timestamps_check", "isSignatureValid"):
            yield f"the imprint of {stamp.form}: intact {imprint.intact}"


def test_files_of_the_corpus_are_read_as_expected() -> None:
    found = [(case, wrong_in(case)) for case in cases("dss-cades")]
    assert len(found) == 52
    assert table(found, EXPLAINED) == []
