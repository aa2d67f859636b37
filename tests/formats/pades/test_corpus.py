"""Every signed PDF of the corpus against what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signed_corpus import Case, asked, cases, table

from trustworks.formats.verification import signing_certificate

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence, Signature

IDENTIFIED = "isSigningCertificateIdentified"
_FOLDER = "dss-pades/validation"
EXPLAINED = {
    f"{_FOLDER}/DSS-2821.pdf": "two of its three lines are about what the test makes of it",
    f"{_FOLDER}/pdf-with-vri-timestamp.pdf": "two of its three lines are about what the test makes of it",
    f"{_FOLDER}/test-with-vri.pdf": "two of its three lines are about what the test makes of it",
    f"{_FOLDER}/pades_infinite_loop.pdf": "EU DSS 6.5, too, finds its range beyond its end",
    f"{_FOLDER}/pades-enveloping-empty-bytes-cms.pdf": "the CMS has empty content: EU DSS calls its value "
    "wrong for that, and here the digest of that content is",
}
"""Why a file is not read as the corpus says, in one line each."""


def mismatches(case: Case) -> list[str]:
    evidence = case.evidence()
    wrong = []
    for key, found in (
        ("n_signatures", len(evidence.signatures)),
        ("n_timestamps", len(evidence.time_stamps)),
    ):
        expected = case.fields.get(key)
        if expected is not None and int(expected) != found:
            wrong.append(f"{key}: {found}, expected {expected}")
    levels = {one.level for one in evidence.signatures}
    expected_levels = {one.replace("_", "-") for one in str(case.fields.get("levels", "")).split(";")}
    if "levels" in case.fields and levels != expected_levels:
        wrong.append(f"levels: {sorted(levels)}, expected {sorted(expected_levels)}")
    seen: dict[str, set[bool]] = {}
    for signature in evidence.signatures:
        for name, value in facts(evidence, signature).items():
            seen.setdefault(name, set()).add(value)
    if "custom" not in str(case.fields.get("blevel")):
        wrong += unexpected(case, "blevel", {name: seen[name] for name in seen if name != IDENTIFIED})
    if "custom" not in str(case.fields.get("signing_cert")):
        wrong += unexpected(case, "signing_cert", {name: seen[name] for name in seen if name == IDENTIFIED})
    if "custom" not in str(case.fields.get("timestamps_check")):
        stamps: dict[str, set[bool]] = {}
        for stamp in evidence.time_stamps:
            own = facts(evidence, stamp.signature)
            imprint = all(one.intact for one in stamp.references)
            stamps.setdefault("isSignatureValid", set()).add(imprint and own["isSignatureValid"])
            stamps.setdefault("isSignatureIntact", set()).add(own["isSignatureIntact"])
            stamps.setdefault(IDENTIFIED, set()).add(own[IDENTIFIED])
        wrong += unexpected(case, "timestamps_check", stamps)
    return wrong


def facts(evidence: Evidence, signature: Signature) -> dict[str, bool]:
    chosen = signing_certificate(signature, evidence)
    verifies = chosen is not None and bool(chosen.verifies)
    intact = all(one.intact for one in signature.references)
    return {
        "isDataFound": all(one.found for one in signature.references),
        "isDataIntact": intact,
        # EU DSS calls a value intact only with the data that it is over.
        "isSignatureIntact": verifies and intact,
        "isSignatureValid": verifies and intact,
        IDENTIFIED: chosen is not None and chosen.reference is not None and bool(chosen.reference.digest),
    }


def unexpected(case: Case, field: str, seen: dict[str, set[bool]]) -> list[str]:
    return [
        f"{field} {name}: {sorted(outcomes)}, expected {sorted(expected)}"
        for name, outcomes in seen.items()
        if not outcomes <= (expected := asked(case, field, name))
    ]


def test_files_of_the_corpus_are_read_as_expected() -> None:
    found = [(case, mismatches(case)) for case in cases("dss-pades")]
    assert len(found) == 65
    assert table(found, EXPLAINED) == []
