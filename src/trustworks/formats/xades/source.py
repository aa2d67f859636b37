"""What coverage of time-stamps needs of a document: elements, and what transforms leave of references."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml import dsig
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.nodes import subtree
from trustworks.core.xml.transforms import apply
from trustworks.formats.evidence import ReferenceKind
from trustworks.formats.xades.names import CANONICAL_XML

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml import etree

    from trustworks.core.xml.document import Document
    from trustworks.formats.data import Data
    from trustworks.formats.xades.detached import Detached
    from trustworks.formats.xades.referring import Referred
    from trustworks.formats.xades.structure import Parts


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """A reference of SignedInfo, as `coverage.Processed`."""

    referred: Referred
    document: Document
    detached: Detached

    @property
    def id(self) -> str | None:
        """Its Id."""
        return self.referred.core.id

    @property
    def uri(self) -> str | None:
        """Its URI."""
        return self.referred.core.uri

    @property
    def is_signed_properties(self) -> bool:
        """Whether it is the reference to the signed properties."""
        return self.referred.kind is ReferenceKind.SIGNED_PROPERTIES

    def octets(self, algorithm: str, prefixes: Sequence[str]) -> bytes | None:
        """As `stamped`, all in memory."""
        found = self.stamped(algorithm, prefixes)
        return None if found is None else found.octets()

    def stamped(self, algorithm: str, prefixes: Sequence[str]) -> Data | None:
        """What its transforms give; nodes canonicalised by `algorithm`."""
        data = self.referred.data
        if data is None:
            return None
        if not self.referred.is_node_set or algorithm == CANONICAL_XML:
            return data
        # The last step turned nodes into octets for the digest only: here it is another algorithm's to do.
        core = self.referred.core
        last = dsig.Transform(algorithm=algorithm, element=core.element, prefixes=tuple(prefixes))
        again = self.detached.resolved(replace(core, transforms=(*core.transforms, last)), self.document)
        return again.data


class DocumentSource:
    """A signature in its document, as `coverage.Source`."""

    def __init__(
        self,
        document: Document,
        detached: Detached,
        parts: Parts,
        referred: Callable[[], Sequence[Referred]],
    ) -> None:
        """`referred` gives the references once they are asked for: few time-stamps are over them."""
        self._document = document
        self._detached = detached
        self._parts = parts
        self._referred = referred

    @cached_property
    def references(self) -> tuple[ReferenceSource, ...]:
        """The references of SignedInfo, in order."""
        return tuple(ReferenceSource(one, self._document, self._detached) for one in self._referred())

    @property
    def element(self) -> etree._Element:
        """The ds:Signature."""
        return self._parts.element

    @cached_property
    def unsigned(self) -> tuple[etree._Element, ...]:
        """The unsigned signature properties, in order."""
        return self._parts.unsigned

    def by_id(self, identifier: str) -> etree._Element | None:
        """The one element that has an identifier."""
        return self._document.ids.get(identifier)

    def canonical(self, element: etree._Element, algorithm: str, prefixes: Sequence[str]) -> bytes:
        """An element, canonicalised where it stands."""
        return canonicalise(element, algorithm, prefixes, self._document.renderings)

    def transformed(self, element: etree._Element, transforms: etree._Element) -> bytes | None:
        """An element after transforms; None where they cannot be carried out."""
        try:
            steps = dsig.read_transforms(transforms, self._document.limits)
            return apply(steps, subtree(element, comments=False), self._document, self._parts.element).octets
        except BeyondLimit:
            raise
        except (Malformed, Rejected):
            return None
