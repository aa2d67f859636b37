"""What a token is like, and that it answers its request. Every rule answers whether the token keeps it.

They read the exact bytes that are about to leave, or that a client was given.
Source: RFC 3161, 2.4.2; RFC 5816; EN 319 422, 5.2.2 and 9.1.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat import asn1

from trustworks.core.der import cms, tsp
from trustworks.core.der.algorithms import HASHES, HASHES_BY_OID, read_algorithm
from trustworks.core.der.encode import OCTET_STRING, context, integer, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.timestamping.model import Expected, Identity, OwnToken, TokenView, TstFields


@implements("RFC3161:2.4.2-ONE-SIGNER", disabled=True)
def is_signed_by_one(token: TokenView) -> bool:
    """CMS signed data of version 3 over a TSTInfo, with exactly one signer."""
    data = token.info.content
    return (
        token.signers == 1
        and token.info.content_type.dotted_string == cms.SIGNED_DATA
        and data.version == 3
        and data.encapsulated.content_type.dotted_string == tsp.TST_INFO
    )


@implements("RFC3161:2.4.2-ONE-SIGNER", disabled=True)
def attributes_cover_content(token: TokenView) -> bool:
    """The signed attributes name the content's type and hold its digest (RFC 5652, 11.1 and 11.2)."""
    if token.digest is None:
        return False
    digest = hashlib.new(token.digest.name, token.tst_info_der).digest()
    return (
        token.attribute(cms.MESSAGE_DIGEST) == b"\x04%c%b" % (len(digest), digest)
        and token.attribute(cms.CONTENT_TYPE) == _TST_INFO
    )


@implements("RFC5652:5.1-DIGEST-ALGORITHMS", disabled=True)
def digest_is_announced(token: TokenView) -> bool:
    """The digest algorithms that the signed data announce are such, and the signer's is among them."""
    announced = token.info.content.digest_algorithms.as_list()
    try:
        found = {read_algorithm(asn1.encode_der(one)) for one in announced}
        return read_algorithm(asn1.encode_der(token.signer.digest_algorithm)) in found
    except Malformed:
        return False


_TST_INFO: Final = bytes.fromhex("060b2a864886f70d0109100104")


@implements("EN319422:5.2.2-SIGNING-CERTIFICATE", disabled=True)
def refers_to(token: TokenView, identity: Identity) -> bool:
    """The signer and the signed reference (SigningCertificateV2 or the older one) name the certificate."""
    sid = token.signer.sid
    if isinstance(sid, bytes):
        if sid != identity.key_id:
            return False
    elif sid.serial_number != identity.serial or asn1.encode_der(sid.issuer) != identity.issuer:
        return False
    newer, older = token.attribute(cms.SIGNING_CERTIFICATE_V2), token.attribute(cms.SIGNING_CERTIFICATE)
    if newer is None and older is None:
        return False
    return (newer is None or _is_among(_newer(newer)[:1], identity)) and (
        older is None or _is_among(_older(older)[:1], identity)
    )


MOST_REFERENCES: Final = 100
"""Certificates that a token may refer to by either attribute; no path has as many."""


class _Reference(NamedTuple):
    """A certificate by its hash, with the function's name, or object identifier where it is not known."""

    hash_name: str
    digest: bytes
    issuer_serial: cms.IssuerSerial | None


# A unit's references are the same in all its tokens, and asked for with each certificate of a token.
@lru_cache(maxsize=16)
def _newer(value: bytes | None) -> tuple[_Reference, ...]:
    """The references of SigningCertificateV2, the signer's first; none where it is absent or not readable."""
    try:
        found = [] if value is None else asn1.decode_der(cms.SigningCertificateV2, value).certs
    except ValueError:
        return ()
    return tuple(_Reference(_hash_name(one), one.cert_hash, one.issuer_serial) for one in found)


def _hash_name(reference: cms.EssCertIdV2) -> str:
    given = reference.hash_algorithm
    if given is None:
        return "sha256"
    dotted = given.algorithm.dotted_string
    function = HASHES_BY_OID.get(dotted)
    return dotted if function is None else function.name


@lru_cache(maxsize=16)
def _older(value: bytes | None) -> tuple[_Reference, ...]:
    """The references of the older SigningCertificate, the signer's first; as `_newer`."""
    try:
        found = [] if value is None else asn1.decode_der(cms.SigningCertificate, value).certs
    except ValueError:
        return ()
    return tuple(_Reference("sha1", one.cert_hash, one.issuer_serial) for one in found)


def _is_among(references: tuple[_Reference, ...], identity: Identity) -> bool:
    """Whether one of the references names the certificate, which is hashed once by each function."""
    digests = {
        name: hashlib.new(name, identity.certificate, usedforsecurity=name != "sha1").digest()
        for name in {one.hash_name for one in references} & {"sha1", *HASHES}
    }
    return any(
        digests.get(one.hash_name) == one.digest and _serial_fits(one.issuer_serial, identity)
        for one in references
    )


@implements("EN319422:5.2.2-SIGNING-CERTIFICATE", disabled=True)
def has_a_reference(token: TokenView) -> bool:
    """A signed reference to the signer's certificate is there, and can be read."""
    return any(_references(token))


def has_few_references(token: TokenView) -> bool:
    """Neither attribute refers to more than `MOST_REFERENCES`, so that looking for each of them ends."""
    return all(len(one) <= MOST_REFERENCES for one in _references(token))


def has_further_references(token: TokenView) -> bool:
    """The token refers to more certificates than its signer's."""
    return any(len(one) > 1 for one in _references(token))


def _references(token: TokenView) -> tuple[tuple[_Reference, ...], tuple[_Reference, ...]]:
    """Those of the newer attribute, and of the older."""
    return (
        _newer(token.attribute(cms.SIGNING_CERTIFICATE_V2)),
        _older(token.attribute(cms.SIGNING_CERTIFICATE)),
    )


def unknown_reference_hash(token: TokenView) -> str | None:
    """The object identifier of the hash function of SigningCertificateV2, when it is none that is known."""
    newer, _ = _references(token)
    return newer[0].hash_name if newer and newer[0].hash_name not in HASHES else None


@implements("RFC5035:5.4-PATH", disabled=True)
def may_be_in_path(token: TokenView, identity: Identity) -> bool:
    """A CA certificate is one of those that the token refers to, where it refers to more than its signer's.

    The trust anchor is the relying party's own choice: nobody asks this of it.
    """
    return all(len(one) < 2 or _is_among(one[1:], identity) for one in _references(token))


def _serial_fits(given: cms.IssuerSerial | None, identity: Identity) -> bool:
    if given is None:
        return True
    names = [asn1.encode_der(name) for name in given.issuer]
    return given.serial_number == identity.serial and names == [context(4, identity.issuer)]


@implements("RFC3161:2.4.2-ONE-SIGNER", "EN319422:5.2.2-SIGNING-CERTIFICATE", disabled=True)
def has_the_shape(own: OwnToken, expected: Expected) -> bool:
    """A token is like the unit's sample, which kept all rules above when the unit was loaded.

    What may differ: the content, its digest in the signed attributes, the signature.
    """
    return (
        own.fixed == expected.shape.fixed
        and own.signature == expected.signature
        and digest_is_signed(own.attributes, own.content, expected)
    )


@implements("RFC3161:2.4.2-ONE-SIGNER", disabled=True)
def digest_is_signed(attributes: bytes, content: bytes, expected: Expected) -> bool:
    """The signed attributes (their content) are the sample's, with this content's digest."""
    digest: bytes = expected.digest(content).digest()
    return attributes == expected.shape.before + digest + expected.shape.after


@implements("RFC3161:2.4.1-CERT-REQ", disabled=True)
def certificates_are_as_asked(own: OwnToken, expected: Expected) -> bool:
    """The unit's certificates are there when the client asked for them, and none when it did not."""
    return own.certificates == (expected.shape.certificates if expected.request.cert_req else None)


@implements("EN319422:5.2.2-POLICY", disabled=True)
def policy_is_right(fields: TstFields, expected: Expected) -> bool:
    """The token is under the policy that was asked for, or the unit's default."""
    asked = expected.request.policy
    return fields.policy == expected.policy and (asked is None or fields.policy == oid(asked))


@implements("RFC3161:2.4.2-IMPRINT", disabled=True)
def imprint_is_echoed(fields: TstFields, expected: Expected) -> bool:
    """The imprint is the client's, to the octet."""
    request = expected.request
    return fields.imprint == request.hash_algorithm + tlv(OCTET_STRING, request.digest)


@implements("EN319422:4.2.2-NONCE", "EN319422:5.1.2-REQUEST-FIELDS", disabled=True)
def nonce_is_echoed(fields: TstFields, expected: Expected) -> bool:
    """The nonce is the client's, and there is none where the client sent none."""
    nonce = expected.request.nonce
    return fields.nonce == (None if nonce is None else integer(nonce))


@implements("RFC3161:2.4.2-SERIAL", disabled=True)
def serial_is_proper(fields: TstFields, expected: Expected) -> bool:
    """The serial number is the one that is recorded, positive, of at most 160 bits, with room for chance."""
    serial = int.from_bytes(fields.serial, "big", signed=True)
    return serial == expected.serial and 1 << 125 < serial < 1 << 160


@implements("EN319422:5.2.2-GENTIME", "RFC3161:2.4.2-GENTIME", disabled=True)
def time_is_the_clock_s(fields: TstFields, expected: Expected) -> bool:
    """GenTime is the clock's, cut to its resolution, in UTC and without trailing zeros."""
    moment = expected.gen_time
    written = moment.isoformat()[:-6].encode().translate(None, b"-:T")
    return fields.gen_time == (written.rstrip(b"0") if moment.microsecond else written) + b"Z"


@implements("EN319422:5.2.2-ACCURACY", disabled=True)
def accuracy_is_declared(fields: TstFields, expected: Expected) -> bool:
    """The token states the accuracy that the authority declares."""
    return fields.accuracy == expected.accuracy


@implements("EN319422:5.2.2-ORDERING", disabled=True)
def promises_no_order(fields: TstFields, expected: Expected) -> bool:
    """The field ordering is absent, which is how DER says false."""
    del expected
    return fields.ordering is None


@implements("EN319422:5.2.2-NO-CRITICAL-EXTENSION", disabled=True)
def has_no_critical_extension(fields: TstFields, expected: Expected) -> bool:
    """No extension of the token is critical."""
    del expected
    return not any(critical for _, critical, _ in fields.extensions)


@implements("EN319422:9.1-QUALIFIED", "EN319421:TIS-8.2-01", disabled=True)
def says_whether_qualified(fields: TstFields, expected: Expected) -> bool:
    """A qualified token has one qcStatements with one esi4-qtstStatement-1; any other has neither."""
    found = [value for kind, _, value in fields.extensions if kind == _QC_STATEMENTS]
    return found == ([_QUALIFIED] if expected.qualified else [])


_QC_STATEMENTS: Final = oid(tsp.QC_STATEMENTS)
_QUALIFIED: Final = tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1)


@implements("RFC3161:2.1-NO-REQUESTER", disabled=True)
def names_no_requester(fields: TstFields, expected: Expected) -> bool:
    """Nothing in the token can name who asked: no name, no extension but the statement of qualification."""
    del expected
    return fields.tsa is None and all(kind == _QC_STATEMENTS for kind, _, _ in fields.extensions)


RULES: Final[tuple[tuple[Callable[[TstFields, Expected], bool], str, str], ...]] = (
    (policy_is_right, "EN319422:5.2.2-POLICY", "The token is under another policy."),
    (imprint_is_echoed, "RFC3161:2.4.2-IMPRINT", "The token is over another imprint."),
    (nonce_is_echoed, "EN319422:4.2.2-NONCE", "The token has another nonce."),
    (serial_is_proper, "RFC3161:2.4.2-SERIAL", "The token has another serial number, or a bad one."),
    (time_is_the_clock_s, "EN319422:5.2.2-GENTIME", "The token has another time."),
    (accuracy_is_declared, "EN319422:5.2.2-ACCURACY", "The token states another accuracy."),
    (promises_no_order, "EN319422:5.2.2-ORDERING", "The token promises an order."),
    (has_no_critical_extension, "EN319422:5.2.2-NO-CRITICAL-EXTENSION", "An extension is critical."),
    (says_whether_qualified, "EN319422:9.1-QUALIFIED", "The statement of qualification is wrong."),
    (names_no_requester, "RFC3161:2.1-NO-REQUESTER", "The token has fields that could name the client."),
)


# What a relying party asks of a TSTInfo, whoever issued it


@implements("RFC3161:2.4.2-VERSION", disabled=True)
def is_of_version_1(info: tsp.TstInfo) -> bool:
    """The version is the one whose fields are known."""
    return info.version == 1


@implements("RFC3161:2.4.2-SERIAL", disabled=True)
def serial_is_not_negative(info: tsp.TstInfo) -> bool:
    """The serial number is none below zero."""
    return info.serial_number >= 0


@implements("RFC3161:2.4.2-ACCURACY", disabled=True)
def accuracy_is_in_range(info: tsp.TstInfo) -> bool:
    """Seconds are not negative; milliseconds and microseconds are 1 to 999 where they are given."""
    given = info.accuracy
    if given is None:
        return True
    parts = [part for part in (given.millis, given.micros) if part is not None]
    return (given.seconds or 0) >= 0 and all(1 <= part <= 999 for part in parts)


@implements("RFC3161:2.4.2-CRITICAL", disabled=True)
def critical_extensions_are_known(info: tsp.TstInfo) -> bool:
    """A critical extension is one that is understood here: qcStatements."""
    return all(one.oid.dotted_string == tsp.QC_STATEMENTS for one in info.extensions or () if one.critical)


RELYING: Final[tuple[tuple[Callable[[tsp.TstInfo], bool], str, str], ...]] = (
    (is_of_version_1, "RFC3161:2.4.2-VERSION", "The token's content is not of version 1."),
    (serial_is_not_negative, "RFC3161:2.4.2-SERIAL", "The token's serial number is negative."),
    (accuracy_is_in_range, "RFC3161:2.4.2-ACCURACY", "The token's accuracy is out of its range."),
    (critical_extensions_are_known, "RFC3161:2.4.2-CRITICAL", "The token has an unknown critical extension."),
)


def reading_objection(info: tsp.TstInfo) -> tuple[str, str] | None:
    """The first requirement that a TSTInfo of any authority breaks, with a sentence."""
    for rule, requirement, sentence in RELYING:
        if not rule(info):
            return requirement, f"{sentence} Do not rely on it; ask its authority for another."
    return None


def structure_objection(token: TokenView, identity: Identity | None = None) -> tuple[str, str] | None:
    """The first requirement that a token breaks as a signed structure, with a sentence.

    Without `identity`, who signed is not looked at.
    """
    if not (is_signed_by_one(token) and attributes_cover_content(token)):
        return "RFC3161:2.4.2-ONE-SIGNER", "The token is not signed data of one signer over its content."
    if not digest_is_announced(token):
        return "RFC5652:5.1-DIGEST-ALGORITHMS", _NOT_ANNOUNCED
    if identity is not None and not refers_to(token, identity):
        return "EN319422:5.2.2-SIGNING-CERTIFICATE", "The token does not refer to the signer's certificate."
    return None


_NOT_ANNOUNCED: Final = (
    "The token does not announce its signer's digest algorithm: it was changed, or made wrongly. Ask its "
    "authority for another."
)


def objection(own: OwnToken, expected: Expected) -> tuple[str, str] | None:
    """The first requirement that a token of our own breaks, with a sentence."""
    if not has_the_shape(own, expected):
        return "RFC3161:2.4.2-ONE-SIGNER", "The token has not the shape of the unit's tokens."
    if not certificates_are_as_asked(own, expected):
        return "RFC3161:2.4.1-CERT-REQ", "The certificates are not as asked for."
    return content_objection(own.tst_info, expected)


def content_objection(fields: TstFields, expected: Expected) -> tuple[str, str] | None:
    """The first requirement that a TSTInfo breaks, with a sentence."""
    for rule, requirement, sentence in RULES:
        if not rule(fields, expected):
            return requirement, sentence
    return None
