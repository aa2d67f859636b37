"""RFC 5280, 4.1.2.4 and 4.1.2.6.

The issuer is named, by the very octets of the issuing certificate's subject.
"""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.2.4")
def check(candidate: Candidate) -> str | None:
    """The issuer is named, by the very octets of the issuing certificate's subject."""
    around = candidate.around
    name = candidate.certificate.subject if around.issuer is None else around.issuer.subject
    if not candidate.issuer:
        return "The issuer has no name."
    if candidate.certificate.issuer.public_bytes() != name.public_bytes():
        return "The issuer's name is not, octet for octet, the subject of the certificate that issues."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.4",
    clause="RFC 5280, 4.1.2.4 and 4.1.2.6",
    words="The issuer is named, by the very octets of the issuing certificate's subject.",
    applies=always,
    check=check,
)
