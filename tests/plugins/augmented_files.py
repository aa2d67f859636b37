"""Signed files of every format and packaging, and how they are augmented: each by the same calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from evidence_graphs import NOW
from signed_making import SIGNING_TIME, certificate, house, sign, stamp
from signed_pdfs import document

from trustworks.core.ports import ValidationData
from trustworks.formats.asic.creating import (
    DataObject,
    Prepared,
    Sign,
    prepare_addition,
    prepare_extended,
    prepare_simple,
)
from trustworks.formats.augmenting import Kind, Target
from trustworks.formats.cades.creating import signature as cades
from trustworks.formats.claims import NO_CLAIMS, Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Format
from trustworks.formats.jades import creating as jades
from trustworks.formats.jades.creating.payloads import within
from trustworks.formats.pades import creating as pades
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating import signature as xades

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.formats.data import Data

CONTENT = Octets(b"what is signed", "a.txt")
OTHER = Octets(b"something else", "b.txt")
CLAIMS = Claims(signing_time=SIGNING_TIME)
FIRST = NOW - timedelta(days=20)


def of_xml(
    *, inside: bool = True, document: bytes | None = None, name: str = "S1", parallel: bool = True
) -> bytes:
    packaged = packaging.enveloping([CONTENT]) if inside else packaging.detached([CONTENT])
    if document is not None:
        packaged = packaging.enveloped(document, parallel=parallel)
    options = xades.Options(scheme="ECDSA_SHA256", id=name)
    prepared = xades.prepare(packaged, [certificate()], CLAIMS, options)
    return prepared.complete(sign(prepared.dtbs))


def of_cms(*, inside: bool = True, content: Data = CONTENT, claims: Claims = CLAIMS) -> bytes:
    prepared = cades.prepare(content, [certificate()], claims, cades.Options(scheme="ECDSA_SHA256"))
    return prepared.complete(sign(prepared.dtbs), content=content if inside else None)


def of_json() -> bytes:
    options = jades.Options(scheme="ECDSA_SHA256")
    prepared = jades.prepare(within(CONTENT.content), [certificate()], CLAIMS, options)
    return prepared.complete(sign(prepared.dtbs))


def of_pdf(octets: bytes | None = None) -> bytes:
    data = Octets(octets or document().octets, "a.pdf")
    prepared = pades.prepare(data, pades.Wanted(time=SIGNING_TIME))
    made = of_cms(inside=False, content=Octets(prepared.covered(data).octets()), claims=NO_CLAIMS)
    return prepared.complete(made, data).octets()


def of_container(sign_as: Sign, *, simple: bool) -> bytes:
    objects = [DataObject(name="a.txt", data=CONTENT)]
    if not simple:
        objects.append(DataObject(name="b.txt", data=OTHER, packed=True))
    prepared = prepare_simple(objects[0], sign_as) if simple else prepare_extended(objects, sign_as)
    return prepared.complete(over(prepared, objects), objects).octets()


def over(prepared: Prepared, objects: Sequence[DataObject], name: str = "S1") -> bytes:
    """A signature over what was prepared of a container with these objects."""
    if prepared.sign is Sign.CADES:
        (covered,) = prepared.covered(objects)
        return of_cms(inside=False, content=Octets(covered.octets()))
    packaged = packaging.detached([Octets(one.data.octets(), one.name) for one in objects])
    made = xades.prepare(packaged, [certificate()], CLAIMS, xades.Options(scheme="ECDSA_SHA256", id=name))
    root = b'<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#">%b</asic:XAdESSignatures>'
    return root % made.complete(sign(made.dtbs)).split(b"?>", 1)[1]


def twice_signed_container(sign_as: Sign) -> bytes:
    """An ASiC-E with two files of signatures."""
    container = Octets(of_container(sign_as, simple=False), "a.asice")
    objects = [DataObject(name="a.txt", data=CONTENT), DataObject(name="b.txt", data=OTHER)]
    prepared = prepare_addition(container, sign_as)
    return prepared.add(over(prepared, objects, "S2"), container).octets()


@dataclass(frozen=True)
class Case:
    make: Callable[[], bytes]
    format: Format
    detached: Sequence[Data] = ()


CASES = {
    "XAdES": Case(of_xml, Format.XADES),
    "XAdES detached": Case(lambda: of_xml(inside=False), Format.XADES, [OTHER, CONTENT]),
    "CAdES": Case(of_cms, Format.CADES),
    "CAdES detached": Case(lambda: of_cms(inside=False), Format.CADES, [OTHER, CONTENT]),
    "JAdES": Case(of_json, Format.JADES),
    "PAdES": Case(of_pdf, Format.PADES),
    "ASiC-S with CAdES": Case(lambda: of_container(Sign.CADES, simple=True), Format.CADES),
    "ASiC-S with XAdES": Case(lambda: of_container(Sign.XADES, simple=True), Format.XADES),
    "ASiC-E with CAdES": Case(lambda: of_container(Sign.CADES, simple=False), Format.CADES),
    "ASiC-E with XAdES": Case(lambda: of_container(Sign.XADES, simple=False), Format.XADES),
}


@cache
def values() -> ValidationData:
    return ValidationData(certificates=house().authorities, lists=house().lists)


def stamped(target: Target, kind: Kind, hours: int = 0, hash_name: str = "sha256") -> Target:
    time = FIRST + timedelta(hours=hours)
    token = stamp(b"", time, hash_name, digest=target.digest(kind, hash_name))
    return target.with_time_stamp(token) if kind is Kind.SIGNATURE else target.with_archive_time_stamp(token)


def augmented(target: Target) -> list[Target]:
    """At the levels T, LT, LTA, and LTA once more by another hash function."""
    found = [stamped(target, Kind.SIGNATURE)]
    found.append(found[-1].with_values(values()))
    found.append(stamped(found[-1], Kind.ARCHIVE, 1))
    found.append(stamped(found[-1], Kind.ARCHIVE, 2, "sha512"))
    return found
