"""Makes evidence records in ASN.1, over data of the tests, with tokens of a throw-away authority."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from foreign_tokens import ForeignAuthority, tst_info

from trustworks.core.der import ber
from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, context, integer, tlv

if TYPE_CHECKING:
    from collections.abc import Sequence

AUTHORITY: Final = ForeignAuthority()
Tree = list[list[bytes]]


def digest(octets: bytes, name: str = "sha256") -> bytes:
    return hashlib.new(name, octets).digest()


def root(tree: Tree, name: str = "sha256") -> bytes:
    """RFC 4998, 4.3, written a second time: the value that the time-stamp is over."""
    above: list[bytes] = []
    for group in tree:
        members = sorted([*group, *above])
        above = [members[0] if len(members) == 1 else digest(b"".join(members), name)]
    return above[0]


def token_over(value: bytes, name: str = "sha256", time: bytes = b"20260504030201Z") -> bytes:
    imprint = tlv(SEQUENCE, hash_identifier(name), tlv(OCTET_STRING, value))
    return AUTHORITY.token(tst_info(imprint=imprint, time=time))


def stamp(
    tree: Tree,
    *,
    over: bytes | None = None,
    name: str = "sha256",
    time: bytes = b"20260504030201Z",
    named: bool = True,
) -> bytes:
    """An ArchiveTimeStamp of RFC 4998; without a tree it is over the digest `over`."""
    value = root(tree, name) if over is None else over
    algorithm = context(0, hash_identifier(name)[2:]) if named else b""
    lists = [tlv(SEQUENCE, *(tlv(OCTET_STRING, one) for one in group)) for group in tree]
    return tlv(SEQUENCE, algorithm, context(2, *lists) if lists else b"", token_over(value, name, time))


def token_of(archive_time_stamp: bytes) -> bytes:
    """The token at the end of an ArchiveTimeStamp that `stamp` made: what its renewal digests."""
    return ber.read(archive_time_stamp).children()[-1].octets


def record(*chains: Sequence[bytes], version: int = 1) -> bytes:
    """An EvidenceRecord of RFC 4998."""
    algorithms = tlv(SEQUENCE, hash_identifier("sha256"))
    return tlv(SEQUENCE, integer(version), algorithms, sequence(*chains))


def sequence(*chains: Sequence[bytes]) -> bytes:
    """An ArchiveTimeStampSequence: what the renewal of the hash tree digests."""
    return tlv(SEQUENCE, *(tlv(SEQUENCE, *chain) for chain in chains))
