"""Certificates from outside: the library reads most of one only when asked, so all is asked for here."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from trustworks.core.der.x509 import name_in_words
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

Part = Callable[[x509.Certificate], object]

SUBJECT: Final[Part] = attrgetter("subject")
ISSUER: Final[Part] = attrgetter("issuer")
EXTENSIONS: Final[Part] = attrgetter("extensions")
KEY: Final[Part] = methodcaller("public_key")
VALIDITY: Final[Part] = attrgetter("not_valid_before_utc", "not_valid_after_utc")
ALL: Final = (SUBJECT, ISSUER, VALIDITY, EXTENSIONS, KEY)

MAX_PEM: Final = 4 * 1024 * 1024
"""Octets of the longest file of certificates that is read; all anchors of a system have some 250,000."""

# What the library raises, at once or late, for what is no certificate, or is of a kind unknown to it.
FAILURES: Final = (
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
    except FAILURES as error:
        raise Malformed(f"This is not the DER of a certificate: {error}.") from error
    return readable(certificate, *parts)


def load_pem(octets: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in PEM, at least one, whether all of each can be read or not.

    Raises `Malformed`, also for more than `MAX_PEM` octets.
    """
    if len(octets) > MAX_PEM:
        raise Malformed(f"The file has more than {MAX_PEM} octets; give one with the certificates alone.")
    try:
        return tuple(x509.load_pem_x509_certificates(octets))
    except FAILURES as error:
        raise Malformed(_no_pem(octets)) from error


def readable_pem_file(file: Path) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM file, all of which can be read. Raises `Malformed`, with the file's name."""
    return _of_file(file, readable_pem)


def load_pem_file(file: Path) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM file, as `load_pem`. Raises `Malformed`, with the file's name."""
    return _of_file(file, load_pem)


def _of_file(
    file: Path, read: Callable[[bytes], tuple[x509.Certificate, ...]]
) -> tuple[x509.Certificate, ...]:
    try:
        octets = read_at_most(file, MAX_PEM)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    try:
        return read(octets)
    except Malformed as error:
        raise Malformed(f"{file} holds no certificates in PEM that can be read. {error}") from error


def _no_pem(octets: bytes) -> str:
    """What is given in place of certificates in PEM. The library's own words are for programmers."""
    try:
        x509.load_der_x509_certificate(octets)
    except FAILURES:
        pass
    else:
        return (
            "It is a certificate in DER, and read here is PEM: openssl x509 -inform DER -in FILE -out NEW "
            "writes it so."
        )
    if b"-----BEGIN CERTIFICATE-----" in octets:
        return "It has a certificate in PEM that is damaged; get it again from where it came."
    if b"PRIVATE KEY-----" in octets:
        return "It is a private key; give the certificate, and look who can read the key."
    if not octets:
        return "It is empty; give a file with certificates."
    return "It has no line -----BEGIN CERTIFICATE-----; give a file that has."


def readable_pem(octets: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in PEM, at least one, all of which can be read. Raises `Malformed`."""
    return tuple(readable(one) for one in load_pem(octets))


def readable(certificate: x509.Certificate, *parts: Part) -> x509.Certificate:
    """The certificate, of which all `parts` (none given: `ALL`) can be read. Raises `Malformed`."""
    wrong = unreadable(certificate, *parts)
    if wrong is not None:
        raise Malformed(f"The certificate {certificate.serial_number:x} cannot be read: {wrong}.") from wrong
    return certificate


def unreadable(certificate: x509.Certificate, *parts: Part) -> Exception | None:
    """Why one of `parts` (none given: `ALL`) of a certificate cannot be read; None: all can."""
    try:
        for part in parts or ALL:
            part(certificate)
    except FAILURES as error:
        return error
    return None


def named(certificate: x509.Certificate) -> str:
    """The subject in words, for sentences; by its serial number where that is empty."""
    return name_in_words(certificate.subject) or f"the certificate {certificate.serial_number:x}"
