"""Certificates from outside: the library reads most of one only when asked, so all is asked for here."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, methodcaller
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from trustworks.core.der.x509 import name_in_words
from trustworks.core.errors import Malformed

Part = Callable[[x509.Certificate], object]

SUBJECT: Final[Part] = attrgetter("subject")
ISSUER: Final[Part] = attrgetter("issuer")
EXTENSIONS: Final[Part] = attrgetter("extensions")
KEY: Final[Part] = methodcaller("public_key")
ALL: Final = (SUBJECT, ISSUER, EXTENSIONS, KEY)

# What the library raises, at once or late, for what is no certificate, or is of a kind unknown to it.
_FAILURES: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def load(der: bytes, *parts: Part) -> x509.Certificate:
    """A certificate of which all `parts` (none given: `ALL`) can be read. Raises `Malformed`."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except _FAILURES as error:
        raise Malformed(f"This is not the DER of a certificate: {error}.") from error
    return _read(certificate, *parts)


def load_pem(octets: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in PEM, at least one, whether all of each can be read or not. Raises `Malformed`."""
    try:
        return tuple(x509.load_pem_x509_certificates(octets))
    except _FAILURES as error:
        raise Malformed(f"These are no certificates in PEM: {error}.") from error


def readable_pem(octets: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in PEM, at least one, all of which can be read. Raises `Malformed`."""
    return tuple(_read(one) for one in load_pem(octets))


def _read(certificate: x509.Certificate, *parts: Part) -> x509.Certificate:
    wrong = unreadable(certificate, *parts)
    if wrong is not None:
        raise Malformed(f"The certificate {certificate.serial_number:x} cannot be read: {wrong}.") from wrong
    return certificate


def unreadable(certificate: x509.Certificate, *parts: Part) -> Exception | None:
    """Why one of `parts` (none given: `ALL`) of a certificate cannot be read; None: all can."""
    try:
        for part in parts or ALL:
            part(certificate)
    except _FAILURES as error:
        return error
    return None


def named(certificate: x509.Certificate) -> str:
    """The subject in words, for sentences; by its serial number where that is empty."""
    return name_in_words(certificate.subject) or f"the certificate {certificate.serial_number:x}"
