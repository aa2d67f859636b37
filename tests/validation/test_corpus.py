"""Every case of the corpus that can be read: what its test says must come out does."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from trustworks.core.errors import TrustworksError
from trustworks.formats.data import Stored
from trustworks.formats.read import read
from trustworks.validation import Outcome, Trust
from trustworks.validation.process import validate

CORPUS: Final = Path(__file__).parents[3] / "shared" / "corpus" / "dss"
AT: Final = datetime(2026, 6, 1, tzinfo=UTC)

# What does not agree, and why; none of these is treated apart in the product.
WHY: Final = {
    "dss-asic-cades/validation/evidencerecord/cades-lt-with-er-chain-renewed-missed-ref.sce": (
        "the reference that is missed is found to be of another object, and so is broken"
    ),
    "dss-asic-xades/validation/container-with-xmlns-manifest-namespace.asice": (
        "the test has trust anchors that the corpus does not name"
    ),
    "dss-asic-xades/validation/libreoffice.odt": (
        "the constraint is of the policy of that test, not of the default"
    ),
    "dss-cades/validation/evidence-record/C-E-ERS-basic-invalid-sig.p7m": (
        "the CMS names other algorithms than it protects, which is found before its value is tried"
    ),
    "dss-cades/validation/evidence-record/C-E-ERS-detached_renewed_hashtree_invalid.p7s": (
        "of the renewed hash tree nothing is found, so that nothing can be wrong with it"
    ),
    "dss-cades/validation/evidence-record/Signature-C-LTA-d233a2d9-a257-40dc-bcdb-bf4516b6d1da.p7m": (
        "the label is of a second file beside it"
    ),
    "dss-pades/validation/DSS-1683.pdf": "the constraint is of the policy of that test, not of the default",
    "dss-pades/validation/Signature-P-HU_NET-2.pdf": "the digest is right for this reader",
    "dss-pades/validation/pades-5-signatures-and-1-document-timestamp.pdf": (
        "the label is of another test over the same file"
    ),
    "dss-xades/validation/dss2011/xades-detached.xml": "the label is of a run without the detached file",
    "dss-xades/validation/evidence-record/Signature-X-LTA-5b5edd31-344d-4d66-8e95-79f9acaab566.xml": (
        "the label is of a second file beside it"
    ),
}
MOST: Final = 0.05
"""The share of a format's cases that may disagree without a reason that is known."""


def cases() -> list[dict[str, Any]]:
    if not CORPUS.is_dir():
        pytest.skip(f"NOT TESTED, because {CORPUS} is not there")
    found: list[dict[str, Any]] = json.loads((CORPUS / "cases.json").read_text(encoding="utf-8"))
    return found


def outcome_of(case: dict[str, Any]) -> Outcome | None:
    """What comes of a case; None where its format is not read, or it is no signed file."""
    document = CORPUS / case["document"]
    detached = [CORPUS / one for one in case.get("detached", ())]
    trust = Trust.of([(CORPUS / one).read_bytes() for one in case.get("trust", ())])
    try:
        evidence = read(
            Stored(document, name=document.name),
            detached=[Stored(one, name=one.name) for one in detached if one.is_file()],
        )
    except TrustworksError:
        return None
    return validate(evidence, at=AT, trust=trust)


def said(outcome: Outcome) -> set[str]:
    """Every indication and sub-indication of an outcome, as the corpus writes them."""
    verdicts = [one.verdict for one in outcome.signatures]
    verdicts += [one.verdict for one in outcome.time_stamps]
    verdicts += [one.verdict for one in outcome.evidence_records]
    words = {str(one.indication).replace("-", "_") for one in verdicts}
    # What DSS says of the parts of a signature, and of a file without any.
    words |= {word.removeprefix("TOTAL_") for word in words} | {
        "" if outcome.signatures else "NO_SIGNATURE_FOUND"
    }
    return words | {str(one.sub_indication) for one in verdicts if one.sub_indication}


def disagreement(case: dict[str, Any], outcome: Outcome) -> str | None:
    """Where an outcome is not what the case's test asserts; None where it is."""
    wanted = {
        *(case.get("indications") or "").split(";"),
        *(case.get("subindications") or "").split(";"),
    } - {""}
    missing = wanted - said(outcome)
    if missing:
        return f"{', '.join(sorted(missing))} did not come out, but {', '.join(sorted(said(outcome)))}"
    whole = [one.value_intact and one.data_found and one.data_intact for one in outcome.signatures]
    asserted = set((case.get("blevel") or "").split("|"))
    if not asserted:
        return None if all(whole) else "a signature is not whole"
    broken = {"isSignatureIntact=F", "isDataFound=F", "isDataIntact=F", "isSignatureValid=F"} & asserted
    if broken and "isBLevelTechnicallyValid=T" not in asserted and all(whole) and whole:
        return f"every signature is whole, and the test asserts {', '.join(sorted(broken))}"
    return None


def test_what_the_corpus_asserts_comes_out(capsys: pytest.CaptureFixture[str]) -> None:
    agreed: Counter[str] = Counter()
    looked: Counter[str] = Counter()
    different: dict[str, str] = {}
    for case in cases():
        kind = case["document"].split("/")[0]
        outcome = outcome_of(case)
        if outcome is None:
            continue
        looked[kind] += 1
        found = disagreement(case, outcome)
        agreed[kind] += found is None
        if found is not None:
            different[case["document"]] = found
    table = ", ".join(f"{kind} {agreed[kind]} of {count}" for kind, count in sorted(looked.items()))
    with capsys.disabled():
        sys.stdout.write(f"\n{table}\n")
    new = {name: text for name, text in different.items() if name not in WHY}
    told = "\n".join((table, *(f"{name}: {text}" for name, text in new.items())))
    for kind, count in looked.items():
        unexplained = sum(name.startswith(f"{kind}/") for name in new)
        assert unexplained <= MOST * count, told
