"""Writes XML signatures. Each is read back and verified before it is given out.

In steps, between which the key may be anywhere: `skeleton` has everything but values, `fill` computes the
digests, `signed_octets` is what a key signs, `finish` puts the value in. `sign_within` and `signature_over`
do all of it at once, with a key that the caller has. Source: XML Signature 1.1, 3.1.
"""

from __future__ import annotations

import base64
from dataclasses import field
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml import algorithms
from trustworks.core.xml.algorithms import DS, ENC
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import Signature, read_reference, read_signature
from trustworks.core.xml.references import resolve
from trustworks.core.xml.values import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from trustworks.core.xml.references import Resolved, Source

_TEXT_LINE: Final = 76


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """An XPath Filter 2.0: nodes that are taken out (subtract), kept (intersect) or added (union)."""

    expression: str
    operation: str = "subtract"
    namespaces: Mapping[str, str] = field(default_factory=lambda: {"ds": DS})


WITHOUT_SIGNATURES: Final = Selection(expression="/descendant::ds:Signature")
"""Leaves every signature out, so that signatures beside each other do not cover each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A reference to write: to the document (""), an element ("#id"), or data by a name in `detached`.

    `transforms` are algorithms of the list that have no parameters, and selections by XPath Filter 2.0.
    """

    uri: str | None
    transforms: tuple[str | Selection, ...] = (algorithms.EXCLUSIVE,)
    digest: str = ENC + "sha256"
    type: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a signature to be written is like.

    `objects` become contents of ds:Object elements; those that are ds:Object already stand as they are.
    """

    references: Sequence[Wanted]
    method: str
    certificates: Sequence[bytes] = ()
    objects: Sequence[etree._Element] = ()
    canonicalisation: str = algorithms.EXCLUSIVE
    id: str | None = None
    value_id: str | None = None
    detached: Mapping[str | None, bytes | Source] = field(default_factory=dict)


def sign_within(
    parent: etree._Element, plan: Plan, sign: Callable[[bytes], bytes], public_key: object
) -> Signature:
    """Append a ds:Signature to an element, and sign it.

    `sign` takes the canonical SignedInfo and gives the value as XML Signature has it: of ECDSA both numbers,
    one behind the other. Raises `Malformed` or `Rejected` where something to be signed is not found or not
    transformed, and `Rejected` (signature.own) where the finished signature does not verify; then the element
    is as it was.
    """
    element = skeleton(plan)
    parent.append(element)
    try:
        return _signed(element, plan, sign, public_key)
    except BaseException:
        parent.remove(element)
        raise


def signature_over(plan: Plan, sign: Callable[[bytes], bytes], public_key: object) -> Signature:
    """A ds:Signature that is a document of its own: over its objects (enveloping) or detached data."""
    return _signed(skeleton(plan), plan, sign, public_key)


def _signed(
    element: etree._Element, plan: Plan, sign: Callable[[bytes], bytes], public_key: object
) -> Signature:
    fill(element, plan.detached)
    return finish(element, sign(signed_octets(element)), public_key, plan.detached)


def fill(
    element: etree._Element,
    detached: Mapping[str | None, bytes | Source],
    document: Document | None = None,
) -> None:
    """Compute the digests of a signature that stands in its document: of its manifests first.

    `document` is the whole of it, where that is known already. Raises `Malformed` or `Rejected` where
    something to be signed is not found or not transformed.
    """
    document = document or Document(element.getroottree().getroot())
    listed = [
        one
        for manifest in element.iterfind(f"{{{DS}}}Object/{{{DS}}}Manifest")
        for one in _references(manifest)
    ]
    for references in (listed, list(_references(_child(element, "SignedInfo")))):
        for number, reference in enumerate(references):
            found = resolve(read_reference(reference, number), document, detached)
            if found.actual is None:
                problem = found.problem
                raise Rejected(
                    "signature.reference" if problem is None else problem.code,
                    "What is to be signed was not found." if problem is None else problem.message,
                )
            _child(reference, "DigestValue").text = base64.b64encode(found.actual).decode()
        if references:
            # What was kept of the tree was written before it had these values.
            document = document.changed()


def _references(holder: etree._Element) -> Iterator[etree._Element]:
    return holder.iterchildren(f"{{{DS}}}Reference")


def signed_octets(element: etree._Element) -> bytes:
    """What a key signs: the canonical SignedInfo of a signature that stands in its document.

    Raises `Malformed` where it has no canonical form, and `Rejected` (xml.canonicalisation) for an algorithm
    that is none.
    """
    info = _child(element, "SignedInfo")
    return canonicalise(info, _child(info, "CanonicalizationMethod").get("Algorithm", ""))


def finish(
    element: etree._Element,
    value: bytes,
    public_key: object,
    detached: Mapping[str | None, bytes | Source] | None,
) -> Signature:
    """Put the value into a signature, and verify it. The value is as XML Signature has it.

    `detached` None: the data beside the document is not at hand any more, and its digests are believed.
    Raises `Rejected` (signature.own) where the signature does not verify.
    """
    _child(element, "SignatureValue").text = value_text(value)
    document = Document(element.getroottree().getroot())
    signature = read_signature(element, document)
    check_own(signature, document, public_key, detached)
    return signature


def check_own(
    signature: Signature,
    document: Document,
    public_key: object,
    detached: Mapping[str | None, bytes | Source] | None,
) -> None:
    """Refuses a signature in its document, all of whose references and whose value do not verify.

    `detached` and the error are as in `finish`.
    """
    resolved = [resolve(one, document, detached or {}) for one in signature.signed_info.references]
    whole = all(one.intact or (detached is None and not one.found and _is_beside(one)) for one in resolved)
    if not whole or not verify(signature, public_key).valid:
        raise Rejected(
            "signature.own",
            "The signature that was written does not verify. It is not given out: look at the key.",
        )


def _is_beside(resolved: Resolved) -> bool:
    """Whether a reference is to data beside the document."""
    uri = resolved.reference.uri
    return uri is None or uri[:1] not in {"", "#"}


def skeleton(plan: Plan) -> etree._Element:
    """The signature with everything but its values.

    Raises `Rejected` for an algorithm that is not written.
    """
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
        write_reference(info, wanted)
    value = etree.SubElement(element, f"{{{DS}}}SignatureValue")
    _identify(value, plan.value_id)
    if plan.certificates:
        data = etree.SubElement(etree.SubElement(element, f"{{{DS}}}KeyInfo"), f"{{{DS}}}X509Data")
        for certificate in plan.certificates:
            etree.SubElement(data, f"{{{DS}}}X509Certificate").text = value_text(certificate)
    for content in plan.objects:
        holder = etree.SubElement(element, f"{{{DS}}}Object") if content.tag != f"{{{DS}}}Object" else element
        holder.append(content)
    return element


def write_reference(parent: etree._Element, wanted: Wanted) -> None:
    """Append a ds:Reference without its digest to a SignedInfo or a manifest.

    Raises `Rejected` (digest.unknown) for a digest algorithm that is not written.
    """
    if algorithms.DIGESTS.get(wanted.digest) not in algorithms.HASHES:
        raise Rejected(
            "digest.unknown", f"Digests by {wanted.digest[:120]!r} are not written. Use another algorithm."
        )
    reference = etree.SubElement(parent, f"{{{DS}}}Reference")
    _identify(reference, wanted.id)
    if wanted.uri is not None:
        reference.set("URI", wanted.uri)
    if wanted.type is not None:
        reference.set("Type", wanted.type)
    if wanted.transforms:
        transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
        for step in wanted.transforms:
            if isinstance(step, str):
                etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=step)
            else:
                _select(transforms, step)
    etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=wanted.digest)
    etree.SubElement(reference, f"{{{DS}}}DigestValue").text = ""


def _select(transforms: etree._Element, step: Selection) -> None:
    transform = etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=algorithms.XPATH_FILTER2)
    filters: dict[str | None, str] = {"f": algorithms.XPATH_FILTER2}
    filters.update(step.namespaces)
    path = etree.SubElement(transform, f"{{{algorithms.XPATH_FILTER2}}}XPath", nsmap=filters)
    path.set("Filter", step.operation)
    path.text = step.expression


def _identify(element: etree._Element, identifier: str | None) -> None:
    if identifier is not None:
        element.set("Id", identifier)


def _child(element: etree._Element, name: str) -> etree._Element:
    found = element.find(f"{{{DS}}}{name}")
    if found is None:  # pragma: no cover - the skeleton has it
        raise Malformed(f"The signature has no {name}.")
    return found


def value_text(octets: bytes) -> str:
    """Octets as the text of a value: Base64 in lines."""
    text = base64.b64encode(octets).decode()
    return "\n".join(text[at : at + _TEXT_LINE] for at in range(0, len(text), _TEXT_LINE))
