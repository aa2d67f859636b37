"""A strict reader of DER elements by their places in the octets, for hot paths: no object for each element.

`cryptography.hazmat.asn1` reads whole structures; this reads back, quickly, what was just written. Tags are
single octets, lengths below 65,536, both in their only DER form.
"""

from __future__ import annotations

from typing import TypeAlias

from trustworks.core.errors import Malformed

Element: TypeAlias = tuple[int, int, int, int]
"""Tag, and where the element begins, its content begins, and it ends."""


def children(der: bytes, begin: int, end: int) -> list[Element]:
    """The elements one after the other in ``der[begin:end]``. Raises `Malformed`."""
    found: list[Element] = []
    try:
        while begin < end:
            length, content = der[begin + 1], begin + 2
            if length >= 0x80:
                if length == 0x81:
                    length, content = der[begin + 2], begin + 3
                    short = length < 0x80
                elif length == 0x82:
                    length, content = der[begin + 2] << 8 | der[begin + 3], begin + 4
                    short = length < 0x100
                else:
                    short = True
                if short:
                    raise Malformed("A length is not in its DER form.")
            stop = content + length
            if stop > end or der[begin] & 0x1F == 0x1F:
                raise Malformed("An element is longer than what holds it, or has a long tag.")
            found.append((der[begin], begin, content, stop))
            begin = stop
    except IndexError:
        raise Malformed("An element ends before it is complete.") from None
    return found


def only_child(der: bytes, element: Element) -> Element:
    """The one element inside `element`. Raises `Malformed`."""
    found = children(der, element[2], element[3])
    if len(found) != 1:
        raise Malformed("An element holds more or less than one other.")
    return found[0]
