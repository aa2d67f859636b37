"""RFC 5280, 4.2.1.6: DNS names are in the preferred syntax.

The syntax is that of RFC 1034, 3.5, as RFC 1123, 2.1 amends it; the wildcard is that of RFC 9525, 6.3.
"""

from __future__ import annotations

import re
from typing import Final

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

MAX_OCTETS: Final = 253
LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
BEHIND_WILDCARD: Final = 2


@implements("RFC5280:4.2.1.6-DNS")
def check(candidate: Candidate) -> str | None:
    """DNS names are letters, digits and hyphens in labels; one star may stand for the whole first label."""
    found = candidate.extension(x509.SubjectAlternativeName)
    names = () if found is None else found.value
    for name in names:
        if isinstance(name, x509.DNSName) and not is_dns_name(name.value):
            return (
                f"{name.value!r} is not a DNS name: labels of 1 to 63 letters, digits and inner hyphens, the "
                "last not a number, 253 octets in all; * alone as the first of three labels or more."
            )
    return None


def is_dns_name(name: str) -> bool:
    """Whether a name may stand in a certificate."""
    if len(name) > MAX_OCTETS:
        return False
    labels = name.split(".")
    if labels[0] == "*":
        labels = labels[1:]
        if len(labels) < BEHIND_WILDCARD:
            return False
    return all(LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


LINT = Lint(
    id="RFC5280:4.2.1.6-DNS",
    clause="RFC 5280, 4.2.1.6",
    words="DNS names are letters, digits and hyphens in labels; one star may be the whole first label.",
    applies=always,
    check=check,
)
