"""Signatures that the tests make: what the reader finds in them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from xades_documents import (
    AUTHORITY,
    C14N,
    CERTIFICATE,
    DS,
    EXCLUSIVE,
    XADES_141,
    Making,
    Referring,
    add_property,
    archived,
    b64,
    by_id,
    canonical,
    certificate_values,
    complete,
    complete_references,
    enveloped,
    find,
    revocation_list,
    revocation_values,
    sha256,
    sign,
    signing_certificate_v1,
    signing_certificate_v2,
    time_stamp,
    value_of,
)

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.formats.collector import Collector
from trustworks.formats.data import DigestOnly, Octets, Stored
from trustworks.formats.evidence import Evidence, ReferenceKind, ScopeKind, TimeStampKind, Weight
from trustworks.formats.limits import DEFAULT
from trustworks.formats.read import read as read_any
from trustworks.formats.verification import is_value_of
from trustworks.formats.xades import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Signature

XADES_111 = "http://uri.etsi.org/01903/v1.1.1#"
XADES_122 = "http://uri.etsi.org/01903/v1.2.2#"


def evidence_of(
    root: etree._Element | bytes, detached: Sequence[Data] = (), anchors: TrustAnchors | None = None
) -> Evidence:
    octets = root if isinstance(root, bytes) else etree.tostring(root)
    collector = Collector(anchors)
    read(Octets(octets, name="signed.xml"), collector, detached=detached, limits=DEFAULT)
    return collector.evidence()


def only(
    root: etree._Element, detached: Sequence[Data] = (), anchors: TrustAnchors | None = None
) -> Signature:
    (found,) = evidence_of(root, detached, anchors).signatures
    return found


def trusted() -> TrustAnchors:
    """Who issued the signer's certificate, and the unit that made the time-stamps."""
    signer = x509.load_der_x509_certificate(CERTIFICATE)
    key = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TrustAnchors(
        [
            TrustAnchor.named(signer.issuer.public_bytes(), key),
            TrustAnchor.of(Certificate.read(AUTHORITY.certificate)),
        ]
    )


def test_a_signature_over_an_object_is_of_baseline_b_and_holds() -> None:
    found = only(sign())
    assert found.level == "XAdES-BASELINE-B"
    assert [(one.kind, one.found, one.intact) for one in found.references] == [
        (ReferenceKind.OBJECT, True, True),
        (ReferenceKind.SIGNED_PROPERTIES, True, True),
    ]
    assert is_value_of(found, CERTIFICATE)
    assert found.findings == ()
    assert found.attributes.signing_time == datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert found.attributes.mime_type == "text/plain"
    assert [one.digest for one in found.signing_certificate] == [sha256(CERTIFICATE)]
    assert found.name == "S1"


def test_what_an_object_s_signature_covers_can_be_taken_out() -> None:
    (scope,) = only(sign()).scopes
    assert scope.kind is ScopeKind.PARTIAL
    assert scope.data is not None
    assert b"What is signed." in scope.data.octets()


def test_any_reader_is_given_xml() -> None:
    assert read_any(Octets(etree.tostring(sign()))).signatures[0].level == "XAdES-BASELINE-B"


def test_a_document_with_its_signature_in_it_is_covered_whole() -> None:
    found = only(enveloped())
    assert [one.intact for one in found.references] == [True, True]
    assert [one.kind for one in found.scopes] == [ScopeKind.FULL]
    assert "without this signature" in found.scopes[0].text


def detached_making() -> Making:
    return Making(
        objects="",
        references=[Referring(uri="some%20data.bin", id="R1", transforms=(), content=b"some data")],
    )


def test_detached_data_is_found_by_its_name_with_percent_encoding_undone() -> None:
    found = only(
        sign(detached_making()), [Octets(b"other", name="x"), Octets(b"some data", name="some data.bin")]
    )
    assert [one.intact for one in found.references] == [True, True]
    assert [(one.kind, one.name) for one in found.scopes] == [(ScopeKind.FULL, "some data.bin")]


def test_detached_data_may_be_a_file_that_is_read_through_or_only_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"some data")
    root = sign(detached_making())
    assert only(root, [Stored(path, name="some data.bin")]).references[0].intact
    known = DigestOnly((("sha256", sha256(b"some data")),), name="some data.bin")
    found = only(root, [known])
    assert found.references[0].intact
    assert found.scopes[0].kind is ScopeKind.DIGEST
    unknown = only(root, [DigestOnly((("sha512", b"1" * 64),), name="some data.bin")])
    assert (unknown.references[0].found, unknown.references[0].intact) == (True, False)


def test_of_several_digests_of_detached_data_that_of_the_reference_is_compared() -> None:
    ours = DigestOnly((("sha256", sha256(b"some data")),), name="some data.bin")
    other = DigestOnly((("sha512", b"1" * 64),), name="some data.bin")
    found = only(sign(detached_making()), [other, ours])
    assert (found.references[0].intact, found.scopes[0].data) == (True, ours)
    unknown = only(sign(detached_making()), [other])
    assert (unknown.references[0].covers, unknown.scopes[0].data) == (frozenset(), None)


def test_detached_data_that_is_not_given_is_not_found() -> None:
    found = only(sign(detached_making()))
    assert [(one.found, one.intact) for one in found.references[:1]] == [(False, False)]
    assert found.scopes == ()


def test_of_several_signed_files_one_that_is_given_is_the_one_whose_digest_it_has() -> None:
    making = Making(
        objects="",
        references=[
            Referring(uri=name, id=f"R-{name}", transforms=(), content=name.encode()) for name in ("a", "b")
        ],
        data_properties="",
    )
    root = sign(making)
    for given, is_found in (
        (Octets(b"a", name="a"), [True, False]),
        (Octets(b"other", name="a"), [True, False]),
        (Octets(b"b", name="renamed"), [False, True]),
        (Octets(b"other", name="renamed"), [False, False]),
    ):
        assert [one.found for one in only(root, [given]).references[:2]] == is_found, given


@pytest.mark.req("XMLDSIG-BP:XSLT")
def test_what_a_program_of_the_signer_would_give_is_no_signed_data() -> None:
    xslt = "http://www.w3.org/TR/1999/REC-xslt-19991116"
    making = Making(references=[Referring(uri="#O1", id="R1", type=f"{DS}Object", transforms=(xslt,))])
    found = only(sign(making))
    assert [one.code for one in found.findings if one.weight is Weight.FATAL] == ["xades.program"]
    assert not found.references[0].intact


def test_one_file_alone_is_what_a_reference_to_another_name_means() -> None:
    assert only(sign(detached_making()), [Octets(b"some data", name="renamed")]).references[0].intact
    changed = only(sign(detached_making()), [Octets(b"other data", name="renamed")]).references[0]
    assert (changed.found, changed.intact) == (True, False)


def test_changed_data_is_found_and_not_intact() -> None:
    root = sign()
    by_id(root, "O1").text = "Another text."
    found = only(root).references[0]
    assert (found.found, found.intact) == (True, False)
    assert found.why is not None


def test_every_signed_property_is_read() -> None:
    found = only(
        sign(
            Making(
                signature_properties=(
                    "<xades:SignaturePolicyIdentifier><xades:SignaturePolicyId><xades:SigPolicyId>"
                    '<xades:Identifier Qualifier="OIDAsURN">urn:oid:1.2.3</xades:Identifier>'
                    "<xades:Description>A policy</xades:Description></xades:SigPolicyId>"
                    f'<ds:Transforms><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>'
                    '<xades:SigPolicyHash><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
                    f"<ds:DigestValue>{b64(sha256(b'policy'))}</ds:DigestValue></xades:SigPolicyHash>"
                    "<xades:SigPolicyQualifiers><xades:SigPolicyQualifier><xades:SPURI>https://p.example"
                    "</xades:SPURI></xades:SigPolicyQualifier><xades:SigPolicyQualifier><xades:SPUserNotice>"
                    "<xades:ExplicitText>Read it</xades:ExplicitText></xades:SPUserNotice>"
                    "</xades:SigPolicyQualifier></xades:SigPolicyQualifiers>"
                    "</xades:SignaturePolicyId></xades:SignaturePolicyIdentifier>"
                    "<xades:SignatureProductionPlaceV2><xades:City>Tallinn</xades:City>"
                    "<xades:StreetAddress>Pikk 1</xades:StreetAddress>"
                    "<xades:CountryName>EE</xades:CountryName></xades:SignatureProductionPlaceV2><xades:SignerRoleV2><xades:ClaimedRoles>"
                    "<xades:ClaimedRole>Clerk</xades:ClaimedRole></xades:ClaimedRoles><xades:CertifiedRolesV2>"
                    "<xades:CertifiedRole/></xades:CertifiedRolesV2></xades:SignerRoleV2>"
                ),
                data_properties=(
                    '<xades:DataObjectFormat ObjectReference="#R1"><xades:MimeType>text/xml</xades:MimeType>'
                    "</xades:DataObjectFormat><xades:CommitmentTypeIndication><xades:CommitmentTypeId>"
                    "<xades:Identifier>http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin</xades:Identifier>"
                    "</xades:CommitmentTypeId><xades:ObjectReference>#R1</xades:ObjectReference>"
                    "</xades:CommitmentTypeIndication>"
                ),
            )
        )
    ).attributes
    assert found.policy is not None
    policy = found.policy
    assert (policy.identifier, policy.description, policy.uri, policy.user_notice) == (
        *("1.2.3", "A policy"),
        *("https://p.example", "Read it"),
    )
    assert (policy.digest_algorithm, policy.digest) == ("sha256", sha256(b"policy"))
    assert policy.transforms == (EXCLUSIVE,)
    assert found.location == {"city": "Tallinn", "street": "Pikk 1", "country": "EE"}
    assert (found.claimed_roles, found.certified_roles) == (("Clerk",), 1)
    assert found.commitments == ("http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin",)
    assert found.mime_type == "text/xml"
    assert {"SigningTime", "SignerRoleV2", "CommitmentTypeIndication"} <= found.names


def test_a_policy_may_be_implied_and_another_stored() -> None:
    implied = (
        "<xades:SignaturePolicyIdentifier><xades:SignaturePolicyImplied/></xades:SignaturePolicyIdentifier>"
    )
    root = sign(Making(signature_properties=implied))
    policy = only(root).attributes.policy
    assert policy is not None
    assert policy.identifier is None
    add_property(
        root,
        "<xades141:SignaturePolicyStore><xades141:SPDocSpecification><xades:Identifier>urn:oid:1.9"
        "</xades:Identifier></xades141:SPDocSpecification><xades141:SignaturePolicyDocument>"
        f"{b64(b'policy')}</xades141:SignaturePolicyDocument></xades141:SignaturePolicyStore>",
    )
    policy = only(root).attributes.policy
    assert policy is not None
    assert (policy.octets, policy.specification) == (b"policy", "1.9")


@pytest.mark.parametrize(
    "named",
    [
        signing_certificate_v1(),
        signing_certificate_v1().replace("An authority\\, the first", '"An  AUTHORITY, the first"'),
        signing_certificate_v1().replace(
            "CN=An authority\\, the first, C=EE", "C=EE,CN=An authority\\2C the first"
        ),
    ],
)
def test_the_issuer_of_the_signing_certificate_is_found_as_differently_as_it_is_written(named: str) -> None:
    (reference,) = only(sign(Making(signing_certificate=named))).signing_certificate
    assert reference.serial == 4711
    assert reference.issuer is not None
    assert reference.issuer in CERTIFICATE


def test_another_issuer_is_not_the_certificate_s() -> None:
    named = signing_certificate_v1().replace("the first", "the second")
    (reference,) = only(sign(Making(signing_certificate=named))).signing_certificate
    assert reference.issuer is not None
    assert reference.issuer not in CERTIFICATE


def to_lta() -> tuple[etree._Element, Making, bytes]:
    making, crl = Making(), revocation_list()
    root = sign(making)
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root)))
    add_property(root, certificate_values())
    add_property(root, revocation_values(crl))
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making), prefix="xades141"))
    return root, making, crl


def test_levels_grow_with_what_is_added() -> None:
    making, crl, anchors = Making(), revocation_list(), trusted()
    root = sign(making)
    levels = [only(root, anchors=anchors).level]
    for xml in (
        time_stamp("SignatureTimeStamp", value_of(root)),
        certificate_values() + revocation_values(crl),
    ):
        for one in etree.fromstring(f'<w xmlns:xades="{making.version}">{xml}</w>'):
            add_property(root, etree.tostring(one).decode())
        levels.append(only(root, anchors=anchors).level)
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making), prefix="xades141"))
    levels.append(only(root, anchors=anchors).level)
    assert levels == [f"XAdES-BASELINE-{one}" for one in ("B", "T", "LT", "LTA")]


def test_time_stamps_are_over_what_they_should_and_cover_what_came_before() -> None:
    root, making, _ = to_lta()
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making), prefix="xades141"))
    evidence = evidence_of(root)
    (signature,) = evidence.signatures
    first, archive, second = evidence.time_stamps
    assert [one.kind for one in evidence.time_stamps] == [
        *(TimeStampKind.SIGNATURE, TimeStampKind.ARCHIVE, TimeStampKind.ARCHIVE)
    ]
    assert [one.references[0].intact for one in evidence.time_stamps] == [True, True, True]
    signed = {signature.id, *signature.references[0].covers, signature.key_info[0]}
    assert first.covers == signed
    own = {first.id, *first.signature.certificates}
    assert archive.covers == signed | own | set(evidence.revocation)
    assert second.covers == archive.covers | {archive.id, *archive.signature.certificates}
    assert archive.form == "xades-1.4.1-implicit"


def test_a_changed_property_breaks_only_the_time_stamps_after_it() -> None:
    root, _, _ = to_lta()
    find(root, ".//{*}RevocationValues").set("Id", "added")
    assert [one.references[0].intact for one in evidence_of(root).time_stamps] == [True, False]


def test_a_time_stamp_of_version_1_3_2_leaves_out_signed_objects() -> None:
    making = Making()
    root = sign(making)
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making, objects=False)))
    assert evidence_of(root).time_stamps[0].references[0].intact


def test_time_stamps_over_references_cover_what_they_refer_to() -> None:
    crl = revocation_list()
    root = sign()
    parts = [value_of(root)]
    add_property(root, time_stamp("SignatureTimeStamp", parts[0]))
    for xml in complete_references(crl):
        add_property(root, xml)
    unsigned = find(root, ".//{*}UnsignedSignatureProperties")
    stamped = [canonical(one, C14N) for one in unsigned]
    add_property(root, time_stamp("SigAndRefsTimeStamp", b"".join([*parts, *stamped])))
    add_property(root, time_stamp("RefsOnlyTimeStamp", b"".join(stamped[1:])))
    assert only(root).level == "XAdES-X"
    add_property(root, certificate_values())
    add_property(root, revocation_values(crl))
    evidence = evidence_of(root, anchors=trusted())
    (signature,) = evidence.signatures
    _, both, references = evidence.time_stamps
    assert both.references[0].intact
    assert references.references[0].intact
    assert references.covers == {signature.key_info[0], *evidence.revocation}
    assert {signature.id, evidence.time_stamps[0].id} <= both.covers
    assert signature.level == "XAdES-XL"
    assert [one.kind for one in signature.revocation_references] == ["crl"]


def test_time_stamps_over_data_are_made_before_the_signature() -> None:
    objects = '<ds:Object Id="O1">One.</ds:Object><ds:Object Id="O2">Two.</ds:Object>'
    references = [Referring(uri=f"#O{n}", id=f"R{n}", type=f"{DS}Object") for n in (1, 2)]
    plain = sign(Making(objects=objects, references=references))
    one, two = (canonical(by_id(plain, name)) for name in ("O1", "O2"))
    include = '<xades:Include URI="#R2" referencedData="true"/>'
    root = sign(
        Making(
            objects=objects,
            references=references,
            data_properties=(
                time_stamp("AllDataObjectsTimeStamp", one + two)
                + time_stamp("IndividualDataObjectsTimeStamp", two, inside=include)
            ),
        )
    )
    every, individual = evidence_of(root).time_stamps
    assert every.references[0].intact
    assert individual.references[0].intact
    assert individual.form == "xades-1.3.2-explicit"
    assert individual.covers < every.covers
    assert [scope.name for scope in individual.scopes] == ["#O2"]


def test_the_first_versions_list_what_a_time_stamp_is_over() -> None:
    for version, listed in (
        (XADES_111, '<xades:HashDataInfo uri="#V-S1"/>'),
        (XADES_122, '<xades:Include URI="#V-S1"/>'),
    ):
        root = sign(Making(version=version, properties_type=f"{version}SignedProperties"))
        add_property(root, time_stamp("SignatureTimeStamp", value_of(root), inside=listed))
        evidence = evidence_of(root)
        assert evidence.signatures[0].level == "XAdES-BASELINE-T"
        assert evidence.time_stamps[0].references[0].intact
        assert evidence.signatures[0].id in evidence.time_stamps[0].covers


def test_a_time_stamp_may_name_its_canonicalisation() -> None:
    root = sign()
    method = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root, algorithm=EXCLUSIVE), inside=method))
    assert evidence_of(root).time_stamps[0].references[0].intact
    unknown = '<ds:CanonicalizationMethod Algorithm="urn:unknown"/>'
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root), inside=unknown))
    evidence = evidence_of(root)
    assert not evidence.time_stamps[1].references[0].found
    assert [one.code for one in evidence.signatures[0].findings] == ["xades.time-stamp-cover"]


def test_what_is_no_time_stamp_is_told_and_the_signature_still_read() -> None:
    root = sign()
    add_property(
        root,
        "<xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>AAAA</xades:EncapsulatedTimeStamp>"
        "<xades:XMLTimeStamp/></xades:SignatureTimeStamp>",
    )
    found = only(root)
    assert {one.code for one in found.findings} == {"xades.time-stamp-unreadable", "xades.xml-time-stamp"}
    assert found.time_stamps == ()


def countersigned(reference: Referring | None = None) -> tuple[etree._Element, Making]:
    root = sign()
    inner = Making(id="C1", objects="", references=[reference or countersigning()], data_properties="")
    add_property(root, f"<xades:CounterSignature>{inner.xml()}</xades:CounterSignature>")
    complete(root, inner)
    return root, inner


def countersigning(uri: str = "#V-S1") -> Referring:
    return Referring(uri=uri, type="http://uri.etsi.org/01903#CountersignedSignature")


def test_a_counter_signature_is_its_parent_s() -> None:
    parent, inner = evidence_of(countersigned()[0]).signatures
    assert (inner.parent, parent.counter_signatures) == (parent.id, (inner.id,))
    assert [one.kind for one in inner.references] == [
        *(ReferenceKind.COUNTER_SIGNED, ReferenceKind.SIGNED_PROPERTIES)
    ]
    assert [one.intact for one in inner.references] == [True, True]
    assert [one.kind for one in inner.scopes] == [ScopeKind.COUNTER_SIGNATURE]
    assert inner.level == "XAdES-BASELINE-B"


def test_an_archive_time_stamp_covers_counter_signatures_and_what_came_with_them() -> None:
    root, _ = countersigned()
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root, "C1")), "C1")
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, Making()), prefix="xades141"))
    evidence = evidence_of(root)
    inner, archive = evidence.time_stamps
    assert archive.references[0].intact
    assert {evidence.signatures[1].id, inner.id, *inner.signature.certificates} <= archive.covers


def test_signatures_beside_each_other_are_each_read() -> None:
    first = sign(Making(id="S1"))
    second = sign(
        Making(
            id="S2",
            objects='<ds:Object Id="O2">Second</ds:Object>',
            references=[Referring(uri="#O2", id="R2", type=f"{DS}Object")],
            data_properties="",
        )
    )
    root = etree.Element("both")
    root.extend([first, second])
    assert [(one.name, one.parent) for one in evidence_of(root).signatures] == [("S1", None), ("S2", None)]


def test_a_signature_that_stands_twice_has_two_ids() -> None:
    root = etree.Element("twice")
    root.append(sign())
    root.append(etree.fromstring(etree.tostring(root[0])))
    first, second = evidence_of(root).signatures
    assert first.id != second.id


def test_a_manifest_s_entries_may_be_absent() -> None:
    manifest = (
        '<ds:Object><ds:Manifest Id="M1"><ds:Reference Id="E1" URI="a.txt"><ds:DigestMethod '
        'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>'
        f"{b64(sha256(b'entry'))}</ds:DigestValue></ds:Reference></ds:Manifest></ds:Object>"
    )
    root = sign(
        Making(
            objects=manifest,
            references=[Referring(uri="#M1", id="R1", type=f"{DS}Manifest")],
            data_properties="",
        )
    )
    kinds = [(one.kind, one.found, one.mandatory) for one in only(root).references]
    assert kinds[:2] == [(ReferenceKind.MANIFEST, True, True), (ReferenceKind.MANIFEST_ENTRY, False, False)]
    given = only(root, [Octets(b"entry", name="a.txt")])
    assert given.references[1].intact
    assert [one.kind for one in given.scopes] == [ScopeKind.MANIFEST, ScopeKind.MANIFEST_ENTRY]


def test_xml_signatures_without_properties_are_not_of_etsi_and_no_failure() -> None:
    root = sign()
    root.remove(root[-1])
    reference = root[0][-1]
    root[0].remove(reference)
    found = only(root)
    assert found.level == "XML-NOT-ETSI"
    assert [one.kind for one in found.references] == [ReferenceKind.OBJECT]
    assert all(one.weight is not Weight.FATAL for one in found.findings)


def test_an_unknown_digest_is_found_and_not_intact() -> None:
    root = sign()
    find(root, "{*}SignedInfo/{*}Reference[1]/{*}DigestMethod").set("Algorithm", "urn:unknown")
    found = only(root).references[0]
    assert (found.found, found.intact, found.digest_algorithm) == (True, False, "urn:unknown")


def test_documents_without_signatures_have_none() -> None:
    assert evidence_of(b"<nothing/>").signatures == ()


@pytest.mark.parametrize("octets", [b"", b"<a", b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"])
def test_what_is_not_safe_xml_is_refused(octets: bytes) -> None:
    with pytest.raises(Malformed):
        evidence_of(octets)


def test_limits_refuse_too_many_signatures_and_time_stamps() -> None:
    root, _ = countersigned()
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root)))
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root)))
    for limits in (
        replace(DEFAULT, signatures=1),
        replace(DEFAULT, time_stamps=1),
        replace(DEFAULT, parsed=100),
    ):
        with pytest.raises(Malformed):
            read(Octets(etree.tostring(root)), Collector(), limits=limits)


def test_a_signature_without_a_value_is_told_and_the_others_read() -> None:
    root = etree.Element("both")
    root.extend([sign(), etree.Element(f"{{{DS}}}Signature")])
    evidence = evidence_of(root)
    assert len(evidence.signatures) == 1
    assert [one.code for one in evidence.findings] == ["xades.unreadable"]


def test_version_1_4_1_properties_hold_validation_data() -> None:
    root = sign()
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root)))
    held = certificate_values() + revocation_values(revocation_list())
    add_property(
        root, f'<xades141:TimeStampValidationData URI="#T">{held}</xades141:TimeStampValidationData>'
    )
    evidence = evidence_of(root)
    (signature,) = evidence.signatures
    (crl,) = evidence.revocation.values()
    assert [one.where for one in crl.origins] == ["time-stamp-validation-data"]
    assert signature.revocation == (crl.id,)
    assert XADES_141 in etree.tostring(root).decode()


def test_v2_references_may_not_have_a_uri_in_the_baseline() -> None:
    named = signing_certificate_v2(attribute=' URI="https://c.example"')
    assert only(sign(Making(signing_certificate=named))).level == "XAdES-BES"


def test_renewed_digests_are_of_the_data_whose_digest_they_renew() -> None:
    root = sign()
    octets = canonical(by_id(root, "O1"))
    add_property(
        root,
        f'<xades141:RenewedDigestsV2><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha512"/>'
        + "".join(
            f"<xades141:RecomputedDigestValue><xades141:NewSDODigestValue>{b64(new)}"
            f"</xades141:NewSDODigestValue><xades141:OriginalRefDigest>{b64(old)}"
            "</xades141:OriginalRefDigest></xades141:RecomputedDigestValue>"
            for new, old in (
                (hashlib.sha512(octets).digest(), sha256(octets)),
                (bytes(64), sha256(octets)),
                (bytes(64), bytes(32)),
            )
        )
        + "</xades141:RenewedDigestsV2>",
    )
    found = only(root).references[2:]
    assert [(one.kind, one.found, one.intact, one.mandatory) for one in found] == [
        (ReferenceKind.ARCHIVE_OBJECT, True, True, False),
        (ReferenceKind.ARCHIVE_OBJECT, True, False, False),
        (ReferenceKind.ARCHIVE_OBJECT, False, False, False),
    ]
    assert found[0].covers == only(root).references[0].covers


def test_an_archive_time_stamp_may_list_the_properties_that_it_covers() -> None:
    making = Making()
    root = sign(making)
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root))).set("Id", "T1")
    over = archived(root, making)
    add_property(root, certificate_values())
    listed = '<xades:Include URI="#T1"/>'
    add_property(root, time_stamp("ArchiveTimeStamp", over, prefix="xades141", inside=listed))
    archive = evidence_of(root).time_stamps[1]
    assert archive.references[0].intact
    assert archive.form == "xades-1.4.1-distributed"


def test_what_is_digested_of_a_document_altogether_is_bounded() -> None:
    root = sign()
    for _ in range(40):
        add_property(root, time_stamp("SignatureTimeStamp", value_of(root)))
    octets = etree.tostring(root)
    read(Octets(octets), Collector(), limits=replace(DEFAULT, digested=200_000))
    padded = etree.tostring(sign(Making(objects=f'<ds:Object Id="O1">{"x" * 50_000}</ds:Object>')))
    stamped = etree.fromstring(padded)
    making = Making()
    for _ in range(12):
        add_property(stamped, time_stamp("ArchiveTimeStamp", archived(stamped, making), prefix="xades141"))
    octets = etree.tostring(stamped)
    with pytest.raises(BeyondLimit, match="altogether"):
        read(Octets(octets), Collector(), limits=replace(DEFAULT, digested=200_000))
