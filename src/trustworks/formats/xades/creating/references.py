"""References to validation data, added to a signature: level C of the extended forms.

With time-stamps over them, values and an archive time-stamp (`unsigned`) a signature goes on to X, XL and A.
Source: EN 319 132-1, A.1.1, A.1.2 and A.1.5; EN 319 132-2, 5.4 to 5.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509 import ocsp

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.ocsp_answer import OcspAnswer
from trustworks.core.pki.revocation_list import RevocationList
from trustworks.formats.xades import names
from trustworks.formats.xades.creating.elements import base64_of, child, date_time, digest, digest_of
from trustworks.formats.xades.creating.properties import issuer_serial
from trustworks.formats.xades.creating.signature import unsigned_properties
from trustworks.formats.xades.creating.unsigned import added, check_version

if TYPE_CHECKING:
    from lxml import etree

    from trustworks.core.ports import ValidationData
    from trustworks.formats.xades.creating.unsigned import Target


def with_references(
    target: Target, data: ValidationData, *, hash_name: str = "sha256", older: bool = False
) -> bytes:
    """The document with references to certificates (but the signer's own) and to revocation data.

    `older`: CompleteCertificateRefs of version 1.3.2, which SigAndRefsTimeStamp and RefsOnlyTimeStamp are
    over; else CompleteCertificateRefsV2, which those of V2 are over. What a reference to an OCSP answer
    digests is the whole OCSPResponse, as it is in RevocationValues.

    Raises:
        Malformed: the document is no XML, or some of the data cannot be read.
        Rejected: there is no such signature, or it is of an older version than 1.3.2, or it has such
            references already, or nothing is given.
    """

    def put(root: etree._Element) -> None:
        holder = unsigned_properties(root, target.signature)
        check_version(holder, "CompleteRevocationRefs")
        there = {names.split(str(one.tag))[1] for one in holder.iterchildren("*")}
        if {"CompleteCertificateRefs", "CompleteCertificateRefsV2", "CompleteRevocationRefs"} & there:
            raise Rejected("xades.references", "The signature has such references already.")
        if not data:
            raise Rejected("xades.references", "No validation data is given that could be referred to.")
        _certificates(holder, data, hash_name, older=older)
        if data.lists or data.answers:
            _revocation(child(holder, "CompleteRevocationRefs"), data, hash_name)

    return added(target, put)


def _certificates(holder: etree._Element, data: ValidationData, hash_name: str, *, older: bool) -> None:
    space = names.XADES_132 if older else names.XADES_141
    name = "CompleteCertificateRefs" if older else "CompleteCertificateRefsV2"
    listed = child(child(holder, name, namespace=space), "CertRefs")
    for one in data.certificates:
        cert = child(listed, "Cert", namespace=names.XADES_132)
        digest(cert, "CertDigest", hash_name, digest_of(hash_name, one))
        if older:
            issuer_serial(cert, one)


def _revocation(holder: etree._Element, data: ValidationData, hash_name: str) -> None:
    if data.lists:
        listed = child(holder, "CRLRefs")
        for one in data.lists:
            reference = child(listed, "CRLRef")
            digest(reference, "DigestAlgAndValue", hash_name, digest_of(hash_name, one))
            _list(child(reference, "CRLIdentifier"), one)
    if data.answers:
        listed = child(holder, "OCSPRefs")
        for one in data.answers:
            reference = child(listed, "OCSPRef")
            _answer(child(reference, "OCSPIdentifier"), one)
            digest(reference, "DigestAlgAndValue", hash_name, digest_of(hash_name, one))


def _list(holder: etree._Element, der: bytes) -> None:
    """CRLIdentifier: issuer, time, number."""
    read = RevocationList.read(der)
    try:
        issuer = x509.load_der_x509_crl(der).issuer.rfc4514_string()
    except ValueError as error:
        raise Malformed(f"The name of a revocation list's issuer cannot be read: {error}") from error
    child(holder, "Issuer", issuer)
    child(holder, "IssueTime", date_time(read.this_update))
    if read.number is not None:
        child(holder, "Number", str(read.number))


def _answer(holder: etree._Element, der: bytes) -> None:
    """OCSPIdentifier: the responder by its name or its key's digest, and the time."""
    read = OcspAnswer.read(der)
    if read.produced_at is None:
        raise Malformed("An OCSP answer that is not successful says nothing that can be referred to.")
    responder = child(holder, "ResponderID")
    if read.responder_key_hash is not None:
        child(responder, "ByKey", base64_of(read.responder_key_hash))
    else:
        try:
            named = ocsp.load_der_ocsp_response(der).responder_name
        except ValueError as error:
            raise Malformed(f"The name of an OCSP responder cannot be read: {error}") from error
        child(responder, "ByName", "" if named is None else named.rfc4514_string())
    child(holder, "ProducedAt", date_time(read.produced_at))
