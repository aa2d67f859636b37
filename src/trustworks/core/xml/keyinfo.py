"""KeyInfo: what a signature says about its signer's key (XML Signature 1.1, 4.5). It fetches nothing."""

from __future__ import annotations

import base64
import binascii
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from trustworks.core.values import dataclass
from trustworks.core.xml.algorithms import DS, DS11

if TYPE_CHECKING:
    from lxml import etree

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey
_NUMBER: Final = 8192  # octets of a number in a KeyValue

_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "urn:oid:1.2.840.10045.3.1.7": ec.SECP256R1,
    "urn:oid:1.3.132.0.34": ec.SECP384R1,
    "urn:oid:1.3.132.0.35": ec.SECP521R1,
    "urn:oid:1.3.36.3.3.2.8.1.1.7": ec.BrainpoolP256R1,
    "urn:oid:1.3.36.3.3.2.8.1.1.11": ec.BrainpoolP384R1,
    "urn:oid:1.3.36.3.3.2.8.1.1.13": ec.BrainpoolP512R1,
    "urn:oid:1.3.132.0.10": ec.SECP256K1,
}

Kind = Literal[
    "certificate",
    "issuer-serial",
    "ski",
    "subject",
    "digest",
    "crl",
    "key-name",
    "key-value",
    "retrieval",
    "other",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHint:
    """One thing that KeyInfo says, as far as it can be read.

    `octets` of certificate, crl, ski and digest; `text` of subject, issuer-serial (the issuer), key-name,
    retrieval (the URI) and other (the element's name); `serial` of issuer-serial; `algorithm` of digest (its
    URI); `key` of key-value. What cannot be read is None.
    """

    kind: Kind
    element: etree._Element
    octets: bytes | None = None
    text: str | None = None
    serial: int | None = None
    algorithm: str | None = None
    key: PublicKey | None = None


@dataclass(frozen=True, kw_only=True)
class KeyInfo:
    """A ds:KeyInfo: its hints in their order."""

    element: etree._Element
    id: str | None
    hints: tuple[KeyHint, ...]

    @cached_property
    def certificates(self) -> tuple[bytes, ...]:
        """The DER (or BER) octets of the certificates, in their order, unread."""
        return tuple(
            hint.octets for hint in self.hints if hint.kind == "certificate" and hint.octets is not None
        )


def read_key_info(element: etree._Element) -> KeyInfo:
    """Read a ds:KeyInfo. What it has in other namespaces is told by name."""
    hints: list[KeyHint] = []
    for child in element.iterchildren("*"):
        if child.tag == f"{{{DS}}}X509Data":
            hints += [_x509(part) for part in child.iterchildren("*")]
        elif child.tag == f"{{{DS}}}KeyValue":
            hints += [
                KeyHint(kind="key-value", element=part, key=_key_value(part))
                for part in child.iterchildren("*")
            ]
        elif child.tag == f"{{{DS}}}KeyName":
            hints.append(KeyHint(kind="key-name", element=child, text=_text(child)))
        elif child.tag == f"{{{DS}}}RetrievalMethod":
            hints.append(KeyHint(kind="retrieval", element=child, text=child.get("URI")))
        else:
            hints.append(KeyHint(kind="other", element=child, text=str(child.tag)))
    return KeyInfo(element=element, id=element.get("Id"), hints=tuple(hints))


def _x509(element: etree._Element) -> KeyHint:  # noqa: PLR0911 - a case for each kind of hint
    match element.tag:
        case t if t == f"{{{DS}}}X509Certificate":
            return KeyHint(kind="certificate", element=element, octets=_octets(element))
        case t if t == f"{{{DS}}}X509IssuerSerial":
            name = element.find(f"{{{DS}}}X509IssuerName")
            serial = element.find(f"{{{DS}}}X509SerialNumber")
            return KeyHint(
                kind="issuer-serial",
                element=element,
                text=None if name is None else _text(name),
                serial=None if serial is None else _integer(_text(serial)),
            )
        case t if t == f"{{{DS}}}X509SKI":
            return KeyHint(kind="ski", element=element, octets=_octets(element))
        case t if t == f"{{{DS}}}X509SubjectName":
            return KeyHint(kind="subject", element=element, text=_text(element))
        case t if t == f"{{{DS11}}}X509Digest":
            return KeyHint(
                kind="digest", element=element, octets=_octets(element), algorithm=element.get("Algorithm")
            )
        case t if t == f"{{{DS}}}X509CRL":
            return KeyHint(kind="crl", element=element, octets=_octets(element))
        case _:
            return KeyHint(kind="other", element=element, text=str(element.tag))


def _text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext()).strip()


def _octets(element: etree._Element) -> bytes | None:
    try:
        return base64.b64decode("".join(_text(element).split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _integer(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if 0 < len(digits) <= 200 and digits.isascii() and digits.isdigit() else None


def _number(element: etree._Element, name: str) -> int:
    found = element.find(f"{{{DS}}}{name}")
    octets = None if found is None else _octets(found)
    if octets is None or len(octets) > _NUMBER:
        raise ValueError(name)
    return int.from_bytes(octets, "big")


def _key_value(element: etree._Element) -> PublicKey | None:
    """The key of an RSAKeyValue, DSAKeyValue or ECKeyValue; None where it is none that can be made."""
    try:
        if element.tag == f"{{{DS}}}RSAKeyValue":
            return rsa.RSAPublicNumbers(
                _number(element, "Exponent"), _number(element, "Modulus")
            ).public_key()
        if element.tag == f"{{{DS}}}DSAKeyValue":
            parameters = dsa.DSAParameterNumbers(*(_number(element, name) for name in "PQG"))
            return dsa.DSAPublicNumbers(_number(element, "Y"), parameters).public_key()
        if element.tag == f"{{{DS11}}}ECKeyValue":
            curve = element.find(f"{{{DS11}}}NamedCurve")
            point = element.find(f"{{{DS11}}}PublicKey")
            octets = None if point is None else _octets(point)
            kind = None if curve is None else _CURVES.get(curve.get("URI", ""))
            if kind is not None and octets is not None:
                return ec.EllipticCurvePublicKey.from_encoded_point(kind(), octets)
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm):
        return None
    return None
