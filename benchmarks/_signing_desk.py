"""Who signs in the benchmark of signing, and who stamps: the product's formats with keys in SoftHSM2."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from _signed_files import House, usage  # type: ignore[import-not-found] # the module beside this one
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.module import (
    Key,
    KeyAlgorithm,
    Module,
    Pkcs11Uri,
    find_library,
    initialise_token,
)
from trustworks.formats.asic.creating import DataObject, Sign, prepare_extended
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
from trustworks.timestamping.model import Content, Signer
from trustworks.timestamping.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.formats.data import Data

SCHEME: Final = "ECDSA_SHA256"
POLICY: Final = "0.4.0.2023.1.1"
ASIC_XADES: Final = b'<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"/>'
_SIGNER: Final = "signer"
_UNIT: Final = "unit"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A signer's key and its certificates."""

    key: Key
    certificates: tuple[bytes, ...]

    def claims(self) -> Claims:
        return Claims(signing_time=datetime.now(UTC))

    def xades(self, document: bytes) -> bytes:
        """Enveloped in the document that is signed."""
        return self._xades(packaging.enveloped(document), "S1")

    def _xades(self, packaged: packaging.Packaged, identifier: str | None = None) -> bytes:
        options = xades.Options(scheme=SCHEME, id=identifier)
        prepared = xades.prepare(packaged, self.certificates, self.claims(), options)
        return prepared.complete(self.key.sign(prepared.dtbs.octets), beside=packaged.beside)

    def cades(self, content: bytes) -> bytes:
        """With its content."""
        return self._cades(Octets(content), inside=True)

    def _cades(self, content: Data, *, inside: bool, claims: Claims | None = None) -> bytes:
        options = cades.Options(scheme=SCHEME)
        prepared = cades.prepare(content, self.certificates, claims or self.claims(), options)
        value = self.key.sign(prepared.dtbs.octets)
        return prepared.complete(value, content=content if inside else None)

    def jades(self, content: bytes) -> bytes:
        """Flattened, with its payload."""
        options = jades.Options(scheme=SCHEME)
        prepared = jades.prepare(within(content), self.certificates, self.claims(), options)
        return prepared.complete(self.key.sign(prepared.dtbs.octets))

    def pades(self, document: bytes) -> bytes:
        """Without anything to be seen."""
        data = Octets(document, "a.pdf")
        prepared = pades.prepare(data, pades.Wanted(time=datetime.now(UTC)))
        made = self._cades(prepared.covered(data), inside=False, claims=NO_CLAIMS)
        return prepared.complete(made, data).octets()

    def asic_cades(self, content: bytes) -> bytes:
        return self.container(Octets(content, "a.txt"), Sign.CADES).octets()

    def asic_xades(self, content: bytes) -> bytes:
        return self.container(Octets(content, "a.txt"), Sign.XADES).octets()

    def detached(self, data: Data) -> Data:
        """CAdES beside its data."""
        return Octets(self._cades(data, inside=False))

    def container(self, data: Data, sign: Sign) -> Data:
        """ASiC-E with one file."""
        objects = [DataObject(name="a.txt", data=data, media_type="text/plain")]
        prepared = prepare_extended(objects, sign)
        if sign is Sign.XADES:
            made = self._xades(replace(packaging.detached([data]), document=ASIC_XADES))
        else:
            (covered,) = prepared.covered(objects)
            made = self._cades(covered, inside=False)
        return prepared.complete(made, objects)


@dataclass(kw_only=True)
class Unit:
    """A time-stamping unit in the process. `taken` is the processor time that it had so far."""

    key: Key
    template: Template
    taken: float = 0.0

    @classmethod
    def of(cls, key: Key, certificate: x509.Certificate) -> Unit:
        signer = Signer(
            certificate=certificate.public_bytes(Encoding.DER),
            issuer=certificate.issuer.public_bytes(),
            serial=certificate.serial_number,
            chain=(),
            scheme=SCHEME,
        )
        return cls(key=key, template=Template(signer, accuracy_us=1_000_000, qualified=False))

    def stamp(self, over: bytes) -> bytes:
        return self.stamp_digest(hashlib.sha256(over).digest())

    def stamp_digest(self, digest: bytes) -> bytes:
        began = time.process_time()
        content = Content(
            policy=POLICY,
            hash_algorithm=hash_identifier("sha256"),
            digest=digest,
            serial=secrets.randbits(120),
            gen_time=datetime.now(UTC),
            accuracy_us=1_000_000,
            nonce=None,
            qualified=False,
        )
        info = self.template.tst_info(content)
        attributes = self.template.attributes(info)
        made = self.template.token(info, attributes, self.key.sign(attributes), certificates=True)
        self.taken += time.process_time() - began
        return made

    def xades(self, document: bytes) -> bytes:
        target = xades_unsigned.Target(document=document, signature="S1")
        begun = xades_unsigned.begin_time_stamp(target)
        return begun.complete(self.stamp(begun.over.octets()), None)

    def cades(self, structure: bytes) -> bytes:
        target = cades_unsigned.Target(structure=structure)
        begun = cades_unsigned.begin_time_stamp(target)
        return begun.complete(self.stamp(begun.over.octets()), None)

    def jades(self, file: bytes) -> bytes:
        target = jades.Target(file=file)
        begun = jades.begin_time_stamp(target)
        return begun.complete(self.stamp(begun.over.octets()), None)


def new_token(folder: Path) -> str:
    """A token of SoftHSM2 in a folder, with the keys of a signer and of a unit; answers its URI."""
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n", "utf-8")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    pin = secrets.token_urlsafe(18)
    (folder / "pin").touch(0o600)
    (folder / "pin").write_text(pin, "ascii")
    initialise_token(find_library(), label="bench", so_pin=secrets.token_urlsafe(18), user_pin=pin)
    uri = f"pkcs11:token=bench?pin-source=file:{folder / 'pin'}"
    with opened(uri) as module:
        for label in (_SIGNER, _UNIT):
            module.generate_key_pair(label=label, algorithm=KeyAlgorithm.P256)
    return uri


@contextmanager
def opened(uri: str) -> Iterator[Module]:
    """The token, with what the environment says of SoftHSM2."""
    with Module.open(Pkcs11Uri.parse(uri), read_write=True, lab=True) as module:
        yield module


def signer_of(module: Module, house: House) -> tuple[Key, x509.Certificate]:
    """The signer's key and a certificate of it."""
    key = module.key(label=_SIGNER)
    made: x509.Certificate = house.certificate(
        "Signer in the module TEST", key.public_key, (usage("content_commitment"), True)
    )
    return key, made


def unit_of(module: Module, house: House) -> Unit:
    """The unit."""
    key = module.key(label=_UNIT)
    stamps = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
    certificate = house.certificate(
        "Unit in the module TEST", key.public_key, (usage("digital_signature"), True), stamps
    )
    return Unit.of(key, certificate)


def desk_of(key: Key, certificate: bytes) -> Desk:
    """The signer at work."""
    return Desk(key=key, certificates=(certificate,))


def signer_key(module: Module) -> Key:
    """The signer's key alone."""
    return module.key(label=_SIGNER)
