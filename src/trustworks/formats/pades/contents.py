"""What is in the Contents of a signature dictionary: CMS of one signer, or a bare RSA value.

Source: EN 319 142-1, 5.3 and 6.3; EN 319 142-2, 5.3; ISO 32000-2, 12.8.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.formats.cms.signed import Content, read_signer
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.cms.tokens import take_attribute_values, take_certificates, take_revocation
from trustworks.formats.collector import identified
from trustworks.formats.data import Octets
from trustworks.formats.evidence import (
    Algorithm,
    Attributes,
    Finding,
    Format,
    Reference,
    ReferenceKind,
    Signature,
    TimeStampKind,
    Weight,
    Where,
)
from trustworks.formats.time_stamp import read_time_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.cms.structure import CmsAttribute, SignedData
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits

DETACHED: Final = "ETSI.CAdES.detached"
PKCS7: Final = "adbe.pkcs7.detached"
PKCS7_SHA1: Final = "adbe.pkcs7.sha1"
RSA_SHA1: Final = "adbe.x509.rsa_sha1"

_SIGNATURE_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
_CONTENT_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.20"
_DATA: Final = "1.2.840.113549.1.7.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature as its Contents give it, and what of the CMS around it its level depends on."""

    signature: Signature
    signers: int
    content_type: str
    encapsulates: bool
    own_time_stamps: tuple[str, ...] = ()


def read_contents(  # noqa: PLR0917 - what a signature stands in
    octets: bytes,
    sub_filter: str | None,
    signed: Data,
    certificates: Sequence[bytes],
    collector: Collector,
    limits: Limits,
    file: str | None,
) -> Signed:
    """Reads Contents over what the byte range covers. `certificates` are those of the dictionary's Cert.

    The signature is in the collector afterwards, with its tokens and time-stamps.

    Raises:
        Malformed: it is no signature in the encoding that the SubFilter says.
    """
    if sub_filter == RSA_SHA1:
        return _bare(octets, signed, certificates, collector, file)
    try:
        data = read_signed_data(octets, limits)
        if not data.signers:
            raise Malformed("The CMS in Contents has no signer.")
        return _of_cms(data, sub_filter, signed, collector, file)
    except IndexError as error:
        raise Malformed("The CMS in Contents lacks a part.") from error


def _of_cms(
    data: SignedData, sub_filter: str | None, signed: Data, collector: Collector, file: str | None
) -> Signed:
    signer = data.signers[0]
    inner = data.content_octets()
    content: Data = Octets(inner, "Contents") if sub_filter == PKCS7_SHA1 and inner is not None else signed
    named = collector.data(content)
    certificates = take_certificates(data, collector, None, Where.KEY_INFO)
    signature, _ = read_signer(
        signer,
        Content(type=data.content_type, data=(content,), ids=(named,)),
        collector=collector,
        key_info=certificates,
        file=file,
        place=b"",
    )
    findings = [*signature.findings, *one_signer(len(data.signers)), *nothing_inside(data, sub_filter)]
    revocation = take_revocation(data, collector, signature.id)
    more, values = take_attribute_values(
        (*signer.signed_attributes, *signer.unsigned_attributes), collector, signature.id, findings
    )
    references = signature.references
    if sub_filter == PKCS7_SHA1:
        references = (*references, _inner_digest(inner, signed, collector.data(signed)))
    elif inner is not None:
        references = (*references, _own_content(references[0], Octets(inner, "Contents"), collector))
    signature = replace(
        signature,
        references=references,
        certificates=tuple(dict.fromkeys((*certificates, *more))),
        revocation=tuple(dict.fromkeys((*revocation, *values))),
    )
    stamps = _time_stamps(
        signature, signer.signed_attributes, signer.unsigned_attributes, signed, collector, findings
    )
    signature = replace(signature, time_stamps=stamps, findings=tuple(findings))
    collector.signature(signature)
    return Signed(
        signature=signature,
        signers=len(data.signers),
        content_type=data.content_type,
        encapsulates=inner is not None,
        own_time_stamps=stamps,
    )


def _time_stamps(  # noqa: PLR0917 - both kinds, in one pass
    signature: Signature,
    signed_attributes: Sequence[CmsAttribute],
    unsigned_attributes: Sequence[CmsAttribute],
    signed: Data,
    collector: Collector,
    findings: list[Finding],
) -> tuple[str, ...]:
    """Content and signature time-stamps of the CMS (EN 319 122-1, 5.2.8 and 5.3)."""
    found: list[str] = []
    data = frozenset(one for reference in signature.references for one in reference.covers)
    signer = {
        named
        for reference in signature.signing_certificate
        if (named := collector.token_by_digest("C", reference.digest_algorithm, reference.digest)) is not None
    }
    for attribute in (*signed_attributes, *unsigned_attributes):
        match attribute.type:
            case "1.2.840.113549.1.9.16.2.20":
                kind, over, covers = TimeStampKind.CONTENT, signed, data
            case "1.2.840.113549.1.9.16.2.14":
                kind, over = TimeStampKind.SIGNATURE, Octets(signature.value, "signature value")
                covers = frozenset({signature.id, *data, *signer})
            case _:
                continue
        for value in attribute.values:
            try:
                found.append(
                    read_time_stamp(
                        value.octets, collector, kind=kind, over=over, covers=covers, owner=signature.id
                    ).id
                )
            except Malformed as error:
                findings.append(
                    Finding(
                        code="pades.time-stamp",
                        text=f"A time-stamp in the signature cannot be read: {error}",
                        weight=Weight.SUSPICIOUS,
                    )
                )
    return tuple(found)


@implements("EN319142-1:6.3-ONE-SIGNER", disabled=())
def one_signer(signers: int) -> tuple[Finding, ...]:
    """Objects to CMS of more than one signer: PDF readers look at the first only."""
    if signers == 1:
        return ()
    return (
        Finding(
            code="pades.signers",
            text=f"The CMS of the signature has {signers} signers, where a signature of PDF has one. The "
            "first is read.",
            weight=Weight.SUSPICIOUS,
            requirement="EN319142-1:6.3-ONE-SIGNER",
        ),
    )


@implements("EN319142-1:5.3-DETACHED", disabled=())
def nothing_inside(data: SignedData, sub_filter: str | None) -> tuple[Finding, ...]:
    """Objects to CMS that holds content of its own, where what is signed is the file."""
    if sub_filter == PKCS7_SHA1 or data.content is None:
        return ()
    return (
        Finding(
            code="pades.encapsulated",
            text="The CMS of the signature holds content of its own, which is not the document. What it "
            "covers is the byte range, and nothing else is shown as signed.",
            weight=Weight.SUSPICIOUS,
            requirement="EN319142-1:5.3-DETACHED",
        ),
    )


def _inner_digest(inner: bytes | None, signed: Data, named: str) -> Reference:
    """adbe.pkcs7.sha1: the CMS holds and signs the SHA-1 of the byte range (ISO 32000-1, 12.8.3.3.1)."""
    actual = signed.digest("sha1")
    return Reference(
        kind=ReferenceKind.CONTENT,
        name=signed.name,
        digest_algorithm="sha1",
        expected=inner,
        actual=actual,
        found=True,
        intact=actual == inner,
        covers=frozenset({named}),
    )


def _own_content(over: Reference, inner: Data, collector: Collector) -> Reference:
    """The same digest once more, of the content that the CMS holds: its message-digest is of that, too.

    Source: RFC 5652, 5.4 and 11.2.
    """
    actual = (
        None if over.digest_algorithm is None or over.actual is None else inner.digest(over.digest_algorithm)
    )
    expected = over.expected if over.expected is not None else actual
    return replace(
        over,
        kind=ReferenceKind.OBJECT,
        name=inner.name,
        actual=actual,
        intact=actual is not None and actual == expected,
        covers=frozenset({collector.data(inner)}),
    )


def _bare(
    octets: bytes, signed: Data, certificates: Sequence[bytes], collector: Collector, file: str | None
) -> Signed:
    """adbe.x509.rsa_sha1: an OCTET STRING that is an RSA value over the byte range; Cert beside it."""
    value = ber.read(octets).string()
    if not value:
        raise Malformed("The Contents of the signature are no OCTET STRING with a value.")
    named = collector.data(signed)
    key_info = tuple(collector.certificate(one, Where.KEY_INFO) for one in certificates)
    try:
        actual = signed.digest("sha1")
    except Rejected as error:
        raise Malformed(str(error)) from error
    signature = Signature(
        id=collector.fresh("S", value, named.encode()),
        format=Format.PADES,
        level="PDF-NOT-ETSI",
        algorithm=Algorithm(name=RSA_SHA1, scheme="rsa-pkcs1", digest="sha1"),
        value=value,
        signed=signed,
        references=(
            # Nothing but the value is over the data.
            Reference(
                kind=ReferenceKind.CONTENT,
                name=signed.name,
                digest_algorithm="sha1",
                expected=actual,
                actual=actual,
                found=True,
                intact=True,
                covers=frozenset({named}),
            ),
        ),
        attributes=Attributes(),
        key_info=key_info,
        certificates=key_info,
        file=file,
    )
    collector.signature(signature)
    return Signed(signature=signature, signers=1, content_type=_DATA, encapsulates=False)


def contents_id(octets: bytes) -> str:
    """What VRI calls the signature of these Contents by: their SHA-1 in capitals (EN 319 142-1, 5.4.2.3)."""
    import hashlib  # noqa: PLC0415 - beside its only use

    return hashlib.sha1(octets, usedforsecurity=False).hexdigest().upper()


__all__ = ["Signed", "contents_id", "identified", "read_contents"]
