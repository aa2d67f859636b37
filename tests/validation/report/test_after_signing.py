"""What came after the signed revision of a PDF: told in lines, in the explanation and on the page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from qualified_reports import COMPLIANCE, DEVICE, FOR_ESIGN, report
from signed_pdfs import AUTHORITY, OBJECTS, Pdf, document

from trustworks.formats.data import Octets
from trustworks.validation.model import Indication, SubIndication, Verdict
from trustworks.validation.policies.policy import shipped
from trustworks.validation.service import Report, Validator
from trustworks.validation.trust import Trust

NOTE = b"<< /Type /Annot /Subtype /FreeText /Rect [20 20 40 40] /Contents (Pay 9999) >>"
PAINTED = "Annotations were made, changed or removed after the signature, which no signature permits"
FILLED = "The form was filled in or signed after the signature"


def judged(pdf: Pdf, policy: str = "ades") -> Report:
    trust = Trust.of([AUTHORITY.ca])
    return Validator(policy=shipped(policy), trust=trust).validate(Octets(pdf.octets, "a.pdf"))


@pytest.mark.req("ISO32000-2:12.8.2.2-ANNOTATIONS")
def test_an_annotation_that_nothing_permits_is_told_everywhere() -> None:
    found = judged(document().signed_with().update({9: b"[6 0 R 20 0 R 50 0 R]", 50: NOTE}))
    assert f"  suspicious {PAINTED}" in found.text()
    assert f"  Suspicious: {PAINTED}" in found.explained()
    assert PAINTED in found.html().decode()


@pytest.mark.req("ISO32000-2:12.8.2.2-ANNOTATIONS")
def test_the_policy_for_qualified_signatures_refuses_it() -> None:
    pdf = document().signed_with().update({9: b"[6 0 R 20 0 R 50 0 R]", 50: NOTE})
    for policy, failed in (("ades", False), ("qualified", True)):
        verdict = judged(pdf, policy).outcome.signatures[0].verdict
        assert (verdict.sub_indication == "FORMAT_FAILURE") is failed


def test_a_form_that_was_filled_in_is_told_everywhere() -> None:
    found = judged(document().signed_with().update({6: OBJECTS[6].replace(b"(10)", b"(20)")}))
    assert f"  later      {FILLED}" in found.text()
    assert f"  Later: {FILLED}" in found.explained()
    assert FILLED in found.html().decode()


def test_a_signature_field_that_cannot_be_read_is_told() -> None:
    pdf = document().signed_with()
    start = pdf.octets.index(b"/Contents <") + len(b"/Contents <")
    octets = pdf.octets[:start] + b"00" * 8 + pdf.octets[start + 16 :]
    found = Validator(policy=shipped()).validate(Octets(octets, "a.pdf"))
    assert found.outcome.signatures == ()
    for told in (found.text(), found.explained()):
        assert "A signature field is there and cannot be read." in told
        assert "are no signature" in told
        assert "There is no signature, time-stamp" not in told


def test_an_impossible_byte_range_covers_no_document() -> None:
    signed = document().signed_with().octets
    octets = re.sub(
        rb"/ByteRange \[0 (\d+) ",
        lambda found: found[0].replace(b"[0 ", b"[1 "),
        signed,
    )
    found = Validator(policy=shipped()).validate(Octets(octets, "a.pdf"))
    signature = found.evidence.signatures[0]
    assert "as it was" not in signature.scopes[0].text
    assert "impossible byte range" in found.text()
    sentence = next(one.text for one in signature.findings if one.code == "pades.byte-range")
    assert found.text().count(sentence) == 1
    assert found.explained().count(sentence) == 1


@pytest.mark.parametrize(
    ("why", "doubted"),
    [(SubIndication.SIG_CONSTRAINTS_FAILURE, False), (SubIndication.NO_CERTIFICATE_CHAIN_FOUND, True)],
)
def test_who_signed_is_known_where_only_acceptance_failed(why: SubIndication, *, doubted: bool) -> None:
    found = report(COMPLIANCE, FOR_ESIGN, DEVICE)
    signature = found.outcome.signatures[0]
    verdict = Verdict(Indication.INDETERMINATE, why)
    changed = replace(signature, verdict=verdict)
    again = replace(found, outcome=replace(found.outcome, signatures=(changed,)))
    assert ("(as the certificate says)" in again.text()) is doubted
    assert ("(as the certificate says)" in again.explained()) is doubted
