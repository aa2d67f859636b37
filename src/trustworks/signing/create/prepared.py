"""A signature between its steps: everything that is signed is frozen, and the value is still to come.

Steps, as EN 319 102-1, 4.2 has them: `prepare` composes the data to be signed (DTBS); whoever has the key
signs its representation (DTBS/R); `Prepared.complete` puts the value in, and gives out what was verified.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.asic import creating as containers
from trustworks.formats.cades.creating import signature as cms
from trustworks.formats.dtbs import Fields, packed
from trustworks.formats.jades import creating as jws
from trustworks.formats.pades import creating as pdf
from trustworks.formats.xades.creating import signature as xml
from trustworks.signing.create import asic, cades, jades, pades, xades
from trustworks.signing.create.how import How, Inner
from trustworks.signing.create.told import in_words_of
from trustworks.signing.create.value import CODE as OWN
from trustworks.signing.create.value import check_value
from trustworks.signing.model import Format, Level, Signer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.dtbs import Dtbs
    from trustworks.signing.create.how import Finish, Stamp
    from trustworks.signing.model import Document, Request

Outer: TypeAlias = "pdf.Prepared | containers.Prepared | None"

_KIND: Final = "signature"
_CHECK: Final = "sha256"
_INNER: Final[Mapping[Format, type[cms.Prepared | xml.Prepared | jws.Prepared]]] = {
    Format.CADES: cms.Prepared,
    Format.PADES: cms.Prepared,
    Format.XADES: xml.Prepared,
    Format.JADES: jws.Prepared,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signature that has everything but its value.

    `inner` is the signature itself, `outer` the PDF or the container that it will stand in. `given` has the
    digest (SHA-256) of each document, by which it is known again.
    """

    how: How
    inner: Inner
    outer: Outer
    given: tuple[bytes, ...]

    @property
    def dtbs(self) -> Dtbs:
        """The data to be signed, and by which scheme; `Dtbs.digest` is its representation (DTBS/R)."""
        return self.inner.dtbs

    def octets_to_sign(self, request: Request) -> bytes:
        """All of `dtbs`, in memory, for who looks at it before his key signs; `request` is what was prepared.

        Of much data that is elsewhere, `dtbs` has a digest alone.
        """
        if isinstance(self.inner, jws.Prepared):
            return jades.octets_to_sign(self.inner, request)
        return self.dtbs.octets

    @property
    def signer(self) -> Signer:
        """Who signs; without the certificates of authorities."""
        return Signer(certificates=(self.dtbs.certificate,), scheme=self.dtbs.scheme)

    @property
    def level(self) -> Level:
        """The level that was asked for."""
        return self.how.level

    def encode(self) -> bytes:
        """It as octets, to be stored or sent between the steps."""
        return packed(
            _KIND,
            {
                **self.how.fields(),
                "inner": self.inner.encode(),
                "outer": None if self.outer is None else self.outer.encode(),
                "given": self.given,
            },
        )

    @classmethod
    def decode(cls, octets: bytes) -> Prepared:
        """What `encode` wrote. Raises `Malformed`."""
        found = Fields(_KIND, octets)
        how = How.of(found)
        outer: Outer = None
        if how.format is Format.PADES:
            outer = pdf.Prepared.decode(found.octets("outer"))
        elif how.container is not None:
            outer = containers.Prepared.decode(found.octets("outer"))
        elif found.has("outer"):
            raise Malformed("The prepared signature is in nothing, and has what it would be in.")
        return cls(
            how=how,
            inner=_INNER[how.format].decode(found.octets("inner")),
            outer=outer,
            given=found.several("given"),
        )

    @implements("TRUSTWORKS:SIGNING-FROZEN", "TS119101:SCP-14", "EN419111:2-DOCUMENTS")
    def check_given(self, documents: Sequence[Document]) -> None:
        """Raises `Rejected` (``data.changed``) for documents that are not those that were prepared."""
        if self.given != digests(documents):
            raise Rejected(
                "data.changed",
                "The documents are not those that the signature was prepared for, or come in another order. "
                "Give the same ones, or prepare anew.",
            )

    def complete(self, value: bytes, documents: Sequence[Document], finish: Finish | None = None) -> Data:
        """The third step: the signed file.

        `value` is what a module's key signs (ECDSA in DER). `documents` are those that were prepared.
        `finish` gets the signature as a file of its own, and the data that it is over, where the signature
        stands inside of something, and answers it with what it is to have besides.

        Raises:
            Malformed: what was prepared was damaged.
            Rejected: ``data.changed``; ``signature.own``: the value is not that of the certificate's key, or
                what came of it does not hold; and what the format raises.
        """
        self.check_given(documents)
        try:
            return self._completed(value, documents, finish)
        except Rejected as error:
            if error.code == OWN:
                check_value(self.dtbs, value)
            raise

    def unread(self, value: bytes, documents: Sequence[Document], finish: Finish | None = None) -> Data:
        """As `complete`, for who reads what comes of it himself, and gives out nothing that does not hold.

        The value is verified here, so that nothing else is done for one that is none of the key's.
        """
        if self.outer is not None or not isinstance(self.inner, xml.Prepared):
            return self.complete(value, documents, finish)
        self.check_given(documents)
        check_value(self.dtbs, value)
        return xades.unread(self.inner, self.how, value, documents)

    def _completed(self, value: bytes, documents: Sequence[Document], finish: Finish | None) -> Data:
        match self.outer, self.inner:
            case pdf.Prepared() as outer, cms.Prepared() as inner:
                return pades.complete(outer, inner, value, documents, finish)
            case containers.Prepared() as outer, (cms.Prepared() | xml.Prepared()) as inner:
                return asic.complete(outer, inner, self.how, value, documents, finish)
        return completed(self.inner, self.how, value, documents)


def completed(inner: Inner, how: How, value: bytes, documents: Sequence[Document]) -> Data:
    """A signature that stands for itself."""
    match inner:
        case cms.Prepared():
            return cades.complete(inner, how, value, documents)
        case xml.Prepared():
            return xades.complete(inner, how, value, documents)
        case jws.Prepared():
            return jades.complete(inner, how, value, documents)


def digests(documents: Sequence[Document]) -> tuple[bytes, ...]:
    """The digest of each document."""
    return tuple(one.data.digest(_CHECK) for one in documents)


def prepare(request: Request, signer: Signer, stamp: Stamp | None = None) -> Prepared:
    """The first step. `stamp` answers data with a time-stamp token over it, for content time-stamps.

    Raises:
        Malformed: a document is not of the format that is asked for.
        Rejected: the format has no place for what is asked; ``signing.no-stamper``: a content time-stamp is
            asked for, and there is nobody who makes one.
    """
    if request.content_time_stamp and stamp is None:
        raise Rejected(
            "signing.no-stamper",
            "A content time-stamp is asked for, and no time-stamping authority is named. Name one.",
        )
    used = stamp if request.content_time_stamp else None
    request = replace(request, claims=in_words_of(request.format, request.claims))
    outer, inner, place = _parts(request, signer, used)
    how = How(
        format=request.format,
        container=request.container,
        packaging=request.packed_as,
        level=request.level,
        onto=request.onto,
        serialization=request.jades.serialization,
        place=place,
    )
    return Prepared(how=how, inner=inner, outer=outer, given=digests(request.documents))


def _parts(request: Request, signer: Signer, stamp: Stamp | None) -> tuple[Outer, Inner, int]:
    """What the signature stands in, the signature, and the number of the one that it is added to."""
    if request.format is Format.PADES:
        return (*pades.prepare(request, signer, stamp), 0)
    if request.container is not None:
        return (*asic.prepare(request, signer, stamp), 0)
    match request.format:
        case Format.CADES:
            return (None, *cades.prepare(request, signer, stamp))
        case Format.XADES:
            return (None, *xades.prepare(request, signer, stamp))
        case Format.JADES:
            return (None, *jades.prepare(request, signer, stamp))
