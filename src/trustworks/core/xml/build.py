"""Writes XML signatures: for signed reports and lists. Each is read back and verified before it is given out.

Source: XML Signature 1.1, 3.1. Keys stay with the caller, who gives `sign`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.xml import algorithms
from trustworks.core.xml.algorithms import DS, ENC
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import Signature, read_reference, read_signature
from trustworks.core.xml.references import resolve
from trustworks.core.xml.values import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TEXT_LINE: Final = 76


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A reference to write: to the document (""), an element ("#id"), or data by a name in `detached`.

    `transforms` are algorithms of the list that have no parameters.
    """

    uri: str
    transforms: tuple[str, ...] = (algorithms.EXCLUSIVE,)
    digest: str = ENC + "sha256"
    type: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a signature to be written is like. `objects` become contents of ds:Object elements."""

    references: Sequence[Wanted]
    method: str
    certificates: Sequence[bytes] = ()
    objects: Sequence[etree._Element] = ()
    canonicalisation: str = algorithms.EXCLUSIVE
    id: str | None = None
    value_id: str | None = None
    detached: Mapping[str | None, bytes] = field(default_factory=dict)


def sign_within(
    parent: etree._Element, plan: Plan, sign: Callable[[bytes], bytes], public_key: object
) -> Signature:
    """Append a ds:Signature to an element, and sign it.

    `sign` takes the canonical SignedInfo and gives the value as XML Signature has it: of ECDSA both numbers,
    one behind the other. Raises `Malformed` or `Rejected` where something to be signed is not found or not
    transformed, and `Rejected` (signature.own) where the finished signature does not verify; then the element
    is as it was.
    """
    element = _skeleton(plan)
    parent.append(element)
    try:
        return _signed(element, plan, sign, public_key)
    except BaseException:
        parent.remove(element)
        raise


def signature_over(plan: Plan, sign: Callable[[bytes], bytes], public_key: object) -> Signature:
    """A ds:Signature that is a document of its own: over its objects (enveloping) or detached data."""
    return _signed(_skeleton(plan), plan, sign, public_key)


def _signed(
    element: etree._Element, plan: Plan, sign: Callable[[bytes], bytes], public_key: object
) -> Signature:
    root = element.getroottree().getroot()
    document = Document(root)
    for number, reference in enumerate(element.iterfind(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")):
        found = resolve(read_reference(reference, number), document, plan.detached)
        if found.actual is None:
            problem = found.problem
            raise Rejected(
                "signature.reference" if problem is None else problem.code,
                "What is to be signed was not found." if problem is None else problem.message,
            )
        _child(reference, "DigestValue").text = base64.b64encode(found.actual).decode()
    octets = canonicalise(_child(element, "SignedInfo"), plan.canonicalisation)
    _child(element, "SignatureValue").text = _lines(sign(octets))
    # A new view of the tree: what the first one kept was written before there were values.
    written = Document(root)
    signature = read_signature(element, written)
    whole = all(
        resolve(reference, written, plan.detached).intact for reference in signature.signed_info.references
    )
    if not whole or not verify(signature, public_key).valid:
        raise Rejected(
            "signature.own",
            "The signature that was written does not verify. It is not given out: look at the key.",
        )
    return signature


def _skeleton(plan: Plan) -> etree._Element:
    """The signature with everything but its values."""
    if plan.method not in algorithms.SIGNATURES or plan.method == algorithms.RSA_PSS:
        raise Rejected(
            "signature-method.unknown",
            f"Signatures by {plan.method[:120]!r} are not written. Use another algorithm.",
        )
    element = etree.Element(f"{{{DS}}}Signature", nsmap={"ds": DS})
    _identify(element, plan.id)
    info = etree.SubElement(element, f"{{{DS}}}SignedInfo")
    etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", Algorithm=plan.canonicalisation)
    etree.SubElement(info, f"{{{DS}}}SignatureMethod", Algorithm=plan.method)
    for wanted in plan.references:
        _reference(info, wanted)
    value = etree.SubElement(element, f"{{{DS}}}SignatureValue")
    _identify(value, plan.value_id)
    if plan.certificates:
        data = etree.SubElement(etree.SubElement(element, f"{{{DS}}}KeyInfo"), f"{{{DS}}}X509Data")
        for certificate in plan.certificates:
            etree.SubElement(data, f"{{{DS}}}X509Certificate").text = _lines(certificate)
    for content in plan.objects:
        etree.SubElement(element, f"{{{DS}}}Object").append(content)
    return element


def _reference(info: etree._Element, wanted: Wanted) -> None:
    if algorithms.DIGESTS.get(wanted.digest) not in algorithms.HASHES:
        raise Rejected(
            "digest.unknown", f"Digests by {wanted.digest[:120]!r} are not written. Use another algorithm."
        )
    reference = etree.SubElement(info, f"{{{DS}}}Reference")
    _identify(reference, wanted.id)
    reference.set("URI", wanted.uri)
    if wanted.type is not None:
        reference.set("Type", wanted.type)
    if wanted.transforms:
        transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
        for algorithm in wanted.transforms:
            etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=algorithm)
    etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=wanted.digest)
    etree.SubElement(reference, f"{{{DS}}}DigestValue").text = ""


def _identify(element: etree._Element, identifier: str | None) -> None:
    if identifier is not None:
        element.set("Id", identifier)


def _child(element: etree._Element, name: str) -> etree._Element:
    found = element.find(f"{{{DS}}}{name}")
    if found is None:  # pragma: no cover - the skeleton has it
        raise Malformed(f"The signature has no {name}.")
    return found


def _lines(octets: bytes) -> str:
    text = base64.b64encode(octets).decode()
    return "\n".join(text[at : at + _TEXT_LINE] for at in range(0, len(text), _TEXT_LINE))
