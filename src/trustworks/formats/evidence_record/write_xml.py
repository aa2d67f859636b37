"""Writes evidence records in XML (RFC 6283, 2 to 4). What is there already keeps its canonical form."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from lxml import etree

from trustworks.core.xml.algorithms import DIGESTS
from trustworks.formats.evidence_record.xml import (
    ERS,
    INCLUSIVE,
    REFERENCE_TYPES,
    XmlChain,
    algorithm_of,
    ordered,
    preceding,
    sequence_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.evidence_record.creating import Prepared
    from trustworks.formats.evidence_record.objects import ArchiveTimeStamp
    from trustworks.formats.limits import Limits

_METHODS: Final = {name: uri for uri, name in reversed(list(DIGESTS.items()))}
_NAMESPACE: Final = ERS[1:-1]
_EMPTY: Final = (
    f'<EvidenceRecord xmlns="{_NAMESPACE}" Version="1.0"><ArchiveTimeStampSequence/></EvidenceRecord>'
).encode()


def extended(prepared: Prepared, stamp: ArchiveTimeStamp, limits: Limits) -> bytes:
    """The record with one more archive time-stamp; see `Prepared.complete`."""
    sequence = sequence_of(prepared.record or _EMPTY, limits)
    chains = ordered(sequence, "ArchiveTimeStampChain")
    if prepared.step == "time-stamp":
        chain = chains[-1]
    else:
        chain = etree.SubElement(sequence, f"{ERS}ArchiveTimeStampChain", Order=str(len(chains) + 1))
        etree.SubElement(chain, f"{ERS}DigestMethod", Algorithm=_METHODS[prepared.hash_name])
        etree.SubElement(chain, f"{ERS}CanonicalizationMethod", Algorithm=_canonicalisation(chains))
    _stamp(chain, stamp)
    return etree.tostring(sequence.getroottree(), encoding="UTF-8", xml_declaration=True)


def renewed(record: bytes, digests: Sequence[bytes], name: str, limits: Limits) -> tuple[bytes, ...]:
    """The first list of a renewed hash tree: the data objects' digests, and that of all chains before."""
    sequence = sequence_of(record, limits)
    chains = ordered(sequence, "ArchiveTimeStampChain")
    canonicalisation = _canonicalisation(chains)
    chain = XmlChain(name, (), canonicalisation, preceding(sequence, chains, canonicalisation))
    return (*digests, *chain.sequence_digests(name))


def _canonicalisation(chains: Sequence[etree._Element]) -> str:
    """That of the last chain, so that one method reads all of them."""
    return (algorithm_of(chains[-1], "CanonicalizationMethod") if chains else None) or INCLUSIVE


def _stamp(chain: etree._Element, stamp: ArchiveTimeStamp) -> None:
    order = len(ordered(chain, "ArchiveTimeStamp")) + 1
    element = etree.SubElement(chain, f"{ERS}ArchiveTimeStamp", Order=str(order))
    if stamp.tree:
        tree = etree.SubElement(element, f"{ERS}HashTree")
        for number, group in enumerate(stamp.tree, 1):
            listed = etree.SubElement(tree, f"{ERS}Sequence", Order=str(number))
            for digest in group:
                etree.SubElement(listed, f"{ERS}DigestValue").text = _text(digest)
    over = etree.SubElement(element, f"{ERS}TimeStamp")
    etree.SubElement(over, f"{ERS}TimeStampToken", Type="RFC3161").text = _text(stamp.token)
    kept = [(kind, one) for kind, name in REFERENCE_TYPES.items() for one in getattr(stamp, name)]
    if kept:
        listed = etree.SubElement(over, f"{ERS}CryptographicInformationList")
        for number, (kind, one) in enumerate(kept, 1):
            information = etree.SubElement(listed, f"{ERS}CryptographicInformation", Order=str(number))
            information.set("Type", kind)
            information.text = _text(one)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
