"""RFC 5280, 4.2.1.6: DNS names are in the preferred syntax.

The syntax is that of RFC 1034, 3.5, as RFC 1123, 2.1 amends it; the wildcard is that of RFC 9525, 6.3; a
label that begins with xn-- is the A-label of one with other characters (RFC 5280, 7.2; RFC 5890, 2.3.2.1).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from cryptography import x509

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always

MAX_OCTETS: Final = 253
LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
BEHIND_WILDCARD: Final = 2
LETTER_DIGITS: Final = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})  # RFC 5892, 2.1; Lu changes, 2.2
IN_CONTEXT: Final = frozenset("-\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d")  # RFC 5892, appendix A


@implements("RFC5280:4.2.1.6-DNS")
def check(candidate: Candidate) -> str | None:
    """DNS names are letters, digits and hyphens in labels; one star may stand for the whole first label."""
    found = candidate.extension(x509.SubjectAlternativeName)
    names = () if found is None else found.value
    for name in names:
        if isinstance(name, x509.DNSName) and not is_dns_name(name.value):
            return (
                f"{name.value!r} is not a DNS name: labels of 1 to 63 letters, digits and inner hyphens, the "
                "last not a number, 253 octets in all; * alone as the first of three labels or more; xn-- "
                "only before what decodes to letters."
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
    return all(map(_is_label, labels)) and not labels[-1].isdigit()


def _is_label(label: str) -> bool:
    return LABEL.fullmatch(label) is not None and (label[:4].lower() != "xn--" or _is_a_label(label.lower()))


def _is_a_label(label: str) -> bool:
    """Whether a label in small letters is the one encoding (RFC 3492) of letters, digits and marks.

    That is RFC 5892's rule without its exceptions for single characters and without RFC 5893's on writing
    directions: it finds what decodes to nothing that anybody could read.
    """
    try:
        found = label[4:].encode("ascii").decode("punycode")
        again = found.encode("punycode").decode("ascii")
    except (UnicodeError, ValueError):
        return False
    return (
        again == label[4:]
        and not found.isascii()
        and unicodedata.is_normalized("NFKC", found)
        and all(one in IN_CONTEXT or unicodedata.category(one) in LETTER_DIGITS for one in found)
    )


LINT = Lint(
    id="RFC5280:4.2.1.6-DNS",
    clause="RFC 5280, 4.2.1.6",
    words="DNS names are letters, digits and hyphens in labels; one star may be the whole first label.",
    applies=always,
    check=check,
)
