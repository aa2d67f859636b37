"""Bytes and text of a request to the model, strictly; the only place that raises `Malformed` for them."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509.oid import PublicKeyAlgorithmOID

from trustworks.core.errors import Malformed, Refused
from trustworks.core.printable import printable
from trustworks.core.trace import implements
from trustworks.issuance.model import NAME_ORDER, LostKey, NameAttribute, serial_hex
from trustworks.issuance.model.requests import Limit

MAX_CSR: Final = 65536
_UNREADABLE: Final = (x509.InvalidVersion, x509.UnsupportedGeneralNameType, x509.DuplicateExtension)

SHORT: Final = {
    "C": "countryName",
    "ST": "stateOrProvinceName",
    "L": "localityName",
    "O": "organizationName",
    "OI": "organizationIdentifier",
    "OU": "organizationalUnitName",
    "STREET": "streetAddress",
    "T": "title",
    "GN": "givenName",
    "SN": "surname",
    "CN": "commonName",
}
_KNOWN: Final = {name.lower(): name for name in NAME_ORDER} | {k.lower(): v for k, v in SHORT.items()}
# RFC 4514, 2.4 and 3: what a value has only behind a backslash, and all that a backslash may stand before.
_SPECIAL: Final = frozenset('"+;<>')
_ESCAPABLE: Final = '"+,;<>\\ #='
_TOKEN: Final = re.compile(r"\\(?:[0-9A-Fa-f]{2}|.?)|[^\\]", re.DOTALL)
_TO_ESCAPE: Final = re.compile(
    r"""(?<!\\)(?:["+;<>]|,(?!(?:[A-Za-z]+|[0-9.]+)=))|(?<!\\)\\(?![\\"+,;<>#= ]|[0-9A-Fa-f]{2})"""
)
_PEM: Final = re.compile(
    rb"\A\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s[A-Za-z0-9+/=\s]*"
    rb"-----END (NEW )?CERTIFICATE REQUEST-----\s*\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Csr:
    """A certification request (RFC 2986) as read; `key_algorithm` is what its public key is marked by.

    The extensions that it asks for are not read yet: most profiles ignore them, whatever is in them.
    """

    request: x509.CertificateSigningRequest
    der: bytes
    key_algorithm: str
    key: object

    @property
    def signature_hash(self) -> str | None:
        """The hash function of the request's signature."""
        found = self.request.signature_hash_algorithm
        return None if found is None else found.name

    @property
    def is_signature_valid(self) -> bool:
        """Whether the request is signed by its own key."""
        return self.request.is_signature_valid

    def public_key(self) -> object:
        """The request's key."""
        return self.key

    def alternative_names(self) -> tuple[str, ...]:
        """The names that the request asks for. Raises `Malformed`."""
        return read_alternative_names(self)


def read_csr(data: bytes) -> Csr:
    """A PKCS#10 request in DER or PEM, and nothing else beside it.

    Raises `Malformed`, and `Refused` for a key that is no point of its curve.
    """
    if len(data) > MAX_CSR:
        raise Malformed(f"The request has {len(data)} octets; none needs more than {MAX_CSR}.")
    try:
        is_pem = _PEM.match(data) is not None
        request = x509.load_pem_x509_csr(data) if is_pem else x509.load_der_x509_csr(data)
        _ = request.subject  # as below: a name may not be what its tags say
        key = _key_of(request)
        _ = request.signature_hash_algorithm  # an unknown one is found out when it is asked for
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise Malformed(
            "This is not a certification request (PKCS#10) in DER or PEM that can be read; make one with "
            "`openssl req -new -key KEY -out FILE`."
        ) from error
    except UnsupportedAlgorithm as error:
        raise Malformed(
            f"The request's key or signature is of a kind that is not supported: {error}."
        ) from error
    return Csr(
        request=request,
        der=request.public_bytes(Encoding.DER),
        key_algorithm=request.public_key_algorithm_oid.dotted_string,  # type: ignore[attr-defined] # untyped there
        key=key,
    )


def _key_of(request: x509.CertificateSigningRequest) -> object:
    try:
        return request.public_key()
    except ValueError:
        check_ec_point(request.public_key_algorithm_oid.dotted_string)  # type: ignore[attr-defined] # untyped there
        raise


@implements("TRUSTWORKS:ISSUANCE-KEY-EC-POINT")
def check_ec_point(algorithm: str) -> None:
    """Refuse a key that cannot be loaded where it is one for elliptic curves: it is no point of its curve.

    `cryptography` and OpenSSL look at the curve's equation. Whoever uses such a key gives away parts of his
    own (invalid-curve attacks), and with the point at infinity anything verifies.
    Source: SEC 1, 3.2.2.1; NIST SP 800-56A, 5.6.2.3.
    """
    if algorithm == PublicKeyAlgorithmOID.EC_PUBLIC_KEY.dotted_string:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-EC-POINT",
            "The request's key is no point of a named elliptic curve: it is not on the curve, is the point "
            "at infinity, or its curve is not told by a name. Make a new key.",
        )


def read_alternative_names(csr: Csr) -> tuple[str, ...]:
    """The names that a request asks for, as ``DNS:name`` and ``IP:address``. Raises `Malformed`."""
    try:
        found = csr.request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    except (ValueError, TypeError, *_UNREADABLE) as error:
        raise Malformed(
            "The extensions that the request asks for cannot be read; name the server by --alternative-name, "
            "or make a request that asks for DNS names and IP addresses."
        ) from error
    return tuple(map(_general_name, found.value))


@implements("TRUSTWORKS:ISSUANCE-ALTERNATIVE-NAMES", disabled=lambda name: f"DNS:{name.value}")
def _general_name(name: x509.GeneralName) -> str:
    match name:
        case x509.DNSName():
            return f"DNS:{name.value}"
        case x509.IPAddress():
            return f"IP:{name.value}"
        case _:
            raise Malformed(
                "The request asks for a name that is neither a DNS name nor an IP address; name the server "
                "by --alternative-name, or make a request without it."
            )


def read_subject(text: str) -> tuple[NameAttribute, ...]:
    """``C=XX, GN=Anna, CN=Anna Example TEST``: types and values, in any order.

    Values are escaped as in RFC 4514, 2.4: a backslash before a special character, or two hexadecimal digits
    behind it for an octet of UTF-8. Spaces around a value do not belong to it unless they are escaped. Raises
    `Malformed`.
    """
    found = []
    for part in _parts(text):
        name, separator, written = part.partition("=")
        known, value = _KNOWN.get(name.strip().lower()), _unescaped(written)
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


def _parts(text: str) -> list[str]:
    """What is between the commas that no backslash escapes."""
    parts = [""]
    for piece in _TOKEN.findall(text):
        if piece == ",":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _unescaped(written: str) -> str:
    """A value without its escapes and the spaces around it."""
    tokens = deque(_TOKEN.findall(written))
    while tokens and tokens[0].isspace():
        tokens.popleft()
    while tokens and tokens[-1].isspace():
        tokens.pop()
    if tokens and tokens[0] == "#":
        raise Malformed(f"A value that begins with # is written with a backslash before it: \\{written}.")
    try:
        return b"".join(map(_octets, tokens)).decode()
    except UnicodeError:
        raise Malformed(f"{written!a} is no UTF-8. Write the characters themselves.") from None


def _octets(token: str) -> bytes:
    if token in _SPECIAL:
        raise Malformed(f"Write {token} in a value with a backslash before it: \\{token}.")
    if not token.startswith("\\"):
        return token.encode()
    escaped = token[1:]
    if len(escaped) == 2:
        return bytes.fromhex(escaped)
    if escaped and escaped in _ESCAPABLE:
        return escaped.encode()
    raise Malformed(
        f"{token} is no escape. After a backslash comes one of {_ESCAPABLE}, or two hexadecimal digits; the "
        "backslash itself is written twice."
    )


def as_stored(sought: str) -> str:
    """Text that is looked for in subjects, as the records have it: escaped as RFC 4514, 2.4 says.

    What is escaped already stays so, and so does a comma between two attributes (``CN=A,C=XX``). A backslash
    before a special character is taken for an escape: a value that has both is looked for as it is listed.
    """
    return printable(_TO_ESCAPE.sub(r"\\\g<0>", sought))


def read_serial(text: str) -> str:
    """A serial number as people write it (hexadecimal, with or without colons and 0x). Raises `Malformed`."""
    digits = text.strip().lower().removeprefix("0x").replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{1,40}", digits):
        raise Malformed(f"{text!r} is not a serial number; write up to 40 hexadecimal digits.")
    return digits.rjust(40, "0")


def serial_of(certificate: bytes) -> str:
    """The serial number of a certificate in DER, as the tables hold it."""
    return serial_hex(x509.load_der_x509_certificate(certificate).serial_number)


def read_limit(text: str) -> Limit:
    """``EUR 5000``: a currency and a whole amount. Raises `Malformed`.

    The amount is written with as few digits as it can be (5 * 10^3).
    """
    found = re.fullmatch(r"([A-Z]{3}) ([0-9]{1,30})", text)
    if found is None:
        raise Malformed(f"{text!r} is no limit; write a currency and a whole amount, such as EUR 5000.")
    digits = found[2].lstrip("0") or "0"
    amount = digits.rstrip("0") or digits
    return Limit(currency=found[1], amount=int(amount), exponent=len(digits) - len(amount))


def limit_text(limit: Limit) -> str:
    """A limit as `read_limit` reads it."""
    return f"{limit.currency} {limit.amount * 10**limit.exponent}"


KEY_LOST_NAME: Final = "The private key of this request is known to others"
"""The commonName of a request by which anybody who has a private key shows that he has it."""
MAX_KEY: Final = 65536
_PRIVATE: Final = re.compile(rb"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----")
_REQUEST: Final = re.compile(rb"-----BEGIN (NEW )?CERTIFICATE REQUEST-----")


def read_lost_key(data: bytes) -> LostKey:
    """A key that got into other hands, from what a finder has of it, in PEM. Raises `Malformed`.

    Its private key; a request signed by it whose commonName is `KEY_LOST_NAME` (requests as such are no
    secrets, and prove nothing); a certificate or a public key, which prove nothing either.
    """
    if len(data) > MAX_KEY:
        raise Malformed(f"The file has {len(data)} octets; no key needs more than {MAX_KEY}.")
    try:
        if _PRIVATE.search(data):
            return _lost(load_pem_private_key(data, password=None).public_key(), "private-key")
        if _REQUEST.search(data):
            return _lost_by_request(read_csr(data))
        if b"-----BEGIN CERTIFICATE-----" in data:
            return _lost(x509.load_pem_x509_certificate(data).public_key(), "statement")
        return _lost(load_pem_public_key(data), "statement")
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise Malformed(
            "This is no private key without passphrase, no request, certificate or public key in PEM that "
            "can be read."
        ) from error


def _lost(key: object, shown_by: Literal["private-key", "signature", "statement"]) -> LostKey:
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise Malformed(
            "The key is neither RSA nor on an elliptic curve; no certificate here has such a key."
        )
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return LostKey(spki_sha256=hashlib.sha256(spki).digest(), shown_by=shown_by)


def _lost_by_request(csr: Csr) -> LostKey:
    names = [one.value for one in csr.request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if names != [KEY_LOST_NAME] or not csr.is_signature_valid:
        raise Malformed(
            "The request does not show that its key is known to others: it has to be signed by that key, "
            f'with one commonName, "{KEY_LOST_NAME}".'
        )
    return _lost(csr.key, "signature")


def read_spki_sha256(text: str) -> LostKey:
    """The SHA-256 of a SubjectPublicKeyInfo as people write it (hexadecimal). Raises `Malformed`."""
    digits = text.strip().lower().replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise Malformed(f"{text!r} is no SHA-256; write 64 hexadecimal digits.")
    return LostKey(spki_sha256=bytes.fromhex(digits), shown_by="statement")


def alternative_names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The alternative names in a certificate of ours: ``DNS:name``, ``IP:address``, ``email:address``."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = (f"DNS:{name}" for name in found.get_values_for_type(x509.DNSName))
    emails = (f"email:{address}" for address in found.get_values_for_type(x509.RFC822Name))
    return (*dns, *(f"IP:{address}" for address in found.get_values_for_type(x509.IPAddress)), *emails)
