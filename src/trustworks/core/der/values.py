"""Values out of the elements that `ber` finds, as they occur in certificates, revocation lists and answers.

Certificates, lists and OCSP answers are DER by their standards. Signed ones that are not exist and are relied
on: 71 of some 3,000 certificates on the trusted lists of Europe write out defaults, or have faults in one
extension. A strict reader (`cryptography.hazmat.asn1`, `elements`) refuses the whole of such a token; what is
here reads what can be read, and leaves judgement to who asks. What we write never passes through here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.encode import BOOLEAN
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.der.ber import Element

MOST_ELEMENTS: Final = 100_000
"""Elements of one token or extension that are read."""


def only(octets: bytes, tag: int) -> Element:
    """The one element that the octets are, of that tag. Raises `Malformed`."""
    found = ber.read(octets, elements=MOST_ELEMENTS)
    if found.tag != tag:
        raise Malformed(f"An element with tag {tag:#04x} is expected, and there is {found.tag:#04x}.")
    if found.after != len(octets):
        raise Malformed(f"There are {len(octets) - found.after} octets behind the element.")
    return found


def first(holder: Element) -> Element:
    """The first element in one. Raises `Malformed` where there is none."""
    return holder.source.element(holder.content, holder.end)


def following(found: Element, holder: Element) -> Element:
    """The element behind one, in the same holder. Raises `Malformed` where there is none."""
    return holder.source.element(found.after, holder.end)


def expect(found: Element | None, *tags: int) -> Element:
    """The element, if it has one of the tags. Raises `Malformed`."""
    if found is None:
        raise Malformed("The octets end where one more element is expected.")
    if found.tag not in tags:
        wanted = " or ".join(f"{tag:#04x}" for tag in tags)
        raise Malformed(f"At octet {found.start} is an element with tag {found.tag:#04x}, not {wanted}.")
    return found


def tagged(found: Sequence[Element], tag: int) -> Element | None:
    """The first of the elements with that tag."""
    for one in found:
        if one.tag == tag:
            return one
    return None


def read_boolean(found: Element) -> bool:
    """A boolean, whatever its tag; what is not zero is true, as in BER. Raises `Malformed`."""
    if found.tag != BOOLEAN and found.constructed:
        raise Malformed(f"The boolean at octet {found.start} holds elements.")
    if found.end - found.content != 1:
        raise Malformed(f"The boolean at octet {found.start} has not one octet.")
    return found.source.octets[found.content] != 0


def read_bits(found: Element) -> tuple[bytes, int]:
    """A BIT STRING, whatever its tag: its octets, and how many bits of the last are unused.

    Raises `Malformed`.
    """
    content = found.string()
    if not content or content[0] > 7 or (content[0] and len(content) == 1):
        raise Malformed(f"The BIT STRING at octet {found.start} does not say how many bits it has.")
    return content[1:], content[0]


def read_flags(found: Element) -> frozenset[int]:
    """The numbers of the bits that are set in a short BIT STRING, whatever its tag. Raises `Malformed`."""
    bits, unused = read_bits(found)
    return _flags(bits[:4], unused if len(bits) <= 4 else 0)


@lru_cache(maxsize=512)
def _flags(bits: bytes, unused: int) -> frozenset[int]:
    number = int.from_bytes(bits, "big")
    size = 8 * len(bits)
    return frozenset(one for one in range(size - unused) if number >> (size - 1 - one) & 1)
