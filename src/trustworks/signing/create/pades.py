"""PAdES: CMS in a PDF, over all else of it. Source: EN 319 142-1, 5 and 6; ISO 32000-2, 12.8."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustworks.core.der.algorithms import SIGNER_DIGESTS
from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.pades import creating as pdf
from trustworks.formats.pades.creating.wanted import ROOM
from trustworks.signing.create import cades

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.cades.creating import signature as cms
    from trustworks.formats.claims import Claims
    from trustworks.formats.data import Data
    from trustworks.signing.create.how import Finish, Stamp
    from trustworks.signing.model import Document, Request, Signer


def prepare(request: Request, signer: Signer, stamp: Stamp | None) -> tuple[pdf.Prepared, cms.Prepared]:
    """The update of the PDF with room for the CMS, and the CMS.

    Time and place are told by the dictionary of the signature alone (EN 319 142-1, 6.3).
    """
    data = request.documents[0].data
    outer = pdf.prepare(data, wanted(request), hash_name=SIGNER_DIGESTS[signer.scheme])
    return outer, cades.over(outer.covered(data), request, signer, stamp, in_cms(request.claims), None)


@implements("EN319142-1:6.3-GEN-TIME", disabled=lambda claims: claims)
def in_cms(claims: Claims) -> Claims:
    """What the CMS says: neither the time nor the place, which stand in the dictionary alone (6.3)."""
    return replace(claims, signing_time=None, location=None)


def wanted(request: Request) -> pdf.Wanted:
    """What the PDF is to say of the signature. Raises `Rejected` (``pdf.time``) without a time."""
    choices, claims = request.pades, request.claims
    if claims.signing_time is None:
        raise Rejected("pdf.time", "A signature in a PDF says when it was made. Give the time.")
    place = ", ".join(claims.location.values()) if claims.location else None
    return pdf.Wanted(
        time=claims.signing_time,
        field=choices.field,
        name=choices.name,
        reason=choices.reason,
        location=choices.location or place,
        contact=choices.contact,
        widget=choices.widget,
        certify=choices.certify,
        lock=choices.lock,
        room=choices.room or ROOM,
    )


def complete(
    outer: pdf.Prepared,
    inner: cms.Prepared,
    value: bytes,
    documents: Sequence[Document],
    finish: Finish | None,
) -> Data:
    """The PDF with the signature; `finish` adds to the CMS (a signature time-stamp) before it goes in."""
    data = documents[0].data
    made = inner.complete(value)
    if finish is not None:
        made = finish(made, [outer.covered(data)])
    return outer.complete(made, data)
