"""RFC 5280, 4.1.2.5.

Times until 2049 are UTCTime, later ones GeneralizedTime, in whole seconds and in order.
"""

from __future__ import annotations

from cryptography.hazmat import asn1

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, always


@implements("RFC5280:4.1.2.5")
def check(candidate: Candidate) -> str | None:
    """Times until 2049 are UTCTime, later ones GeneralizedTime, in whole seconds and in order."""
    validity = candidate.tbs.validity
    for time in (validity.not_before, validity.not_after):
        moment = time.as_datetime()
        if isinstance(time, asn1.UTCTime) != (moment.year < 2050):
            return f"{moment:%Y-%m-%d} is written in the wrong one of UTCTime and GeneralizedTime."
        if moment.microsecond:
            return "A time of the validity has a fraction of a second."
    if validity.not_before.as_datetime() > validity.not_after.as_datetime():
        return "The validity ends before it begins."
    return None


LINT = Lint(
    id="RFC5280:4.1.2.5",
    clause="RFC 5280, 4.1.2.5",
    words="Times until 2049 are UTCTime, later ones GeneralizedTime, in whole seconds and in order.",
    applies=always,
    check=check,
)
