"""Gathers what readers of formats find into one evidence graph, with the ids that hold it together."""

from __future__ import annotations

import hashlib
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import BeyondLimit, Rejected
from trustworks.core.pki.building import TrustAnchors
from trustworks.formats.data import HASHES, DigestOnly, hasher
from trustworks.formats.evidence import Container, Evidence, Origin, Token, Where

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import EvidenceRecord, Finding, Signature, TimeStamp


def identified(letter: str, *parts: bytes) -> str:
    """The id of an object: its letter and the SHA-256 over its octets.

    Of several parts each counts with its length, so that no two lists of parts are taken for each other.
    """
    if len(parts) == 1:
        return f"{letter}-{hashlib.sha256(parts[0]).hexdigest()}"
    running = hashlib.sha256()
    for part in parts:
        running.update(len(part).to_bytes(8, "big"))
        running.update(part)
    return f"{letter}-{running.hexdigest()}"


def data_id(data: Data) -> str:
    """The id of a data object; see `Collector.data`."""
    if isinstance(data, DigestOnly):
        if len(data.digests) != 1:
            name = data.name or "the data"
            raise Rejected(
                "digest.unknown", f"Of {name} one digest has to be known, not {len(data.digests)}."
            )
        ((hash_name, value),) = data.digests
        if hash_name != "sha256":
            return identified("D", hash_name.encode(), value)
        return f"D-{value.hex()}"
    return f"D-{data.digest('sha256').hex()}"


_TIMES_DIGESTED: Final = 16


class Collector:
    """Takes objects in the order in which they are found; `evidence` gives the graph.

    A token that is found twice is one token with two origins. Readers of containers hand one collector to the
    readers of what is inside. `anchors` are trusted by who reads: up to whom a signature has to bring status
    data is the one thing that a reader asks them.
    """

    def __init__(self, anchors: TrustAnchors | None = None) -> None:
        self.anchors = TrustAnchors() if anchors is None else anchors
        self.at_hand: tuple[object, object] | None = None
        """What was found of the status data of one signature, for the next; see `validation_data`."""
        self.container = Container.NONE
        self.media_type: str | None = None
        self._data: dict[str, Data] = {}
        self._certificates: dict[str, tuple[bytes, list[Origin]]] = {}
        self._revocation: dict[str, tuple[bytes, list[Origin]]] = {}
        self._signatures: dict[str, Signature] = {}
        self._time_stamps: dict[str, TimeStamp] = {}
        self._records: dict[str, EvidenceRecord] = {}
        self._copies: dict[str, int] = {}
        self._looked_at = self._digested = self._longest = 0
        self._findings: list[Finding] = []
        self._signed: dict[int, Data] = {}
        self.places: dict[str, tuple[int, ...]] = {}
        """Where in its file a signature stands, by its id: see `place`."""
        # By the identity of the object, which is kept here so that no other gets it.
        # By letter and hash function: how many tokens were looked at, and their ids by their digests.
        self._by_digest: dict[tuple[str, str], tuple[int, dict[bytes, str]]] = {}

    def certificate(self, der: bytes, where: Where, owner: str | None = None) -> str:
        """Takes a certificate; answers its id."""
        return _take(self._certificates, "C", der, Origin(where, owner))

    def revocation_list(self, der: bytes, where: Where, owner: str | None = None) -> str:
        """Takes a revocation list; answers its id."""
        return _take(self._revocation, "R", der, Origin(where, owner))

    def ocsp_answer(self, der: bytes, where: Where, owner: str | None = None) -> str:
        """Takes an OCSPResponse or a BasicOCSPResponse; answers its id."""
        return _take(self._revocation, "O", der, Origin(where, owner))

    def token(self, named: str) -> bytes | None:
        """The octets of a certificate, revocation list or OCSP answer that was taken, by its id."""
        found = self._certificates.get(named) or self._revocation.get(named)
        return None if found is None else found[0]

    def token_id(self, der: bytes) -> frozenset[str]:
        """The id of the certificate, list or OCSP answer with these octets, if it was taken."""
        digest = hashlib.sha256(der).hexdigest()
        return frozenset(
            named
            for named in (f"C-{digest}", f"R-{digest}", f"O-{digest}")
            if named in self._certificates or named in self._revocation
        )

    def token_by_digest(self, letter: str, hash_name: str | None, digest: bytes | None) -> str | None:
        """The id of the certificate (``C``), list (``R``) or OCSP answer (``O``) that has a digest."""
        if digest is None or hash_name not in HASHES:
            return None
        tokens = self._certificates if letter == "C" else self._revocation
        if hash_name == "sha256":
            named = f"{letter}-{digest.hex()}"
            return named if named in tokens else None
        looked_at, found = self._by_digest.setdefault((letter, hash_name), (0, {}))
        for named, (der, _) in islice(tokens.items(), looked_at, None):
            if named[0] == letter:
                found.setdefault(_digest(hash_name, der), named)
        self._by_digest[letter, hash_name] = (len(tokens), found)
        return found.get(digest)

    def data(self, data: Data) -> str:
        """Takes a data object that is signed or archived; answers its id, the same for the same octets.

        Of data that is not here the id is of its digest, and by another function than SHA-256 it is that of
        no octets. Raises `Rejected` (``digest.unknown``) where there is not one digest, but none or several.
        """
        named = data_id(data)
        if isinstance(self._data.setdefault(named, data), DigestOnly):
            self._data[named] = data
        return named

    def data_by_id(self, named: str) -> Data | None:
        """A data object that was taken."""
        return self._data.get(named)

    def signed_otherwise(self, data: Data) -> None:
        """Takes note that a signature is over data in another form than its octets: after transforms, say."""
        self._signed[id(data)] = data

    def is_signed_otherwise(self, data: Data) -> bool:
        """Whether `signed_otherwise` was told so of this very object."""
        return id(data) in self._signed

    def signature(self, signature: Signature) -> None:
        """Takes a signature, or puts it in the place of one with the same id."""
        self._signatures[signature.id] = signature

    def place(self, named: str, place: tuple[int, ...]) -> None:
        """Takes note of where in its file a signature stands, all counted from 0.

        The number of its ds:Signature in the document, of its signer in CMS and then of the counter-signature
        of that one and so on, of the signature in a JWS, of the signed dictionary in a PDF.
        """
        self.places[named] = place

    def time_stamp(self, time_stamp: TimeStamp) -> None:
        """Takes a time-stamp, or puts it in the place of one with the same id."""
        self._time_stamps[time_stamp.id] = time_stamp

    def evidence_record(self, record: EvidenceRecord) -> None:
        """Takes an evidence record, or puts it in the place of one with the same id."""
        self._records[record.id] = record

    def fresh(self, letter: str, *parts: bytes) -> str:
        """The id of a signature or a time-stamp of which copies may stand in the file.

        The first has the id of its octets, each further one another: they have different owners and covers.
        """
        first = named = identified(letter, *parts)
        number = self._copies.get(first, 1)
        while named in self._signatures or named in self._time_stamps:
            number += 1
            named = identified(letter, *parts, str(number).encode())
        self._copies[first] = number
        return named

    def count_time_stamp(self, most: int) -> None:
        """Counts one more that is looked at. Raises `BeyondLimit` where more than `most` are."""
        self._looked_at += 1
        if self._looked_at > most:
            raise BeyondLimit(f"The file has more than the {most} time-stamps that are read.", "time_stamps")

    def count_digested(self, octets: int, most: int) -> None:
        """Counts what a time-stamp is over: all may be over all. Raises `BeyondLimit`.

        `most` octets are digested, and those of the longest of them several times beside.
        """
        self._digested += octets
        self._longest = max(self._longest, octets)
        if self._digested > most + _TIMES_DIGESTED * self._longest:
            raise BeyondLimit(
                "Time-stamps are over more octets altogether than are digested for one file.", "digested"
            )

    def certificates(self) -> Mapping[str, Token]:
        """What was taken so far, by their ids."""
        return _tokens(self._certificates)

    def finding(self, finding: Finding) -> None:
        """Takes a finding about the file as a whole."""
        self._findings.append(finding)

    def signature_by_id(self, named: str) -> Signature | None:
        """A signature that was taken."""
        return self._signatures.get(named)

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """What was taken so far, in order."""
        return tuple(self._signatures.values())

    @property
    def time_stamps(self) -> tuple[TimeStamp, ...]:
        """What was taken so far, in order."""
        return tuple(self._time_stamps.values())

    @property
    def evidence_records(self) -> tuple[EvidenceRecord, ...]:
        """What was taken so far, in order."""
        return tuple(self._records.values())

    def evidence(self) -> Evidence:
        """The graph of all that was taken."""
        return Evidence(
            container=self.container,
            media_type=self.media_type,
            data=MappingProxyType(self._told()),
            signatures=self.signatures,
            time_stamps=self.time_stamps,
            evidence_records=tuple(self._records.values()),
            certificates=MappingProxyType(_tokens(self._certificates)),
            revocation=MappingProxyType(_tokens(self._revocation)),
            findings=tuple(self._findings),
        )

    def _told(self) -> dict[str, Data]:
        """The data, without digests that somebody gave and that nothing in the file was found to be over."""
        covers = [
            *(one.covers for signature in self.signatures for one in signature.references),
            *(one.covers for record in self._records.values() for one in record.references),
            *(stamp.covers for stamp in self.time_stamps),
        ]
        covered = frozenset[str]().union(*covers)
        return {
            named: one
            for named, one in self._data.items()
            if named in covered or not isinstance(one, DigestOnly)
        }


def _take(tokens: dict[str, tuple[bytes, list[Origin]]], letter: str, der: bytes, origin: Origin) -> str:
    named = identified(letter, der)
    origins = tokens.setdefault(named, (der, []))[1]
    if origin not in origins:
        origins.append(origin)
    return named


def _tokens(tokens: dict[str, tuple[bytes, list[Origin]]]) -> dict[str, Token]:
    return {
        named: Token(id=named, der=der, origins=tuple(origins)) for named, (der, origins) in tokens.items()
    }


def _digest(hash_name: str, octets: bytes) -> bytes:
    running = hasher(hash_name)
    running.update(octets)
    return running.digest()
