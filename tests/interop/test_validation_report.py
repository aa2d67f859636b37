"""The published schema of TS 119 102-2 V1.4.1 judges every report that we make."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from qualified_reports import CA, COMPLIANCE, DEVICE, FOR_ESIGN, report
from report_schema import faults
from signed_pdfs import document, token
from validated_corpus import cases

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets
from trustworks.validation import validate
from trustworks.validation.rules.inputs import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.validation.service import Report

pytestmark = pytest.mark.interop

WHOLE: Final = "TRUSTWORKS_WHOLE_CORPUS"
"""Set in the environment, every file of the corpus is reported; else one in `STEP`, of every format."""
STEP: Final = 8
SIGNED: Final = {
    "qualified": lambda: report(COMPLIANCE, FOR_ESIGN, DEVICE),
    "not qualified": report,
    "by a name that XML cannot hold": lambda: report(signer="a\x00b\ufffe"),
    "not known whether revoked": lambda: report(extra=NOTHING),
    "beside data that it is not over": lambda: report(detached=[Octets(b"another", "another.pdf")]),
    "a time-stamp alone": lambda: validate(Octets(token(b"data"), "a.tst"), offline=True),
    "a PDF": lambda: validate(Octets(document().signed_with().time_stamped().octets, "a.pdf"), offline=True),
}


@pytest.mark.parametrize("signed", SIGNED.values(), ids=SIGNED)
def test_reports_about_files_of_our_own_are_valid_by_the_schema(signed: Callable[[], Report]) -> None:
    assert faults(signed().etsi()) == []


def test_what_a_service_states_of_itself_is_valid_by_the_schema() -> None:
    certificate = CA.public_bytes(Encoding.DER)
    made = report().etsi(
        service_policy="urn:oid:1.2.3", practice_statement="https://example.test/cps", certificate=certificate
    )
    assert faults(made) == []


def test_reports_about_the_corpus_are_valid_by_the_schema() -> None:
    known = {one.row["document"]: one for one in cases()}
    chosen = sorted(known) if WHOLE in os.environ else sorted(known)[::STEP]
    wrong, reported = {}, 0
    for file in chosen:
        case = known[file].case
        try:
            found = validate(case.file, detached=case.detached, trust=case.anchors, at=case.at, offline=True)
        except Malformed:
            continue  # it is no signed file, and has no report
        if not found.outcome.signatures and not found.outcome.time_stamps:
            continue
        reported += 1
        if bad := faults(found.etsi()):
            wrong[file] = bad
    assert wrong == {}
    assert reported > len(chosen) * 0.9
