"""One signer as a `Signature`: what its value is over, and its signed attributes as evidence.

Unsigned attributes are not looked at here: those of CAdES are read by `formats.cades`.
Source: RFC 5652, 5.3, 5.4 and 11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import SEQUENCE, SET
from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.cms import rules
from trustworks.formats.cms.algorithms import hash_name, signature_algorithm
from trustworks.formats.cms.attributes import SignedAttributes, read_signed_attributes
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import (
    Finding,
    Format,
    Reference,
    ReferenceKind,
    Scope,
    ScopeKind,
    Signature,
    SignerIdentifier,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.cms.structure import SignerInfo
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data

_KEY_IDENTIFIER: Final = 0x80
_ABSENT: Final = DigestOnly((), "the signed data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What signers of one structure sign.

    `data` are the objects that the digest may be of: the one that the structure holds, or the detached files.
    `ids` are those of the objects, in the same order. `counter`: it is the value of another signature.
    """

    type: str
    data: Sequence[Data]
    ids: Sequence[str]
    counter: bool = False


def read_signer(
    signer: SignerInfo,
    content: Content,
    *,
    collector: Collector,
    key_info: tuple[str, ...] = (),
    parent: str | None = None,
    file: str | None = None,
    place: bytes = b"",
) -> tuple[Signature, SignedAttributes]:
    """The signature of one signer, and its signed attributes as they were read.

    Nothing is given to the collector, whose ids alone are asked for. `place` goes into the id. Raises
    `Malformed` where there is no value or no algorithm.
    """
    findings: list[Finding] = []
    digest = hash_name(signer.digest_algorithm)
    algorithm = signature_algorithm(signer.signature_algorithm, digest)
    attributes = read_signed_attributes(signer.signed_attributes, findings)
    if signer.signed is not None:
        findings.extend(rules.objections(signer, attributes, content.type, counter=content.counter))
    findings.extend(rules.other_digest(algorithm, digest))
    reference, at = _content_reference(signer, content, attributes, digest)
    value = signer.signature.string()
    signed: Data
    if signer.signed is not None:
        identity, in_der = _encoded(signer)
        signed = Octets(identity)
        findings.extend(rules.not_der(in_der=in_der))
    else:
        signed = content.data[at] if at is not None else _ABSENT
        identity = b"" if at is None else content.ids[at].encode()
    signature = Signature(
        id=collector.fresh("S", value, identity, place, (parent or "").encode()),
        format=Format.CADES,
        level="CMS-NOT-ETSI",
        algorithm=algorithm,
        value=value,
        signed=signed,
        references=(reference,),
        attributes=attributes.shared,
        scopes=_scopes(content, at),
        signing_certificate=attributes.signing_certificate,
        identifier=signer_identifier(signer.sid),
        key_info=key_info,
        certificates=key_info,
        parent=parent,
        file=file,
    )
    return (replace(signature, findings=tuple(findings)) if findings else signature), attributes


def signer_identifier(sid: ber.Element) -> SignerIdentifier | None:
    """Who signed, by issuer and number, or by the key's identifier (RFC 5652, 5.3); None: neither."""
    if sid.tag == _KEY_IDENTIFIER:
        return SignerIdentifier(key_identifier=sid.string())
    if sid.tag == SEQUENCE:
        parts = sid.children()
        if len(parts) > 1:
            return SignerIdentifier(issuer=parts[0].octets, serial=parts[1].integer())
    return None


def _encoded(signer: SignerInfo) -> tuple[bytes, bool]:
    """The signed attributes as a SET in DER, which is what a signer signs, and whether they are written so.

    Source: RFC 5652, 5.4.
    """
    members = [one.element for one in signer.signed_attributes]
    written = [one.octets for one in members]
    if written == sorted(written) and all(ber.is_der(one) for one in members):
        # The usual case. Of what holds them only the content counts: the length is written anew.
        return ber.tagged(SET, signer.signed.value if signer.signed else b""), True
    return ber.sorted_set(SET, [ber.der(one) for one in members]), False


def _content_reference(
    signer: SignerInfo, content: Content, attributes: SignedAttributes, digest: str
) -> tuple[Reference, int | None]:
    """The digest of the content as it is signed, and the place of the content among the data at hand."""
    kind = ReferenceKind.COUNTER_SIGNED if content.counter else ReferenceKind.CONTENT
    expected = attributes.message_digest
    if not content.data:
        return Reference(
            kind=kind,
            name=None,
            digest_algorithm=digest,
            expected=expected,
            actual=None,
            found=False,
            intact=False,
            why="The signed data is neither in the file nor was it given beside it.",
        ), None
    actual: bytes | None = None
    why: str | None = None
    at = next((place for place, one in enumerate(content.data) if not isinstance(one, DigestOnly)), None)
    for place, data in enumerate(content.data):
        try:
            computed = data.digest(digest)
        except Rejected as error:
            why = why or str(error)
            continue
        if actual is None or computed == expected:
            actual, at = computed, place
        if computed == expected:
            break
    if signer.signed is None:
        # Nothing but the value is over the content: whether it is intact, is whether the value verifies.
        expected = actual
        why = why or "There are no signed attributes: the value itself is over the data."
    intact = actual is not None and actual == expected
    return Reference(
        kind=kind,
        name=content.data[at or 0].name,
        digest_algorithm=digest,
        expected=expected,
        actual=actual,
        found=True,
        intact=intact,
        covers=frozenset() if at is None else frozenset({content.ids[at]}),
        why=why if not intact or signer.signed is None else None,
    ), at


def _scopes(content: Content, at: int | None) -> tuple[Scope, ...]:
    if at is None:
        return ()
    data = content.data[at]
    if content.counter:
        return (
            Scope(
                kind=ScopeKind.COUNTER_SIGNATURE,
                name=content.ids[at],
                text="The value of the signature that it countersigns.",
                id=content.ids[at],
            ),
        )
    whole = not isinstance(data, DigestOnly)
    return (
        Scope(
            kind=ScopeKind.FULL if whole else ScopeKind.DIGEST,
            name=data.name or "the signed content",
            text="The whole content." if whole else "The content, of which only the digest is at hand.",
            data=data,
            id=content.ids[at],
        ),
    )
