"""CAdES: CMS by itself, with the document in it or beside it. Source: EN 319 122-1, 5 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.formats.cades.creating import signature as cms
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import Octets
from trustworks.signing.create.existing import numbered
from trustworks.signing.model import Onto, Packaging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.claims import Claims
    from trustworks.formats.data import Data
    from trustworks.signing.create.how import How, Stamp
    from trustworks.signing.model import Document, Request, Signer


def prepare(request: Request, signer: Signer, stamp: Stamp | None) -> tuple[cms.Prepared, int]:
    """The signature, and the number of the signer that it is added to."""
    first, *others = request.documents
    match request.onto:
        case Onto.NEW:
            return over(first.data, request, signer, stamp, request.claims, first.media_type), 0
        case Onto.PARALLEL:
            content = read_signed_data(first.data.octets()).content_octets()
            data = others[0].data if content is None and others else Octets(content or b"")
            return over(data, request, signer, stamp, request.claims, None), 0
        case Onto.COUNTER:
            place = numbered(request)
            options = cms.Options(scheme=signer.scheme, hash_name=request.hash_name)
            structure = first.data.octets()
            return cms.counter_sign(structure, place, signer.certificates, request.claims, options), place


def over(  # noqa: PLR0917 - what a signature is made of
    content: Data,
    request: Request,
    signer: Signer,
    stamp: Stamp | None,
    claims: Claims,
    media_type: str | None,
) -> cms.Prepared:
    """A signature over content, wherever it will stand."""
    options = cms.Options(
        scheme=signer.scheme,
        hash_name=request.hash_name,
        mime_type=media_type,
        description=request.cades.description,
        time_stamps=() if stamp is None else (stamp(content),),
    )
    return cms.prepare(content, signer.certificates, claims, options)


def complete(inner: cms.Prepared, how: How, value: bytes, documents: Sequence[Document]) -> Data:
    """The structure, or that of the file with one signer more."""
    first, *others = documents
    beside = [one.data for one in others]
    match how.onto:
        case Onto.NEW:
            content = first.data if how.packaging is Packaging.ENVELOPING else None
            return inner.around(value, content)
        case Onto.PARALLEL:
            return Octets(inner.join(value, first.data.octets(), beside=beside), first.name)
        case Onto.COUNTER:
            structure = first.data.octets()
            return Octets(inner.join_counter(value, structure, how.place, beside=beside), first.name)
