"""Evidence records in ASN.1 (RFC 4998, 3 to 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.formats.cms.algorithms import hash_name
from trustworks.formats.data import hasher
from trustworks.formats.evidence_record.objects import ArchiveTimeStamp, Chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.limits import Limits

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_ALGORITHM: Final = 0xA0
_ATTRIBUTES: Final = 0xA1
_TREE: Final = 0xA2


class AsnChain(Chain):
    """A chain in ASN.1. `preceding` are the `encodings` of all chains before it."""

    form = "asn1"

    def __init__(
        self,
        digest_algorithm: str | None,
        stamps: Sequence[ArchiveTimeStamp],
        preceding: Sequence[tuple[bytes, bytes]],
    ) -> None:
        super().__init__(digest_algorithm, stamps)
        self.preceding = tuple(preceding)

    def sequence_digests(self, digest_algorithm: str) -> list[bytes]:
        """See `Chain`."""
        found = []
        for parts in zip(*self.preceding, strict=True):
            running = hasher(digest_algorithm)
            running.update(ber.tagged(_SEQUENCE, b"".join(parts)))
            found.append(running.digest())
        return list(dict.fromkeys(found))

    def renewed(self, digests: Sequence[bytes], digest_algorithm: str) -> list[list[bytes]]:
        """See `Chain`: the digest over the object's digest and that of the chains.

        RFC 4998 concatenates the two in 5.2, step 4, and shows them sorted in its figure 4; records of both
        kinds exist.
        """
        ways = []
        for digest in digests:
            for sequence in self.sequence_digests(digest_algorithm):
                for pair in ((digest, sequence), sorted((digest, sequence))):
                    running = hasher(digest_algorithm)
                    running.update(b"".join(pair))
                    ways.append([running.digest()])
        return ways


def read_chains(octets: bytes, limits: Limits) -> list[AsnChain]:
    """The chains of a record. Raises `Malformed`."""
    found = fields_of(octets, limits)[-1].children()
    if sum(len(chain.children()) for chain in found) > limits.time_stamps:
        raise BeyondLimit(
            f"The evidence record has more than the {limits.time_stamps} time-stamps that are read.",
            "time_stamps",
        )
    _check_digested([one.after - one.start for one in found], limits.digested)
    each = encodings(found)
    chains: list[AsnChain] = []
    for number, chain in enumerate(found):
        stamps = [_stamp(one) for one in chain.children()]
        algorithm = stamps[0][1] if stamps else None
        chains.append(AsnChain(algorithm, [one for one, _ in stamps], each[:number]))
    return chains


def _check_digested(lengths: Sequence[int], most: int) -> None:
    """Each renewal of the hash tree is over all chains before it, in both encodings."""
    if 2 * sum(length * (len(lengths) - 1 - place) for place, length in enumerate(lengths)) > most:
        raise BeyondLimit(
            "Renewals of the evidence record are over more octets altogether than are digested.", "digested"
        )


def fields_of(octets: bytes, limits: Limits) -> list[ber.Element]:
    """The fields of a record of version 1; the last are its chains. Raises `Malformed` for anything else."""
    record = ber.read(octets, depth=limits.depth, elements=limits.elements)
    if record.tag != _SEQUENCE:
        raise Malformed("This is no evidence record: it does not begin with a SEQUENCE.")
    fields = record.children()
    # version, digestAlgorithms, cryptoInfos [0], encryptionInfo [1], archiveTimeStampSequence
    if len(fields) < 3 or fields[0].tag != _INTEGER or fields[-1].tag != _SEQUENCE:
        raise Malformed("This is no evidence record: version, digest algorithms or time-stamps are missing.")
    if fields[0].integer() != 1:
        raise Malformed(f"The evidence record is of version {fields[0].integer()}; 1 is read.")
    return fields


def encodings(chains: Sequence[ber.Element]) -> list[tuple[bytes, bytes]]:
    """Each chain as it is, and as DER: what a renewal of the hash tree may digest of those before it."""
    return [(one.octets, ber.der(one)) for one in chains]


def _stamp(element: ber.Element) -> tuple[ArchiveTimeStamp, str | None]:
    fields = element.children()
    if not fields or fields[-1].tag != _SEQUENCE:
        raise Malformed("An archive time-stamp of the evidence record has no time-stamp.")
    algorithm: str | None = None
    tree: tuple[tuple[bytes, ...], ...] = ()
    for one in fields[:-1]:
        if one.tag == _ALGORITHM:
            algorithm = hash_name(one)
        elif one.tag == _TREE:
            tree = tuple(tuple(digest.string() for digest in group.children()) for group in one.children())
        elif one.tag != _ATTRIBUTES:
            raise Malformed(
                f"An archive time-stamp has a field with the tag {one.tag:#x}, which is not known."
            )
    if not all(tree):
        raise Malformed("A list of the reduced hash tree is empty.")
    token = fields[-1]
    renewal = dict.fromkeys((token.octets, ber.der(token)))
    return ArchiveTimeStamp(tree=tree, token=token.octets, renewal=tuple(renewal)), algorithm
