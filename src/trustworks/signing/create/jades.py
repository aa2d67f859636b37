"""JAdES, by itself: compact or in JSON, with the document in it or beside it.

Source: TS 119 182-1, 5 and 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import Octets
from trustworks.formats.jades import creating as jws
from trustworks.formats.jades.base64url import decode
from trustworks.formats.jades.creating import payloads
from trustworks.formats.jades.jws import parse
from trustworks.formats.limits import DEFAULT
from trustworks.signing.create.existing import numbered
from trustworks.signing.model import Onto, Packaging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.jades.creating.payloads import Payload
    from trustworks.signing.create.how import How, Stamp
    from trustworks.signing.model import Document, Request, Signer


def prepare(request: Request, signer: Signer, stamp: Stamp | None) -> tuple[jws.Prepared, int]:
    """The signature, and the number of the one that it countersigns."""
    place = 0
    if request.onto is Onto.COUNTER:
        place = numbered(request)
        target = jws.Target(file=request.documents[0].data.octets(), place=place)
        payload = payloads.beside(Octets(jws.value_to_countersign(target)))
    else:
        payload = of(request)
    chosen = jws.Options(
        scheme=signer.scheme,
        hash_name=request.hash_name,
        older=request.jades.older,
        type=request.jades.type,
        content_type=_content_type(request),
        time_stamps=() if stamp is None else (stamp(payload.stamped),),
    )
    return jws.prepare(payload, signer.certificates, request.claims, chosen), place


def of(request: Request) -> Payload:
    """What stands for the payload. Raises `Rejected` (jades.payload) for documents that it is not of."""
    choices, documents = request.jades, request.documents
    if request.onto is Onto.PARALLEL:
        return _same(request)
    data = [one.data for one in documents]
    if request.packed_as is Packaging.ENVELOPING:
        return payloads.within(data[0].octets(), encoded=choices.encoded)
    if choices.mechanism == "none":
        return payloads.beside(data[0], encoded=choices.encoded)
    if choices.mechanism == "uri":
        return payloads.by_uri(data, encoded=choices.encoded)
    types = [one.media_type or "application/octet-stream" for one in documents]
    return payloads.by_hash(
        data,
        request.hash_name,
        content_types=types if any(one.media_type for one in documents) else (),
        encoded=choices.encoded,
    )


def octets_to_sign(inner: jws.Prepared, request: Request) -> bytes:
    """All that is signed, in memory: also where between the steps its digest alone is held."""
    if inner.dtbs.is_held:
        return inner.dtbs.octets
    return jws.signing_input(inner.header, of(request)).octets()


def _same(request: Request) -> Payload:
    """The payload of the signatures that are in the file already: it is in the file, or beside it."""
    first, *others = request.documents
    found, _ = parse(first.data.octets(), DEFAULT)
    if "sigD" in found[0].header:
        raise Rejected(
            "jades.payload",
            "The signature in the file names its data (sigD); a second one beside it would be over the same "
            "names. Sign the data in a file of its own.",
        )
    encoded = found[0].header.get("b64", True) is not False
    if found[0].payload is None:
        if not others:
            raise Rejected("jades.payload", "The data that the file signs is beside it. Give it.")
        return payloads.beside(others[0].data, encoded=encoded)
    sent = found[0].payload
    return payloads.within(decode(sent.decode(), "The payload") if encoded else sent, encoded=encoded)


@implements("TS119101:SCP-5", "TS119101:SCP-20", "TS119101:SCP-22")
def _content_type(request: Request) -> str | None:
    """The media type of one document, where it is the payload (cty)."""
    alone = request.onto is Onto.NEW and len(request.documents) == 1
    by_name = request.packed_as is Packaging.DETACHED and request.jades.mechanism != "none"
    return request.documents[0].media_type if alone and not by_name else None


def complete(inner: jws.Prepared, how: How, value: bytes, documents: Sequence[Document]) -> Octets:
    """The signature, or the file with one signature more."""
    first, *others = documents
    match how.onto:
        case Onto.NEW:
            return Octets(inner.complete(value, how.serialization))
        case Onto.PARALLEL:
            return Octets(jws.parallel(first.data.octets(), inner.complete(value)), first.name)
        case Onto.COUNTER:
            target = jws.Target(
                file=first.data.octets(), place=how.place, beside=tuple(one.data for one in others)
            )
            return Octets(jws.with_counter_signature(target, inner.complete(value)), first.name)
