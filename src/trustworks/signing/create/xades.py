"""XAdES, by itself: in the document, around it, beside it. Source: EN 319 132-1, 4 to 6."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.formats.data import Octets
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating import signature as xml
from trustworks.formats.xades.creating.packaging import DataFormat
from trustworks.formats.xades.creating.properties import ContentTimeStamp
from trustworks.formats.xades.creating.unsigned import octets_of_data
from trustworks.signing.create.existing import countersigned
from trustworks.signing.model import Onto, Packaging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.xades.creating.packaging import Packaged
    from trustworks.signing.create.how import How, Stamp
    from trustworks.signing.model import Document, Request, Signer


def prepare(request: Request, signer: Signer, stamp: Stamp | None) -> tuple[xml.Prepared, int]:
    """The signature in its place; it is found again by its Id, so that no number is needed."""
    if request.onto is Onto.COUNTER:
        _, target = countersigned(request)
        document = request.documents[0].data.octets()
        chosen = options(request, signer)
        if target.name is None:
            raise Rejected(
                "signing.target",
                "The signature has no Id, by which a counter-signature could refer to it. Countersign it "
                "in a file of its own.",
            )
        return xml.counter_sign(document, target.name, signer.certificates, request.claims, chosen), 0
    try:
        return over(packaged(request), request, signer, stamp), 0
    except BeyondLimit:
        raise
    except Malformed as error:
        if request.packed_as is not Packaging.ENVELOPED:
            raise
        raise Malformed(
            f"{error} Only XML has its signature in it: of other documents, the packaging is enveloping or "
            "detached."
        ) from error


def over(packed: Packaged, request: Request, signer: Signer, stamp: Stamp | None) -> xml.Prepared:
    """A signature over what is packaged, wherever it will stand."""
    chosen = options(request, signer)
    if stamp is not None:
        empty = ContentTimeStamp(tokens=())
        octets = octets_of_data(packed, signer.certificates, request.claims, chosen, empty)
        chosen = replace(chosen, time_stamps=(replace(empty, tokens=(stamp(Octets(octets)),)),))
    return xml.prepare(packed, signer.certificates, request.claims, chosen)


def options(request: Request, signer: Signer) -> xml.Options:
    """How the signature is written."""
    return xml.Options(
        scheme=signer.scheme,
        hash_name=request.hash_name,
        canonicalisation=request.xades.canonicalisation,
        sign_key_info=request.xades.sign_key_info,
        id=request.xades.id,
    )


def packaged(request: Request) -> Packaged:
    """What is signed, and where it is."""
    choices, first = request.xades, request.documents[0]
    data = [one.data for one in request.documents]
    match request.packed_as:
        case Packaging.ENVELOPED:
            return packaging.enveloped(
                first.data.octets(),
                within=choices.within,
                parallel=choices.beside_others or request.onto is Onto.PARALLEL,
                mime_type=first.media_type or packaging.XML,
            )
        case Packaging.ENVELOPING:
            otherwise = packaging.XML if choices.as_xml else packaging.OCTETS
            return packaging.enveloping(
                data, formats=formats(request.documents, otherwise), as_xml=choices.as_xml
            )
        case Packaging.INTERNALLY_DETACHED:
            return packaging.internally_detached(first.data.octets(), choices.parts, within=choices.within)
        case Packaging.DETACHED:
            make = packaging.manifest if choices.manifest else packaging.detached
            return make(data, formats=formats(request.documents))


def formats(documents: Sequence[Document], otherwise: str = packaging.OCTETS) -> list[DataFormat]:
    """What the signer says that the documents are."""
    return [DataFormat(mime_type=one.media_type or otherwise) for one in documents]


def unread(inner: xml.Prepared, how: How, value: bytes, documents: Sequence[Document]) -> Octets:
    """As `complete`, for who reads it himself: nobody has looked whether the signature holds."""
    return Octets(inner.with_value(value), documents[0].name if _is_inside(how) else None)


def _is_inside(how: How) -> bool:
    return how.onto is Onto.COUNTER or how.packaging in {Packaging.ENVELOPED, Packaging.INTERNALLY_DETACHED}


def complete(inner: xml.Prepared, how: How, value: bytes, documents: Sequence[Document]) -> Octets:
    """The document with the signature, or the signature as a document of its own."""
    beside = {one.name: one.data for one in (documents[1:] if how.onto is Onto.COUNTER else documents)}
    if how.packaging is Packaging.DETACHED and how.onto is not Onto.COUNTER:
        beside = dict(packaging.detached([one.data for one in documents]).beside)
    made = inner.complete(value, beside=beside if how.packaging is Packaging.DETACHED else None)
    return Octets(made, documents[0].name if _is_inside(how) else None)
