"""What is in the Contents of a signature dictionary: CMS of one signer, or a bare RSA value.

Source: EN 319 142-1, 5.3 and 6.3; EN 319 142-2, 5.3; ISO 32000-2, 12.8.3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.cades.signers import Reader
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.cms.tokens import REVOCATION_ARCHIVAL, take_attribute_values
from trustworks.formats.collector import identified
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
from trustworks.formats.pades.answers import responders
from trustworks.formats.verification import HASHES_BY_OID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.cms.structure import SignedData, SignerInfo
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits

DETACHED: Final = "ETSI.CAdES.detached"
PKCS7: Final = "adbe.pkcs7.detached"
PKCS7_SHA1: Final = "adbe.pkcs7.sha1"
RSA_SHA1: Final = "adbe.x509.rsa_sha1"

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
        inner = data.content_octets()
        first = replace(data, signers=data.signers[:1])
        (signature, *_) = Reader(first, collector, detached=(signed,), limits=limits, file=file).read()
    except IndexError as error:
        raise Malformed("The CMS in Contents lacks a part.") from error
    findings = (
        *signature.findings,
        *one_signer(len(data.signers)),
        *nothing_inside(data, sub_filter),
    )
    references = digest_is_named(signature.references, first.signers[0])
    if inner is not None:
        references = _with_range(references[0], sub_filter, inner, signed, collector.data(signed))
    signature = replace(signature, references=references, findings=findings)
    collector.signature(signature)
    _cover_archived(signature, first.signers[0], collector)
    return Signed(
        signature=signature,
        signers=len(data.signers),
        content_type=data.content_type,
        encapsulates=inner is not None,
        own_time_stamps=signature.time_stamps,
    )


def _cover_archived(signature: Signature, signer: SignerInfo, collector: Collector) -> None:
    """Lets the time-stamps of the value cover the revocation data in its signed attributes, too.

    Source: ISO 32000-2, 12.8.3.3.2: adbe-revocationInfoArchival is signed, and so is under the value.
    """
    signed = [one for one in signer.signed_attributes if one.type == REVOCATION_ARCHIVAL]
    if not signed or not signature.time_stamps:
        return
    _, revocation = take_attribute_values(signed, collector, signature.id, [])
    archived = {*revocation}
    for named in revocation:
        if named.startswith("O"):
            inside = responders(collector.token(named) or b"")
            archived |= {collector.certificate(one, Where.OCSP_ANSWER, named) for one in inside}
    for stamp in collector.time_stamps:
        if stamp.id in signature.time_stamps and stamp.kind is TimeStampKind.SIGNATURE:
            imprint, *others = stamp.references
            covers = stamp.covers.union(archived)
            collector.time_stamp(
                replace(stamp, covers=covers, references=(replace(imprint, covers=covers), *others))
            )


def _with_range(
    own: Reference, sub_filter: str | None, inner: bytes, signed: Data, named: str
) -> tuple[Reference, ...]:
    """The references of CMS with content of its own: the file must be what it is about, all the same.

    Of adbe.pkcs7.sha1 the content is the SHA-1 of the byte range (ISO 32000-1, 12.8.3.3.1). Of all others
    it has no business there; the digest that is signed must be of the byte range, and of the content, too
    (RFC 5652, 5.4).
    """
    if sub_filter == PKCS7_SHA1:
        actual = signed.digest("sha1")
        about = replace(
            own, digest_algorithm="sha1", expected=inner, actual=actual, intact=actual == inner, why=None
        )
        return own, replace(about, name=signed.name, covers=frozenset({named}))
    computed = None if own.actual is None else signed.digest(own.digest_algorithm or "")
    expected = own.expected if own.expected is not None else computed
    about = replace(own, name=signed.name, actual=computed, covers=frozenset({named}))
    return (
        replace(about, intact=computed is not None and computed == expected),
        replace(own, kind=ReferenceKind.OBJECT),
    )


def _computed(references: tuple[Reference, ...], signer: SignerInfo) -> tuple[Reference, ...]:
    del signer
    return references


@implements("ISO32000-2:12.8.3.3-DIGEST", disabled=_computed)
def digest_is_named(references: tuple[Reference, ...], signer: SignerInfo) -> tuple[Reference, ...]:
    """References without a digest where what is named for it is the algorithm of signatures.

    Without signed attributes there is no digest that the signer made, either: what was signed is not found.
    """
    dotted = signer.digest_algorithm.children()[0].oid()
    if dotted in HASHES_BY_OID:
        return references
    return tuple(
        replace(
            one,
            actual=None,
            found=one.found and signer.signed is not None,
            intact=False,
            why=f"The signer names {dotted} as digest algorithm, which is none that is known here.",
        )
        for one in references
    )


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
