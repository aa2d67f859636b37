"""What the policies for qualified signatures and for preservation refuse, and that by default only warns."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import cms_maker
import pytest
import signed_pdfs
from asic_vectors import container, manifest
from evidence_graphs import DAY, NOW, YEAR, Graph, at_hand, crl, house, signed, verdict
from signed_pdfs import OBJECTS, Pdf

import trustworks.formats
from trustworks.formats.data import Octets
from trustworks.formats.evidence import CertificateReference, ReferenceKind, TimeStampKind
from trustworks.formats.read import read
from trustworks.validation import Trust
from trustworks.validation.model import Level
from trustworks.validation.policies.constraints import Context, Section
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.process import validate

if TYPE_CHECKING:
    from trustworks.validation.policies.policy import Policy

STRICT = ("qualified", "preservation")
EVERY = [("ades", "TOTAL-PASSED"), *((name, "FORMAT_FAILURE") for name in STRICT)]


def of_file(octets: bytes, policy: Policy, *beside: bytes) -> str:
    """What comes of a file of our own, whose signer is trusted, with data beside it."""
    trust = Trust.of([signed_pdfs.AUTHORITY.certificate, cms_maker.WHO.certificate])
    return verdict(
        validate(read(Octets(octets), detached=[*map(Octets, beside)]), at=NOW, trust=trust, policy=policy)
    )


@pytest.mark.parametrize(("policy", "expected"), EVERY)
def test_a_page_that_was_replaced_after_the_signature(policy: str, expected: str) -> None:
    document = Pdf().update(OBJECTS).signed_with()
    replaced = document.update({4: signed_pdfs.stream(b"BT (You owe a million.) Tj ET")})
    assert of_file(document.octets, shipped(policy)) == "TOTAL-PASSED"
    assert of_file(replaced.octets, shipped(policy)) == expected


@pytest.mark.parametrize(("policy", "expected"), EVERY)
def test_a_file_in_a_container_that_nothing_covers(policy: str, expected: str) -> None:
    said = manifest("META-INF/signature.p7s", {"a": b"1"})
    value = cms_maker.signed_data(cms_maker.Signer.over(said).info(), content=None)
    members = {"a": b"1", "META-INF/ASiCManifest.xml": said, "META-INF/signature.p7s": value}
    assert of_file(container(members), shipped(policy)) == "TOTAL-PASSED"
    assert of_file(container(members | {"b": b"2"}), shipped(policy)) == expected


@pytest.mark.parametrize(("policy", "expected"), EVERY)
def test_data_that_was_given_and_is_not_signed(policy: str, expected: str) -> None:
    """A signature with content of its own is over that, whatever was given beside it."""
    inside = cms_maker.basic(content=b"pencil")
    detached = cms_maker.signed_data(cms_maker.Signer.over(b"pencil").info(), content=None)
    assert of_file(inside, shipped(policy), b"pencil") == "TOTAL-PASSED"
    assert of_file(detached, shipped(policy), b"pencil") == "TOTAL-PASSED"
    assert of_file(inside, shipped(policy), b"my house") == expected
    assert of_file(detached, shipped(policy), b"pencil", b"my house") == expected


@pytest.mark.req("EN319102-1:5.2.7.4-MANIFEST")
@pytest.mark.parametrize(
    ("policy", "expected"), [("ades", "TOTAL-PASSED"), *((name, "SIGNED_DATA_NOT_FOUND") for name in STRICT)]
)
def test_a_manifest_of_whose_files_none_is_there(policy: str, expected: str) -> None:
    graph, of, signature = signed()
    gone = replace(
        signature.references[0], kind=ReferenceKind.MANIFEST_ENTRY, found=False, intact=False, mandatory=False
    )
    graph.collector.signature(replace(signature, references=(*signature.references, gone)))
    at_hand(graph, of)
    of_root = Trust.of([of.signer.der])
    assert verdict(graph.run(of_root, policy=shipped(policy))) == expected


@pytest.mark.parametrize("policy", STRICT)
def test_findings_that_a_policy_names_are_those_of_a_reader(policy: str) -> None:
    """A code that nobody writes would be thought to be refused."""
    source = Path(trustworks.formats.__file__).parent
    written = "".join(one.read_text("utf-8") for one in source.rglob("*.py"))
    for code in shipped(policy).findings:
        assert f'"{code}"' in written or f'"{code.partition(".")[2]}"' in written, code


@pytest.mark.parametrize("policy", STRICT)
def test_what_a_signature_shows_beside_what_it_protects(policy: str) -> None:
    codes = ("pades.doc-mdp", "pades.field-mdp", "pades.byte-range-end", "asic.two-manifests")
    assert [shipped(policy).findings[code] for code in codes] == ["fail"] * len(codes)


@pytest.mark.req("EN319102-1:5.2.8.4-PRESENT")
@pytest.mark.parametrize(
    ("policy", "expected"), [("ades", "TOTAL-PASSED"), ("qualified", "SIG_CONSTRAINTS_FAILURE")]
)
def test_a_signature_that_does_not_name_its_certificate(policy: str, expected: str) -> None:
    graph, of, _ = signed(signing_certificate=())
    at_hand(graph, of)
    assert verdict(graph.run(of.trust, policy=shipped(policy))) == expected


@pytest.mark.req("EN319102-1:5.2.3.4-DIGEST-MATCH")
@pytest.mark.parametrize("policy", ["ades", "qualified"])
def test_a_token_that_names_another_certificate_proves_no_time(policy: str) -> None:
    """A signer that was revoked after the token: RFC 3161, 2.4.2, says by whom the token has to be."""
    of = house()
    for right in (True, False):
        graph = Graph()
        signature = graph.sign(of.signer)
        graph.certificates(of.ca, of.tsa)
        graph.lists(crl(of.ca, revoked=[(of.signer, NOW - YEAR / 2, None)]), crl(of.root))
        token = graph.stamp(signature, NOW - YEAR, of.tsa)
        named = of.tsa.der if right else of.ca.der
        reference = CertificateReference(digest_algorithm="sha256", digest=hashlib.sha256(named).digest())
        own = replace(token.signature, signing_certificate=(reference,))
        graph.collector.time_stamp(replace(token, signature=own))
        (found,) = graph.run(of.trust, policy=shipped(policy)).signatures
        assert found.best_signature_time == (NOW - YEAR if right else NOW)


@pytest.mark.req("EN319102-1:5.2.8.4-PRESENT")
@pytest.mark.parametrize("policy", ["ades", "qualified"])
def test_a_token_that_names_no_certificate(policy: str) -> None:
    of, graph = house(), Graph()
    signature = graph.sign(of.signer)
    at_hand(graph, of)
    token = graph.stamp(signature, NOW - YEAR, of.tsa)
    graph.collector.time_stamp(replace(token, signature=replace(token.signature, signing_certificate=())))
    (found,) = graph.run(of.trust, policy=shipped(policy)).signatures
    assert found.best_signature_time == (NOW - YEAR if policy == "ades" else NOW)


@pytest.mark.parametrize(
    ("policy", "expected"), [("ades", "TOTAL-PASSED"), ("qualified", "TIMESTAMP_ORDER_FAILURE")]
)
def test_time_stamps_out_of_order(policy: str, expected: str) -> None:
    graph, of, signature = signed()
    at_hand(graph, of)
    graph.stamp(signature, NOW - YEAR, of.tsa)
    graph.stamp(signature, NOW - YEAR / 2, of.tsa, kind=TimeStampKind.CONTENT)
    assert verdict(graph.run(of.trust, policy=shipped(policy))) == expected


@pytest.mark.req("EN319102-1:5.2.5.4-2")
@pytest.mark.parametrize(
    ("policy", "age", "expected"),
    [
        ("ades", timedelta(hours=30), "TOTAL-PASSED"),
        ("qualified", timedelta(hours=24), "TOTAL-PASSED"),
        ("qualified", timedelta(hours=24, seconds=1), "TRY_LATER"),
        ("preservation", timedelta(0), "TOTAL-PASSED"),
        ("preservation", timedelta(seconds=1), "TRY_LATER"),
    ],
)
def test_revocation_data_about_the_signer_that_is_too_old(policy: str, age: timedelta, expected: str) -> None:
    """TS 119 172-4, REQ-4.2-03, c) iv, as the acts of 2025 bind it; a nextUpdate far off does not help."""
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, NOW - age, lasts=YEAR), crl(of.root, NOW - 40 * DAY, lasts=YEAR))
    assert verdict(graph.run(of.trust, policy=shipped(policy))) == expected


@pytest.mark.parametrize(("policy", "expected"), [(one, "TOTAL-PASSED") for one in STRICT])
def test_revocation_data_about_an_authority_after_its_next_update_warns(policy: str, expected: str) -> None:
    """The acts set no limit for other certificates; a proof of existence could never heal it."""
    graph, of, _ = signed()
    graph.certificates(of.ca)
    graph.lists(crl(of.ca, NOW, lasts=YEAR), crl(of.root, NOW - 40 * DAY, lasts=DAY))
    outcome = graph.run(of.trust, policy=shipped(policy))
    assert verdict(outcome) == expected
    assert "rfc.fresh" in {one.id for one in outcome.signatures[0].basic.warnings()}
    assert [one.fresher_than for one in outcome.needs] == [NOW - 40 * DAY], "and newer is asked for"


@pytest.mark.parametrize("policy", STRICT)
@pytest.mark.parametrize("context", [Context.SIGNATURE, Context.COUNTER_SIGNATURE])
def test_the_limits_of_the_acts_are_those_of_every_signature(policy: str, context: Context) -> None:
    section = Section.SIGNING_CERTIFICATE
    freshness = shipped(policy).constraint(context, "freshness", section)
    assert freshness.level is Level.FAIL
    assert freshness.limit == {"qualified": timedelta(hours=24), "preservation": timedelta(0)}[policy]
    assert shipped(policy).level(context, "revocation-data-available", section) is Level.FAIL
    assert shipped(policy).level(context, "acceptable-revocation-data-found", section) is Level.FAIL
