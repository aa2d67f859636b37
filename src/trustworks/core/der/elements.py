"""A strict reader of DER elements by their places in the octets, for hot paths: no object for each element.

`cryptography.hazmat.asn1` reads whole structures; this reads back, quickly, what was just written. Tags are
single octets, lengths below 65,536, both in their only DER form.
"""

from __future__ import annotations

from trustworks.core.errors import Malformed


def enter(der: bytes, place: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `place` begins and ends; the element must have that tag.

    Whether the end is within what holds the element is the caller's to see. Raises `Malformed`.
    """
    try:
        if der[place] != tag:
            raise Malformed(f"At octet {place} is an element with tag {der[place]:#04x}, not {tag:#04x}.")
        length = der[place + 1]
        if length < 0x80:
            return place + 2, place + 2 + length
        if length == 0x81 and der[place + 2] >= 0x80:
            return place + 3, place + 3 + der[place + 2]
        if length == 0x82 and der[place + 2]:
            return place + 4, place + 4 + (der[place + 2] << 8 | der[place + 3])
    except IndexError:
        raise Malformed("The octets end before the element is complete.") from None
    raise Malformed(f"The length at octet {place + 1} is not in its DER form.")


def elements(der: bytes, place: int, end: int) -> list[bytes]:
    """The elements between two places, each with its tag and length. Raises `Malformed`."""
    found = []
    while place < end:
        tag = der[place]
        if tag & 0x1F == 0x1F:
            raise Malformed(f"At octet {place} is a tag of more than one octet.")
        after = enter(der, place, tag)[1]
        found.append(der[place:after])
        place = after
    if place != end:
        raise Malformed(f"An element goes on beyond octet {end}, where what holds it ends.")
    return found
