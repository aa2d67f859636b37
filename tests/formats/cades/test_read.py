"""CAdES as evidence: what is signed, by whom, of which level, and what each time-stamp is over."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cms_maker import AA, CONTENT, WHO, Signer, basic, digest, sign, signed_attributes, signed_data, token
from foreign_tokens import ECDSA, SHA256, attribute, name, older_reference
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der import ber, cms
from trustworks.core.der.encode import NULL, OCTET_STRING, SEQUENCE, SET, context, integer, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.formats.cades import read_cms, reading, signers
from trustworks.formats.cms.stored import Region
from trustworks.formats.collector import Collector, identified
from trustworks.formats.data import Octets, Stored
from trustworks.formats.evidence import Evidence, Signature, TimeStampKind, Weight
from trustworks.formats.limits import DEFAULT
from trustworks.formats.read import read
from trustworks.formats.verification import signing_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

UTF8 = 0x0C
V3 = "0.4.0.1733.2.4"
INDEX_V3 = "0.4.0.19122.1.5"
INDEX = "0.4.0.1733.2.5"


def evidence(octets: bytes, *detached: bytes) -> Evidence:
    return read(Octets(octets, "file"), detached=[Octets(one, "detached") for one in detached])


def only(octets: bytes, *detached: bytes) -> Signature:
    (signature,) = evidence(octets, *detached).signatures
    return signature


def codes(signature: Signature) -> set[str]:
    return {one.code for one in signature.findings}


def is_intact(found: Evidence, signature: Signature) -> bool:
    chosen = signing_certificate(signature, found)
    return (
        chosen is not None
        and chosen.verifies is True
        and all(one.found and one.intact for one in signature.references)
    )


def test_a_baseline_signature_says_what_it_signs() -> None:
    found = evidence(basic())
    (signature,) = found.signatures
    assert is_intact(found, signature)
    assert (signature.level, signature.findings) == ("CAdES-BASELINE-B", ())
    assert signature.references[0].covers == {identified("D", CONTENT)}
    assert found.data[identified("D", CONTENT)].octets() == CONTENT
    assert signature.attributes.signing_time is not None
    assert signature.attributes.signing_time.isoformat() == "2026-05-04T03:02:01+00:00"
    assert cms.MESSAGE_DIGEST in signature.attributes.names


def test_detached_data_is_found_among_what_is_given() -> None:
    octets = signed_data(Signer.over(CONTENT).info(), content=None)
    content = only(octets, b"other", CONTENT).references[0]
    assert (content.found, content.intact, content.name) == (True, True, "detached")
    content = only(octets, b"other").references[0]
    assert (content.found, content.intact) == (True, False)
    content = only(octets).references[0]
    assert (content.found, content.intact, content.expected) == (False, False, digest(CONTENT))


@pytest.mark.parametrize(
    "wrapped",
    [
        basic(),
        b"-----BEGIN PKCS7-----\n" + base64.encodebytes(basic()) + b"-----END PKCS7-----\n",
        b"-----BEGIN CMS-----\r\n" + base64.encodebytes(basic()) + b"-----END CMS-----",
        base64.encodebytes(basic()),
    ],
)
def test_wrappings_are_taken_off(wrapped: bytes) -> None:
    assert only(wrapped).level == "CAdES-BASELINE-B"


def indefinite(element: ber.Element) -> bytes:
    """The element in BER: every length indefinite, every long OCTET STRING in two parts."""
    if element.tag == OCTET_STRING and element.end - element.content > 20:
        half = element.content + 10
        octets = element.source.octets
        parts = (
            tlv(OCTET_STRING, octets[element.content : half]),
            tlv(OCTET_STRING, octets[half : element.end]),
        )
        return b"\x24\x80" + b"".join(parts) + b"\0\0"
    if not element.constructed:
        return element.octets
    return bytes((element.tag,)) + b"\x80" + b"".join(indefinite(one) for one in element.children()) + b"\0\0"


def test_signed_data_in_ber_is_read_as_what_it_was_made_of() -> None:
    der = basic(attribute(f"{AA}.14", token(b"")))
    octets = indefinite(ber.read(der))
    assert ber.der(ber.read(octets)) != octets
    found = evidence(octets)
    (signature,) = found.signatures
    chosen = signing_certificate(signature, found)
    # What is indefinite in a certificate is another certificate: only the structure around it is compared.
    assert signature.references[0].intact
    assert chosen is not None
    assert signature.value == only(der).value
    assert signature.signed.octets() == only(der).signed.octets()


def test_every_signer_of_several_is_a_signature() -> None:
    again = Signer.over(CONTENT)
    found = evidence(signed_data(Signer.over(CONTENT).info(), again.info(), again.info()))
    assert len({one.id for one in found.signatures}) == 3
    assert all(is_intact(found, one) for one in found.signatures)


def test_without_signed_attributes_the_value_is_over_the_content() -> None:
    found = evidence(signed_data(Signer.over(CONTENT, attributes=()).info()))
    (signature,) = found.signatures
    assert is_intact(found, signature)
    assert (signature.level, signature.signed.octets()) == ("CMS-NOT-ETSI", CONTENT)
    other = evidence(signed_data(Signer.over(b"other", attributes=()).info()))
    assert not is_intact(other, other.signatures[0])


@pytest.mark.req("RFC5652:5.3-DER")
def test_a_signature_is_over_the_der_of_attributes_however_they_are_written() -> None:
    backwards = list(reversed(signed_attributes(CONTENT)))
    stands = Signer.over(CONTENT, attributes=backwards)
    ordered = Signer(attributes=stands.attributes, value=sign(tlv(SET, *sorted(backwards))))
    for signer, intact in ((ordered, True), (stands, False)):
        found = evidence(signed_data(signer.info()))
        assert is_intact(found, found.signatures[0]) is intact
        assert codes(found.signatures[0]) == {"cms.attributes-not-der"}
    assert not codes(only(basic()))


def fatal(*attributes: bytes, type_: str = "1.2.840.113549.1.7.1") -> set[str]:
    signer = Signer.over(CONTENT, attributes=sorted(attributes))
    signature = only(signed_data(signer.info(), type_=type_))
    return {one.code for one in signature.findings if one.weight is Weight.FATAL}


@pytest.mark.req("RFC5652:11-ONE")
def test_an_attribute_that_is_there_twice_is_found() -> None:
    time = attribute(cms.SIGNING_TIME, tlv(0x17, b"260504030202Z"))
    assert fatal(*signed_attributes(CONTENT), time) == {"cms.attribute-repeated"}
    two = attribute(cms.SIGNING_TIME, tlv(0x17, b"260504030202Z"), tlv(0x17, b"260504030203Z"))
    assert fatal(*signed_attributes(CONTENT, two, without=[cms.SIGNING_TIME])) == {"cms.attribute-repeated"}


@pytest.mark.req("RFC5652:11.1-SAME")
def test_a_content_type_that_is_another_or_absent_is_found() -> None:
    assert fatal(*signed_attributes(CONTENT), type_="1.2.3") == {"cms.content-type"}
    assert fatal(*signed_attributes(CONTENT, without=[cms.CONTENT_TYPE])) == {"cms.content-type"}


@pytest.mark.req("RFC5652:11.2-PRESENT")
def test_a_message_digest_that_is_absent_is_found() -> None:
    assert fatal(*signed_attributes(CONTENT, without=[cms.MESSAGE_DIGEST])) == {"cms.no-message-digest"}


@pytest.mark.req("RFC6211:2-SAME")
def test_algorithms_that_are_not_the_signed_ones_are_found() -> None:
    ecdsa = oid("1.2.840.10045.4.3.2")
    protection = "1.2.840.113549.1.9.52"
    same = attribute(protection, tlv(SEQUENCE, SHA256, context(1, ecdsa)))
    null = attribute(protection, tlv(SEQUENCE, tlv(SEQUENCE, SHA256[2:], tlv(NULL)), context(1, ecdsa)))
    other = attribute(protection, tlv(SEQUENCE, SHA256, context(1, oid("1.2.840.10045.4.3.4"))))
    assert fatal(*signed_attributes(CONTENT, same)) == set()
    assert fatal(*signed_attributes(CONTENT, null)) == set()
    assert fatal(*signed_attributes(CONTENT, other)) == {"cms.other-algorithms"}
    assert fatal(*signed_attributes(CONTENT, attribute(protection, tlv(NULL)))) == {"cms.other-algorithms"}


@pytest.mark.req("RFC5652:5.3-DIGEST")
def test_a_signature_by_another_digest_than_it_names_tells_of_it() -> None:
    sha512 = tlv(SEQUENCE, oid("2.16.840.1.101.3.4.2.3"))
    signer = Signer.over(CONTENT)
    info = tlv(SEQUENCE, signer.fields.replace(SHA256, sha512, 1))
    assert codes(only(signed_data(info))) == {"cms.other-digest"}


@pytest.mark.req("EN319122-2:5-BES", "EN319122-1:6.3-SIGNING-CERTIFICATE")
def test_without_one_reference_to_the_certificate_it_is_no_cades() -> None:
    without = signed_attributes(CONTENT, without=[cms.SIGNING_CERTIFICATE_V2])
    assert only(signed_data(Signer.over(CONTENT, attributes=without).info())).level == "CMS-NOT-ETSI"
    both = signed_attributes(CONTENT, older_reference(WHO.certificate))
    assert only(signed_data(Signer.over(CONTENT, attributes=both).info())).level == "CMS-NOT-ETSI"
    older = sorted([*without, older_reference(WHO.certificate)])
    assert only(signed_data(Signer.over(CONTENT, attributes=older).info())).level == "CAdES-BASELINE-B"
    hints = attribute(f"{AA}.7", tlv(OCTET_STRING, b"id"))
    twice = Signer.over(CONTENT, hints, attribute(f"{AA}.7", tlv(OCTET_STRING, b"other")))
    assert only(signed_data(twice.info())).level == "CMS-NOT-ETSI"


@pytest.mark.req("EN319122-1:6.3-B")
def test_what_the_baseline_asks_for_makes_the_difference_to_bes() -> None:
    assert only(signed_data(Signer.over(CONTENT).info(), certificates=[])).level == "CAdES-BES"
    timeless = Signer.over(CONTENT, without=[cms.SIGNING_TIME])
    assert only(signed_data(timeless.info())).level == "CAdES-BES"
    policy = attribute(f"{AA}.15", tlv(NULL))
    assert (
        only(signed_data(Signer.over(CONTENT, policy, without=[cms.SIGNING_TIME]).info())).level
        == "CAdES-EPES"
    )


def test_signed_attributes_are_told_in_the_words_of_all_formats() -> None:
    hashed = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, digest(b"policy")))
    qualifiers = tlv(
        SEQUENCE,
        tlv(SEQUENCE, oid("1.2.840.113549.1.9.16.5.1"), tlv(0x16, b"https://policy.example")),
        tlv(SEQUENCE, oid("1.2.840.113549.1.9.16.5.2"), tlv(SEQUENCE, tlv(UTF8, b"read it"))),
    )
    role = tlv(SEQUENCE, oid("2.5.4.72"), tlv(SET, tlv(UTF8, b"director")))
    signer = Signer.over(
        CONTENT,
        attribute(f"{AA}.15", tlv(SEQUENCE, oid("1.2.3.4"), hashed, qualifiers)),
        attribute(f"{AA}.16", tlv(SEQUENCE, oid("1.2.840.113549.1.9.16.6.1"))),
        attribute(f"{AA}.17", tlv(SEQUENCE, context(0, tlv(UTF8, b"EU")), context(1, tlv(UTF8, b"Place")))),
        attribute("0.4.0.19122.1.1", tlv(SEQUENCE, context(0, role))),
        attribute(f"{AA}.4", tlv(SEQUENCE, tlv(UTF8, b"a text"), oid("1.2.840.113549.1.7.1"))),
        attribute(f"{AA}.7", tlv(OCTET_STRING, b"identifier")),
        attribute("0.4.0.1733.2.1", tlv(UTF8, b"text/plain")),
    )
    store = tlv(SEQUENCE, oid("0.4.0.19122.2.1"), tlv(OCTET_STRING, b"policy"))
    said = only(signed_data(signer.info(attribute("0.4.0.19122.1.3", store)))).attributes
    assert said.policy is not None
    assert (said.policy.identifier, said.policy.digest_algorithm) == ("1.2.3.4", "sha256")
    assert (said.policy.uri, said.policy.user_notice) == ("https://policy.example", "read it")
    assert (said.policy.octets, said.policy.specification) == (b"policy", "0.4.0.19122.2.1")
    assert said.commitments == ("1.2.840.113549.1.9.16.6.1",)
    assert said.location == {"country": "EU", "locality": "Place"}
    assert (said.claimed_roles, said.mime_type) == (("director",), "text/plain")
    assert (said.content_hints, said.content_identifier) == ("a text (1.2.840.113549.1.7.1)", b"identifier")


def test_a_signature_time_stamp_is_over_the_value() -> None:
    signer = Signer.over(CONTENT)
    found = evidence(signed_data(signer.info(attribute(f"{AA}.14", token(signer.value)))))
    (signature,) = found.signatures
    (stamp,) = found.time_stamps
    assert (signature.level, signature.time_stamps) == ("CAdES-BASELINE-T", (stamp.id,))
    assert (stamp.kind, stamp.owner, stamp.references[0].intact) == (
        TimeStampKind.SIGNATURE,
        signature.id,
        True,
    )
    assert stamp.covers == {signature.id, identified("D", CONTENT), identified("C", WHO.certificate)}
    other = evidence(signed_data(signer.info(attribute(f"{AA}.14", token(b"another value")))))
    assert not other.time_stamps[0].references[0].intact


def test_a_content_time_stamp_is_over_the_content() -> None:
    signer = Signer.over(CONTENT, attribute(f"{AA}.20", token(CONTENT)))
    (stamp,) = evidence(signed_data(signer.info())).time_stamps
    assert (stamp.kind, stamp.references[0].intact) == (TimeStampKind.CONTENT, True)
    assert stamp.covers == {identified("D", CONTENT)}


def references_to(certificate: bytes, answer: bytes) -> tuple[bytes, bytes]:
    other = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, digest(certificate)))
    certificates = attribute(f"{AA}.21", tlv(SEQUENCE, tlv(SEQUENCE, other)))
    hashed = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, digest(answer)))
    crl = context(0, tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, hashed))))
    return certificates, attribute(f"{AA}.22", tlv(SEQUENCE, tlv(SEQUENCE, crl)))


CRL = tlv(SEQUENCE, tlv(SEQUENCE, integer(1), SHA256, tlv(SEQUENCE)), SHA256)


@pytest.mark.req("EN319122-2:5-C", "EN319122-1:6.3-LT")
def test_references_and_their_time_stamps_make_c_and_x() -> None:
    signer = Signer.over(CONTENT)
    stamp = attribute(f"{AA}.14", token(signer.value))
    certificates, revocation = references_to(WHO.ca, CRL)

    def inside(*attributes: bytes) -> bytes:
        return b"".join(ber.read(one).value for one in attributes)

    over_all = token(signer.value + inside(stamp, certificates, revocation))
    found = evidence(
        signed_data(signer.info(stamp, certificates, revocation, attribute(f"{AA}.25", over_all)), crls=[CRL])
    )
    (signature,) = found.signatures
    assert signature.level == "CAdES-X"
    first, second = found.time_stamps
    assert (second.kind, second.references[0].intact) == (TimeStampKind.SIGNATURE_AND_REFERENCES, True)
    assert second.covers >= {signature.id, first.id, identified("C", WHO.ca), identified("R", CRL)}
    over_references = token(inside(certificates, revocation))
    found = evidence(
        signed_data(signer.info(stamp, certificates, revocation, attribute(f"{AA}.26", over_references)))
    )
    assert found.time_stamps[1].references[0].intact
    assert found.time_stamps[1].covers == {identified("C", WHO.ca)}
    assert only(signed_data(signer.info(stamp, certificates, revocation))).level == "CAdES-C"
    assert only(signed_data(signer.info(stamp, certificates))).level == "CAdES-BASELINE-T"


def archived_v3(form: str, *, missing: bool = False) -> tuple[Evidence, Signature]:
    """A signature with an archive-time-stamp-v3 whose index is of some version."""
    signer = Signer.over(CONTENT)
    stamp = attribute(f"{AA}.14", token(signer.value))
    parts = ber.read(stamp).children()
    entry = stamp if form == INDEX else parts[0].octets + parts[1].children()[0].octets

    def hashes_of(*octets: bytes) -> bytes:
        return tlv(SEQUENCE, *(tlv(OCTET_STRING, digest(one)) for one in octets))

    index = tlv(
        SEQUENCE,
        SHA256,
        hashes_of(WHO.certificate, WHO.ca, *([b"a certificate that is not there"] if missing else [])),
        hashes_of(CRL),
        hashes_of(entry),
    )
    octets = oid("1.2.840.113549.1.7.1") + digest(CONTENT) + signer.fields + index
    archive = token(octets, time=b"20270504030201Z", unsigned=attribute(form, index))
    found = evidence(signed_data(signer.info(stamp, attribute(V3, archive)), crls=[CRL]))
    return found, found.signatures[0]


@pytest.mark.parametrize("form", [INDEX, "0.4.0.19122.1.4", INDEX_V3])
def test_an_archive_time_stamp_covers_what_its_index_has(form: str) -> None:
    found, signature = archived_v3(INDEX if form != INDEX_V3 else INDEX_V3)
    first, archive = found.time_stamps
    assert archive.kind is TimeStampKind.ARCHIVE
    assert all(one.found and one.intact for one in archive.references)
    assert len(archive.references) == 5
    assert archive.covers == {
        *(signature.id, first.id, identified("D", CONTENT), identified("R", CRL)),
        *(identified("C", WHO.certificate), identified("C", WHO.ca)),
    }
    assert archive.findings == ()


def test_an_entry_of_one_value_does_not_cover_what_was_added_beside_it() -> None:
    signer = Signer.over(CONTENT)
    first, second = token(signer.value), token(signer.value, time=b"20260604030201Z")
    stamps = attribute(f"{AA}.14", first, second)
    entry = ber.read(stamps).children()[0].octets + first
    hashes = tlv(SEQUENCE, tlv(OCTET_STRING, digest(entry)))
    index = tlv(SEQUENCE, SHA256, tlv(SEQUENCE), tlv(SEQUENCE), hashes)
    octets = oid("1.2.840.113549.1.7.1") + digest(CONTENT) + signer.fields + index
    archive = token(octets, time=b"20270504030201Z", unsigned=attribute(INDEX_V3, index))
    found = evidence(signed_data(signer.info(stamps, attribute(V3, archive))))
    one, two, over = found.time_stamps
    assert all(each.intact for each in over.references)
    assert one.id in over.covers
    assert two.id not in over.covers


def test_the_first_archive_time_stamp_does_not_cover_what_the_structure_holds_itself() -> None:
    signer = Signer.over(CONTENT)
    stamp, values = attribute(f"{AA}.14", token(signer.value)), attribute(f"{AA}.23", tlv(SEQUENCE, WHO.ca))
    inside = b"".join(ber.read(one).children()[1].children()[0].octets for one in (stamp, values))
    signed = ber.read(signer.info()).children()[3].value
    archive = attribute(f"{AA}.27", token(CONTENT + signed + signer.value + inside))
    found = evidence(signed_data(signer.info(stamp, values, archive), crls=[CRL]))
    over = found.time_stamps[-1]
    assert (over.kind, over.references[0].intact) == (TimeStampKind.ARCHIVE, True)
    assert {found.signatures[0].id, found.time_stamps[0].id, identified("C", WHO.ca)} <= over.covers
    assert identified("R", CRL) not in over.covers


def test_references_about_attribute_certificates_are_not_covered_with_the_others() -> None:
    signer = Signer.over(CONTENT)
    certificates, revocation = references_to(WHO.ca, CRL)
    other = tlv(SEQUENCE, SHA256, tlv(OCTET_STRING, digest(WHO.certificate)))
    added = attribute(f"{AA}.44", tlv(SEQUENCE, tlv(SEQUENCE, other)))
    inside = b"".join(ber.read(one).value for one in (certificates, revocation))
    stamp = attribute(f"{AA}.26", token(inside))
    found = evidence(signed_data(signer.info(certificates, revocation, added, stamp), crls=[CRL]))
    assert found.time_stamps[0].references[0].intact
    assert found.time_stamps[0].covers == {identified("C", WHO.ca), identified("R", CRL)}


def test_an_entry_of_an_index_that_is_of_nothing_is_not_found() -> None:
    found, _ = archived_v3(INDEX_V3, missing=True)
    archive = found.time_stamps[1]
    assert archive.references[0].intact
    assert [one.found for one in archive.references[1:]].count(False) == 1


@pytest.mark.req("EN319122-1:5.5.3-INDEX")
def test_an_archive_time_stamp_without_index_is_over_nothing_that_is_known() -> None:
    signer = Signer.over(CONTENT)
    found = evidence(signed_data(signer.info(attribute(V3, token(b"what?")))))
    (archive,) = found.time_stamps
    assert [one.code for one in archive.findings] == ["cades.no-hash-index"]
    assert not archive.references[0].found


@pytest.mark.parametrize("tagged", [True, False])
def test_an_archive_time_stamp_v2_is_over_all_that_was_there(tagged: bool) -> None:
    signer = Signer.over(CONTENT)
    stamp = attribute(f"{AA}.14", token(signer.value))
    encapsulated = tlv(SEQUENCE, oid("1.2.840.113549.1.7.1"))
    octets = encapsulated + CONTENT + context(0, WHO.certificate, WHO.ca) + signer.fields
    octets += context(1, stamp) if tagged else stamp
    archive = attribute(f"{AA}.48", token(octets, time=b"20270504030201Z"))
    found = evidence(signed_data(signer.info(stamp, archive), content=None), CONTENT)
    first, second = found.time_stamps
    assert second.references[0].intact
    assert second.covers >= {found.signatures[0].id, first.id, identified("C", WHO.ca)}
    later = evidence(
        signed_data(signer.info(stamp, archive, attribute("1.2.3", tlv(NULL))), content=None), CONTENT
    )
    assert not later.time_stamps[1].references[0].intact


def counter_signature(of: Signer, *further: bytes) -> bytes:
    signer = Signer.over(of.value, *further, without=[cms.CONTENT_TYPE])
    return attribute("1.2.840.113549.1.9.6", signer.info())


def test_a_counter_signature_is_of_the_value_that_it_stands_beside() -> None:
    signer = Signer.over(CONTENT)
    found = evidence(signed_data(signer.info(counter_signature(signer))))
    parent, counter = found.signatures
    assert (counter.parent, parent.counter_signatures) == (parent.id, (counter.id,))
    assert counter.references[0].covers == {parent.id}
    assert is_intact(found, counter)
    assert (counter.level, counter.findings) == ("CAdES-BASELINE-B", ())


@pytest.mark.req("RFC5652:11.4-VALUE")
def test_a_counter_signature_of_another_signature_is_found() -> None:
    signer = Signer.over(CONTENT)
    _, counter = evidence(signed_data(signer.info(counter_signature(Signer.over(CONTENT))))).signatures
    assert codes(counter) == {"cades.counter-signature-of-another"}


@pytest.mark.req("RFC5652:11.4-NO-CONTENT-TYPE")
def test_a_counter_signature_with_a_content_type_is_found() -> None:
    signer = Signer.over(CONTENT)
    wrong = attribute("1.2.840.113549.1.9.6", Signer.over(signer.value).info())
    _, counter = evidence(signed_data(signer.info(wrong))).signatures
    assert codes(counter) == {"cms.content-type-in-counter-signature"}


def test_counter_signatures_without_end_are_refused() -> None:
    signers = [Signer.over(CONTENT)]
    for _ in range(20):
        signers.append(Signer.over(signers[-1].value, without=[cms.CONTENT_TYPE]))
    inner = signers[-1].info()
    for signer in reversed(signers[:-1]):
        inner = signer.info(attribute("1.2.840.113549.1.9.6", inner))
    with pytest.raises(Malformed, match="16 are read"):
        evidence(signed_data(inner))


def test_a_time_stamp_token_by_itself_is_one_of_detached_data() -> None:
    for octets in (token(CONTENT), tlv(SEQUENCE, tlv(SEQUENCE, integer(0)), token(CONTENT))):
        found = evidence(octets, b"other", CONTENT)
        (stamp,) = found.time_stamps
        assert (found.signatures, stamp.kind) == ((), TimeStampKind.DETACHED)
        assert (stamp.references[0].intact, set(stamp.covers)) == (True, {identified("D", CONTENT)})


def test_octets_after_a_structure_are_told_of_a_file_and_not_within_another_format() -> None:
    assert [one.code for one in evidence(basic() + b"\0" * 8).findings] == ["cms.octets-after"]
    assert len(read_cms(basic() + b"\0" * 8, Collector())) == 1


def test_a_pdf_in_signed_data_is_no_pdf() -> None:
    pdf = b"%PDF-1.7 and so on"
    assert only(basic(content=pdf)).references[0].intact


@pytest.mark.parametrize(
    "octets",
    [
        b"0",
        b"MI not base64!",
        base64.encodebytes(b"not a structure"),
        tlv(SEQUENCE, oid("1.2.840.113549.1.7.3"), context(0, tlv(SEQUENCE))),
        tlv(SEQUENCE, oid(cms.SIGNED_DATA), context(0, tlv(OCTET_STRING))),
        b"\x30\x80" * 10_000,
        b"\x30\x80" + oid(cms.SIGNED_DATA) + b"\xa0\x80\x30\x80" * 10_000,
        b"\x30\x84\xff\xff\xff\xff" + oid(cms.SIGNED_DATA),
        signed_data(*[Signer.over(CONTENT).info()] * (DEFAULT.signatures + 1)),
        signed_data(tlv(SEQUENCE, integer(1))),
    ],
)
def test_what_is_no_signed_data_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        evidence(octets)


SHAPED = [
    basic(
        attribute(f"{AA}.14", token(b"value")),
        counter_signature(Signer.over(CONTENT)),
        *references_to(WHO.ca, CRL),
    ),
    indefinite(ber.read(basic(attribute(f"{AA}.48", token(b"archive")), attribute(V3, token(b"archive"))))),
    signed_data(
        Signer.over(CONTENT, attribute(f"{AA}.15", tlv(SEQUENCE, oid("1.2.3"), SHA256))).info(), content=None
    ),
]


@given(
    which=st.integers(0, len(SHAPED) - 1),
    place=st.integers(0, 10_000),
    inserted=st.binary(max_size=3),
    cut=st.integers(0, 4),
)
def test_changed_octets_are_read_or_malformed(which: int, place: int, inserted: bytes, cut: int) -> None:
    octets = SHAPED[which]
    place %= len(octets)
    changed = octets[:place] + inserted + octets[place + cut :]
    try:
        found = evidence(changed, CONTENT)
    except Malformed:
        return
    for signature in found.signatures:
        assert signature.level
        if is_intact(found, signature) and signature.parent is None and not codes(signature):
            assert signature.references[0].expected == digest(CONTENT)


@pytest.mark.parametrize("encode", [lambda octets: octets, lambda octets: indefinite(ber.read(octets))])
def test_a_large_file_is_read_where_it_lies(
    encode: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(256)) * 1000
    signer = Signer.over(content)
    octets = encode(signed_data(signer.info(attribute(f"{AA}.14", token(signer.value))), content=content))
    (tmp_path / "file").write_bytes(octets)
    monkeypatch.setattr(reading, "LARGE", 1000)
    stored = Stored(tmp_path / "file", name="file")
    found, held = read(stored, limits=replace(DEFAULT, parsed=10_000)), evidence(octets)
    assert found.signatures[0].references == held.signatures[0].references
    assert found.signatures[0].references[0].intact
    assert [one.id for one in found.time_stamps] == [one.id for one in held.time_stamps]
    assert isinstance(next(iter(found.data.values())), Region)
    assert next(iter(found.data.values())).octets() == content
    with pytest.raises(Malformed, match="beside its content"):
        read(stored, limits=replace(DEFAULT, parsed=1000))


def test_an_archive_time_stamp_over_a_large_file_reads_it_in_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"archived" * 20_000
    signer = Signer.over(content)
    inside = tlv(SEQUENCE, oid("1.2.840.113549.1.7.1"), context(0, tlv(OCTET_STRING, content)))
    octets = inside + context(0, WHO.certificate, WHO.ca) + signer.fields + context(1)
    archive = attribute(f"{AA}.48", token(octets))
    (tmp_path / "file").write_bytes(signed_data(signer.info(archive), content=content))
    monkeypatch.setattr(reading, "LARGE", 1000)
    (stamp,) = read(Stored(tmp_path / "file")).time_stamps
    assert stamp.references[0].intact


def test_a_long_term_validation_attribute_brings_its_time_stamp_and_data() -> None:
    signer = Signer.over(CONTENT)
    stamp = context(0, token(b"a tree of digests"))
    value = tlv(SEQUENCE, tlv(0x18, b"20260504030201Z"), stamp, context(0, WHO.ca), context(1, CRL))
    octets = signed_data(signer.info(attribute("0.4.0.1733.2.2", value)), certificates=[WHO.certificate])
    found = evidence(octets)
    assert [one.form for one in found.time_stamps] == ["long-term-validation"]
    assert not found.time_stamps[0].references[0].found
    assert identified("C", WHO.ca) in found.signatures[0].certificates
    assert found.signatures[0].revocation == (identified("R", CRL),)


def test_archive_time_stamps_that_cost_too_much_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signers, "_TIMES_DIGESTED", -(1 << 40))
    with pytest.raises(Malformed, match="raise the limit `digested`"):
        archived_v3(INDEX_V3)


OF_CA = tlv(SEQUENCE, tlv(SEQUENCE, integer(1), SHA256, name(b"CA")), SHA256)


@pytest.mark.req("EN319122-1:6.3-LT", "EN319122-2:5-C")
def test_validation_data_for_every_certificate_makes_lt_and_xl() -> None:
    signer = Signer.over(CONTENT)
    stamp = attribute(f"{AA}.14", token(signer.value))
    archive = attribute(V3, token(b"archive", time=b"20270504030201Z"))
    values = attribute(f"{AA}.24", tlv(SEQUENCE, context(0, tlv(SEQUENCE, OF_CA))))
    references = references_to(WHO.ca, OF_CA)

    def level(*unsigned: bytes, crls: Sequence[bytes] = ()) -> str:
        return only(signed_data(signer.info(*unsigned), crls=crls)).level

    assert level(stamp, crls=[OF_CA]) == "CAdES-BASELINE-LT"
    assert level(stamp, crls=[CRL]) == "CAdES-BASELINE-T"
    assert level(crls=[OF_CA]) == "CAdES-BASELINE-B"
    assert level(stamp, archive, crls=[OF_CA]) == "CAdES-BASELINE-LTA"
    assert level(stamp, values) == "CAdES-BASELINE-T"
    assert level(stamp, *references, values) == "CAdES-XL"
    assert level(stamp, *references, values, archive) == "CAdES-A"


def test_a_time_stamp_from_after_the_end_of_the_certificate_makes_no_t() -> None:
    signer = Signer.over(CONTENT)
    late = attribute(f"{AA}.14", token(signer.value, time=b"20400101000000Z"))
    assert only(signed_data(signer.info(late))).level == "CAdES-BASELINE-B"


def test_a_number_that_cannot_be_written_out_is_refused_with_a_sentence() -> None:
    salt = tlv(SEQUENCE, context(2, tlv(0x02, b"\x7f" * 4000)))
    pss = tlv(SEQUENCE, oid("1.2.840.113549.1.1.10"), salt)
    signer = Signer.over(CONTENT)
    octets = signed_data(tlv(SEQUENCE, signer.fields.replace(ECDSA, pss)))
    with pytest.raises(Malformed, match="no signer that can be read"):
        evidence(octets)
