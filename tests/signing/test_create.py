"""Signatures of level B-B in every format, packaging and container, in three steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from signing_house import JSON, KINDS, NOW, TEXT, XML, documents, house, pdf

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import PolicyReference
from trustworks.formats.read import read
from trustworks.formats.verification import is_of_any
from trustworks.signing.create import Prepared, prepare
from trustworks.signing.model import (
    Container,
    Document,
    Format,
    JadesChoices,
    Onto,
    Packaging,
    PadesChoices,
    Request,
    XadesChoices,
)

if TYPE_CHECKING:
    from signing_house import Person

    from trustworks.formats.data import Data

CLAIMS = Claims(signing_time=NOW)
TWO = (
    Document(data=Octets(TEXT, "a.txt")),
    Document(data=Octets(JSON, "b.json"), media_type="application/json"),
)
X, C, P, J = Format.XADES, Format.CADES, Format.PADES, Format.JADES
FORMS: dict[str, dict[str, Any]] = {
    "xades-enveloped": {"format": X},
    "xades-enveloped-beside-others": {"format": X, "xades": XadesChoices(beside_others=True)},
    "xades-enveloping": {"format": X, "packaging": Packaging.ENVELOPING, "documents": TWO},
    "xades-enveloping-xml": {
        "format": X,
        "packaging": Packaging.ENVELOPING,
        "documents": (Document(data=Octets(XML, "a.xml")),),
        "xades": XadesChoices(as_xml=True),
    },
    "xades-detached": {"format": X, "packaging": Packaging.DETACHED, "documents": TWO},
    "xades-manifest": {
        "format": X,
        "packaging": Packaging.DETACHED,
        "documents": TWO,
        "xades": XadesChoices(manifest=True),
    },
    "xades-internally-detached": {
        "format": X,
        "packaging": Packaging.INTERNALLY_DETACHED,
        "xades": XadesChoices(parts=("b", "c"), sign_key_info=True),
    },
    "cades-enveloping": {"format": C},
    "cades-detached": {"format": C, "packaging": Packaging.DETACHED},
    "pades": {"format": P},
    "pades-certified": {"format": P, "pades": PadesChoices(certify=2, reason="I agree", name="Somebody")},
    "jades-compact": {"format": J, "jades": JadesChoices(serialization="compact")},
    "jades-flattened": {"format": J},
    "jades-general": {"format": J, "jades": JadesChoices(serialization="general")},
    "jades-clear": {"format": J, "jades": JadesChoices(encoded=False)},
    "jades-by-hash": {"format": J, "packaging": Packaging.DETACHED, "documents": TWO},
    "jades-by-uri": {"format": J, "packaging": Packaging.DETACHED, "jades": JadesChoices(mechanism="uri")},
    "jades-beside": {"format": J, "packaging": Packaging.DETACHED, "jades": JadesChoices(mechanism="none")},
    "asic-s-cades": {"format": C, "container": Container.ASIC_S},
    "asic-s-xades": {"format": X, "container": Container.ASIC_S, "documents": TWO[:1]},
    "asic-e-cades": {"format": C, "container": Container.ASIC_E, "documents": TWO},
    "asic-e-xades": {"format": X, "container": Container.ASIC_E, "documents": TWO},
}
USUAL = ["xades-enveloped", "cades-enveloping", "pades", "jades-flattened"]
NAMES = {X: "XAdES", C: "CAdES", P: "PAdES", J: "JAdES"}


def asked(form: str, **changes: Any) -> Request:
    given = {"claims": CLAIMS} | FORMS[form] | changes
    given.setdefault("documents", documents(given["format"], given.get("packaging")))
    return Request(**given)


def made(request: Request, person: Person, *, stamp: bool = False) -> Data:
    """A signature, whose prepared state went through octets."""
    prepared = prepare(
        request,
        person.signer,
        (lambda data: house().stamp(data.digest("sha256"))) if stamp else None,
    )
    prepared = Prepared.decode(prepared.encode())
    return prepared.complete(person.sign(prepared.dtbs.octets), request.documents)


def detached(request: Request) -> list[Data]:
    if request.packed_as is Packaging.DETACHED and request.container is None:
        return [one.data for one in request.documents]
    return []


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
    place = {
        "cades": {"locality": "Lisboa"},
        "xades": {"city": "Lisboa"},
        "jades": {"addressLocality": "Lisboa"},
    }
    request = asked(form)
    claims = replace(
        CLAIMS,
        policy=policy,
        location=place.get(request.format.value, {"locality": "Lisboa"}),
        claimed_roles=("director",),
        commitments=("1.2.840.113549.1.9.16.6.1",),
    )
    found = made(replace(request, claims=claims), house().person())
    (one,) = read(found).signatures
    attributes = one.attributes
    assert attributes.policy is not None
    assert attributes.policy.identifier in {"1.2.3.4", "urn:oid:1.2.3.4"}
    assert "director" in str(attributes.claimed_roles)
    assert "1.2.840.113549.1.9.16.6.1" in str(attributes.commitments)
    assert "Lisboa" in str(attributes.location)
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
