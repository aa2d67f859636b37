"""The parts of a signature, and the rules that keep another's parts from being taken for them.

What is signed must be what is shown: each rule stops one way of moving signed elements to where nobody
looks (wrapping). A finding is fatal where nobody can tell what was signed; where a part that is referred
to is not the part that it is said to be, its reference is not found, and the finding says why.

Sources: EN 319 132-1, 4.3, 4.4 and 5.2.7; XML Signature 1.1, 4.4.3; XML Signature Best Practices, 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.xades import names, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml import etree

_NOTHING: Final[tuple[Finding, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one ds:Signature element, found by their places alone.

    `qualifying` are all QualifyingProperties in its own ds:Object elements; the first counts.
    """

    element: etree._Element
    signed_info: etree._Element | None
    value: etree._Element | None
    key_info: etree._Element | None
    key_infos: int
    objects: tuple[etree._Element, ...]
    qualifying: tuple[etree._Element, ...]
    elsewhere: tuple[str, ...]
    """URIs of qualifying properties that are referred to, and could not be found."""
    signed_properties: tuple[etree._Element, ...]
    unsigned: tuple[etree._Element, ...]

    @property
    def id(self) -> str | None:
        """What the document calls the signature."""
        return identifier_of(self.element)


def identifier_of(element: etree._Element) -> str | None:
    """The Id of an element."""
    found = element.get("Id") or element.get("ID") or element.get("id")
    return None if found is None else str(found)


def parts_of(element: etree._Element, by_id: Callable[[str], etree._Element | None]) -> Parts:
    """The parts of a signature. `by_id` finds qualifying properties that are only referred to."""
    found: dict[str, list[etree._Element]] = {}
    for namespace, local, one in values.children(element):
        if namespace == names.DS:
            found.setdefault(local, []).append(one)
    qualifying: list[etree._Element] = []
    elsewhere: list[str] = []
    for one in found.get("Object", ()):
        for inner in one.iterchildren("{*}QualifyingProperties", "{*}QualifyingPropertiesReference"):
            namespace, local = names.split(str(inner.tag))
            if namespace not in names.VERSIONS:
                continue
            if local == "QualifyingProperties":
                qualifying.append(inner)
            elif local == "QualifyingPropertiesReference":
                uri = inner.get("URI") or ""
                target = by_id(uri[1:]) if uri.startswith("#") else None
                if target is not None and names.split(str(target.tag))[1] == "QualifyingProperties":
                    qualifying.append(target)
                else:
                    elsewhere.append(uri)
    first = qualifying[0] if qualifying else None
    unsigned = values.child(first, "UnsignedProperties", "UnsignedSignatureProperties")
    return Parts(
        element=element,
        signed_info=_first(found, "SignedInfo"),
        value=_first(found, "SignatureValue"),
        key_info=_first(found, "KeyInfo"),
        key_infos=len(found.get("KeyInfo", ())),
        objects=tuple(found.get("Object", ())),
        qualifying=tuple(qualifying),
        elsewhere=tuple(elsewhere),
        signed_properties=tuple(values.all_children(first, "SignedProperties")),
        unsigned=tuple(one for _, _, one in values.children(unsigned)),
    )


def _first(found: dict[str, list[etree._Element]], local: str) -> etree._Element | None:
    several = found.get(local)
    return several[0] if several else None


def findings_of(parts: Parts, by_id: Callable[[str], etree._Element | None]) -> Iterator[Finding]:
    """What is wrong with where the parts are."""
    yield from one_place(parts)
    yield from right_target(parts, by_id)
    yield from one_of_each(parts)
    for uri in parts.elsewhere:
        yield Finding(
            code="xades.qualifying-properties-elsewhere",
            text=f"The qualifying properties are said to be at {uri[:120]!r}, which is not in this document.",
            weight=Weight.SUSPICIOUS,
            requirement="EN319132-1:4.4.1",
        )


@implements("EN319132-1:4.4.1", disabled=_NOTHING)
def one_place(parts: Parts) -> tuple[Finding, ...]:
    """All qualifying properties are in one QualifyingProperties, with one SignedProperties."""
    if len(parts.qualifying) <= 1 and len(parts.signed_properties) <= 1:
        return ()
    return (
        Finding(
            code="xades.qualifying-properties-repeated",
            text="The signature has more than one set of qualifying properties: which is its is not certain.",
            weight=Weight.FATAL,
            requirement="EN319132-1:4.4.1",
        ),
    )


@implements("EN319132-1:4.3.1", disabled=_NOTHING)
def right_target(parts: Parts, by_id: Callable[[str], etree._Element | None]) -> tuple[Finding, ...]:
    """Qualifying properties name the signature that they qualify."""
    if not parts.qualifying:
        return ()
    target = parts.qualifying[0].get("Target")
    if target is not None and target.startswith("#") and target[1:] == parts.id:
        return ()
    other = by_id(target[1:]) if target is not None and target.startswith("#") else None
    if other is not None and other is not parts.element:
        return (
            Finding(
                code="xades.target",
                text="The qualifying properties name another element as the signature that they are of.",
                weight=Weight.FATAL,
                requirement="EN319132-1:4.3.1",
            ),
        )
    return (
        Finding(
            code="xades.target",
            text="The qualifying properties do not name the signature that they are of.",
            weight=Weight.NOTE,
            requirement="EN319132-1:4.3.1",
        ),
    )


@implements("EN319132-1:5.2", disabled=_NOTHING)
def one_of_each(parts: Parts) -> tuple[Finding, ...]:
    """SignedInfo, SignatureValue and KeyInfo stand once: a second one is read by some, not by others."""
    seen: set[str] = set()
    for namespace, local, _ in values.children(parts.element):
        if namespace == names.DS and local in {"SignedInfo", "SignatureValue", "KeyInfo"}:
            if local in seen:
                return (
                    Finding(
                        code="xades.part-repeated",
                        text=f"The signature has more than one {local}.",
                        weight=Weight.FATAL,
                        requirement="EN319132-1:5.2",
                    ),
                )
            seen.add(local)
    return ()


@implements("EN319132-1:4.4.2", disabled=lambda _element, _parts: True)
def is_own_signed_properties(element: etree._Element | None, parts: Parts) -> bool:
    """The signed properties are those of the signature itself, and not some elsewhere in the document."""
    return element is not None and len(parts.signed_properties) == 1 and element is parts.signed_properties[0]


@implements("XMLDSIG:4.4.3.1-object", disabled=lambda _element, _parts: True)
def is_own_object(element: etree._Element | None, parts: Parts) -> bool:
    """What a reference of type Object refers to is a ds:Object of the signature itself."""
    return any(element is one for one in parts.objects)


@implements("XMLDSIG:5.1-MANIFEST", disabled=lambda _element, _parts: True)
def is_own_manifest(element: etree._Element | None, parts: Parts) -> bool:
    """What a reference of type Manifest refers to is a ds:Manifest in a ds:Object of the signature itself."""
    if element is None or element.tag != names.MANIFEST:
        return False
    return any(element.getparent() is one for one in parts.objects)


@implements("XMLDSIG:4.4.3.1-WHOLE", disabled=True)
def is_taken_whole(*, whole: bool) -> bool:
    """What is signed as a part of signatures is signed with all that it contains.

    A reference with transforms may leave nothing of it, so that anybody can change or move it.
    """
    return whole


@implements("EN319132-1:5.2.7", disabled=lambda _element, _value: True)
def is_countersigned(element: etree._Element | None, value: etree._Element | None) -> bool:
    """A counter-signature signs the SignatureValue of the signature that it is in (None: in none)."""
    return value is None or element is value


@implements("XMLDSIG:4.4.3.2-unique", disabled=_NOTHING)
def unique_ids(ambiguous: str | None) -> tuple[Finding, ...]:
    """An element that is referred to by its identifier is the only one that has it."""
    if ambiguous is None:
        return ()
    return (
        Finding(
            code="xades.duplicate-id",
            text=f"Several elements have the identifier {ambiguous[:120]!r}, which the signature refers to.",
            weight=Weight.FATAL,
            requirement="XMLDSIG:4.4.3.2-unique",
        ),
    )
