"""TS 119 411-5, 4.2.2.

The usage that binds other certificates stands alone in a certificate for that, and in no other.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

TLS_BINDING: Final = x509.ObjectIdentifier("0.4.0.194115.1.0")


@implements("TS119411-5:4.2.2")
def check(candidate: Candidate) -> str | None:
    """The usage that binds other certificates stands alone in a certificate for that, and in no other."""
    found = candidate.extension(x509.ExtendedKeyUsage)
    usages = [] if found is None else list(found.value)
    if candidate.profile.web == "binding" and usages != [TLS_BINDING]:
        return "The extended key usage must be id-kp-tls-binding alone."
    if candidate.profile.web != "binding" and TLS_BINDING in usages:
        return "The usage id-kp-tls-binding is for certificates that bind others."
    return None


LINT = Lint(
    id="TS119411-5:4.2.2",
    clause="TS 119 411-5, 4.2.2",
    words="The usage that binds other certificates stands alone in a certificate for that, and in no other.",
    applies=always,
    check=check,
)
