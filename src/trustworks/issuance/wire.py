"""Bytes and text of a request to the model, strictly; the only place that raises `Malformed` for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.errors import Malformed
from trustworks.issuance.model import NAME_ORDER, NameAttribute

MAX_CSR: Final = 65536
_UNREADABLE: Final = (x509.InvalidVersion, x509.UnsupportedGeneralNameType, x509.DuplicateExtension)

SHORT: Final = {
    "C": "countryName",
    "ST": "stateOrProvinceName",
    "L": "localityName",
    "O": "organizationName",
    "OI": "organizationIdentifier",
    "OU": "organizationalUnitName",
    "T": "title",
    "GN": "givenName",
    "SN": "surname",
    "CN": "commonName",
}
_KNOWN: Final = {name.lower(): name for name in NAME_ORDER} | {k.lower(): v for k, v in SHORT.items()}
_PEM: Final = re.compile(
    rb"\A\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s[A-Za-z0-9+/=\s]*"
    rb"-----END (NEW )?CERTIFICATE REQUEST-----\s*\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Csr:
    """A certification request (RFC 2986) as read: what it asks for beside its key, by extension.

    `key_algorithm` is the identifier that its public key is marked by.
    """

    request: x509.CertificateSigningRequest
    der: bytes
    key_algorithm: str
    alternative_names: tuple[str, ...]
    extensions: tuple[str, ...]


def read_csr(data: bytes) -> Csr:
    """A PKCS#10 request in DER or PEM, and nothing else beside it. Raises `Malformed`."""
    if len(data) > MAX_CSR:
        raise Malformed(f"The request has {len(data)} octets; none needs more than {MAX_CSR}.")
    try:
        is_pem = _PEM.match(data) is not None
        request = x509.load_pem_x509_csr(data) if is_pem else x509.load_der_x509_csr(data)
        request.public_key()
        _ = request.signature_hash_algorithm  # an unknown one is found out when it is asked for
        extensions = list(request.extensions)
    except (ValueError, TypeError, *_UNREADABLE) as error:
        raise Malformed(
            "This is not a certification request (PKCS#10) in DER or PEM that can be read; make one with "
            "`openssl req -new -key KEY -out FILE`."
        ) from error
    except UnsupportedAlgorithm as error:
        raise Malformed(
            f"The request's key or signature is of a kind that is not supported: {error}."
        ) from error
    names: tuple[str, ...] = ()
    for extension in extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = tuple(_general_name(name) for name in extension.value)
    return Csr(
        request=request,
        der=request.public_bytes(Encoding.DER),
        key_algorithm=request.public_key_algorithm_oid.dotted_string,  # type: ignore[attr-defined] # untyped there
        alternative_names=names,
        extensions=tuple(_extension_name(extension) for extension in extensions),
    )


def _general_name(name: x509.GeneralName) -> str:
    match name:
        case x509.DNSName():
            return f"DNS:{name.value}"
        case x509.IPAddress():
            return f"IP:{name.value}"
        case _:
            raise Malformed("The request asks for a name that is neither a DNS name nor an IP address.")


def _extension_name(extension: x509.Extension[x509.ExtensionType]) -> str:
    name = type(extension.value).__name__
    return extension.oid.dotted_string if name == "UnrecognizedExtension" else name[:1].lower() + name[1:]


def read_subject(text: str) -> tuple[NameAttribute, ...]:
    """``C=XX, GN=Anna, CN=Anna Example TEST``: types and values, in any order.

    A comma inside a value is written with a backslash before it. Raises `Malformed`.
    """
    found = []
    for part in re.split(r"(?<!\\),", text):
        name, separator, value = part.strip().partition("=")
        known = _KNOWN.get(name.strip().lower())
        value = value.strip().replace("\\,", ",")
        if not separator or known is None or not value:
            raise Malformed(
                f"{part.strip()!r} is not an attribute of a name. Write TYPE=VALUE with commas between; the "
                "types are "
                f"{', '.join(NAME_ORDER)}, or {', '.join(SHORT)} for short."
            )
        if any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise Malformed(f"The value of {known} has a control character in it.")
        found.append(NameAttribute(known, value))
    return tuple(found)


def read_serial(text: str) -> str:
    """A serial number as people write it (hexadecimal, with or without colons and 0x). Raises `Malformed`."""
    digits = text.strip().lower().removeprefix("0x").replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{1,40}", digits):
        raise Malformed(f"{text!r} is not a serial number; write up to 40 hexadecimal digits.")
    return digits.rjust(40, "0")
