"""A tolerant reader of BER for what arrives from anywhere: lengths and times as they occur, within bounds.

Certificates, revocation lists and OCSP answers are DER by their standards. Signed ones that are not exist and
are relied on: 71 of some 3,000 certificates on the trusted lists of Europe write out defaults, or have faults
in one extension. A strict reader (`cryptography.hazmat.asn1`, `elements`) refuses the whole of such a token;
this one reads what can be read, and leaves judgement to who asks. What we write never passes through here.

Nothing is copied before it is asked for: an element is five places in the octets.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.der.encode import BOOLEAN, ENUMERATED, GENERALIZED_TIME, INTEGER, UTC_TIME
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

DEEPEST: Final = 32
"""Levels of elements of indefinite length inside each other that are followed."""

MOST_CHILDREN: Final = 10_000
"""Elements in one that are listed. Who reads longer lists walks them by `element`."""

LONGEST_OID: Final = 128
"""Octets of an object identifier; the longest in use have some 30."""

LONGEST_INTEGER: Final = 20_000
"""Octets of an integer that is read: more than any key has that can be used."""

_MOST_LENGTH_OCTETS: Final = 8


class Element(NamedTuple):
    """Where an element stands: its tag, where it starts, where its content starts and ends, what is after it.

    `end` and `after` differ by the end-of-contents octets of an element of indefinite length.
    """

    tag: int
    start: int
    content: int
    end: int
    after: int


def element(octets: bytes, place: int, limit: int) -> Element:
    """The element at `place`, which ends at `limit` at the latest. Raises `Malformed`."""
    return _element(octets, place, limit, 0)


def _element(octets: bytes, place: int, limit: int, depth: int) -> Element:
    content = place + 2
    if content > limit:
        raise Malformed(f"The octets end at {limit}, before the element at {place} is complete.")
    tag, length = octets[place], octets[place + 1]
    if tag & 0x1F == 0x1F:
        raise Malformed(f"At octet {place} is a tag of more than one octet, which nothing read here has.")
    if length < 0x80:
        end = content + length
    elif length == 0x80:
        end = _indefinite_end(octets, place, limit, depth)
        return Element(tag, place, content, end, end + 2)
    else:
        count = length & 0x7F
        content += count
        if count > _MOST_LENGTH_OCTETS or content > limit:
            raise Malformed(f"The length at octet {place + 1} is none that octets can have.")
        end = content + int.from_bytes(octets[place + 2 : content], "big")
    if end > limit:
        raise Malformed(f"The element at octet {place} goes on beyond octet {limit}, where its holder ends.")
    return Element(tag, place, content, end, end)


def _indefinite_end(octets: bytes, place: int, limit: int, depth: int) -> int:
    """Where the end-of-contents octets of an element of indefinite length stand."""
    if depth >= DEEPEST:
        raise Malformed(f"More than {DEEPEST} elements of indefinite length are inside each other.")
    if not octets[place] & 0x20:
        raise Malformed(f"The element at octet {place} has no length and holds no elements.")
    at = place + 2
    while octets[at : at + 2] != b"\0\0":
        at = _element(octets, at, limit, depth + 1).after
    if at + 2 > limit:
        raise Malformed(f"The element at octet {place} has no end.")
    return at


def only(octets: bytes, tag: int) -> Element:
    """The one element that the octets are, of that tag. Raises `Malformed`."""
    found = _element(octets, 0, len(octets), 0)
    if found.tag != tag:
        raise Malformed(f"An element with tag {tag:#04x} is expected, and there is {found.tag:#04x}.")
    if found.after != len(octets):
        raise Malformed(f"There are {len(octets) - found.after} octets behind the element.")
    return found


def children(octets: bytes, holder: Element) -> list[Element]:
    """The elements in one. Raises `Malformed`, also for more than `MOST_CHILDREN`."""
    found: list[Element] = []
    place, end = holder.content, holder.end
    while place < end:
        if len(found) >= MOST_CHILDREN:
            raise Malformed(f"The element at octet {holder.start} has more than {MOST_CHILDREN} elements.")
        one = _element(octets, place, end, 0)
        found.append(one)
        place = one.after
    return found


def first(octets: bytes, holder: Element) -> Element:
    """The first element in one. Raises `Malformed` where there is none."""
    return _element(octets, holder.content, holder.end, 0)


def whole(octets: bytes, found: Element) -> bytes:
    """An element as it stands, with tag and length."""
    return octets[found.start : found.after]


def value(octets: bytes, found: Element) -> bytes:
    """The content of an element."""
    return octets[found.content : found.end]


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


def read_integer(octets: bytes, found: Element) -> int:
    """An INTEGER or ENUMERATED, whose content may be longer than need be. Raises `Malformed`."""
    return implicit_integer(octets, expect(found, INTEGER, ENUMERATED))


def implicit_integer(octets: bytes, found: Element) -> int:
    """The content of an element as an integer, whatever its tag. Raises `Malformed`."""
    size = found.end - found.content
    if not 0 < size <= LONGEST_INTEGER:
        raise Malformed(f"The integer at octet {found.start} has {size} octets.")
    return int.from_bytes(octets[found.content : found.end], "big", signed=True)


def read_boolean(octets: bytes, found: Element) -> bool:
    """A BOOLEAN; whatever is not zero is true, as in BER. Raises `Malformed`."""
    return implicit_boolean(octets, expect(found, BOOLEAN))


def implicit_boolean(octets: bytes, found: Element) -> bool:
    """The content of an element as a boolean, whatever its tag. Raises `Malformed`."""
    if found.end - found.content != 1:
        raise Malformed(f"The boolean at octet {found.start} has not one octet.")
    return octets[found.content] != 0


def read_oid(octets: bytes, found: Element) -> str:
    """An OBJECT IDENTIFIER in its dotted form, whatever the tag. Raises `Malformed`."""
    size = found.end - found.content
    if not 0 < size <= LONGEST_OID:
        raise Malformed(f"The object identifier at octet {found.start} has {size} octets.")
    return _dotted(octets[found.content : found.end])


@lru_cache(maxsize=4096)
def _dotted(content: bytes) -> str:
    if content[-1] & 0x80:
        raise Malformed("An object identifier ends within an arc.")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def read_bits(octets: bytes, found: Element) -> tuple[bytes, int]:
    """A BIT STRING, whatever its tag: its octets, and how many bits of the last are unused.

    Raises `Malformed`.
    """
    if found.end == found.content:
        raise Malformed(f"The bit string at octet {found.start} has no octet for its unused bits.")
    unused = octets[found.content]
    if unused > 7 or (unused and found.end - found.content == 1):
        raise Malformed(f"The bit string at octet {found.start} has {unused} unused bits.")
    return octets[found.content + 1 : found.end], unused


def read_flags(octets: bytes, found: Element) -> frozenset[int]:
    """The numbers of the bits that are set in a short BIT STRING, whatever its tag. Raises `Malformed`."""
    bits, unused = read_bits(octets, found)
    return _flags(bits[:4], unused if len(bits) <= 4 else 0)


@lru_cache(maxsize=512)
def _flags(bits: bytes, unused: int) -> frozenset[int]:
    number = int.from_bytes(bits, "big")
    size = 8 * len(bits)
    return frozenset(one for one in range(size - unused) if number >> (size - 1 - one) & 1)


def read_time(octets: bytes, found: Element) -> datetime:
    """A UTCTime or GeneralizedTime, in UTC: seconds may be absent, zones and fractions are understood.

    Raises `Malformed`.
    """
    return _time(expect(found, UTC_TIME, GENERALIZED_TIME).tag, octets[found.content : found.end][:40])


@lru_cache(maxsize=4096)
def _time(tag: int, text: bytes) -> datetime:
    found = _TIME.fullmatch(text)
    if found is None:
        raise Malformed(f"{text!r} is not a time.")
    digits, fraction, zone = found.groups()
    if tag == UTC_TIME:
        # 50 to 99 are of the last century (RFC 5280, 4.1.2.5.1).
        digits = (b"19" if digits >= b"5" else b"20") + digits
    if len(digits) not in {12, 14}:
        raise Malformed(f"{text!r} has not the digits of a time.")
    month, day, hour, minute, second = (int(digits[at : at + 2] or b"0") for at in (4, 6, 8, 10, 12))
    shift = timedelta()
    if zone not in {None, b"Z"}:
        shift = timedelta(hours=int(zone[:3]), minutes=int(zone[:1] + zone[3:]))
    micro = int(fraction[:6].ljust(6, b"0")) if fraction else 0
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second, micro, UTC) - shift
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{text!r} is not a time: {error}.") from error


# Digits, a fraction of seconds, Z or the difference of a zone; UTC is meant where nothing says so.
_TIME: Final = re.compile(rb"([0-9]{10,14})(?:[.,]([0-9]{1,20}))?(Z|[+-][0-9]{4})?")
