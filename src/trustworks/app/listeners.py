"""What the listeners need before any process is started: HTTPS' certificate and key, the proxy's secret.

A worker that finds them wrong can only end, again and again; the operator is told once instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from trustworks.app import certificates
from trustworks.app.client_identity import read_secret
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from trustworks.app.settings import HttpSettings


def check(http: HttpSettings) -> None:
    """Raise `Unavailable` (serve.tls, certificate.absent, http.proxy-secret) or `Malformed`, one sentence."""
    if http.tls_certificate is not None and http.tls_key is not None:
        certificate = certificates.read(http.tls_certificate)
        _check_key(http.tls_key, certificate, http.tls_certificate)
    if http.proxy.secret_source is not None:
        read_secret(http.proxy.secret_source)


def _check_key(file: Path, certificate: x509.Certificate, certificate_file: Path) -> None:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            octets = stream.read()
    except OSError as error:
        raise Unavailable(
            "serve.tls", f"The key of HTTPS, {file}, cannot be read: {error.strerror}."
        ) from None
    if mode & 0o077:
        raise Unavailable(
            "serve.tls",
            f"Others can read the key of HTTPS, {file}. Run chmod 600 {file}; if they may have read it, take "
            "a new key and certificate.",
        )
    try:
        key = load_pem_private_key(octets, None)
    except (ValueError, TypeError):  # the library's words say nothing to an operator, and could say too much
        raise Malformed(f"{file} holds no private key in PEM without a password.") from None
    if _spki(key.public_key()) != _spki(certificate.public_key()):
        raise Unavailable(
            "serve.tls",
            f"The key of HTTPS, {file}, does not belong to the certificate {certificate_file}. Name the two "
            "that belong together in [http] tls-key and tls-certificate.",
        )


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
