"""Signatures of OpenDocument files, in META-INF/documentsignatures.xml: XAdES over every file of the package.

In three steps as all signatures. What is added later is added by `formats.xades.creating` to the file of the
signatures (`target`), which `with_signatures` then puts in its place.
Source: OpenDocument 1.2, part 3, 4 and 5.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.asic.creating.opened import opened
from trustworks.formats.asic.creating.own import check_own
from trustworks.formats.asic.creating.replacing import Change, changed
from trustworks.formats.asic.directory import directory_of
from trustworks.formats.asic.kinds import META_INF
from trustworks.formats.data import Octets
from trustworks.formats.dtbs import Fields, packed
from trustworks.formats.evidence import Container
from trustworks.formats.limits import DEFAULT
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating import signature as xades
from trustworks.formats.xades.creating.unsigned import Target
from trustworks.formats.zip_writer import Kept, NewMember, Zip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.asic.archive import Archive
    from trustworks.formats.claims import Claims
    from trustworks.formats.data import Data
    from trustworks.formats.dtbs import Dtbs
    from trustworks.formats.limits import Limits

SIGNATURES: Final = f"{META_INF}documentsignatures.xml"
_KIND: Final = "open-document"
_CHECK: Final = "sha256"
_SIGNED_TOO: Final = frozenset({f"{META_INF}manifest.xml"})
_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:digitalsignature:1.0"
_EMPTY: Final = (
    f'<dsig:document-signatures xmlns:dsig="{_NAMESPACE}" dsig:version="1.2"></dsig:document-signatures>'
).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signature to come, and the digest of the document that it was prepared for."""

    signature: xades.Prepared
    given: bytes = field(repr=False)

    @property
    def dtbs(self) -> Dtbs:
        """What is to be signed."""
        return self.signature.dtbs

    @property
    def id(self) -> str:
        """The Id of the ds:Signature."""
        return self.signature.id

    def encode(self) -> bytes:
        """It as octets, to be stored between the steps."""
        return packed(_KIND, {"signature": self.signature.encode(), "given": self.given})

    @classmethod
    def decode(cls, octets: bytes) -> Prepared:
        """What `encode` wrote. Raises `Malformed`."""
        found = Fields(_KIND, octets)
        return cls(signature=xades.Prepared.decode(found.octets("signature")), given=found.octets("given"))

    def complete(self, value: bytes, document: Data) -> Zip:
        """The third step: the signed document, which was read back.

        Raises:
            Malformed: what was prepared cannot be read.
            Rejected: ``data.changed``: it is another document; ``signature.own``: the value is not that of
                the certificate's key; and as `with_signatures`.
        """
        if document.digest(_CHECK) != self.given:
            raise Rejected("data.changed", "The document is not the one that was prepared. Prepare anew.")
        return with_signatures(document, self.signature.complete(value))


def prepare(
    document: Data,
    certificates: Sequence[bytes],
    claims: Claims,
    options: xades.Options,
    *,
    limits: Limits = DEFAULT,
) -> Prepared:
    """The first step: beside the signatures that are there, one over all files and their list.

    Raises:
        Malformed: it is no package that can be read.
        Rejected: ``asic.kind``: it is no OpenDocument; ``asic.damaged``: readers see different things in it;
            and as `formats.xades.creating.signature.prepare`.
    """
    archive = _opened(document, limits)
    files = [
        one for name, one in archive.members.items() if not name.startswith(META_INF) or name in _SIGNED_TOO
    ]
    packaged = replace(packaging.detached(files), document=_signatures(archive))
    return Prepared(
        signature=xades.prepare(packaged, certificates, claims, options), given=document.digest(_CHECK)
    )


def target(document: Data, signature: str, *, limits: Limits = DEFAULT) -> Target:
    """The signature with that Id as `formats.xades.creating.unsigned` adds to it. Raises as `prepare`."""
    archive = _opened(document, limits)
    return Target(document=_signatures(archive), signature=signature, beside=tuple(archive.members.values()))


def with_signatures(document: Data, signatures: bytes, *, limits: Limits = DEFAULT) -> Zip:
    """The document with that as its signatures, which was read back.

    A first one comes behind what is in the file, which keeps its octets and its places; else in the place of
    those that are there, and all other members keep their octets.

    Raises:
        Malformed, Rejected: as `prepare`; ``signature.content``, ``signature.own``, ``asic.own``: a signature
            does not hold in the document.
    """
    archive = _opened(document, limits)
    added = NewMember(name=SIGNATURES, data=Octets(signatures, SIGNATURES), packed=True)
    check_own([added], SIGNATURES, archive)
    if SIGNATURES not in archive.members:
        directory = directory_of(document)
        kept = Kept(
            data=document,
            begin=directory.begin,
            directory=directory.octets,
            count=directory.count,
            comment=directory.comment,
        )
        return Zip((added,), kept, document.name)
    return changed(document, archive, Change(octets={SIGNATURES: added.data}), limits=limits)


def _opened(document: Data, limits: Limits) -> Archive:
    archive, kind = opened(document, limits)
    if kind is not Container.OPEN_DOCUMENT:
        raise Rejected("asic.kind", "Only an OpenDocument is signed so; this is none by its media type.")
    return archive


def _signatures(archive: Archive) -> bytes:
    found = archive.members.get(SIGNATURES)
    return _EMPTY if found is None else found.octets()
