"""Follows an evidence record from its data objects through hash trees and renewals to its last time-stamp.

Source: RFC 4998, 4.3 and 5.3; RFC 6283, 3.2.2, 3.3 and 4.3.
"""

from __future__ import annotations

from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.formats.collector import Collector, identified
from trustworks.formats.data import HASHES, DigestOnly, hasher
from trustworks.formats.evidence import (
    EvidenceRecord,
    Finding,
    Reference,
    ReferenceKind,
    Scope,
    ScopeKind,
    TimeStampKind,
    Weight,
    Where,
)
from trustworks.formats.evidence_record.hash_tree import root_of
from trustworks.formats.time_stamp import read_time_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.evidence import TimeStamp
    from trustworks.formats.evidence_record.objects import Archived, ArchiveTimeStamp, Chain, Named
    from trustworks.formats.limits import Limits


@dataclass(slots=True)
class _Walk:
    """What is known while a record is followed."""

    collector: Collector
    over: Sequence[Archived]
    owner: str | None
    file: str | None
    limits: Limits
    id: str
    matched: dict[int, Archived] = field(default_factory=dict)
    stamps: list[TimeStamp] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    """Ids of the time-stamps so far, and of all that came in their tokens."""


def gather(
    chains: Sequence[Chain],
    octets: bytes,
    collector: Collector,
    *,
    over: Sequence[Archived],
    manifest: Sequence[Named] | None,
    owner: str | None,
    file: str | None,
    limits: Limits,
) -> EvidenceRecord:
    """Takes the record and its time-stamps into `collector`; see `read_evidence_record`."""
    if not chains or not all(chain.stamps for chain in chains):
        raise Malformed("The evidence record has no archive time-stamp, or a chain without one.")
    walk = _Walk(
        collector, over, owner, file, limits, identified("E", octets, (owner or file or "").encode())
    )
    references: tuple[Reference, ...] = ()
    for number, chain in enumerate(chains):
        algorithm = algorithm_of(chain)
        before: ArchiveTimeStamp | None = None
        for stamp in chain.stamps:
            links: tuple[Reference, ...] = ()
            if before is not None:
                links, group = _time_stamp_renewal(before, stamp, algorithm, len(walk.stamps))
            elif number:
                links, group = _hash_tree_renewal(chain, stamp, algorithm, walk)
            else:
                references, group = _initial(chain, algorithm, walk, manifest)
            _stamp(walk, stamp, algorithm, root_of((group, *stamp.tree[1:]), algorithm), links)
            before = stamp
    record = EvidenceRecord(
        id=walk.id,
        form=chains[0].form,
        octets=octets,
        references=references,
        time_stamps=tuple(one.id for one in walk.stamps),
        covers=frozenset().union(*(one.covers for one in walk.matched.values())),
        owner=owner,
        file=file,
        scopes=tuple(
            Scope(kind=ScopeKind.ARCHIVED, name=one.name or "data", text="Archived by the evidence record")
            for one in walk.matched.values()
        ),
        findings=(*walk.findings, *_order(walk.stamps)),
    )
    collector.evidence_record(record)
    return record


def algorithm_of(chain: Chain) -> str:
    """The hash function of a chain; that of its first token where the chain names none (RFC 4998, 4.1)."""
    named = chain.digest_algorithm or token_aside(chain.stamps[0].token).imprint_algorithm
    if named not in HASHES:
        raise Malformed(f"The evidence record digests by {named}, which cannot be computed here.")
    return named


def token_aside(token: bytes) -> TimeStamp:
    """A token read beside the record, where what it is over is not known before it is read."""
    kind = TimeStampKind.EVIDENCE_RECORD
    return read_time_stamp(token, Collector(), kind=kind, over=None, covers=frozenset())


def _implied(ways: Sequence[Sequence[bytes]], stamp: ArchiveTimeStamp, algorithm: str) -> Sequence[bytes]:
    """Of the lists that may stand in place of a tree, the one that the time-stamp is over; else the first.

    There are several where encodings or makers differ.
    """
    if not ways:
        return (b"",)
    if len(ways) == 1:
        return ways[0]
    imprint = token_aside(stamp.token).references[0].expected
    return next((way for way in ways if root_of((way,), algorithm) == imprint), ways[0])


def _digest(algorithm: str, *parts: bytes) -> bytes:
    running = hasher(algorithm)
    for part in parts:
        running.update(part)
    return running.digest()


def _initial(
    chain: Chain,
    algorithm: str,
    walk: _Walk,
    manifest: Sequence[Named] | None,
) -> tuple[tuple[Reference, ...], Sequence[bytes]]:
    """The first time-stamp of all: which data objects are in the first list of its tree."""
    known = {
        digest: number
        for number, archived in enumerate(walk.over)
        for digest in chain.digests(archived, algorithm)
    }
    stamp = chain.stamps[0]
    group: Sequence[bytes] = stamp.tree[0] if stamp.tree else ()
    if not group:
        # Without a tree the time-stamp is over the digest of the one data object (RFC 4998, 4.1).
        if len(walk.over) != 1 or not known:
            return (_reference(algorithm, None, None, found=False),), (b"",)
        group = _implied([[digest] for digest in known], stamp, algorithm)
    references = []
    for digest in group:
        number = known.get(digest)
        if number is not None:
            walk.matched[number] = walk.over[number]
            references.append(_reference(algorithm, digest, walk.over[number], found=True, actual=digest))
        elif len(group) == 1 and len(walk.over) == 1:
            # One is expected and one was given: it is that one, and was changed.
            references.append(_reference(algorithm, digest, walk.over[0], found=True))
        else:
            references.append(_reference(algorithm, digest, None, found=False, mandatory=False))
    if not walk.matched and not any(one.mandatory for one in references):
        references.append(_reference(algorithm, None, None, found=False))
    for number, archived in enumerate(walk.over):
        if archived.required and number not in walk.matched:
            references.append(_reference(algorithm, None, archived, found=not archived.absent))
    return (*references, *_of_manifest(manifest, algorithm, walk)), group


def _reference(
    algorithm: str,
    digest: bytes | None,
    archived: Archived | None,
    *,
    found: bool,
    actual: bytes | None = None,
    mandatory: bool = True,
) -> Reference:
    return Reference(
        kind=ReferenceKind.ARCHIVE_OBJECT,
        name=archived.name if archived else None,
        digest_algorithm=algorithm,
        expected=digest,
        actual=actual,
        found=found,
        intact=actual is not None and actual == digest,
        mandatory=mandatory,
        covers=archived.covers if archived else frozenset(),
    )


def _of_manifest(manifest: Sequence[Named] | None, algorithm: str, walk: _Walk) -> list[Reference]:
    """What the manifest names and the record is not about, or names with another hash function."""
    covered = {archived.name for archived in walk.matched.values()}
    wrong = []
    for entry in manifest or ():
        if entry.name in covered and entry.intact and entry.digest_algorithm == algorithm:
            continue
        why = f"The manifest names {entry.name}, which the evidence record is not about as it is now."
        if entry.intact and entry.name in covered:
            why = f"{entry.name} is digested by {entry.digest_algorithm} there, by {algorithm} in the record."
        wrong.append(
            Reference(
                kind=ReferenceKind.MANIFEST_ENTRY,
                name=entry.name,
                digest_algorithm=entry.digest_algorithm,
                expected=entry.digest,
                actual=None,
                found=entry.found,
                intact=False,
                why=why,
            )
        )
    return wrong


def _time_stamp_renewal(
    before: ArchiveTimeStamp, stamp: ArchiveTimeStamp, algorithm: str, number: int
) -> tuple[tuple[Reference, ...], Sequence[bytes]]:
    """A further time-stamp of a chain is over the one before it (RFC 4998, 5.2 and 5.3)."""
    digests = [_digest(algorithm, octets) for octets in before.renewal]
    group = stamp.tree[0] if stamp.tree else _implied([[one] for one in digests], stamp, algorithm)
    linked = next((one for one in digests if one in group), None)
    return (_link(f"time-stamp {number}", algorithm, linked, digests[0]),), group


def _hash_tree_renewal(
    chain: Chain, stamp: ArchiveTimeStamp, algorithm: str, walk: _Walk
) -> tuple[tuple[Reference, ...], Sequence[bytes]]:
    """The first time-stamp of a further chain is over the data objects and all chains before it."""
    objects = list(walk.matched.values())
    digests = [chain.digests(archived, algorithm) for archived in objects]
    ways = [chain.renewed(one, algorithm) for one in digests]
    single = ways[0] if len(ways) == 1 else ()
    group = stamp.tree[0] if stamp.tree else _implied(single, stamp, algorithm)
    links = []
    for archived, possible in zip(objects, ways, strict=True):
        there = next((way for way in possible if set(way) <= set(group)), None)
        expected = possible[0][0] if possible else None
        links.append(_link(archived.name, algorithm, there[0] if there else None, expected, archived))
    if len(objects) > 1 and not all(link.intact for link in links):
        # Some makers digest all data objects of a group together before they add the chains.
        whole = root_of([[one[0] for one in digests if one]], algorithm)
        if any(set(way) <= set(group) for way in chain.renewed([whole], algorithm)):
            links = [_link(archived.name, algorithm, whole, whole, archived) for archived in objects]
    return tuple(links), group


def _link(
    name: str | None,
    algorithm: str,
    linked: bytes | None,
    expected: bytes | None,
    archived: Archived | None = None,
) -> Reference:
    return Reference(
        kind=ReferenceKind.ARCHIVE_OBJECT,
        name=name,
        digest_algorithm=algorithm,
        expected=expected,
        actual=linked,
        found=expected is not None,
        intact=linked is not None,
        covers=archived.covers if archived else frozenset(),
        why=None if linked is not None else "The renewal is not over it.",
    )


def _stamp(
    walk: _Walk, stamp: ArchiveTimeStamp, algorithm: str, root: bytes, links: tuple[Reference, ...]
) -> None:
    covers = frozenset(walk.inside).union(*(one.covers for one in walk.matched.values()))
    token = read_time_stamp(
        stamp.token,
        walk.collector,
        kind=TimeStampKind.EVIDENCE_RECORD,
        over=DigestOnly(((algorithm, root),), name="the root of the hash tree"),
        covers=covers,
        owner=walk.id,
        references=links,
        file=walk.file,
        limits=walk.limits,
    )
    take = walk.collector
    walk.stamps.append(token)
    walk.inside.update((token.id, *token.signature.certificates, *token.signature.revocation))
    for der in stamp.certificates:
        walk.inside.add(take.certificate(der, Where.EVIDENCE_RECORD, walk.id))
    for der in stamp.revocation_lists:
        walk.inside.add(take.revocation_list(der, Where.EVIDENCE_RECORD, walk.id))
    for der in stamp.ocsp_answers:
        walk.inside.add(take.ocsp_answer(der, Where.EVIDENCE_RECORD, walk.id))


def _order(stamps: Sequence[TimeStamp]) -> list[Finding]:
    if all(earlier.time <= later.time for earlier, later in pairwise(stamps)):
        return []
    return [
        Finding(
            code="evidence-record.order",
            text="The archive time-stamps of the evidence record are not in the order of their times.",
            weight=Weight.FATAL,
            requirement="RFC4998:5.3",
        )
    ]
