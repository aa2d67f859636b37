"""Signatures of level B-B in every format, packaging and container, in three steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from signing_forms import CLAIMS, FORMS, NAMES, TWO, USUAL, asked, detached
from signing_house import KINDS, NOW, house, pdf

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.data import Octets
from trustworks.formats.evidence import PolicyReference
from trustworks.formats.read import read
from trustworks.formats.verification import is_of_any
from trustworks.signing.create import Prepared, prepare
from trustworks.signing.model import (
    Document,
    Format,
    Onto,
    Request,
)

if TYPE_CHECKING:
    from signing_house import Person

    from trustworks.formats.data import Data


def made(request: Request, person: Person, *, stamp: bool = False) -> Data:
    """A signature, whose prepared state went through octets."""
    prepared = prepare(
        request,
        person.signer,
        (lambda data: house().stamp(data.digest("sha256"))) if stamp else None,
    )
    prepared = Prepared.decode(prepared.encode())
    return prepared.complete(person.sign(prepared.dtbs.octets), request.documents)


def check(request: Request, found: Data, number: int = 1) -> None:
    """The file has that many signatures, each of level B-B, over everything."""
    evidence = read(found, detached=detached(request))
    assert len(evidence.signatures) == number
    certificates = evidence.certificates
    for one in evidence.signatures:
        assert one.level == f"{NAMES[request.format]}-BASELINE-B", (one.level, one.findings)
        assert one.references
        assert all(reference.intact for reference in one.references)
        assert is_of_any(one, certificates)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_a_baseline_signature(form: str) -> None:
    request = asked(form)
    check(request, made(request, house().person()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form", ["xades-enveloped", "cades-enveloping", "pades", "jades-flattened", "asic-e-cades"]
)
def test_each_kind_of_key_signs(form: str, kind: str) -> None:
    request = asked(form)
    check(request, made(request, house().person(kind)))


@pytest.mark.parametrize(
    "form", ["xades-enveloped", "cades-detached", "pades", "jades-by-hash", "asic-e-cades", "asic-e-xades"]
)
def test_documents_are_stamped_before_they_are_signed(form: str) -> None:
    request = asked(form, content_time_stamp=True)
    found = made(request, house().person(), stamp=True)
    check(request, found)
    stamps = read(found, detached=detached(request)).time_stamps
    assert [one.kind.value for one in stamps] == ["content"]
    assert all(reference.intact for one in stamps for reference in one.references)


def test_a_content_time_stamp_needs_somebody_who_makes_it() -> None:
    with pytest.raises(Rejected, match="no time-stamping authority") as caught:
        prepare(asked("cades-detached", content_time_stamp=True), house().person().signer)
    assert caught.value.code == "signing.no-stamper"


@pytest.mark.parametrize("form", USUAL)
def test_what_the_signer_says_is_read_back(form: str) -> None:
    policy = PolicyReference(
        identifier="1.2.3.4", digest_algorithm="sha256", digest=b"d" * 32, uri="http://example.com/p"
    )
    request = asked(form)
    claims = replace(
        CLAIMS,
        policy=policy,
        location={"city": "Lisboa", "country": "PT", "street": "Rua 1"},
        claimed_roles=("director",),
        commitments=("proof-of-origin",),
    )
    found = made(replace(request, claims=claims), house().person())
    (one,) = read(found).signatures
    attributes = one.attributes
    assert attributes.policy is not None
    assert attributes.policy.identifier in {"1.2.3.4", "urn:oid:1.2.3.4"}
    assert "director" in str(attributes.claimed_roles)
    assert attributes.commitments[0].endswith((".16.6.1", "#ProofOfOrigin"))
    assert all(one in str(attributes.location) for one in ("Lisboa", "PT", "Rua 1"))
    assert attributes.signing_time == NOW


@pytest.mark.parametrize(
    "form",
    [
        "xades-enveloped-beside-others",
        "cades-enveloping",
        "cades-detached",
        "pades",
        "jades-flattened",
        "asic-e-cades",
        "asic-e-xades",
    ],
)
def test_two_sign_the_same(form: str) -> None:
    first, second = house().person(), house().person("P-384")
    request = asked(form)
    once = made(request, first)
    file = Octets(once.octets(), once.name or "signed")
    onto = Onto.NEW if request.format is Format.PADES else Onto.PARALLEL
    beside = request.documents if detached(request) else ()
    again = replace(request, onto=onto, documents=(Document(data=file), *beside))
    check(request, made(again, second), number=2)


@pytest.mark.parametrize("form", ["xades-enveloped", "cades-enveloping", "cades-detached", "jades-flattened"])
def test_a_signature_is_countersigned(form: str) -> None:
    request = asked(form)
    once = made(request, house().person())
    beside = request.documents if detached(request) else ()
    again = replace(
        request,
        onto=Onto.COUNTER,
        packaging=request.packed_as,
        documents=(Document(data=Octets(once.octets(), "signed")), *beside),
    )
    found = made(again, house().person("P-384"))
    evidence = read(found, detached=detached(request))
    (own,) = [one for one in evidence.signatures if one.parent is None]
    (counter,) = [one for one in evidence.signatures if one.parent is not None]
    assert counter.parent == own.id
    assert all(reference.intact for one in (own, counter) for reference in one.references)


def test_which_of_several_is_countersigned_has_to_be_said() -> None:
    person = house().person()
    request = asked("cades-enveloping")
    once = made(request, person)
    twice = made(replace(request, onto=Onto.PARALLEL, documents=(Document(data=once),)), person)
    again = replace(request, onto=Onto.COUNTER, documents=(Document(data=twice),))
    with pytest.raises(Rejected, match="not said which of them"):
        prepare(again, person.signer)
    named = read(twice).signatures[1].id
    found = read(made(replace(again, target=named), person))
    assert [one.parent for one in found.signatures if one.parent] == [named]


@pytest.mark.req("TRUSTWORKS:SIGNING-FROZEN")
@pytest.mark.parametrize("form", FORMS)
def test_other_documents_than_those_prepared_are_refused(form: str) -> None:
    person, request = house().person(), asked(form)
    prepared = prepare(request, person.signer)
    value = person.sign(prepared.dtbs.octets)
    first = request.documents[0]
    other = replace(first, data=Octets(first.data.octets() + b" ", first.name))
    with pytest.raises(Rejected) as caught:
        prepared.complete(value, (other, *request.documents[1:]))
    assert caught.value.code == "data.changed"


@pytest.mark.parametrize("form", FORMS)
def test_the_value_of_another_key_is_refused(form: str) -> None:
    person, request = house().person(), asked(form)
    prepared = prepare(request, person.signer)
    with pytest.raises(Rejected) as caught:
        prepared.complete(person.sign(prepared.dtbs.octets + b"x"), request.documents)
    assert caught.value.code == "signature.own"


@pytest.mark.parametrize("octets", [b"", b"{}", b'{"prepared":"signature"}', b"[1]", b"\xff"])
def test_what_was_not_prepared_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed, match=r"prepared"):
        Prepared.decode(octets)


def test_what_was_prepared_and_lost_a_part_is_malformed() -> None:
    octets = prepare(asked("asic-e-cades"), house().person().signer).encode()
    for name in (b'"format"', b'"inner"', b'"outer"', b'"given"', b'"level"', b'"place"', b'"serialization"'):
        with pytest.raises(Malformed):
            Prepared.decode(octets.replace(name, b'"other"', 1))


def test_an_asic_s_holds_one_document() -> None:
    with pytest.raises(Rejected, match="holds one document"):
        prepare(asked("asic-s-cades", documents=TWO), house().person().signer)


def test_a_pdf_that_is_none_is_malformed() -> None:
    bad = (Document(data=Octets(b"no PDF", "a.pdf")),)
    with pytest.raises(Malformed):
        prepare(asked("pades", documents=bad), house().person().signer)
    assert pdf().size
