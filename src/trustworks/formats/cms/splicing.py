"""Puts elements into BER or DER without changing any octet that is there but the lengths around them.

An element of indefinite length stays so. Source: X.690, 8.1.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.der.encode import length
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.der.ber import Element


@dataclass(frozen=True, slots=True)
class Insertion:
    """Octets that become children of an element, at a place between those that it has."""

    holder: Element
    place: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Replacement:
    """An element that other octets take the place of."""

    element: Element
    octets: bytes


def spliced(root: Element, changes: Sequence[Insertion | Replacement]) -> bytes:
    """The octets of an element, with changes inside it."""
    inside = [one.holder.start if isinstance(one, Insertion) else one.element.start for one in changes]
    if not any(root.start <= place < root.after for place in inside):
        return root.octets
    for one in changes:
        if isinstance(one, Replacement) and one.element.start == root.start:
            return one.octets
    own = sorted(
        (one for one in changes if isinstance(one, Insertion) and one.holder.start == root.start),
        key=lambda one: one.place,
    )
    parts = []
    for child in root.children():
        while own and own[0].place <= child.start:
            parts.append(own.pop(0).octets)
        parts.append(spliced(child, changes))
    parts += (one.octets for one in own)
    return _wrapped(root, b"".join(parts))


def around(nested: Sequence[Element], size: int) -> tuple[bytes, bytes]:
    """What stands before and behind `size` octets that become the last child of the innermost of elements.

    `nested` are elements, each a child of the one before it. The octets themselves are never held.
    """
    before, behind = b"", b""
    inner = nested[-1]
    grown = inner.end - inner.content + size
    for number, one in reversed(list(enumerate(nested))):
        if one is inner:
            head, tail = one.source.octets[one.content : one.end], b""
        else:
            child = nested[number + 1]
            head = one.source.octets[one.content : child.start]
            tail = one.source.octets[child.after : one.end]
            grown += len(head) + len(tail)
        indefinite = one.after != one.end
        begin = _identifier(one) + (b"\x80" if indefinite else length(grown))
        end = b"\0\0" if indefinite else b""
        grown += len(begin) + len(end)
        before = begin + head + before
        behind += tail + end
    return before, behind


def _wrapped(element: Element, content: bytes) -> bytes:
    identifier = _identifier(element)
    if element.after != element.end:
        return identifier + b"\x80" + content + b"\0\0"
    return identifier + length(len(content)) + content


def _identifier(element: Element) -> bytes:
    octets = element.source.octets
    # Of the identifier, which may have several octets, the first length octet begins after it.
    place = element.start + 1
    if octets[element.start] & 0x1F == 0x1F:
        while octets[place] & 0x80:
            place += 1
        place += 1
    return octets[element.start : place]


def in_order(holder: Element, added: bytes) -> Insertion:
    """A member for a SET: where DER wants it, if the SET is in that order; else behind all others."""
    members = [(one.start, one.octets) for one in holder.children()]
    written = [octets for _, octets in members]
    if written == sorted(written):
        for start, octets in members:
            if added < octets:
                return Insertion(holder, start, added)
    return Insertion(holder, holder.end, added)
