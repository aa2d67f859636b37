"""The older, extended forms, built level by level: C, X of both types, XL, A."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from evidence_graphs import NOW, ocsp_answer
from evidence_graphs import house as other_house
from signed_making import SIGNING_TIME, certificate, house, sign, stamp

from trustworks.core.ports import ValidationData
from trustworks.formats.cades.creating import extended
from trustworks.formats.cades.creating import signature as cades
from trustworks.formats.cades.creating import unsigned as cades_unsigned
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.jades import creating as jades
from trustworks.formats.jades.creating.payloads import within
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating import signature as xades
from trustworks.formats.xades.creating import unsigned as xades_unsigned
from trustworks.formats.xades.creating.references import with_references
from trustworks.formats.xades.creating.unsigned import Stamp, Target

if TYPE_CHECKING:
    from trustworks.formats.jades.creating.unsigned import Kind

CONTENT: Final = Octets(b"what is signed", "data.bin")
CLAIMS: Final = Claims(signing_time=SIGNING_TIME)
LEVELS: Final = ("C", "X", "XL", "A")


@cache
def data() -> ValidationData:
    """Authorities, their lists, and OCSP answers about somebody else by name and by key."""
    of = other_house()
    answers = [ocsp_answer(of.signer, of.responder)]
    return ValidationData(certificates=house().authorities, lists=house().lists, answers=answers)


def _hours(number: int) -> timedelta:
    return timedelta(hours=number)


def plain_xades() -> Target:
    options = xades.Options(scheme="ECDSA_SHA256", id="S1")
    prepared = xades.prepare(packaging.enveloped(b"<doc/>"), [certificate()], CLAIMS, options)
    return Target(document=prepared.complete(sign(prepared.dtbs)), signature="S1")


def plain_cades(*, inside: bool = True) -> cades_unsigned.Target:
    options = cades.Options(scheme="ECDSA_SHA256")
    prepared = cades.prepare(CONTENT, [certificate(), house().ca.der], CLAIMS, options)
    structure = prepared.complete(sign(prepared.dtbs), content=CONTENT if inside else None)
    return cades_unsigned.Target(structure=structure, beside=() if inside else [CONTENT])


def plain_jades() -> jades.Target:
    options = jades.Options(scheme="ECDSA_SHA256")
    prepared = jades.prepare(within(b"what is signed"), [certificate(), house().ca.der], CLAIMS, options)
    return jades.Target(file=prepared.complete(sign(prepared.dtbs)))


def of_xades(*, older: bool, alone: bool) -> dict[str, bytes]:
    """Documents of each level. `older`: references and time-stamps of 1.3.2; `alone`: X of type 2."""
    target = plain_xades()
    found = {}

    def stamped(target: Target, stamp_: Stamp, hours: int) -> Target:
        octets = xades_unsigned.octets_to_stamp(target, stamp_)
        token = stamp(octets, NOW - timedelta(days=20) + _hours(hours))
        return replace(target, document=xades_unsigned.with_time_stamp(target, token, stamp_))

    target = stamped(target, xades_unsigned.SIGNATURE_TIME_STAMP, 0)
    target = replace(target, document=with_references(target, data(), older=older))
    found["C"] = target.document
    name = "RefsOnlyTimeStamp" if alone else "SigAndRefsTimeStamp"
    target = stamped(target, Stamp(name=name if older else f"{name}V2"), 1)
    found["X"] = target.document
    target = replace(target, document=xades_unsigned.with_values(target, data()))
    found["XL"] = target.document
    found["A"] = stamped(target, xades_unsigned.ARCHIVE_TIME_STAMP, 2).document
    return found


def of_cades(*, inside: bool, alone: bool, older: bool) -> dict[str, bytes]:
    """Structures of each level. `alone`: X of type 2; `older`: A by archive-time-stamp-v2."""
    target = plain_cades(inside=inside)
    found = {}

    def at(octets: bytes, hours: int) -> bytes:
        return stamp(octets, NOW - timedelta(days=20) + _hours(hours))

    token = at(cades_unsigned.octets_to_stamp(target), 0)
    target = replace(target, structure=cades_unsigned.with_time_stamp(target, token))
    target = replace(target, structure=extended.with_references(target, certificate(), data()))
    found["C"] = target.structure
    token = at(extended.octets_to_stamp_references(target, alone=alone), 1)
    target = replace(target, structure=extended.with_references_time_stamp(target, token, alone=alone))
    found["X"] = target.structure
    target = replace(target, structure=extended.with_values_in_attributes(target, data()))
    found["XL"] = target.structure
    if older:
        token = at(extended.octets_to_archive_v2(target), 2)
        found["A"] = extended.with_archive_time_stamp_v2(target, token)
    else:
        token = at(cades_unsigned.octets_to_archive(target), 2)
        found["A"] = cades_unsigned.with_archive_time_stamp(target, token)
    return found


def of_jades(*, alone: bool) -> dict[str, bytes]:
    """Files of each level. `alone`: a time-stamp over the references alone."""
    target = plain_jades()
    found = {}

    def stamped(target: jades.Target, kind: Kind, hours: int) -> jades.Target:
        octets = jades.data_to_stamp(target, kind).octets()
        token = stamp(octets, NOW - timedelta(days=20) + _hours(hours))
        return replace(target, file=jades.with_time_stamp(target, token, kind))

    target = stamped(target, "sigTst", 0)
    target = replace(target, file=jades.with_references(target, data()))
    found["C"] = target.file
    target = stamped(target, "rfsTst" if alone else "sigRTst", 1)
    found["X"] = target.file
    target = replace(target, file=jades.with_values(target, data()))
    found["XL"] = target.file
    found["A"] = stamped(target, "arcTst", 2).file
    return found
