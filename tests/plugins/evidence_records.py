"""Makes evidence records in ASN.1 and XML, over data of the tests, with tokens of a throw-away authority."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from foreign_tokens import ForeignAuthority, tst_info
from lxml import etree

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


ERS: Final = "urn:ietf:params:xml:ns:ers"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
METHODS: Final = {
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}


class XmlRecord:
    """An EvidenceRecord of RFC 6283 that grows by renewals; `octets` is what is there so far."""

    def __init__(self) -> None:
        self.root = etree.Element(f"{{{ERS}}}EvidenceRecord", nsmap={None: ERS}, Version="1.0")
        self.sequence = etree.SubElement(self.root, f"{{{ERS}}}ArchiveTimeStampSequence")

    @property
    def octets(self) -> bytes:
        return etree.tostring(self.root)

    def chain(self, name: str = "sha256") -> None:
        """Begin a further chain."""
        order = str(len(self.sequence) + 1)
        chain = etree.SubElement(self.sequence, f"{{{ERS}}}ArchiveTimeStampChain", Order=order)
        etree.SubElement(chain, f"{{{ERS}}}DigestMethod", Algorithm=METHODS[name])
        etree.SubElement(chain, f"{{{ERS}}}CanonicalizationMethod", Algorithm=C14N)

    def stamp(
        self,
        tree: Tree,
        *,
        over: bytes | None = None,
        name: str = "sha256",
        time: bytes = b"20260504030201Z",
    ) -> None:
        """Add an ArchiveTimeStamp to the last chain."""
        chain = self.sequence[-1]
        number = len(chain.findall(f"{{{ERS}}}ArchiveTimeStamp")) + 1
        stamp = etree.SubElement(chain, f"{{{ERS}}}ArchiveTimeStamp", Order=str(number))
        if tree:
            hashes = etree.SubElement(stamp, f"{{{ERS}}}HashTree")
            for order, group in enumerate(tree, 1):
                listed = etree.SubElement(hashes, f"{{{ERS}}}Sequence", Order=str(order))
                for one in group:
                    etree.SubElement(listed, f"{{{ERS}}}DigestValue").text = base64.b64encode(one).decode()
        value = root(tree, name) if over is None else over
        element = etree.SubElement(stamp, f"{{{ERS}}}TimeStamp")
        token = etree.SubElement(element, f"{{{ERS}}}TimeStampToken", Type="RFC3161")
        token.text = base64.b64encode(token_over(value, name, time)).decode()

    def last_time_stamp(self) -> bytes:
        """The canonical TimeStamp at the end: what a renewal of it digests (RFC 6283, 4.2.1)."""
        return self._canonical(f".//{{{ERS}}}TimeStamp")

    def whole_sequence(self) -> bytes:
        """The canonical sequence so far: what a renewal of the tree digests (RFC 6283, 4.2.2)."""
        return self._canonical(f"{{{ERS}}}ArchiveTimeStampSequence")

    def _canonical(self, path: str) -> bytes:
        # As a document of its own: of a part with a default namespace lxml writes the canonical form wrongly.
        alone = etree.tostring(self.root.findall(path)[-1])
        return etree.tostring(etree.fromstring(alone), method="c14n")
