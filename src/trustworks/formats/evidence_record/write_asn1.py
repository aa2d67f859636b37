"""Writes evidence records in ASN.1 (RFC 4998, 3 to 5). What is there already keeps its octets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, context, integer, tlv
from trustworks.core.errors import Rejected
from trustworks.formats.cms.algorithms import hash_name
from trustworks.formats.evidence_record.asn1 import AsnChain, encodings, fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.evidence_record.creating import Prepared
    from trustworks.formats.evidence_record.objects import ArchiveTimeStamp
    from trustworks.formats.limits import Limits

_VERSION: Final = 1


def extended(prepared: Prepared, stamp: ArchiveTimeStamp, limits: Limits) -> bytes:
    """The record with one more archive time-stamp; see `Prepared.complete`."""
    if stamp.certificates or stamp.revocation_lists or stamp.ocsp_answers:
        raise Rejected(
            "evidence-record.place",
            "A record in ASN.1 has no place for validation data beside a time-stamp. Put it into the token.",
        )
    written = _stamp(stamp, prepared.hash_name)
    if not prepared.record:
        algorithms = tlv(SEQUENCE, hash_identifier(prepared.hash_name))
        return tlv(SEQUENCE, integer(_VERSION), algorithms, tlv(SEQUENCE, tlv(SEQUENCE, written)))
    version, named, *between, last = fields_of(prepared.record, limits)
    chains = [one.octets for one in last.children()]
    if prepared.step == "time-stamp":
        in_last = [one.octets for one in last.children()[-1].children()]
        chains[-1] = tlv(SEQUENCE, *in_last, written)
    else:
        chains.append(tlv(SEQUENCE, written))
    return tlv(
        SEQUENCE,
        version.octets,
        _algorithms(named, prepared.hash_name),
        *(one.octets for one in between),
        tlv(SEQUENCE, *chains),
    )


def renewed(record: bytes, digests: Sequence[bytes], name: str, limits: Limits) -> tuple[bytes, ...]:
    """The first list of a renewed hash tree: of each data object its digest with that of the chains."""
    before = fields_of(record, limits)[-1].children()
    chain = AsnChain(name, (), encodings(before))
    return tuple(chain.renewed([digest], name)[0][0] for digest in digests)


def _stamp(stamp: ArchiveTimeStamp, name: str) -> bytes:
    """An ArchiveTimeStamp. The tags of its fields are implicit."""
    algorithm = context(0, *(one.octets for one in ber.read(hash_identifier(name)).children()))
    lists = [tlv(SEQUENCE, *(tlv(OCTET_STRING, one) for one in group)) for group in stamp.tree]
    return tlv(SEQUENCE, algorithm, context(2, *lists) if lists else b"", stamp.token)


def _algorithms(named: ber.Element, name: str) -> bytes:
    """The hash functions that the record names, with this one."""
    if any(hash_name(one) == name for one in named.children()):
        return named.octets
    return tlv(SEQUENCE, *(one.octets for one in named.children()), hash_identifier(name))
