"""A lenient reader of BER by places in the octets: indefinite lengths, constructed strings, any tag.

What signers of CMS write is not always DER, and what they signed must be digested as they wrote it: an
element here is four places in the octets that it was read from, and nothing is copied before it is asked for.
Only what is asked for is read, so that the cost is that of what is looked at. `der` gives the DER of an
element that is not. Source: X.690, 8 and 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, overload

from trustworks.core.der.encode import length
from trustworks.core.errors import BeyondLimit, Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Places(Protocol):
    """Octets by their places: bytes, or a file that is read where it is looked at."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, key: int, /) -> int: ...

    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...


DEPTH: Final = 256
"""Levels of nesting that are followed where nobody says another bound."""
ELEMENTS: Final = 2_000_000
"""Elements that are read of one file where nobody says another bound."""
LARGEST_INTEGER: Final = 1024
"""Octets of an INTEGER that is read: serials have 20; Python writes out none of more than 1,785."""

_CONSTRUCTED: Final = 0x20
# OCTET STRING, BIT STRING and the strings of characters, in their constructed form (X.690, 8.6, 8.7, 8.21).
_CONSTRUCTED_STRINGS: Final = frozenset(
    tag | _CONSTRUCTED for tag in (0x03, 0x04, 0x0C, *range(0x12, 0x17), *range(0x19, 0x1F))
)
_BIT_STRING: Final = 0x03
_SET: Final = 0x31


class Source:
    """The octets that elements are places in, and how much of them may still be looked at."""

    __slots__ = ("depth", "ends", "left", "octets")

    def __init__(self, octets: Places, *, depth: int = DEPTH, elements: int = ELEMENTS) -> None:
        self.octets = octets
        self.depth = min(depth, DEPTH)
        self.left = elements
        self.ends: dict[
            int, int
        ] = {}  # of elements of indefinite length: from their place to that after them

    def element(self, place: int = 0, end: int | None = None) -> Element:
        """The element at a place, which must end by `end` (None: by that of the octets).

        Raises `Malformed`.
        """
        return _read(self, place, len(self.octets) if end is None else end)


class Element:
    """One element: its octets begin at `start`, its content at `content`, which ends before `end`.

    `after` is where the next element begins (beyond the end-of-contents octets of an indefinite length).
    `tag` are the identifier octets as a number: 0x30 for a SEQUENCE, 0xA0 for a constructed [0].
    """

    __slots__ = ("after", "content", "end", "source", "start", "tag")

    def __init__(  # noqa: PLR0917 - the places; made for every element
        self, source: Source, tag: int, start: int, content: int, end: int, after: int
    ) -> None:
        self.source = source
        self.tag = tag
        self.start = start
        self.content = content
        self.end = end
        self.after = after

    @property
    def octets(self) -> bytes:
        """The whole element, as it was found."""
        return self.source.octets[self.start : self.after]

    @property
    def value(self) -> bytes:
        """The content, as it was found."""
        return self.source.octets[self.content : self.end]

    @property
    def constructed(self) -> bool:
        """Whether the content is made of elements."""
        return bool(self.source.octets[self.start] & _CONSTRUCTED)

    def children(self) -> list[Element]:
        """The elements that the content is made of. Raises `Malformed`."""
        if not self.constructed:
            raise Malformed(f"The element at octet {self.start} (tag {self.tag:#x}) has to hold elements.")
        source, place, end = self.source, self.content, self.end
        octets = source.octets
        found: list[Element] = []
        while place + 1 < end:
            tag, size = octets[place], octets[place + 1]
            if size < 0x80 and tag & 0x1F != 0x1F:  # most are of this form: read here, without a call
                after = place + 2 + size
                if after > end:
                    raise _beyond(place, end)
                found.append(Element(source, tag, place, place + 2, after, after))
            else:
                one = _read(source, place, end)
                found.append(one)
                after = one.after
            place = after
        if place != end:
            raise _beyond(place, end)
        source.left -= len(found)
        if source.left < 0:
            raise _too_many()
        return found

    def string(self) -> bytes:
        """The octets of a string, put together where it is in parts. Raises `Malformed`."""
        return self.value if not self.constructed else b"".join(_parts(self, self.source.depth))

    def bits(self) -> bytes:
        """The octets of a BIT STRING of whole octets. Raises `Malformed`."""
        octets = self.string()
        if not octets or octets[0] > 7:
            raise Malformed(f"The BIT STRING at octet {self.start} does not say how many bits it has.")
        return octets[1:]

    def integer(self) -> int:
        """The value of an INTEGER or ENUMERATED, of any length within reason. Raises `Malformed`."""
        if not 0 < self.end - self.content <= LARGEST_INTEGER:
            raise Malformed(
                f"The INTEGER at octet {self.start} has {self.end - self.content} octets; 1 to "
                f"{LARGEST_INTEGER} are read."
            )
        return int.from_bytes(self.value, "big", signed=True)

    def oid(self) -> str:
        """The dotted form of an OBJECT IDENTIFIER. Raises `Malformed`."""
        octets = self.value
        known = _OIDS.get(octets)
        if known is None:
            known = dotted(octets)
            if len(_OIDS) < _MOST_OIDS:
                _OIDS[octets] = known
        return known


def read(octets: Places, *, depth: int = DEPTH, elements: int = ELEMENTS) -> Element:
    """The element that the octets are, or begin with. Raises `Malformed`."""
    source = Source(octets, depth=depth, elements=elements)
    return _read(source, 0, len(octets))


# Identifiers by their octets: signed files use the same ones again and again. Those of strangers are bounded.
_OIDS: Final[dict[bytes, str]] = {}
_MOST_OIDS: Final = 1024
_LONGEST_OID: Final = 64


def dotted(octets: bytes) -> str:
    """The dotted form of the content of an OBJECT IDENTIFIER (X.690, 8.19). Raises `Malformed`."""
    if not octets or octets[-1] & 0x80 or len(octets) > _LONGEST_OID:
        raise Malformed(f"An OBJECT IDENTIFIER of {len(octets)} octets cannot be read.")
    arcs: list[int] = []
    value = 0
    for octet in octets:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def _read(source: Source, place: int, end: int) -> Element:
    octets = source.octets
    start = place
    source.left -= 1
    if source.left < 0:
        raise _too_many()
    try:
        tag = octets[place]
        place += 1
        if tag & 0x1F == 0x1F:
            tag, place = _long_tag(octets, place)
        size = octets[place]
    except IndexError:
        raise Malformed(f"The octets end within the element at octet {start}.") from None
    place += 1
    if size < 0x80:
        after = place + size
        if after > end:
            raise _beyond(start, end)
        return Element(source, tag, start, place, after, after)
    if size > 0x80:
        count = size & 0x7F
        if count > 8 or place + count > end:
            raise _beyond(start, end)
        after = place + count + int.from_bytes(octets[place : place + count], "big")
        if after > end:
            raise _beyond(start, end)
        return Element(source, tag, start, place + count, after, after)
    after = source.ends.get(start) or _find_end(source, start, place, end)
    if after > end:
        raise _beyond(start, end)
    return Element(source, tag, start, place, after - 2, after)


def _beyond(start: int, end: int) -> Malformed:
    return Malformed(f"The element at octet {start} goes on beyond octet {end}, where what holds it ends.")


def _too_many() -> BeyondLimit:
    return BeyondLimit("The file has more elements of ASN.1 than are read.", "elements")


def _too_deep(what: str, element: Element) -> BeyondLimit:
    return BeyondLimit(f"The {what} at octet {element.start} is nested deeper than is read.", "depth")


def _long_tag(octets: Places, place: int) -> tuple[int, int]:
    """The identifier octets from the one before `place` on as a number, and the place after them."""
    begin = place - 1
    while octets[place] & 0x80:
        place += 1
        if place - begin > 5:
            raise Malformed(f"The tag at octet {begin} has more octets than are read.")
    return int.from_bytes(octets[begin : place + 1], "big"), place + 1


def _find_end(source: Source, start: int, content: int, end: int) -> int:  # noqa: C901 - one loop
    """Where an element of indefinite length ends; those inside are noted, so that each is walked once."""
    octets = source.octets
    opened = [start]
    place = content
    try:
        while opened:
            source.left -= 1
            if source.left < 0:
                raise _too_many()
            if place >= end:
                break
            begin = place
            tag = octets[place]
            place += 1
            if tag == 0 and octets[place] == 0:
                place += 1
                source.ends[opened.pop()] = place
                continue
            if tag & 0x1F == 0x1F:
                tag, place = _long_tag(octets, place)
            size = octets[place]
            place += 1
            if size < 0x80:
                place += size
            elif size == 0x80:
                opened.append(begin)
                if len(opened) > source.depth:
                    raise BeyondLimit(
                        f"At octet {begin} more than {source.depth} elements are open, one within the other.",
                        "depth",
                    )
            else:
                count = size & 0x7F
                if count > 8:
                    raise _beyond(begin, end)
                place += count + int.from_bytes(octets[place : place + count], "big")
    except IndexError:
        place = end + 1
    if opened:
        raise Malformed(f"The element of indefinite length at octet {opened[-1]} has no end.")
    return place


def _parts(element: Element, depth: int) -> list[bytes]:
    """The parts of a constructed string, which may itself have such (X.690, 8.7.3)."""
    if depth == 0:
        raise _too_deep("string", element)
    parts: list[bytes] = []
    for one in element.children():
        if one.constructed:
            parts.extend(_parts(one, depth - 1))
        else:
            parts.append(one.value)
    return parts


def is_der(element: Element) -> bool:
    """Whether an element is in DER already, as `der` would make it. Raises `Malformed`."""
    octets, place, end = element.source.octets, element.start, element.after
    try:
        while place < end:
            tag, size = octets[place], octets[place + 1]
            content = place + 2
            if tag & 0x1F == 0x1F or tag in _CONSTRUCTED_STRINGS:
                return False
            if size >= 0x80:
                count = size & 0x7F
                content += count
                size = int.from_bytes(octets[place + 2 : content], "big")
                if not count or size < 0x80 or not octets[place + 2]:
                    return False
            if not tag & _CONSTRUCTED:
                place = content + size
                continue
            if tag == _SET and not _is_sorted(element.source, content, content + size):
                return False
            place = content
    except IndexError:
        raise Malformed(f"The octets end within the element at octet {element.start}.") from None
    return place == end


def _is_sorted(source: Source, place: int, end: int) -> bool:
    last = b""
    while place < end:
        one = _read(source, place, end)
        if one.octets < last:
            return False
        last, place = one.octets, one.after
    return True


def leaves(element: Element) -> Iterator[tuple[int, int]]:
    """Where the content of each part of a string begins and ends; of one that is whole, its own.

    No part is read: content may be as large as it likes. Raises `Malformed`.
    """
    if not element.constructed:
        yield element.content, element.end
        return
    source, place = element.source, element.content
    opened = [element]
    while opened:
        if place >= opened[-1].end:
            place = opened.pop().after
            continue
        one = _read(source, place, opened[-1].end)
        source.left += 1  # parts of a string are not what the limit for elements is about
        if one.constructed:
            if len(opened) > source.depth:
                raise BeyondLimit(
                    f"The string at octet {element.start} is nested deeper than is read.", "depth"
                )
            opened.append(one)
            place = one.content
        else:
            yield one.content, one.end
            place = one.after


def der(element: Element) -> bytes:
    """The element in DER: lengths definite and shortest, strings whole, every SET in order (X.690, 10, 11.6).

    Values are left as they are. Of a [0] that stands for a SET OF (IMPLICIT) the order is the caller's to
    make: `sorted_set`. Raises `Malformed`.
    """
    return _der(element, element.source.depth)


def _der(element: Element, depth: int) -> bytes:
    if depth == 0:
        raise _too_deep("element", element)
    tag = element.tag
    if not element.constructed:
        return tagged(tag, element.value)
    if tag in _CONSTRUCTED_STRINGS:
        parts = _parts(element, depth - 1)
        if tag & 0x1F == _BIT_STRING:
            return tagged(tag & ~_CONSTRUCTED, _bits(parts))
        return tagged(tag & ~_CONSTRUCTED, b"".join(parts))
    inner = [_der(one, depth - 1) for one in element.children()]
    if tag == _SET:
        inner.sort()
    return tagged(tag, b"".join(inner))


def _bits(parts: list[bytes]) -> bytes:
    """The content of a BIT STRING out of those of its parts, each of which counts its own unused bits."""
    if not all(parts):
        raise Malformed("A part of a BIT STRING does not say how many bits it has.")
    return (parts[-1][:1] if parts else b"\0") + b"".join(part[1:] for part in parts)


def tagged(tag: int, content: bytes) -> bytes:
    """An element with the tag as `Element` has it, in DER."""
    identifier = bytes((tag,)) if tag < 0x100 else tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    return identifier + length(len(content)) + content


def sorted_set(tag: int, members: list[bytes]) -> bytes:
    """A SET OF with these members, each in DER already, in the order of DER (X.690, 11.6)."""
    return tagged(tag, b"".join(sorted(members)))
