"""Renewed digests: the data of references digested by a stronger function, for archive time-stamps.

Source: EN 319 132-1, 5.5.3 (RenewedDigestsV2, which names each reference by its digest).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.formats.data import hasher
from trustworks.formats.evidence import Reference, ReferenceKind
from trustworks.formats.xades import names, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml import etree

    from trustworks.formats.xades.referring import Referred
    from trustworks.formats.xades.source import DocumentSource


def renewed_digests(
    element: etree._Element, referred: Sequence[Referred], source: DocumentSource
) -> Iterator[Reference]:
    """A reference for each digest of the property: to the data of the one whose digest it renews."""
    method = element.find(names.DIGEST_METHOD)
    algorithm = values.hash_name(None if method is None else method.get("Algorithm"))
    canonicalisation = element.find(names.CANONICALIZATION)
    uri = names.CANONICAL_XML if canonicalisation is None else canonicalisation.get("Algorithm") or ""
    for one in values.all_children(element, "RecomputedDigestValue"):
        original = values.octets(values.child(one, "OriginalRefDigest"))
        expected = values.octets(values.child(one, "NewSDODigestValue"))
        name, octets, covers = _data_of(original, referred, source, uri)
        actual = None if octets is None or algorithm is None else _digest(algorithm, octets)
        yield Reference(
            kind=ReferenceKind.ARCHIVE_OBJECT,
            name=name,
            digest_algorithm=algorithm,
            expected=expected,
            actual=actual,
            found=octets is not None,
            intact=actual is not None and actual == expected,
            mandatory=False,
            covers=covers,
            why=None
            if octets is not None
            else "The data whose digest is renewed is not at hand, or not what the signature refers to.",
        )


def _data_of(
    original: bytes | None, referred: Sequence[Referred], source: DocumentSource, algorithm: str
) -> tuple[str | None, bytes | None, frozenset[str]]:
    if original is None:
        return None, None, frozenset()
    for one, processed in zip(referred, source.references, strict=True):
        if one.evidence.expected == original:
            return one.evidence.name, processed.octets(algorithm, ()), one.evidence.covers
        for entry, data in zip(one.manifest, one.entries, strict=True):
            if entry.expected == original:
                return entry.name, None if data is None else data.octets(), entry.covers
    return None, None, frozenset()


def _digest(algorithm: str, octets: bytes) -> bytes | None:
    try:
        running = hasher(algorithm)
    except Rejected:
        return None
    running.update(octets)
    return running.digest()
