"""ASiC: documents and the signature over them in one container. Source: EN 319 162-1, 4 and annex A."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.formats.asic import creating as containers
from trustworks.formats.asic.archive import open_archive
from trustworks.formats.asic.creating import DataObject, Sign
from trustworks.formats.asic.kinds import Role, role_of
from trustworks.formats.limits import DEFAULT
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating import signature as xml
from trustworks.signing.create import cades, xades
from trustworks.signing.model import Container, Document, Format, Onto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.cades.creating import signature as cms
    from trustworks.formats.data import Data
    from trustworks.signing.create.how import Finish, How, Stamp
    from trustworks.signing.model import Request, Signer

_SIGN: Final = {Format.CADES: Sign.CADES, Format.XADES: Sign.XADES}
_ROOT: Final = b'<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"/>'


def prepare(
    request: Request, signer: Signer, stamp: Stamp | None
) -> tuple[containers.Prepared, cms.Prepared | xml.Prepared]:
    """The container, and the signature over what is in it.

    Raises `Rejected` (``signing.container``) for what no container can be given.
    """
    sign = _SIGN.get(request.format)
    if sign is None or request.onto is Onto.COUNTER:
        raise Rejected(
            "signing.container",
            "Signatures in a container are CAdES or XAdES, and over its documents. Use one of these formats; "
            "a counter-signature is made in a file of its own.",
        )
    if request.onto is Onto.PARALLEL:
        container = request.documents[0].data
        outer = containers.prepare_addition(container, sign, hash_name=request.hash_name)
        over = [Document(data=one) for one in members(container)]
    elif request.container is Container.ASIC_S:
        if len(request.documents) != 1:
            raise Rejected(
                "signing.container",
                "An ASiC-S holds one document. Make an ASiC-E of several, or sign a ZIP file of them.",
            )
        outer = containers.prepare_simple(objects(request.documents)[0], sign, hash_name=request.hash_name)
        over = list(request.documents)
    else:
        outer = containers.prepare_extended(objects(request.documents), sign, hash_name=request.hash_name)
        over = list(request.documents)
    if sign is Sign.XADES:
        packed = packaging.detached([one.data for one in over], formats=xades.formats(over))
        return outer, xades.over(replace(packed, document=_ROOT), request, signer, stamp)
    (content,) = _covered(outer, over)
    alone = over[0].media_type if request.container is Container.ASIC_S else None
    return outer, cades.over(content, request, signer, stamp, request.claims, alone)


def members(container: Data) -> list[Data]:
    """The documents in a container."""
    found = open_archive(container, DEFAULT).members
    return [one for name, one in found.items() if role_of(name) is Role.DATA]


def objects(documents: Sequence[Document]) -> list[DataObject]:
    """Documents as they are put into a container. Raises `Rejected` (``asic.name``) without a name."""
    found = []
    for one in documents:
        if one.name is None:
            raise Rejected(
                "asic.name", "A document has no name, by which it would be found in the container."
            )
        found.append(DataObject(name=one.name, data=one.data, media_type=one.media_type))
    return found


def _covered(outer: containers.Prepared, documents: Sequence[Document]) -> tuple[Data, ...]:
    """What CAdES is over: the manifest, or the one document of an ASiC-S."""
    return outer.covered(() if outer.manifest else objects(documents))


def complete(  # noqa: PLR0917 - what it is made of
    outer: containers.Prepared,
    inner: cms.Prepared | xml.Prepared,
    how: How,
    value: bytes,
    documents: Sequence[Document],
    finish: Finish | None,
) -> Data:
    """The container with the signature; `finish` adds to the signature before it goes in."""
    adding = how.onto is Onto.PARALLEL
    over = [Document(data=one) for one in members(documents[0].data)] if adding else list(documents)
    if isinstance(inner, xml.Prepared):
        beside = [one.data for one in over]
        made = inner.complete(value, beside=dict(packaging.detached(beside).beside))
    else:
        beside = list(_covered(outer, over))
        made = inner.complete(value)
    if finish is not None:
        made = finish(made, beside)
    if adding:
        return outer.add(made, documents[0].data)
    return outer.complete(made, objects(documents))
