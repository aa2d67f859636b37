"""The security stores of all revisions of a file, given to the collector, and where each token stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.collector import identified
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Finding, TimeStampKind, Weight, Where
from trustworks.formats.pades.answers import responders
from trustworks.formats.pades.contents import contents_id
from trustworks.formats.pades.security_store import StoreReader
from trustworks.formats.pades.syntax import Ref
from trustworks.formats.time_stamp import read_time_stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import Signature
    from trustworks.formats.pades.security_store import SecurityStore, Stored
    from trustworks.formats.pades.view import View


class Stores:
    """What the stores of all revisions hold.

    `at` has of each token's id the offset of its first stream, `_places` where its streams begin and end:
    one that lies wholly within a byte range is covered by it.
    """

    def __init__(self, view: View, collector: Collector) -> None:
        self.collector = collector
        self.limits = view.document.limits
        self.at: dict[str, int] = {}
        self._places: dict[str, set[tuple[int, int]]] = {}
        self.all: list[SecurityStore] = []
        reader = StoreReader()
        revisions = [view, *view.earlier(_held)]
        for one in reversed(revisions):
            store = reader.read(one)
            if store is not None and store not in self.all:
                self.all.append(store)
        for store in self.all:
            self._take(store.certificates, store.revocation_lists, store.ocsp_answers, Where.DSS_DICTIONARY)
            for finding in store.findings:
                collector.finding(finding)
        for store in self.all:
            for related in store.related:
                self._take(
                    related.certificates,
                    related.revocation_lists,
                    related.ocsp_answers,
                    Where.VRI_DICTIONARY,
                )

    def _take(
        self,
        certificates: tuple[Stored, ...],
        revocation_lists: tuple[Stored, ...],
        ocsp_answers: tuple[Stored, ...],
        where: Where,
    ) -> None:
        self._take_all(self.collector.certificate, certificates, where)
        self._take_all(self.collector.revocation_list, revocation_lists, where)
        self._take_all(self.collector.ocsp_answer, ocsp_answers, where)
        for one in ocsp_answers:
            # Whoever answered is in the answer, and covered with it.
            for certificate in responders(one.octets):
                named = self.collector.certificate(
                    certificate, Where.OCSP_ANSWER, identified("O", one.octets)
                )
                self._put(named, one)

    def _take_all(
        self, take: Callable[[bytes, Where], str], tokens: tuple[Stored, ...], where: Where
    ) -> None:
        for one in tokens:
            named = take(one.octets, where)
            self._put(named, one)

    def _put(self, named: str, one: Stored) -> None:
        self.at[named] = min(one.at, self.at.get(named, one.at))
        self._places.setdefault(named, set()).add((one.at, one.end))

    def within(self, ranges: Sequence[tuple[int, int]]) -> set[str]:
        """Ids of all tokens that stand wholly within one of some ranges.

        A stream may begin before the end of a range and go on behind it, with octets that came later.
        """
        return {
            named
            for named, places in self._places.items()
            if any(begin <= at and end <= last for at, end in places for begin, last in ranges)
        }

    def first_after(self, end: int) -> int | None:
        """Where the first token after an offset stands."""
        return min((at for at in self.at.values() if at >= end), default=None)

    def of_kind(self, letters: str) -> list[str]:
        """Ids of all tokens with one of these letters, in the order of the stores."""
        return [named for named in self.at if named[0] in letters]

    def time_stamps(self, signature: Signature, contents: bytes, file: str | None) -> list[str]:
        """Reads the time-stamps that VRI dictionaries hold for a signature: they are over its value.

        Source: EN 319 142-1, 5.4.2.3.
        """
        key = contents_id(contents)
        octets = dict.fromkeys(
            related.time_stamp.octets
            for store in self.all
            for related in store.related
            if related.key == key and related.time_stamp is not None
        )
        data = {named for reference in signature.references for named in reference.covers}
        for one in signature.signing_certificate[:1]:
            signer = self.collector.token_by_digest("C", one.digest_algorithm, one.digest)
            data |= set() if signer is None else {signer}
        found: list[str] = []
        for token in octets:
            try:
                found.append(
                    read_time_stamp(
                        token,
                        self.collector,
                        kind=TimeStampKind.SIGNATURE,
                        over=Octets(signature.value, "signature value"),
                        covers=frozenset({signature.id, *data}),
                        owner=signature.id,
                        form="vri-time-stamp",
                        file=file,
                        limits=self.limits,
                    ).id
                )
            except BeyondLimit:
                raise
            except Malformed as error:
                self.collector.finding(
                    Finding(
                        code="pades.vri-time-stamp",
                        text=f"The time-stamp of a VRI dictionary cannot be read: {error}",
                        weight=Weight.NOTE,
                    )
                )
        return found


def _held(view: View) -> set[int]:
    """The objects that a security store is made of, tokens apart: an update that replaces one changes it."""
    store = view.entries(view.root.get("DSS"))
    related = view.entries(store.get("VRI"))
    values = (view.trailer.get("Root"), view.root.get("DSS"), *store.values(), *related.values())
    return {one.number for one in values if isinstance(one, Ref)}
