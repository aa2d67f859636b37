"""Where the elements of a document are in its canonical octets.

The octets of an element do not depend on its siblings: they can be cut out, or cut off. In canonical octets a
"<" begins a tag, a comment or an instruction and nothing else, so the n-th start tag of a name is that of the
n-th element of this name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml import etree

# A scan of the octets looks for one name, unless so many names were asked for: then for all elements at once.
_NAMES_BY_SCAN: Final = 6
_ALL: Final = re.compile(rb"<!--.*?-->|<\?.*?\?>|<(/?)[^ >]+", re.DOTALL)

Span = tuple[int, int]


class Slices:
    """The canonical octets of an element, or of a whole document, and the spans of the elements in them."""

    def __init__(self, octets: bytes, top: etree._Element) -> None:
        self.octets: Final = octets
        self._top = top
        self._spans: dict[etree._Element, Span] = {}
        self._names: set[str] = set()
        self._complete = False

    def span(self, element: etree._Element) -> Span:
        """From the start tag of an element to behind its end tag."""
        found = self._spans.get(element)
        if found is None and not self._complete:
            self._look_for(element)
            found = self._spans.get(element)
        if found is None:
            raise Malformed("An element was not found in the canonical form of the document it belongs to.")
        return found

    def without(self, within: Span, elements: Iterable[etree._Element]) -> bytes:
        """The octets of a span less those of elements in it."""
        kept, at = [], within[0]
        for begin, end in sorted(self.span(element) for element in elements):
            if begin >= at:
                kept.append(self.octets[at:begin])
                at = end
        kept.append(self.octets[at : within[1]])
        return b"".join(kept)

    def start_tag_end(self, begin: int) -> int:
        """Behind the start tag that begins there."""
        found = _START_TAG.match(self.octets, begin)
        if found is None:  # pragma: no cover - libxml2 writes start tags so
            raise Malformed("An element was not found in the canonical form of the document it belongs to.")
        return found.end()

    def _look_for(self, element: etree._Element) -> None:
        if len(self._names) >= _NAMES_BY_SCAN:
            self._complete = True
            self._spans = dict(zip(self._top.iter("*"), _spans(self.octets, _ALL), strict=True))
            return
        tag = str(element.tag)
        local = tag.rpartition("}")[2]
        prefix = element.prefix
        name = f"{prefix}:{local}" if prefix else local
        if name in self._names:
            return
        self._names.add(name)
        # The same prefix may stand for another namespace elsewhere, and the octets do not tell.
        elements: Sequence[etree._Element] = [
            e for e in self._top.iter(f"{{*}}{local}") if e.prefix == prefix
        ]
        if len(elements) == 1 and b"<!--" not in self.octets and b"<?" not in self.octets:
            # Nothing else can look like its tags, and to find these is quicker.
            begin = re.search(rb"<" + re.escape(name.encode()) + rb"[ >]", self.octets)
            end = self.octets.rfind(f"</{name}>".encode())
            if begin is not None and end > 0:
                self._spans[element] = (begin.start(), end + len(name.encode()) + 3)
            return
        pattern = re.compile(rb"<!--.*?-->|<\?.*?\?>|<(/?)" + re.escape(name.encode()) + rb"[ >]", re.DOTALL)
        self._spans.update(zip(elements, _spans(self.octets, pattern), strict=True))


_START_TAG: Final = re.compile(rb'<[^ >]++(?: [^ =]++="[^"]*+")*+>')


def _spans(octets: bytes, tags: re.Pattern[bytes]) -> Iterator[Span]:
    """The spans of the elements whose tags a pattern finds, in the order of their start tags."""
    begins: list[int] = []
    ends: list[int] = []
    opened: list[int] = []
    for found in tags.finditer(octets):
        closing = found[1]
        if closing:
            ends[opened.pop()] = octets.index(b">", found.end() - 1) + 1
        elif closing is not None:
            opened.append(len(begins))
            begins.append(found.start())
            ends.append(-1)
    return zip(begins, ends, strict=True)
