"""Reads every signature of a document, counter-signatures with what they countersign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.xml.dsig import read_signature
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.xades import names
from trustworks.formats.xades.signature import read_into

if TYPE_CHECKING:
    from lxml import etree

    from trustworks.core.xml.document import Document
    from trustworks.formats.collector import Collector
    from trustworks.formats.limits import Limits
    from trustworks.formats.xades.detached import Detached


class Reader:
    """Reads the signatures of one document. `file` is the document's name within a container."""

    def __init__(
        self,
        document: Document,
        collector: Collector,
        *,
        detached: Detached,
        limits: Limits,
        file: str | None,
    ) -> None:
        self.document = document
        self.collector = collector
        self.detached = detached
        self.limits = limits
        self.file = file
        self._time_stamps = 0
        self._read: dict[etree._Element, str | None] = {}
        self._numbers: dict[etree._Element, int] = {}

    def read_all(self) -> None:
        """Reads every ds:Signature. Raises `BeyondLimit` where there are more than the limits allow."""
        self._numbers = {one: at for at, one in enumerate(self.document.root.iter(names.SIGNATURE))}
        elements = [one for one in self._numbers if not names.is_in_record(one)]
        if len(elements) > self.limits.signatures:
            raise BeyondLimit(
                f"The document has {len(elements)} signatures, more than the {self.limits.signatures} that "
                "are read.",
                "signatures",
            )
        for element in elements:
            if element not in self._read:
                self.read(element)

    def by_id(self, identifier: str) -> etree._Element | None:
        """The one element with an identifier; None where none has it, or several."""
        return self.document.ids.get(identifier)

    def count_time_stamp(self) -> None:
        """Counts one more. Raises `BeyondLimit` where there are more than the limits allow."""
        self._time_stamps += 1
        if self._time_stamps > self.limits.time_stamps:
            raise BeyondLimit(
                f"The document has more than the {self.limits.time_stamps} time-stamps that are read.",
                "time_stamps",
            )

    def spend(self, octets: int) -> None:
        """Counts octets that a time-stamp or a reference is over. Raises `BeyondLimit`.

        Each may be over all of the document, and there may be many of them.
        """
        self.document.work.read(octets)

    def read(
        self, element: etree._Element, value: etree._Element | None = None, parent: str | None = None
    ) -> str | None:
        """Reads one signature, unless it was; answers its id, None where nothing can be made of it.

        `value` is the SignatureValue of the signature in whose property it is, and `parent` that one's id.
        """
        if element in self._read:
            return self._read[element]
        self._read[element] = None  # so that signatures that countersign each other come to an end
        try:
            core = read_signature(element, self.document, self.document.limits)
        except BeyondLimit:
            raise
        except Malformed as error:
            self.collector.finding(
                Finding(
                    code="xades.unreadable",
                    text=f"A signature cannot be read: {error}",
                    weight=Weight.FATAL,
                    requirement="EN319132-1:4.4.2",
                )
            )
            return None
        named = self.collector.fresh("S", core.value or b"", core.octets or b"")
        self._read[element] = named
        if element in self._numbers:
            self.collector.place(named, (self._numbers[element],))
        read_into(self, core, named, value, parent)
        return named
