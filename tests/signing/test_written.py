"""What a writer of each format puts into a signature: what was claimed, as the baseline asks for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import pytest
from evidence_graphs import crl
from evidence_graphs import house as graph_house
from lxml import etree
from signed_stories import (
    Signing,
    cades_of,
    cades_stamped,
    jades_of,
    pades_of,
    token,
    xades_of,
    xades_stamped,
)
from signing_house import NOW, documents, house

from trustworks.core.errors import Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.cades.creating.signature import Options, counter_sign
from trustworks.formats.cades.creating.unsigned import Target, with_time_stamp
from trustworks.formats.cades.creating.unsigned import octets_to_stamp as cades_octets
from trustworks.formats.claims import NO_CLAIMS, Claims
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import Octets
from trustworks.formats.evidence import PolicyReference, TimeStampKind, Where
from trustworks.formats.jades import creating as jades
from trustworks.formats.jades.base64url import decode
from trustworks.formats.pades.creating import Related, add_store
from trustworks.formats.read import read
from trustworks.formats.xades.creating import unsigned as xades_unsigned
from trustworks.signing.create import prepare
from trustworks.signing.model import Format, JadesChoices, Packaging, Request

if TYPE_CHECKING:
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Attributes, Signature

ORIGIN: Final = "1.2.840.113549.1.9.16.6.1"
POLICY: Final = PolicyReference(
    identifier="1.2.3.4", digest_algorithm="sha256", digest=hashlib.sha256(b"policy").digest()
)
ROLES: Final = ("Director", "Witness")
PLACE: Final = {"city": "Somewhere", "country": "XX"}
PERSON: Final = house().person()
ALONE: Final = [Format.XADES, Format.CADES, Format.JADES]


def made(format_: Format, claims: Claims, **changes: Any) -> Data:
    given = {"documents": documents(format_), **changes}
    request = Request(format=format_, claims=claims, **given)
    prepared = prepare(request, PERSON.signer)
    return prepared.complete(PERSON.sign(prepared.dtbs.octets), request.documents)


def signature(format_: Format, claims: Claims, **changes: Any) -> Signature:
    (found,) = read(made(format_, claims, **changes)).signatures
    return found


def said(format_: Format, **claims: Any) -> Attributes:
    return signature(format_, Claims(signing_time=NOW, **claims)).attributes


@pytest.mark.req("EN319122-1:6.3-GEN-CLAIMS", "TS119182-1:6.3-GEN-TIME")
@pytest.mark.parametrize("format_", ALONE)
def test_the_time_that_is_claimed_is_signed(format_: Format) -> None:
    assert said(format_).signing_time == NOW


@pytest.mark.req("EN319132-1:6.3-GEN-TIME", "EN319122-1:6.3-GEN-TIME")
@pytest.mark.parametrize("format_", list(Format))
def test_a_time_of_another_zone_is_the_same_moment(format_: Format) -> None:
    here = NOW.astimezone(timezone(timedelta(hours=2)))
    assert signature(format_, Claims(signing_time=here)).attributes.signing_time == NOW


@pytest.mark.req("EN319132-1:6.3-GEN-TIME", "EN319122-1:6.3-GEN-TIME")
@pytest.mark.parametrize("format_", list(Format))
def test_a_time_without_its_zone_is_refused(format_: Format) -> None:
    with pytest.raises(Rejected, match="needs its zone"):
        made(format_, Claims(signing_time=NOW.replace(tzinfo=None)))


@pytest.mark.req("EN319122-1:6.3-GEN-CLAIMS", "TS119182-1:5.2-GEN-CLAIMS", "EN319132-1:6.3-GEN-FORMAT")
@pytest.mark.req("TS119101:SCP-38")
@pytest.mark.parametrize("format_", list(Format))
def test_a_commitment_is_signed(format_: Format) -> None:
    assert [one.removeprefix("urn:oid:") for one in said(format_, commitments=(ORIGIN,)).commitments] == [
        ORIGIN
    ]


@pytest.mark.req("EN319122-1:6.3-GEN-CLAIMS", "TS119182-1:5.2-GEN-CLAIMS", "EN319132-1:6.3-GEN-POLICY")
@pytest.mark.parametrize("format_", list(Format))
def test_a_policy_is_signed_with_its_digest(format_: Format) -> None:
    found = said(format_, policy=POLICY).policy
    assert found is not None
    assert (found.identifier, found.digest_algorithm, found.digest) == ("1.2.3.4", "sha256", POLICY.digest)


@pytest.mark.req("EN319122-1:6.3-GEN-CLAIMS", "TS119182-1:5.2-GEN-CLAIMS", "EN319132-1:6.3-GEN-ROLES")
@pytest.mark.parametrize("format_", list(Format))
def test_roles_are_signed(format_: Format) -> None:
    assert set(said(format_, claimed_roles=ROLES).claimed_roles) == set(ROLES)


@pytest.mark.req("EN319122-1:6.3-GEN-CLAIMS", "TS119182-1:5.2-GEN-CLAIMS", "EN319132-1:6.3-GEN-PLACE")
@pytest.mark.parametrize("format_", ALONE)
def test_a_place_is_signed(format_: Format) -> None:
    found = said(format_, location=PLACE).location
    assert set((found or {}).values()) == set(PLACE.values())


@pytest.mark.req("TS119101:SCP-5", "TS119101:SCP-20", "TS119101:SCP-22", "EN319132-1:6.3-GEN-FORMAT")
@pytest.mark.parametrize("format_", ALONE)
def test_the_kind_of_data_is_signed(format_: Format) -> None:
    (document,) = documents(format_)
    found = said(format_)
    assert document.media_type in {found.mime_type, found.content_type}


@pytest.mark.req(
    "EN319122-1:6.3-GEN-REFERENCE", "EN319132-1:6.3-GEN-REFERENCE", "TS119182-1:6.3-GEN-REFERENCE"
)
@pytest.mark.parametrize("format_", list(Format))
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_one_reference_binds_the_certificate_of_the_signer(format_: Format, hash_name: str) -> None:
    certificate = PERSON.certificate
    (found,) = signature(format_, Claims(signing_time=NOW), hash_name=hash_name).signing_certificate
    assert (found.digest_algorithm, found.digest) == (
        hash_name,
        hashlib.new(hash_name, certificate).digest(),
    )


@pytest.mark.req("TS119182-1:5.1.9-GEN-CRIT")
def test_what_json_does_not_know_is_critical() -> None:
    claims = Claims(signing_time=NOW, policy=POLICY, commitments=(ORIGIN,))
    file = made(Format.JADES, claims, hash_name="sha512", jades=JadesChoices(encoded=False)).octets()
    header = json.loads(decode(json.loads(file)["protected"], "header"))
    assert set(header["crit"]) == {"b64", "x5t#o", "srCms", "sigPId"}
    beside = made(Format.JADES, claims, packaging=Packaging.DETACHED).octets()
    assert "sigD" in json.loads(decode(json.loads(beside)["protected"], "header"))["crit"]


@pytest.mark.req("EN319142-1:6.3-GEN-TIME")
def test_a_pdf_says_the_time_in_its_dictionary_alone() -> None:
    found = signature(Format.PADES, Claims(signing_time=NOW, location={"country": "XX"}))
    assert found.level == "PAdES-BASELINE-B"
    assert found.attributes.signing_time == NOW
    assert not {"1.2.840.113549.1.9.5", "1.2.840.113549.1.9.16.2.17"} & found.attributes.names


@pytest.mark.req("TS119101:SCP-14", "EN419111:2-DOCUMENTS")
def test_a_signature_is_completed_over_the_document_that_was_chosen() -> None:
    request = Request(format=Format.CADES, claims=Claims(signing_time=NOW), documents=documents(Format.CADES))
    prepared = prepare(request, PERSON.signer)
    value = PERSON.sign(prepared.dtbs.octets)
    (document,) = request.documents
    other = replace(document, data=Octets(b"another", "a.txt"))
    for given in ((other,), (document, document), ()):
        with pytest.raises(Rejected, match="not those that the signature was prepared for"):
            prepared.complete(value, given)


# What is added: time-stamps and validation data

AUTHORITY: Final = graph_house()
AT: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)


def story(**changes: Any) -> Signing:
    given: dict[str, Any] = {"by": AUTHORITY.signer, "time": AT, "chain": (AUTHORITY.ca,)}
    return Signing(**(given | changes))


def stamp(over: bytes) -> bytes:
    return token(AUTHORITY.tsa, over, AT, AUTHORITY.root)


DATA: Final = ValidationData(certificates=[AUTHORITY.root.der], lists=[crl(AUTHORITY.ca, AT)])


@pytest.mark.req("EN319122-1:5.3-GEN-TIME-STAMP")
def test_a_signature_time_stamp_of_cms_is_over_the_value() -> None:
    target = Target(structure=cades_of(story()))
    (signer,) = read_signed_data(target.structure).signers
    assert cades_octets(target) == signer.signature.string()
    stamped = with_time_stamp(target, stamp(signer.signature.string()))
    (found,) = read(Octets(stamped)).time_stamps
    assert found.references[0].intact


ADDED: Final = {
    "CAdES": lambda given: with_time_stamp(Target(structure=cades_of(story())), given),
    "XAdES": lambda given: xades_unsigned.with_time_stamp(
        xades_unsigned.Target(document=xades_of(story()), signature="S1"), given
    ),
    "JAdES": lambda given: jades.with_time_stamp(jades.Target(file=jades_of(story())), given),
}


@pytest.mark.req("EN319122-1:5-STAMPED", "EN319132-1:5.1.4-STAMPED", "TS119182-1:5.3-STAMPED")
@pytest.mark.parametrize("add", ADDED.values(), ids=ADDED)
def test_a_token_over_something_else_is_not_added(add: Any) -> None:
    with pytest.raises(Rejected) as caught:
        add(stamp(b"something else"))
    assert caught.value.code == "adding.time-stamp"


@pytest.mark.req("EN319122-1:6.3-GEN-CERTIFICATES")
def test_who_signs_beside_others_brings_his_certificates() -> None:
    structure = cades_of(story())
    options = Options(scheme="ECDSA_SHA256")
    prepared = counter_sign(structure, 0, PERSON.signer.certificates, NO_CLAIMS, options)
    joined = prepared.join_counter(PERSON.sign(prepared.dtbs.octets), structure, 0)
    there = {one.octets for one in read_signed_data(joined).certificates}
    assert {PERSON.certificate, AUTHORITY.signer.der, AUTHORITY.ca.der} <= there


@pytest.mark.req("EN319122-1:5.5.2-GEN-INDEX")
def test_an_archive_time_stamp_of_cms_covers_certificates_and_revocation_data() -> None:
    structure = cades_stamped(cades_of(story(stamps=(stamp,), values=DATA)), stamp)
    evidence = read(Octets(structure))
    (archive,) = (one for one in evidence.time_stamps if one.kind is TimeStampKind.ARCHIVE)
    (own,) = evidence.signatures
    assert {*own.revocation, AUTHORITY.signer.id, AUTHORITY.ca.id} <= archive.covers


@pytest.mark.req("EN319122-1:6.3-GEN-LT")
def test_validation_data_of_cms_is_in_the_structure_itself() -> None:
    evidence = read(Octets(cades_of(story(values=DATA))))
    tokens = [evidence.certificates[AUTHORITY.root.id], *evidence.revocation.values()]
    assert len(tokens) == 2
    where = {one.where for token_ in tokens for one in token_.origins}
    assert not where & {Where.CERTIFICATE_VALUES, Where.REVOCATION_VALUES}


@pytest.mark.req("EN319132-1:6.3-GEN-VALUES")
def test_validation_data_of_xml_stands_in_the_two_values() -> None:
    (found,) = read(Octets(xades_of(story(values=DATA)))).signatures
    evidence = read(Octets(xades_of(story(values=DATA))))
    where = {one.where.value for token_ in evidence.revocation.values() for one in token_.origins}
    assert where == {"revocation-values"}
    assert AUTHORITY.root.id in found.certificates


@pytest.mark.req("EN319132-1:6.3-GEN-ONCE")
def test_values_of_xml_stand_once_and_what_comes_later_is_of_time_stamps() -> None:
    before = xades_stamped(xades_of(story(stamps=(stamp,), values=DATA)), stamp)
    more = ValidationData(certificates=[AUTHORITY.responder.der], lists=[crl(AUTHORITY.root, AT)])
    target = xades_unsigned.Target(document=before, signature="S1")
    root = etree.fromstring(xades_unsigned.with_more_values(target, more))
    names = [etree.QName(one).localname for one in root.iter("{*}*")]
    assert names.count("TimeStampValidationData") == 1
    inside = [etree.QName(one).localname for one in root.iterfind(".//{*}UnsignedSignatureProperties/*")]
    assert (inside.count("CertificateValues"), inside.count("RevocationValues")) == (1, 1)


@pytest.mark.req("EN319142-1:5.4.2-GEN-VRI")
def test_of_a_pdf_it_is_said_which_data_is_for_which_signature() -> None:
    signed = Octets(pades_of(story()), "a.pdf")
    (found,) = read(signed).signatures
    assert found.revision is not None
    stored = add_store(signed, DATA, [Related(field=found.revision.field, data=DATA)])
    evidence = read(Octets(stored.octets(), "a.pdf"))
    where = {one.where.value for token_ in evidence.revocation.values() for one in token_.origins}
    assert "vri-dictionary" in where
