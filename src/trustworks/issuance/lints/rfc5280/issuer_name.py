"""RFC 5280, 4.1.2.4 and 4.1.2.6.

The issuer is named, by the very octets of the issuing certificate's subject.
"""

from __future__ import annotations

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.2.4")
def check(candidate: Candidate) -> str | None:
    """The issuer is named, by the very octets of the issuing certificate's subject."""
    name = candidate.around.issuer_subject or bytes(candidate.tbs.subject.data)
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
