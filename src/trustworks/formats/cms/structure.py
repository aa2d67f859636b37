"""The parts of SignedData by their places, in BER or DER. Source: RFC 5652, 3, 5 and 12.1; RFC 2315, 9."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.cms import SIGNED_DATA
from trustworks.core.der.encode import OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.limits import Limits

_CONSTRUCTED_OCTETS: Final = 0x24
_CONTEXT_0: Final = 0xA0
_CONTEXT_1: Final = 0xA1


@dataclass(frozen=True, slots=True)
class CmsAttribute:
    """One attribute: its type, its values, and the whole element as it was found (RFC 5652, 5.3)."""

    type: str
    values: tuple[ber.Element, ...]
    element: ber.Element = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """One signer (RFC 5652, 5.3). `signed` is the element [0], None: no signed attributes."""

    element: ber.Element
    version: int
    sid: ber.Element
    digest_algorithm: ber.Element
    signed: ber.Element | None
    signed_attributes: tuple[CmsAttribute, ...]
    signature_algorithm: ber.Element
    signature: ber.Element
    unsigned_attributes: tuple[CmsAttribute, ...]
    unsigned: ber.Element | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """Signed data (RFC 5652, 5.1). `content` is what eContent holds, None where the content is elsewhere."""

    content_info: ber.Element
    version: int
    digest_algorithms: tuple[ber.Element, ...]
    encapsulated: ber.Element
    content_type: str
    content: ber.Element | None
    certificates: tuple[ber.Element, ...]
    crls: tuple[ber.Element, ...]
    sets: tuple[ber.Element, ...]
    """The elements [0] and [1] that hold them, as far as they are there."""
    signers: tuple[SignerInfo, ...]
    signer_infos: ber.Element

    def content_octets(self) -> bytes | None:
        """The octets that are digested: of an OCTET STRING its value, of anything else its content octets.

        Source: RFC 5652, 5.4 and 5.2.1.
        """
        if self.content is None:
            return None
        if self.content.tag in {OCTET_STRING, _CONSTRUCTED_OCTETS}:
            return self.content.string()
        return self.content.value


def read_signed_data(octets: ber.Places, limits: Limits = DEFAULT) -> SignedData:
    """Signed data in a ContentInfo, or bare. Octets after it are left alone. Raises `Malformed`."""
    return signed_data(ber.read(octets, depth=limits.depth, elements=limits.elements), limits)


def signed_data(info: ber.Element, limits: Limits = DEFAULT) -> SignedData:
    """As `read_signed_data`, of an element that was found already."""
    try:
        return _signed_data(info, limits)
    except IndexError:
        raise Malformed("This is no CMS signed data: a part is missing at its end.") from None


def _signed_data(info: ber.Element, limits: Limits) -> SignedData:
    parts = _sequence(info, "ContentInfo")
    if parts[0].tag == OBJECT_IDENTIFIER:
        kind = parts[0].oid()
        if kind != SIGNED_DATA:
            raise Malformed(f"This is CMS of the type {kind}; read here is signed data ({SIGNED_DATA}).")
        if parts[1].tag != _CONTEXT_0:
            raise Malformed("This is no CMS signed data: its content is not in an element [0].")
        parts = _sequence(parts[1].children()[0], "SignedData")
    version = parts[0].integer()
    algorithms = tuple(parts[1].children())
    encapsulated = parts[2]
    inner = _sequence(encapsulated, "EncapsulatedContentInfo")
    content = inner[1].children()[0] if len(inner) > 1 else None
    certificates: list[ber.Element] = []
    crls: list[ber.Element] = []
    sets: list[ber.Element] = []
    place = 3
    while parts[place].tag in {_CONTEXT_0, _CONTEXT_1}:
        (certificates if parts[place].tag == _CONTEXT_0 else crls).extend(parts[place].children())
        sets.append(parts[place])
        place += 1
    if parts[place].tag != SET:
        raise Malformed("This is no CMS signed data: it has no set of signers.")
    signers = parts[place].children()
    if len(signers) > limits.signatures:
        raise BeyondLimit(
            f"The signed data has {len(signers)} signers; {limits.signatures} are read at most.", "signatures"
        )
    return SignedData(
        content_info=info,
        version=version,
        digest_algorithms=algorithms,
        encapsulated=encapsulated,
        content_type=inner[0].oid(),
        content=content,
        certificates=tuple(certificates),
        crls=tuple(crls),
        sets=tuple(sets),
        signers=tuple(signer_info(one, limits) for one in signers),
        signer_infos=parts[place],
    )


def _sequence(element: ber.Element, name: str) -> list[ber.Element]:
    if element.tag != SEQUENCE:
        raise Malformed(f"This is no CMS signed data: where {name} has to be is tag {element.tag:#x}.")
    return element.children()


def signer_info(element: ber.Element, limits: Limits = DEFAULT) -> SignerInfo:
    """One signer, of signed data or of a counter-signature. Raises `Malformed`."""
    try:
        parts = _sequence(element, "SignerInfo")
        place = 3
        signed = unsigned = None
        if parts[place].tag == _CONTEXT_0:
            signed = parts[place]
            place += 1
        algorithm, signature = parts[place], parts[place + 1]
        if len(parts) > place + 2 and parts[place + 2].tag == _CONTEXT_1:
            unsigned = parts[place + 2]
        return SignerInfo(
            element=element,
            version=parts[0].integer(),
            sid=parts[1],
            digest_algorithm=parts[2],
            signed=signed,
            signed_attributes=() if signed is None else attributes(signed.children(), limits),
            signature_algorithm=algorithm,
            signature=signature,
            unsigned_attributes=() if unsigned is None else attributes(unsigned.children(), limits),
            unsigned=unsigned,
        )
    except IndexError:
        raise Malformed(f"The SignerInfo at octet {element.start} is not complete.") from None


def attributes(elements: Sequence[ber.Element], limits: Limits = DEFAULT) -> tuple[CmsAttribute, ...]:
    """Attributes with their values. Raises `Malformed`; IndexError for one without type or values."""
    if len(elements) > limits.attributes:
        raise BeyondLimit(
            f"There are {len(elements)} attributes; {limits.attributes} are read at most.", "attributes"
        )
    found = []
    for one in elements:
        parts = one.children()
        found.append(CmsAttribute(parts[0].oid(), tuple(parts[1].children()), one))
    return tuple(found)
