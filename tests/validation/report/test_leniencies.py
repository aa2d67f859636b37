"""What `ades` lets pass, as validators in Europe do, is told in the text, the explanation and the JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Graph, at_hand, crl, entity, house, ocsp_answer

from trustworks.formats.evidence import Finding, ReferenceKind, TimeStampKind, Weight
from trustworks.validation.policies.policy import shipped
from trustworks.validation.report.explain import explained
from trustworks.validation.report.judged import Judged
from trustworks.validation.report.plain import plain
from trustworks.validation.report.text import text as in_lines


def reported(graph: Graph) -> Judged:
    outcome = graph.run(house().trust, policy=shipped())
    return Judged(evidence=graph.evidence, outcome=outcome, policy=shipped())


def told(report: Judged, sentence: str, weight: str = "warning") -> None:
    """The verdict is no worse for it, and every report has the warning; lines have it once, by its weight."""
    (found,) = plain(report)["signatures"]
    assert found["indication"] == "TOTAL-PASSED"
    assert [one for one in found["warnings"] if sentence in one], found["warnings"]
    for text in (in_lines(report), explained(report)):
        assert [one for one in text.splitlines() if sentence in one and weight in one.lower()], text


def test_revocation_data_after_its_next_update() -> None:
    of, graph = house(), Graph()
    graph.sign(of.signer)
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, NOW - 30 * DAY), crl(of.root))
    told(reported(graph), "more than 2 days before")


def test_a_responder_of_another_authority() -> None:
    of, graph = house(), Graph()
    central = entity(
        "central",
        of.root,
        usage=("digital_signature",),
        purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,),
        extensions=(x509.OCSPNoCheck(),),
    )
    graph.sign(of.signer)
    graph.certificates(of.ca)
    graph.lists(crl(of.root))
    graph.answers(ocsp_answer(of.signer, central))
    told(reported(graph), "authorise")


def test_a_signature_that_does_not_name_its_certificate() -> None:
    of, graph = house(), Graph()
    graph.sign(of.signer, signing_certificate=())
    at_hand(graph, of)
    told(reported(graph), "signing certificate")


def test_time_stamps_out_of_order() -> None:
    of, graph = house(), Graph()
    signature = graph.sign(of.signer)
    at_hand(graph, of)
    graph.stamp(signature, NOW - DAY, of.tsa)
    graph.stamp(signature, NOW - DAY / 2, of.tsa, kind=TimeStampKind.CONTENT)
    told(reported(graph), "before the content time-stamp")


def test_a_file_that_a_manifest_names_and_that_is_not_there() -> None:
    of, graph = house(), Graph()
    signature = graph.sign(of.signer)
    entry = replace(
        signature.references[0], kind=ReferenceKind.MANIFEST_ENTRY, found=False, intact=False, mandatory=False
    )
    graph.collector.signature(replace(signature, references=(*signature.references, entry)))
    at_hand(graph, of)
    told(reported(graph), "nothing that it lists is there")


@pytest.mark.parametrize("code", ["pades.undefined-change", "asic.unsigned-member"])
def test_what_a_file_shows_and_its_signature_does_not_protect(code: str) -> None:
    of, graph = house(), Graph()
    finding = Finding(code=code, text="Something is not protected.", weight=Weight.SUSPICIOUS)
    graph.sign(of.signer, findings=(finding,))
    at_hand(graph, of)
    report = reported(graph)
    told(report, "Something is not protected.", "suspicious")
    for text in (in_lines(report), explained(report)):
        assert text.count("Something is not protected.") == 1


def test_of_a_time_stamp_that_stands_alone_the_same_is_told() -> None:
    of, graph = house(), Graph()
    graph.certificates(of.tsa)
    graph.lists(crl(of.root, NOW - 30 * DAY))
    graph.stamp(None, NOW - YEAR, of.tsa, kind=TimeStampKind.CONTAINER)
    report = reported(graph)
    (found,) = plain(report)["timestamps"]
    assert found["indication"] == "PASSED"
    sentence = "more than 2 days before"
    assert [one for one in found["warnings"] if sentence in one]
    for text in (in_lines(report), explained(report)):
        assert [one for one in text.splitlines() if sentence in one and "warning" in one.lower()], text
