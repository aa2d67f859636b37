"""PDF signatures and document time-stamps as evidence: what each covers, its level, what is beside it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from foreign_tokens import attribute, name
from signed_pdfs import (
    AUTHORITY,
    SIGNATURE_TIME_STAMP,
    Pdf,
    attributes,
    cades,
    document,
    stamped,
    stream,
    token,
)

from trustworks.core.der import cms
from trustworks.core.der.encode import BIT_STRING, OCTET_STRING, SEQUENCE, UTC_TIME, context, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.formats.collector import identified
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Format, ScopeKind, TimeStampKind, Weight, Where
from trustworks.formats.limits import Limits
from trustworks.formats.read import read
from trustworks.formats.verification import signing_certificate

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence, Signature

SIGNING_TIME = attribute(cms.SIGNING_TIME, tlv(UTC_TIME, b"260504030201Z"))
COMMITMENT = attribute("1.2.840.113549.1.9.16.2.16", tlv(SEQUENCE, oid("1.2.840.113549.1.9.16.6.1")))


def evidence(pdf: Pdf | bytes, limits: Limits | None = None) -> Evidence:
    octets = pdf if isinstance(pdf, bytes) else pdf.octets
    data = Octets(octets, "a.pdf")
    return read(data) if limits is None else read(data, limits=limits)


def only(pdf: Pdf) -> Signature:
    (found,) = evidence(pdf).signatures
    return found


def revocation_list() -> bytes:
    """A list of the authority's, as far as it is read here: whose it is."""
    name = AUTHORITY.anchor.subject.public_bytes()
    algorithm = tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"))
    tbs = tlv(SEQUENCE, algorithm, name, tlv(UTC_TIME, b"260504030201Z"))
    return tlv(SEQUENCE, tbs, algorithm, tlv(BIT_STRING, b"\0"))


@pytest.mark.parametrize("as_stream", [False, True])
def test_a_signature_covers_the_file_but_its_contents(*, as_stream: bool) -> None:
    pdf = document(as_stream=as_stream).signed_with(
        entries=b"/M (D:20260504050201+02'00') /Reason (R) /Location (L) /Name (N) /ContactInfo (C)"
    )
    found = evidence(pdf)
    (signature,) = found.signatures
    assert (signature.format, signature.level, signature.name) == (
        Format.PADES,
        "PAdES-BASELINE-B",
        "Signature1",
    )
    (reference,) = signature.references
    assert (reference.found, reference.intact) == (True, True)
    revision = signature.revision
    assert revision is not None
    first, second, third, fourth = revision.byte_range
    covered = pdf.octets[first : first + second] + pdf.octets[third : third + fourth]
    assert reference.expected == hashlib.sha256(covered).digest()
    assert reference.covers == {identified("D", covered)}
    assert (revision.covers_all_of_it, revision.later, revision.sub_filter) == (
        True,
        (),
        "ETSI.CAdES.detached",
    )
    attributes_ = signature.attributes
    assert attributes_.signing_time == datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert (attributes_.reason, attributes_.signer_name) == ("R", "N")
    assert attributes_.location == {"place": "L", "contact": "C"}
    chosen = signing_certificate(signature, found)
    assert chosen is not None
    assert chosen.verifies
    (scope,) = signature.scopes
    assert scope.kind is ScopeKind.FULL
    assert scope.data is not None
    assert scope.data.octets() == pdf.octets
    assert (found.findings, signature.findings) == ((), ())


def test_octets_changed_within_the_range_are_told() -> None:
    pdf = document().signed_with()
    changed = pdf.octets.replace(b"You owe nothing.", b"You owe a crown.")
    (signature,) = evidence(changed).signatures
    assert (signature.references[0].found, signature.references[0].intact) == (True, False)


def test_a_document_time_stamp_covers_all_that_stands_before_it() -> None:
    pdf = document().signed_with(contents=stamped).stored([AUTHORITY.ca], (revocation_list(),)).time_stamped()
    later = pdf.stored([], (b"later",), first=60)
    found = evidence(later)
    (signature,) = found.signatures
    inner, outer = found.time_stamps
    assert (inner.kind, outer.kind) == (TimeStampKind.SIGNATURE, TimeStampKind.DOCUMENT)
    assert inner.references[0].intact
    assert outer.references[0].intact
    assert signature.time_stamps == (inner.id, outer.id)
    tokens = {identified("C", AUTHORITY.ca), identified("C", AUTHORITY.certificate)}
    listed = identified("R", revocation_list())
    assert {signature.id, inner.id, listed, *tokens, *signature.references[0].covers} <= outer.covers
    assert identified("R", b"later") not in outer.covers
    assert identified("R", b"later") in found.revocation
    assert outer.id not in outer.covers
    assert outer.revision is not None
    assert outer.revision.number == 2


def test_what_begins_in_the_octets_of_a_time_stamp_and_ends_behind_them_is_not_covered() -> None:
    # The stream has no end in the revision that is time-stamped: the next one ends it.
    begun = document().signed_with().update({90: b"<< /Type /Any >>\nstream\nbegun"}).time_stamped()
    pdf = begun.update({91: stream(b"added later")}).stored([], entries=b"/OCSPs [90 0 R] ")
    found = evidence(pdf)
    (answer,) = (named for named in found.revocation if b"added later" in found.revocation[named].der)
    (outer,) = found.time_stamps
    assert outer.references[0].intact
    assert answer not in outer.covers


def answer_with(certificate: bytes) -> bytes:
    """A basic OCSP answer, as far as it is read here: who is in it."""
    return tlv(
        SEQUENCE, tlv(SEQUENCE), tlv(SEQUENCE), tlv(BIT_STRING, b"\0"), context(0, tlv(SEQUENCE, certificate))
    )


def test_who_answered_is_covered_with_the_answer() -> None:
    responder = AUTHORITY.certify(subject=name(b"Responder"))
    answer = answer_with(responder)
    pdf = (
        document()
        .signed_with()
        .update({70: stream(answer)})
        .stored([], entries=b"/OCSPs [70 0 R] ")
        .time_stamped()
    )
    found = evidence(pdf)
    assert {identified("O", answer), identified("C", responder)} <= found.time_stamps[0].covers
    assert found.certificates[identified("C", responder)].origins[0].where is Where.OCSP_ANSWER


def test_a_time_stamp_of_the_value_covers_signed_revocation_data() -> None:
    responder = AUTHORITY.certify(subject=name(b"Responder"))
    answer = answer_with(responder)
    archival = attribute("1.2.840.113583.1.1.8", tlv(SEQUENCE, context(1, tlv(SEQUENCE, answer))))

    def contents(covered: bytes) -> bytes:
        return cades(
            covered,
            signed_attributes=attributes(covered, archival),
            unsigned=lambda value: [attribute(SIGNATURE_TIME_STAMP, token(value))],
        )

    found = evidence(document().signed_with(contents=contents))
    (stamp,) = found.time_stamps
    assert {identified("O", answer), identified("C", responder)} <= stamp.covers
    assert stamp.references[0].intact
    assert found.signatures[0].revocation == (identified("O", answer),)


def test_the_levels_are_reached_one_after_the_other() -> None:
    base = document()
    crl = revocation_list()
    assert only(base.signed_with()).level == "PAdES-BASELINE-B"
    assert only(base.signed_with(contents=stamped)).level == "PAdES-BASELINE-T"
    assert only(base.signed_with().time_stamped()).level == "PAdES-BASELINE-T"
    long_term = base.signed_with(contents=stamped).stored([AUTHORITY.ca], (crl,))
    assert only(long_term).level == "PAdES-BASELINE-LT"
    assert only(long_term.time_stamped()).level == "PAdES-BASELINE-LTA"
    # A store from before the signature is not there for it.
    before = base.stored([AUTHORITY.ca], (crl,)).signed_with(contents=stamped)
    assert only(before).level == "PAdES-BASELINE-T"


@pytest.mark.req("EN319142-1:6.3-B")
@pytest.mark.parametrize(
    ("entries", "more", "level"),
    [
        (b"", [], "PAdES-BES"),
        (b"/M (D:20260504030201Z)", [SIGNING_TIME], "PAdES-BES"),
        (b"/M (D:20260504030201Z) /Cert (x)", [], "PAdES-BES"),
        (b"/M (D:20260504030201Z)", [COMMITMENT], "PAdES-BASELINE-B"),
    ],
)
def test_what_baseline_asks_for_decides(entries: bytes, more: list[bytes], level: str) -> None:
    pdf = document().signed_with(
        entries=entries,
        contents=lambda covered: cades(covered, signed_attributes=attributes(covered, *more)),
    )
    assert only(pdf).level == level


@pytest.mark.req("EN319142-2:5.3-BES")
def test_without_a_reference_to_its_certificate_it_is_no_pades() -> None:
    def bare(covered: bytes) -> bytes:
        return cades(covered, signed_attributes=attributes(covered)[:2])

    assert only(document().signed_with(contents=bare)).level == "PDF-NOT-ETSI"


@pytest.mark.req("EN319142-2:4.2-PKCS7")
def test_plain_pkcs7_has_levels_of_its_own() -> None:
    def without_digest(covered: bytes) -> bytes:
        return cades(covered, signed_attributes=[attribute(cms.CONTENT_TYPE, oid("1.2.840.113549.1.7.1"))])

    base = document()
    assert only(base.signed_with(sub_filter=b"adbe.pkcs7.detached")).level == "PKCS7-B"
    assert only(base.signed_with(sub_filter=b"adbe.pkcs7.detached", contents=stamped)).level == "PKCS7-T"
    found = only(base.signed_with(sub_filter=b"adbe.pkcs7.detached", contents=without_digest))
    assert found.level == "PDF-NOT-ETSI"


def test_the_older_kind_signs_the_sha1_of_the_range() -> None:
    def sha1(covered: bytes) -> bytes:
        inner = hashlib.sha1(covered, usedforsecurity=False).digest()
        return cades(covered, signed_attributes=attributes(inner), content=inner)

    found = only(document().signed_with(sub_filter=b"adbe.pkcs7.sha1", contents=sha1))
    assert found.level == "PKCS7-B"
    assert [one.intact for one in found.references] == [True, True]
    assert [one.digest_algorithm for one in found.references] == ["sha256", "sha1"]
    assert found.findings == ()


def test_a_bare_rsa_value_stands_in_an_octet_string() -> None:
    pdf = document().signed_with(
        sub_filter=b"adbe.x509.rsa_sha1",
        contents=lambda _: tlv(OCTET_STRING, b"value"),
        entries=b"/Cert <%b>" % AUTHORITY.certificate.hex().encode(),
    )
    found = only(pdf)
    assert (found.value, found.algorithm.scheme, found.algorithm.digest) == (b"value", "rsa-pkcs1", "sha1")
    assert found.key_info == (identified("C", AUTHORITY.certificate),)
    assert (found.level, found.references[0].intact) == ("PDF-NOT-ETSI", True)


def test_a_time_stamp_in_a_vri_dictionary_is_over_the_value() -> None:
    pdf = document().signed_with()
    contents = evidence(pdf).signatures[0].value
    hexadecimal = pdf.octets[pdf.octets.index(b"/Contents <") + 11 :].split(b">")[0]
    key = hashlib.sha1(bytes.fromhex(hexadecimal.decode()), usedforsecurity=False).hexdigest().upper()
    over = token(contents)
    stamps = {70: stream(over)}
    vri = b"/VRI << /%b << /TS 70 0 R /TU (D:20260504030201Z) >> >> " % key.encode()
    found = evidence(pdf.update(stamps).stored([AUTHORITY.ca], entries=vri))
    (stamp,) = found.time_stamps
    assert (stamp.form, stamp.references[0].intact, stamp.owner) == (
        "vri-time-stamp",
        True,
        found.signatures[0].id,
    )
    assert found.signatures[0].time_stamps == (stamp.id,)


@pytest.mark.req("EN319142-1:6.3-ONE-SIGNER")
def test_two_signers_are_told() -> None:
    found = only(document().signed_with(contents=lambda covered: cades(covered, signers=2)))
    assert [(one.code, one.weight) for one in found.findings] == [("pades.signers", Weight.SUSPICIOUS)]
    assert found.level == "PDF-NOT-ETSI"


def test_attributes_that_are_signed_as_they_stand_do_not_verify() -> None:
    def unsorted(covered: bytes) -> bytes:
        return cades(covered, signed_attributes=attributes(covered)[::-1])

    found = evidence(document().signed_with(contents=unsorted))
    chosen = signing_certificate(found.signatures[0], found)
    assert chosen is not None
    assert not chosen.verifies


@pytest.mark.req("ISO32000-2:12.8.3.3-DIGEST")
def test_a_signature_algorithm_in_the_place_of_a_digest_is_none() -> None:
    strange = tlv(SEQUENCE, oid("1.2.840.113549.1.1.11"))
    found = only(document().signed_with(contents=lambda covered: cades(covered, digest_algorithm=strange)))
    assert (found.references[0].found, found.references[0].intact) == (True, False)
    assert "1.2.840.113549.1.1.11" in (found.references[0].why or "")


@pytest.mark.req("EN319142-1:5.3-DETACHED")
def test_content_inside_the_cms_is_not_what_is_signed() -> None:
    found = only(document().signed_with(contents=lambda covered: cades(covered, content=b"something else")))
    assert [one.code for one in found.findings] == ["pades.encapsulated"]
    assert found.level == "PDF-NOT-ETSI"
    assert [one.intact for one in found.references] == [True, False]


@pytest.mark.req("ISO32000-2:12.8.1-TYPE")
def test_a_time_stamp_that_says_it_is_a_signature_is_passed_over() -> None:
    found = evidence(document().signed_with().time_stamped(kind=b"/Type /Sig"))
    assert [one.code for one in found.findings] == ["pades.dictionary-type"]
    assert (len(found.signatures), found.time_stamps) == (1, ())
    # Without a type its encoding decides.
    assert len(evidence(document().signed_with().time_stamped(kind=b"")).time_stamps) == 1


@pytest.mark.parametrize("contents", [b"", b"\x30\x03\x02\x01\x00", b"nothing"])
def test_contents_that_are_no_signature_are_told(contents: bytes) -> None:
    found = evidence(document().signed_with(contents=lambda _: contents))
    assert found.signatures == ()
    assert [one.code for one in found.findings] == ["pades.contents"]


def test_the_limits_are_kept() -> None:
    pdf = document().signed_with()
    for limits in (Limits(parsed=100), Limits(signatures=0), Limits(work=3), Limits(depth=1)):
        with pytest.raises(Malformed, match="limit"):
            evidence(pdf, limits)


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(Malformed, match="Ask for the file again"):
        evidence(b"%PDF-1.7\nnothing")
