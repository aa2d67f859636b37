"""What came after the signed revision of a PDF: told in lines, in the explanation and on the page."""

from __future__ import annotations

import pytest
from signed_pdfs import AUTHORITY, OBJECTS, Pdf, document

from trustworks.formats.data import Octets
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
