"""Signatures that a file holds and that no field of its last revision leads to.

A later revision may have taken the field away or put another value in it; or no field ever led there.
Whoever opens the file does not see such a signature, and it is none of its signatures; that it is there, is
told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit
from trustworks.core.trace import implements
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.pades.sections import Place
from trustworks.formats.pades.syntax import WHITE, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.pades.document import Document, Indirect
    from trustworks.formats.pades.fields import SignatureDictionary
    from trustworks.formats.pades.view import View

_KEY: Final = b"/ByteRange"
_HEAD: Final = re.compile(rb"(\d{1,10})[" + WHITE + rb"]+\d{1,5}[" + WHITE + rb"]+\Z")
_BEFORE: Final = 32


def unreached(view: View, dictionaries: Sequence[SignatureDictionary]) -> tuple[Finding, ...]:
    """Findings about signature dictionaries that are objects of some revision, and values of no field."""
    known = {one.begin for one in dictionaries}
    # Usage rights are in no field, and need none.
    rights = {one.number for one in view.entries(view.root.get("Perms")).values() if isinstance(one, Ref)}
    last: list[Indirect] = []
    before: list[Indirect] = []
    for found in _dictionaries(view.document):
        if found.begin in known or found.number in rights:
            continue
        place = view.place(found.number)
        if place is not None and place.stream is None and place.at == found.begin:
            last.append(found)
        elif any(one.find(found.number) == Place(found.begin, found.generation) for one in view.sections):
            before.append(found)
    return (*signatures_are_shown(last), *signatures_stay(before))


def _dictionaries(document: Document) -> Iterator[Indirect]:
    """Every object of the file that looks like a signature dictionary, once."""
    octets, seen, at = document.octets, set[int](), 0
    left = document.limits.references
    while at := octets.find(_KEY, at) + 1:
        left -= 1
        if left < 0:
            raise BeyondLimit(
                f"The PDF has more than {document.limits.references} places that look like a signature.",
                "references",
            )
        end = octets.rfind(b"obj", 0, at)
        head = _HEAD.search(octets[max(end - _BEFORE, 0) : end]) if end >= 0 else None
        if head is None:
            continue
        begin = end - len(head[0])
        found = document.object_at(begin)
        if found is None or begin in seen:
            continue
        seen.add(begin)
        if isinstance(found.value, dict) and {"ByteRange", "Contents"} <= found.value.keys():
            yield found


@implements("ISO32000-2:12.7.5.5-FIELD", disabled=())
def signatures_are_shown(found: Sequence[Indirect]) -> tuple[Finding, ...]:
    """Tells of signatures that are in the document, and in no field of its form."""
    return tuple(
        Finding(
            code="pades.signature-in-no-field",
            text=f"Object {one.number} is a signature, and no field of the form has it as value: nobody sees "
            "it, and it is passed over.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.7.5.5-FIELD",
        )
        for one in found
    )


@implements("ISO32000-2:12.8.1-STAYS", disabled=())
def signatures_stay(found: Sequence[Indirect]) -> tuple[Finding, ...]:
    """Tells of signatures that an earlier revision had."""
    return tuple(
        Finding(
            code="pades.signature-removed",
            text=f"Object {one.number} was a signature in an earlier revision, and was removed or replaced. "
            "Look at the revision that it signs.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.8.1-STAYS",
        )
        for one in found
    )
