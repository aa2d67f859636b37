"""XML signatures as typed data: what a ds:Signature says, with nothing resolved and nothing judged.

Source: XML Signature 1.1, 4; RFC 9231. `references.py` finds out what was signed, `values.py` whether the
value is that of a key.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml import algorithms
from trustworks.core.xml.algorithms import DS, ENC, MORE_2007
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.keyinfo import KeyInfo, read_key_info
from trustworks.core.xml.parse import DEFAULT, Limits
from trustworks.core.xml.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal

    from lxml import etree

    from trustworks.core.xml.algorithms import SignatureMethod
    from trustworks.core.xml.document import Document

FILTER2: Final = algorithms.XPATH_FILTER2
_EXC: Final = algorithms.EXCLUSIVE
_DS: Final = f"{{{DS}}}"
_TRANSFORMS: Final = f"{_DS}Transforms"
_TRANSFORM: Final = f"{_DS}Transform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """An XPath expression of a transform, and the element that bears it; of Filter 2.0 the operation."""

    expression: str
    element: etree._Element
    operation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """One step between what a reference names and what is digested."""

    algorithm: str
    element: etree._Element
    prefixes: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a ds:Reference says. `uri` is None where it has none; `digest` is None for an unknown algorithm.

    `expected` is None where the digest value is not Base64. `number` is its place among its siblings, from 0.
    """

    element: etree._Element
    number: int
    id: str | None
    uri: str | None
    type: str | None
    transforms: tuple[Transform, ...]
    digest_uri: str
    digest: str | None
    expected: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInfo:
    """What is signed: how it is made octets, by which algorithm, and the references.

    `method` is None for an algorithm that is unknown.
    """

    element: etree._Element
    id: str | None
    canonicalisation: str
    prefixes: tuple[str, ...]
    method_uri: str
    method: SignatureMethod | None
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """A ds:Object: an element of any content, often what is signed."""

    element: etree._Element
    id: str | None
    mime_type: str | None
    encoding: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A ds:Signature as it stands.

    `octets` is the canonical SignedInfo, None where it has no canonical form; `value` is None where it is not
    Base64. `problems` says why, and what else was found on the way.
    """

    element: etree._Element
    id: str | None
    signed_info: SignedInfo
    octets: bytes | None
    value: bytes | None
    value_element: etree._Element
    key_info: KeyInfo | None
    objects: tuple[Object, ...]
    problems: tuple[Problem, ...] = ()


def signatures_in(root: etree._Element) -> Iterator[etree._Element]:
    """Every ds:Signature element at or below an element, in the order of the document."""
    return root.iter(f"{{{DS}}}Signature")


def read_signature(
    element: etree._Element, document: Document | None = None, limits: Limits = DEFAULT
) -> Signature:
    """Read a ds:Signature element.

    `document` is the document that it is in, where several things of it are read. Raises `Malformed` where
    the element lacks what every signature has.
    """
    if element.tag != f"{{{DS}}}Signature":
        raise Malformed("The element is no ds:Signature of XML Signature. Give one that is.")
    parts = _parts(element)
    signed_info = _signed_info(_one(parts, "SignedInfo"), limits)
    value_element = _one(parts, "SignatureValue")
    problems: list[Problem] = []
    octets = None
    try:
        octets = canonicalise(
            signed_info.element,
            signed_info.canonicalisation,
            signed_info.prefixes,
            None if document is None else document.renderings,
        )
    except BeyondLimit:
        raise
    except (Malformed, Rejected) as error:
        problems.append(Problem(code="signed-info.canonicalisation", message=str(error)))
    value = decode(value_element)
    if value is None:
        problems.append(Problem(code="signature-value.base64", message="The SignatureValue is not Base64."))
    key_infos = list(element.iterchildren(f"{_DS}KeyInfo"))
    if len(key_infos) > 1:
        problems.append(
            Problem(code="key-info.several", message="The signature has several KeyInfo elements.")
        )
    return Signature(
        element=element,
        id=element.get("Id"),
        signed_info=signed_info,
        octets=octets,
        value=value,
        value_element=value_element,
        key_info=read_key_info(key_infos[0]) if key_infos else None,
        objects=tuple(
            Object(
                element=found,
                id=found.get("Id"),
                mime_type=found.get("MimeType"),
                encoding=found.get("Encoding"),
            )
            for found in element.iterchildren(f"{_DS}Object")
        ),
        problems=tuple(problems),
    )


def read_manifest(element: etree._Element, limits: Limits = DEFAULT) -> tuple[Reference, ...]:
    """The references of a ds:Manifest. Raises `Malformed` for an element that is none, or has too many."""
    if element.tag != f"{{{DS}}}Manifest":
        raise Malformed("The element is no ds:Manifest of XML Signature. Give one that is.")
    return _references(element, limits)


def read_reference(element: etree._Element, number: int = 0, limits: Limits = DEFAULT) -> Reference:
    """Read an element of the type of ds:Reference, whatever its name.

    Raises `Malformed` where a part is missing.
    """
    parts = _parts(element)
    method_uri = _one(parts, "DigestMethod").get("Algorithm", "")
    return Reference(
        element=element,
        number=number,
        id=element.get("Id"),
        uri=element.get("URI"),
        type=element.get("Type"),
        transforms=read_transforms(parts.get(_TRANSFORMS), limits),
        digest_uri=method_uri,
        digest=algorithms.DIGESTS.get(method_uri),
        expected=decode(_one(parts, "DigestValue")),
    )


def read_transforms(element: etree._Element | None, limits: Limits = DEFAULT) -> tuple[Transform, ...]:
    """The steps of a ds:Transforms element, or none. Raises `Malformed` where there are too many."""
    found = [] if element is None else list(element.iterchildren(_TRANSFORM))
    if len(found) > limits.transforms:
        raise BeyondLimit(
            f"A reference has {len(found)} transforms, more than the {limits.transforms} that are done."
        )
    return tuple(
        Transform(
            algorithm=transform.get("Algorithm", ""),
            element=transform,
            prefixes=_prefixes(transform),
            filters=_filters(transform, limits),
        )
        for transform in found
    )


def decode(element: etree._Element) -> bytes | None:
    """The octets of an element of Base64; None where its text is none, or there is something between it."""
    text = element.text or ""
    if len(element):
        # A comment may stand between the characters, an element not.
        if any(isinstance(child.tag, str) for child in element):
            return None
        text += "".join(child.tail or "" for child in element)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _signed_info(element: etree._Element, limits: Limits) -> SignedInfo:
    parts = _parts(element)
    canonicalisation = _one(parts, "CanonicalizationMethod")
    method = _one(parts, "SignatureMethod")
    uri = method.get("Algorithm", "")
    return SignedInfo(
        element=element,
        id=element.get("Id"),
        canonicalisation=canonicalisation.get("Algorithm", ""),
        prefixes=_prefixes(canonicalisation),
        method_uri=uri,
        method=_pss(method) if uri == algorithms.RSA_PSS else algorithms.SIGNATURES.get(uri),
        references=_references(element, limits),
    )


def _references(element: etree._Element, limits: Limits) -> tuple[Reference, ...]:
    found = list(element.iterchildren(f"{_DS}Reference"))
    _check_references(len(found), limits)
    return tuple(read_reference(reference, number, limits) for number, reference in enumerate(found))


@implements("XMLDSIG-BP:REFERENCES", disabled=None)
def _check_references(number: int, limits: Limits) -> None:
    """Each reference costs a digest, and a signature may have any number of them."""
    if number > limits.references:
        raise BeyondLimit(
            f"A signature has {number} references, more than the {limits.references} that are resolved.",
            "references",
        )


def _pss(method: etree._Element) -> SignatureMethod | None:
    """RSA-PSS with its parameters (RFC 9231, 2.3.9); None where they name what is unknown."""
    hash_uri, mask_uri, salt = ENC + "sha256", None, None
    parameters = method.find(f"{{{MORE_2007}}}RSAPSSParams")
    if parameters is not None:
        digest = parameters.find(f"{{{DS}}}DigestMethod")
        if digest is not None:
            hash_uri = digest.get("Algorithm", "")
        mask = parameters.find(f"{{{MORE_2007}}}MaskGenerationFunction")
        if mask is not None:
            inner = mask.find(f"{{{DS}}}DigestMethod")
            if mask.get("Algorithm", MORE_2007 + "MGF1") != MORE_2007 + "MGF1":
                return None
            mask_uri = None if inner is None else inner.get("Algorithm", "")
        salt = _number(parameters.findtext(f"{{{MORE_2007}}}SaltLength"))
        if _number(parameters.findtext(f"{{{MORE_2007}}}TrailerField")) not in {None, 1}:
            return None
    name = algorithms.DIGESTS.get(hash_uri)
    mask_name = name if mask_uri is None else algorithms.DIGESTS.get(mask_uri)
    if name is None or mask_name is None:
        return None
    return algorithms.SignatureMethod(
        uri=algorithms.RSA_PSS,
        family="rsa-pss",
        hash=name,
        mask=mask_name,
        salt=algorithms.digest_size(name) if salt is None else salt,
    )


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if 0 < len(text) <= 6 and text.isascii() and text.isdigit() else None


def _prefixes(element: etree._Element) -> tuple[str, ...]:
    if not len(element):
        return ()
    found = element.find(f"{{{_EXC}}}InclusiveNamespaces")
    return () if found is None else tuple(found.get("PrefixList", "").split())


def _filters(transform: etree._Element, limits: Limits) -> tuple[Filter, ...]:
    if not len(transform):
        return ()
    name = transform.get("Algorithm")
    if name == algorithms.XPATH:
        found = transform.findall(f"{{{DS}}}XPath")
    elif name == FILTER2:
        found = transform.findall(f"{{{FILTER2}}}XPath")
    else:
        return ()
    if len(found) > limits.transforms:
        raise BeyondLimit(
            f"A transform has {len(found)} expressions, more than the {limits.transforms} that are evaluated."
        )
    return tuple(
        Filter(
            expression="".join(str(text) for text in element.itertext()),
            element=element,
            operation=element.get("Filter") if name == FILTER2 else None,
        )
        for element in found
    )


def _parts(element: etree._Element) -> dict[str, etree._Element]:
    """The first child of each name of XML Signature: one pass costs less than a search for each."""
    found: dict[str, etree._Element] = {}
    for child in element:
        found.setdefault(str(child.tag), child)
    return found


def _one(parts: Mapping[str, etree._Element], name: str) -> etree._Element:
    found = parts.get(f"{_DS}{name}")
    if found is None:
        raise Malformed(f"The signature has no {name}, which every signature has.")
    return found


def kind_of(reference: Reference) -> Literal["manifest", "object", "other"]:
    """What the Type of a reference says that it is to."""
    if reference.type == algorithms.TYPE_MANIFEST:
        return "manifest"
    return "object" if reference.type == algorithms.TYPE_OBJECT else "other"
