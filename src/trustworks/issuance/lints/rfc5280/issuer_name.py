"""RFC 5280, 4.1.2.4 and 4.1.2.6.

The issuer is named, by the very octets of the issuing certificate's subject.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.der.x509 import read_certificate
from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

if TYPE_CHECKING:
    from cryptography import x509


@lru_cache(64)
def subject_octets(certificate: x509.Certificate) -> bytes:
    """The content of a certificate's subject as it stands there; `cryptography` would write it anew."""
    fields = read_certificate(certificate.public_bytes(Encoding.DER))
    return bytes(fields.tbs_certificate.subject.data)


@implements("RFC5280:4.1.2.4")
def check(candidate: Candidate) -> str | None:
    """The issuer is named, by the very octets of the issuing certificate's subject."""
    issuer = candidate.around.issuer
    name = bytes(candidate.tbs.subject.data) if issuer is None else subject_octets(issuer)
    if not candidate.issuer:
        return "The issuer has no name."
    if bytes(candidate.tbs.issuer.data) != name:
        return "The issuer's name is not, octet for octet, the subject of the certificate that issues."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.4",
    clause="RFC 5280, 4.1.2.4 and 4.1.2.6",
    words="The issuer is named, by the very octets of the issuing certificate's subject.",
    applies=always,
    check=check,
)
