"""The document security store: certificates and revocation data that stand in the PDF, beside its signatures.

Source: EN 319 142-1, 5.4 (DSS and VRI dictionaries); ISO 32000-2, 12.8.4.3.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.pades.dates import date_of
from trustworks.formats.pades.syntax import Ref, Stream

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View


@dataclass(frozen=True, slots=True)
class Stored:
    """A token of the store, and where its stream begins and ends in the file."""

    octets: bytes
    at: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedInformation:
    """What of the store is for one signature (VRI). `key` is the SHA-1 of its Contents, in capitals."""

    key: str
    certificates: tuple[Stored, ...] = ()
    revocation_lists: tuple[Stored, ...] = ()
    ocsp_answers: tuple[Stored, ...] = ()
    time: datetime | None = None
    time_stamp: Stored | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityStore:
    """A DSS dictionary, as it is in one revision: the octets of its streams."""

    certificates: tuple[Stored, ...] = ()
    revocation_lists: tuple[Stored, ...] = ()
    ocsp_answers: tuple[Stored, ...] = ()
    related: tuple[RelatedInformation, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class StoreReader:
    """Reads the stores of a document's revisions; a stream that several of them name is unpacked once."""

    known: dict[int, Stored | None] = field(default_factory=dict)
    left: int = 0

    def read(self, view: View) -> SecurityStore | None:
        """The store of a revision, None where its catalogue names none."""
        entries = view.entries(view.root.get("DSS"))
        if not entries:
            return None
        self.left = view.document.limits.elements
        lost: list[str] = []
        related = []
        for key, value in view.entries(entries.get("VRI")).items():
            if key == "Type":
                continue
            one = view.entries(value)
            related.append(
                RelatedInformation(
                    key=key.upper(),
                    certificates=self._streams(view, one.get("Cert"), lost),
                    revocation_lists=self._streams(view, one.get("CRL"), lost),
                    ocsp_answers=self._streams(view, one.get("OCSP"), lost),
                    time=date_of(view.get(one.get("TU"))),
                    time_stamp=next(iter(self._streams(view, [one.get("TS")], [])), None),
                )
            )
        certificates = self._streams(view, entries.get("Certs"), lost)
        revocation_lists = self._streams(view, entries.get("CRLs"), lost)
        ocsp_answers = self._streams(view, entries.get("OCSPs"), lost)
        return SecurityStore(
            certificates=certificates,
            revocation_lists=revocation_lists,
            ocsp_answers=ocsp_answers,
            related=tuple(related),
            findings=tuple(
                Finding(
                    code="pades.store-stream",
                    text=f"An entry of the document security store could not be read: {why}",
                    weight=Weight.NOTE,
                )
                for why in dict.fromkeys(lost)
            ),
        )

    def _streams(self, view: View, value: Object, lost: list[str]) -> tuple[Stored, ...]:
        found: list[Stored] = []
        for one in value if isinstance(value, list) else view.items(value):
            self.left -= 1
            if self.left < 0:
                raise BeyondLimit(
                    f"The document security store names more than {view.document.limits.elements} tokens.",
                    "elements",
                )
            stored = self._stream(view, one, lost)
            if stored is not None:
                found.append(stored)
        return tuple(found)

    def _stream(self, view: View, value: Object, lost: list[str]) -> Stored | None:
        stream = view.get(value)
        if not isinstance(stream, Stream):
            if value is not None:
                lost.append(
                    f"{value.number if isinstance(value, Ref) else 'what stands there'} is no stream."
                )
            return None
        if stream.start not in self.known or stream.start < 0:
            try:
                raw = view.document.raw(stream, view.get(stream.entries.get("Length")))
                end = stream.start + len(raw)
                found: Stored | None = Stored(view.stream(stream), stream.start, end)
            except BeyondLimit:
                raise
            except Malformed as error:
                lost.append(str(error))
                found = None
            self.known[stream.start] = found
        return self.known[stream.start]
