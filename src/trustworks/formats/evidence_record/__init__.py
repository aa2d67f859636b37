"""Evidence records: from octets to archive time-stamps, and what these prove (RFC 4998, RFC 6283)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.evidence_record.objects import Archived, Named
from trustworks.formats.evidence_record.sequence import gather, token_aside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.formats.collector import Collector
    from trustworks.formats.evidence import EvidenceRecord
    from trustworks.formats.evidence_record.objects import Chain
    from trustworks.formats.limits import Limits

__all__ = ["Archived", "Named", "first_time", "read_chains", "read_evidence_record"]


def read_evidence_record(
    octets: bytes,
    collector: Collector,
    *,
    over: Sequence[Archived],
    limits: Limits,
    manifest: Sequence[Named] | None = None,
    owner: str | None = None,
    file: str | None = None,
) -> EvidenceRecord:
    """Reads an evidence record, ASN.1 or XML, with its time-stamps into `collector`.

    `over` is what it may be about. `manifest` lists what it has to be about by digests (EN 319 162-1, A.7);
    None where there is none.

    Raises:
        Malformed: it is no evidence record, or beyond the limits.
    """
    chains = read_chains(octets, limits)
    for group in (one.tree[0] for chain in chains[:1] for one in chain.stamps[:1] if one.tree):
        if len(group) > limits.members:
            raise BeyondLimit(
                f"The evidence record names {len(group)} objects, more than the {limits.members} read.",
                "members",
            )
    return gather(
        chains, octets, collector, over=over, manifest=manifest, owner=owner, file=file, limits=limits
    )


def first_time(octets: bytes, limits: Limits) -> datetime:
    """The time of a record's first time-stamp, without a look at what it is about. Raises `Malformed`."""
    chains = read_chains(octets, limits)
    if not chains or not chains[0].stamps:
        raise Malformed("The evidence record has no archive time-stamp.")
    return token_aside(chains[0].stamps[0].token).time


def read_chains(octets: bytes, limits: Limits) -> Sequence[Chain]:
    """The chains of a record, ASN.1 or XML. Raises `Malformed`."""
    # The reader of XML brings a library that records in ASN.1 do not need.
    if octets.lstrip()[:1] == b"<":
        from trustworks.formats.evidence_record import xml  # noqa: PLC0415

        return xml.read_chains(octets, limits)
    from trustworks.formats.evidence_record import asn1  # noqa: PLC0415

    return asn1.read_chains(octets, limits)
