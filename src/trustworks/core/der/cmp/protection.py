"""The parameters of what protects a message. Source: RFC 4210, 5.1.3; RFC 4211, 4.4; RFC 8018."""

from __future__ import annotations

from cryptography.hazmat import asn1

from trustworks.core.der.cmp.kinds import read_info
from trustworks.core.errors import Malformed


@asn1.sequence
class PbmParameter:
    """The parameters of a password-based MAC (RFC 4211, 4.4). Algorithms are AlgorithmIdentifiers."""

    salt: bytes
    owf: asn1.TLV
    iterations: int
    mac: asn1.TLV


@asn1.sequence
class Pbkdf2Parameters:
    """The parameters of PBKDF2 (RFC 8018, A.2) with a salt that is given; without `prf` it is HMAC-SHA1."""

    salt: bytes
    iterations: int
    key_length: int | None
    prf: list[asn1.TLV] | None


@asn1.sequence
class _Pbmac1:
    key_derivation: asn1.TLV
    mac: asn1.TLV


def read_pbm(der: bytes) -> PbmParameter:
    """The parameters of a password-based MAC. Raises `Malformed`."""
    try:
        return asn1.decode_der(PbmParameter, der)
    except (ValueError, OverflowError) as error:
        raise Malformed("The parameters of the password-based MAC cannot be read.") from error


def read_pbmac1(der: bytes) -> tuple[bytes, bytes]:
    """Of PBMAC1-params the two AlgorithmIdentifiers: key derivation and MAC. Raises `Malformed`."""
    try:
        found = asn1.decode_der(_Pbmac1, der)
        return asn1.encode_der(found.key_derivation), asn1.encode_der(found.mac)
    except ValueError as error:
        raise Malformed("The parameters of PBMAC1 cannot be read.") from error


def read_pbkdf2(der: bytes) -> Pbkdf2Parameters:
    """The parameters of PBKDF2. Raises `Malformed`."""
    try:
        return asn1.decode_der(Pbkdf2Parameters, der)
    except (ValueError, OverflowError) as error:
        raise Malformed("The parameters of PBKDF2 cannot be read.") from error


def read_identifier(der: bytes) -> tuple[str, bytes]:
    """Of an AlgorithmIdentifier the object identifier, and the parameters' DER or nothing. As `read_pbm`."""
    try:
        found = read_info(asn1.decode_der(asn1.TLV, der))
    except ValueError as error:
        raise Malformed("This is not an AlgorithmIdentifier.") from error
    return found.type, found.value
