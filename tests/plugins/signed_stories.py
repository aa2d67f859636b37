"""Signed files as they grow, in every format alike: signed, time-stamped, with validation data, archived.

The product writes them; keys and certificates are throw-away, by `evidence_graphs`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from evidence_graphs import key
from foreign_tokens import ForeignAuthority, tst_info
from signed_pdfs import document

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, integer, tlv
from trustworks.formats.asic.creating import DataObject, Sign, prepare_addition, prepare_extended
from trustworks.formats.cades.creating import signature as cades
from trustworks.formats.cades.creating import unsigned as cades_unsigned
from trustworks.formats.claims import NO_CLAIMS, Claims
from trustworks.formats.data import Octets
from trustworks.formats.jades import creating as jades
from trustworks.formats.jades.creating.payloads import within
from trustworks.formats.pades import creating as pades
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating import signature as xades
from trustworks.formats.xades.creating import unsigned as xades_unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from evidence_graphs import Entity

    from trustworks.core.ports import ValidationData
    from trustworks.formats.data import Data

CONTENT: Final = b"what is signed"
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}


def token(
    unit: Entity,
    over: bytes,
    time: datetime,
    *certificates: Entity,
    hash_name: str = "sha256",
    digest: bytes | None = None,
) -> bytes:
    """A time-stamp token of a unit over octets or their digest, with its certificate in it, and others."""
    digest = digest or hashlib.new(hash_name, over).digest()
    imprint = tlv(SEQUENCE, hash_identifier(hash_name), tlv(OCTET_STRING, digest))
    tst = tst_info(imprint=imprint, time=time.strftime("%Y%m%d%H%M%SZ").encode())
    sid = tlv(SEQUENCE, unit.certificate.issuer.public_bytes(), integer(unit.certificate.serial_number))
    authority = ForeignAuthority(ca_key=key("nobody"), key=key(unit.name))
    return authority.token(
        tst,
        certificates=[unit.der, *(one.der for one in certificates)],
        signers=[authority.signer(tst, unit.der, sid=sid)],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What is signed, by whom, when by his own word, and what is put beside the value.

    `chain` are certificates beside the signer's. Each of `stamps` answers octets with a token over them, each
    of `content_stamps` (CAdES and JAdES) those of the data. `values` is the validation data of level LT, if
    there is any.
    """

    by: Entity
    time: datetime
    chain: tuple[Entity, ...] = ()
    hash_name: str = "sha256"
    content: bytes = CONTENT
    stamps: tuple[Callable[[bytes], bytes], ...] = ()
    content_stamps: tuple[Callable[[bytes], bytes], ...] = ()
    values: ValidationData | None = None

    @property
    def scheme(self) -> str:
        return f"ECDSA_{self.hash_name.upper()}"

    @property
    def certificates(self) -> list[bytes]:
        return [self.by.der, *(one.der for one in self.chain)]

    def value(self, octets: bytes) -> bytes:
        return key(self.by.name).sign(octets, ec.ECDSA(_HASHES[self.hash_name]))


def xades_of(signing: Signing) -> bytes:
    """XAdES, enveloping, with the data in an Object."""
    options = xades.Options(scheme=signing.scheme, hash_name=signing.hash_name, id="S1")
    packaged = packaging.enveloping([Octets(signing.content, "a.txt")])
    prepared = xades.prepare(packaged, signing.certificates, Claims(signing_time=signing.time), options)
    made = prepared.complete(signing.value(prepared.dtbs.octets))
    for stamp in signing.stamps:
        made = xades_stamped(made, stamp, xades_unsigned.SIGNATURE_TIME_STAMP)
    return xades_with(made, signing.values) if signing.values else made


def xades_with(octets: bytes, values: ValidationData) -> bytes:
    """Validation data of signature and time-stamps; what comes a second time, of time-stamps alone."""
    target = xades_unsigned.Target(document=octets, signature="S1")
    if b"ArchiveTimeStamp" in octets:
        return xades_unsigned.with_time_stamp_validation_data(target, values)
    return xades_unsigned.with_values(target, values)


def xades_stamped(
    octets: bytes,
    stamp: Callable[[bytes], bytes],
    kind: xades_unsigned.Stamp = xades_unsigned.ARCHIVE_TIME_STAMP,
) -> bytes:
    target = xades_unsigned.Target(document=octets, signature="S1")
    over = xades_unsigned.octets_to_stamp(target, kind)
    return xades_unsigned.with_time_stamp(target, stamp(over), kind)


def cms_of(signing: Signing, content: Data, claims: Claims, *, inside: bool) -> bytes:
    """CMS over content, with it or without."""
    options = cades.Options(
        scheme=signing.scheme,
        hash_name=signing.hash_name,
        time_stamps=[stamp(content.octets()) for stamp in signing.content_stamps],
    )
    prepared = cades.prepare(content, signing.certificates, claims, options)
    made = prepared.complete(signing.value(prepared.dtbs.octets), content=content if inside else None)
    target = cades_unsigned.Target(structure=made, beside=() if inside else (content,))
    for stamp in signing.stamps:
        over = cades_unsigned.octets_to_stamp(target)
        target = replace(target, structure=cades_unsigned.with_time_stamp(target, stamp(over)))
    return target.structure


def cades_of(signing: Signing) -> bytes:
    """CAdES with the data in it."""
    made = cms_of(signing, Octets(signing.content), Claims(signing_time=signing.time), inside=True)
    return cades_with(made, signing.values) if signing.values else made


def cades_with(octets: bytes, values: ValidationData) -> bytes:
    return cades_unsigned.with_values(cades_unsigned.Target(structure=octets), values)


def cades_stamped(octets: bytes, stamp: Callable[[bytes], bytes]) -> bytes:
    target = cades_unsigned.Target(structure=octets)
    return cades_unsigned.with_archive_time_stamp(target, stamp(cades_unsigned.octets_to_archive(target)))


def jades_of(signing: Signing) -> bytes:
    """JAdES, flattened, with the payload in it."""
    payload = within(signing.content)
    options = jades.Options(
        scheme=signing.scheme,
        time_stamps=tuple(stamp(payload.stamped.octets()) for stamp in signing.content_stamps),
    )
    prepared = jades.prepare(payload, signing.certificates, Claims(signing_time=signing.time), options)
    over = jades.signing_input(prepared.header, payload).octets()
    made = prepared.complete(signing.value(over))
    for stamp in signing.stamps:
        made = jades_stamped(made, stamp, "sigTst")
    return jades_with(made, signing.values) if signing.values else made


def jades_with(octets: bytes, values: ValidationData) -> bytes:
    return jades.with_values(jades.Target(file=octets), values)


def jades_stamped(octets: bytes, stamp: Callable[[bytes], bytes], kind: Any = "arcTst") -> bytes:
    target = jades.Target(file=octets)
    return jades.with_time_stamp(target, stamp(jades.data_to_stamp(target, kind).octets()), kind)


def pades_of(signing: Signing) -> bytes:
    """PAdES of one page, with the signature time-stamps in the CMS and the values in the store."""
    data = Octets(document().octets, "a.pdf")
    prepared = pades.prepare(data, pades.Wanted(time=signing.time, room=16_384))
    made = cms_of(signing, Octets(prepared.covered(data).octets()), NO_CLAIMS, inside=False)
    octets = prepared.complete(made, data).octets()
    return pades_with(octets, signing.values) if signing.values else octets


def pades_with(octets: bytes, values: ValidationData) -> bytes:
    return pades.add_store(Octets(octets, "a.pdf"), values).octets()


def pades_stamped(octets: bytes, stamp: Callable[[bytes], bytes]) -> bytes:
    data = Octets(octets, "a.pdf")
    prepared = pades.prepare_time_stamp(data)
    return prepared.complete(stamp(prepared.covered(data).octets()), data).octets()


def asic_of(signing: Signing, names: Sequence[str] = ("a.txt",)) -> bytes:
    """ASiC-E with CAdES over files of these names, all with the same content."""
    objects = [
        DataObject(name=name, data=Octets(signing.content, name), media_type="text/plain") for name in names
    ]
    prepared = prepare_extended(objects, Sign.CADES)
    (covered,) = prepared.covered(objects)
    signed = Octets(covered.octets())
    made = cms_of(signing, signed, Claims(signing_time=signing.time), inside=False)
    if signing.values:
        target = cades_unsigned.Target(structure=made, beside=(signed,))
        made = cades_unsigned.with_values(target, signing.values)
    return prepared.complete(made, objects).octets()


def asic_stamped(octets: bytes, stamp: Callable[[bytes], bytes]) -> bytes:
    """With an archive time-stamp over all that is in it."""
    data = Octets(octets, "a.asice")
    prepared = prepare_addition(data, Sign.ARCHIVE_TIME_STAMP)
    (covered,) = prepared.covered()
    return prepared.add(stamp(covered.octets()), data).octets()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a format is signed, gets validation data later, and an archive time-stamp."""

    suffix: str
    sign: Callable[[Signing], bytes]
    archive: Callable[[bytes, Callable[[bytes], bytes]], bytes]
    values: Callable[[bytes, ValidationData], bytes] | None


KINDS: Final = {
    "XAdES": Kind(suffix="xml", sign=xades_of, archive=xades_stamped, values=xades_with),
    "CAdES": Kind(suffix="p7m", sign=cades_of, archive=cades_stamped, values=cades_with),
    "JAdES": Kind(suffix="json", sign=jades_of, archive=jades_stamped, values=jades_with),
    "PAdES": Kind(suffix="pdf", sign=pades_of, archive=pades_stamped, values=pades_with),
    "ASiC": Kind(suffix="asice", sign=asic_of, archive=asic_stamped, values=None),
}
