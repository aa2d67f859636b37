"""Evidence records in unsigned attributes, and the structure as it was before they were added.

Source: RFC 4998, A (over the ContentInfo as it is encoded); EN 319 122-3, 5 (over its DER).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.cades import identifiers as ids
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.evidence_record import Archived, first_time, read_evidence_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.cms.structure import CmsAttribute, SignedData, SignerInfo
    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits

TOO_LARGE: Final = Finding(
    code="cades.evidence-record-unread",
    text="The evidence record is inside a structure that is too large to be taken apart for it, and was not "
    "read.",
    weight=Weight.NOTE,
)
KINDS: Final = (ids.EVIDENCE_RECORD_INTERNAL, ids.EVIDENCE_RECORD_EXTERNAL)


def read_evidence_records(
    data: SignedData,
    signer: SignerInfo,
    collector: Collector,
    *,
    covers: frozenset[str],
    content: Data | None,
    owner: str,
    file: str | None,
    limits: Limits,
    findings: list[Finding],
) -> tuple[str, ...]:
    """Reads the records of a signer into the collector; answers their ids, in the order of the file.

    `covers` are the ids of all that the structure held before. An external record is about `content`, too.
    """
    # In DER the attributes are in the order of their octets: which record came first, its time-stamp says.
    attributes = sorted(
        (one for one in signer.unsigned_attributes if one.type in KINDS), key=lambda one: _since(one, limits)
    )
    found: list[str] = []
    for number, attribute in enumerate(attributes):
        over = _over(data, signer, attributes[number:], covers | frozenset(found))
        if attribute.type == ids.EVIDENCE_RECORD_EXTERNAL:
            over = [*over, _content(content, collector)]
        for value in attribute.values:
            try:
                record = read_evidence_record(
                    value.octets, collector, over=over, limits=limits, owner=owner, file=file
                )
            except BeyondLimit:
                raise
            except (Malformed, IndexError) as error:
                findings.append(
                    Finding(
                        code="cades.evidence-record-unreadable",
                        text=f"The attribute {attribute.type} holds no evidence record: {error}",
                        weight=Weight.NOTE,
                    )
                )
                continue
            found.append(record.id)
    return tuple(found)


def _since(attribute: CmsAttribute, limits: Limits) -> datetime:
    """When the first record of an attribute begins; one that cannot be read counts as the last."""
    times = []
    for value in attribute.values:
        with suppress(Malformed, IndexError):
            times.append(first_time(value.octets, limits))
    return min(times, default=datetime.max.replace(tzinfo=UTC))


def _content(content: Data | None, collector: Collector) -> Archived:
    """The signed data that is elsewhere, which an external record is about too."""
    if content is None:
        data = DigestOnly((), "the signed data")
        return Archived(data=data, name=data.name, covers=frozenset(), required=True, absent=True)
    named = frozenset({collector.data(content)})
    return Archived(data=content, name=content.name, covers=named, required=True)


def _over(
    data: SignedData, signer: SignerInfo, later: Sequence[CmsAttribute], covers: frozenset[str]
) -> list[Archived]:
    """The structure without the attribute of a record and those that came after it."""
    dropped = {one.element.start for one in later}
    if signer.unsigned is not None and len(dropped) == len(signer.unsigned_attributes):
        dropped.add(signer.unsigned.start)
    octets = without(data.content_info, dropped)
    name = "the signed data before the evidence record"
    others = (Octets(ber.der(ber.read(octets)), name),)
    return [Archived(data=Octets(octets, name), name=name, covers=covers, others=others, required=True)]


def without(element: ber.Element, dropped: set[int]) -> bytes:
    """The element without those inside that begin at some places; the rest is encoded as it was."""
    inside = {place for place in dropped if element.content <= place < element.end}
    if not inside:
        return element.octets
    content = b"".join(without(one, inside) for one in element.children() if one.start not in inside)
    if element.after == element.end:
        return ber.tagged(element.tag, content)
    identifier = element.source.octets[element.start : element.content - 1]
    return identifier + b"\x80" + content + b"\0\0"
