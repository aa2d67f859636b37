"""Attestations: a device says by its maker's certificates that it made a key itself, and keeps it.

One format is read: that of the PIV application of YubiKeys (firmware 4.3 and later). The statement is a
certificate for the key, by a key that the maker put into the device; its extensions say which device, of
which firmware, and what it asks for before it signs.

Its maker marks devices of certified editions in the device's own certificate (of slot f9), which the maker
signs; the form factor is in the statement.

Source: Yubico, "PIV attestation" (developers.yubico.com/PIV/Introduction/PIV_attestation.html). That the
marks are in the certificate of slot f9 alone is known second-hand of that page, and the numbers of form
factors beyond 5 from memory.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.der.elements import enter
from trustworks.core.der.encode import INTEGER, OCTET_STRING
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.pki.certificates import readable_pem
from trustworks.core.pki.path import find_path
from trustworks.core.trace import implements
from trustworks.issuance.registration.model import DeviceMark, FormFactor  # noqa: TC001 - in annotations of constants

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST: Final = 6
"""Certificates of an attestation: the statement, the device's own, and the maker's between it and a root."""

_ARC: Final = "1.3.6.1.4.1.41482.3"
FIRMWARE: Final = x509.ObjectIdentifier(f"{_ARC}.3")
SERIAL: Final = x509.ObjectIdentifier(f"{_ARC}.7")
POLICY: Final = x509.ObjectIdentifier(f"{_ARC}.8")
FORM_FACTOR: Final = x509.ObjectIdentifier(f"{_ARC}.9")
MARKS: Final[dict[x509.ObjectIdentifier, DeviceMark]] = {
    x509.ObjectIdentifier(f"{_ARC}.10"): "fips",
    x509.ObjectIdentifier(f"{_ARC}.11"): "cspn",
}
_FORM_FACTORS: Final[dict[int, FormFactor]] = {
    1: "usb-a-keychain",
    2: "usb-a-nano",
    3: "usb-c-keychain",
    4: "usb-c-nano",
    5: "usb-c-lightning",
    6: "usb-a-bio",
    7: "usb-c-bio",
}
_OF_FIPS: Final = 0x80  # the bit that a device of the FIPS edition sets beside its form factor
# Of what the device asks for before the key is used: the PIN (or a finger) once, or each time.
_PIN_ASKED: Final = {2: "once", 3: "always", 4: "once", 5: "always"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What a device says of a key: SHA-256 of its SubjectPublicKeyInfo, the device, its firmware, the PIN.

    `marks` are the certified editions that its maker counts it among; `form_factor` is None of one that says
    none, or one that is not known.
    """

    key_id: str
    serial_number: str
    firmware: str
    pin: str
    marks: frozenset[DeviceMark]
    form_factor: FormFactor | None
    root: str
    chain: tuple[bytes, ...]


def verify(pem: bytes, roots: Sequence[x509.Certificate], *, at: datetime) -> Attested:
    """What an attestation says, once a path leads from it to one of the maker's roots.

    `pem` has the statement first, then the device's certificate and those between it and a root.

    Raises:
        Malformed: it is no attestation of this format.
        Rejected: ``registration.attestation``: it leads to no root that is trusted.
        Refused: TRUSTWORKS:DEVICE-ATTESTED: the device lets anybody use the key.
    """
    statement, *above = readable_pem(pem)
    if not above or len(above) >= MOST:
        raise Malformed(
            f"An attestation is 2 to {MOST} certificates in PEM: the statement about the key first, then "
            "that of the device, and the maker's between it and a root."
        )
    path = _path(statement, above, roots, at)
    firmware = _octets(statement, FIRMWARE, 3)
    policy = _octets(statement, POLICY, 2)[0]
    _check_pin(policy)
    spki = statement.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Attested(
        key_id=hashlib.sha256(spki).hexdigest(),
        serial_number=_serial(statement),
        firmware=".".join(str(one) for one in firmware),
        pin=_PIN_ASKED.get(policy, "never"),
        marks=frozenset(MARKS[one.oid] for one in path[1].extensions if one.oid in MARKS),
        form_factor=_form_factor(statement),
        root=path[-1].subject.rfc4514_string(),
        chain=tuple(one.public_bytes(Encoding.DER) for one in (statement, *above)),
    )


@implements("TRUSTWORKS:DEVICE-ATTESTED", disabled=lambda statement, above, _roots, _at: (statement, *above))
def _path(
    statement: x509.Certificate,
    above: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
) -> tuple[x509.Certificate, ...]:
    """From the statement by the device's certificate to a root. Raises `Rejected`."""
    try:
        path = find_path(statement, untrusted=above, anchors=roots, at=at, purpose=None)
    except Rejected as error:
        raise Rejected(
            "registration.attestation",
            f"The attestation leads to no root that this product has: {error} Ask for the certificates of "
            "the device again, or record the device another way.",
        ) from None
    if len(path) < 3:  # a maker's root certifies devices, and keys by them alone
        raise Rejected(
            "registration.attestation",
            "The statement is not by a device; give what the device says of the key.",
        )
    return path


@implements("TRUSTWORKS:DEVICE-ATTESTED")
def _check_pin(policy: int) -> None:
    """Refuse a key that the device uses for anybody."""
    if policy not in _PIN_ASKED:
        raise Refused(
            "TRUSTWORKS:DEVICE-ATTESTED",
            "The device uses this key without asking for a PIN: it is under nobody's sole control. Make a "
            "key with a PIN policy (once or always).",
        )


def _value(statement: x509.Certificate, kind: x509.ObjectIdentifier) -> bytes:
    try:
        value = statement.extensions.get_extension_for_oid(kind).value
    except x509.ExtensionNotFound:
        value = None
    if not isinstance(value, x509.UnrecognizedExtension):
        raise Malformed(
            f"The first certificate is no statement of a YubiKey about a key: it has no extension "
            f"{kind.dotted_string}. Put the statement first (ykman piv keys attest)."
        )
    return value.value


def _octets(statement: x509.Certificate, kind: x509.ObjectIdentifier, length: int) -> bytes:
    """The octets of an extension; some firmware puts them into an OCTET STRING, some does not."""
    value = _value(statement, kind)
    if len(value) != length:
        begin, end = enter(value, 0, OCTET_STRING)
        if end != len(value) or end - begin != length:
            raise Malformed(f"The extension {kind.dotted_string} of the statement has not {length} octets.")
        value = value[begin:end]
    return value


def _form_factor(statement: x509.Certificate) -> FormFactor | None:
    if not any(one.oid == FORM_FACTOR for one in statement.extensions):
        return None
    return _FORM_FACTORS.get(_octets(statement, FORM_FACTOR, 1)[0] & ~_OF_FIPS)


def _serial(statement: x509.Certificate) -> str:
    value = _value(statement, SERIAL)
    begin, end = enter(value, 0, INTEGER)
    if end != len(value) or begin == end:
        raise Malformed("The serial number of the device in the statement is no INTEGER.")
    return str(int.from_bytes(value[begin:end], "big"))
