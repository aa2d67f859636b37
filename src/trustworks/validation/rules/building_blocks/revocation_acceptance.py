"""Revocation acceptance checker (RAC): what is asked of one list or answer before it counts.

Source: EN 319 102-1, 5.2.6; RFC 5280, 6.3.3 (f); RFC 6960, 3.2 and 4.2.2.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.tokens import DistinguishedName, OcspAnswer
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.revocation import RevocationFact
    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.rules.revocation_status import Status

_SKEW: Final = timedelta(minutes=10)
"""How far the clock of whoever issues revocation data may be ahead of ours."""


@implements("EN319102-1:5.2.6.4-RAC-AUTHORISED")
def responder_valid(fact: RevocationFact, signer: Certificate | None) -> str | None:
    """An OCSP answer was produced while the certificate of its responder was valid."""
    if signer is None or not isinstance(fact.tokens[-1], OcspAnswer):
        return None
    if signer.not_before <= fact.produced_at <= signer.not_after:
        return None
    return "The OCSP answer was produced when the certificate of its responder was not valid."


@implements("EN319102-1:5.2.6.4-RAC-AFTER")
def issued_after_certificate(fact: RevocationFact, certificate: Certificate) -> str | None:
    """The data was issued after the certificate was."""
    if fact.this_update >= certificate.not_before:
        return None
    return "The revocation data is older than the certificate that it is asked about."


@implements("RFC6960:4.2.2.1-FUTURE")
def issued_by(fact: RevocationFact, present: datetime | None) -> str | None:
    """The data was issued by the present, where that is known: else it would be the newest for as long."""
    if present is None or fact.this_update <= present + _SKEW:
        return None
    return f"The revocation data is of {fact.this_update:%Y-%m-%d %H:%M:%SZ}, which is in the future."


@implements("EN319102-1:5.2.6.4-RAC-TELLS")
def tells(fact: RevocationFact, certificate: Certificate) -> str | None:
    """The data still tells of a certificate that expired before it was issued."""
    if fact.tells_of_expired(certificate):
        return None
    return "The revocation data is of after the certificate's end, and does not say that it tells of such."


@implements("EN319102-1:5.2.6.4-RAC-TRUSTED")
def signer_trusted(trusted: bool) -> str | None:  # noqa: FBT001 - a fact
    """Whoever signed leads to a trust anchor."""
    return None if trusted else "Whoever signed the revocation data leads to no trust anchor."


@implements("RFC6960:4.2.2.2-LOCAL")
def responder_authorised(fact: RevocationFact) -> str | None:
    """An OCSP answer is of the issuer, of one whom that authorised, or of one who is trusted for himself."""
    if fact.authority != "by-path" or not isinstance(fact.tokens[-1], OcspAnswer):
        return None
    return "The OCSP answer is of a responder that another CA authorised than the certificate's issuer."


@implements("EN319102-1:5.2.6.4-RAC-ANCHOR", "RFC5280:6.3.3-SIGNER-PATH")
def same_anchor(same: bool) -> str | None:  # noqa: FBT001 - a fact
    """Who signed a revocation list leads to the trust anchor of the certificate that it is asked about."""
    return None if same else "Whoever signed the revocation list leads to another trust anchor."


@implements("EN319102-1:5.2.6.4-RAC-SIGNER")
def signer_in_force(statuses: Sequence[Status], at: datetime) -> str | None:
    """The signer's own certificate has acceptable revocation data, and was not revoked when it signed."""
    if not statuses:
        return "The revocation data is signed by a certificate about which no revocation data is acceptable."
    if statuses[0].fact.is_revoked_at(at):
        return "The revocation data was signed by a certificate that was revoked."
    return None


@implements("RFC5280:6.3.3-SIGNER-SELF")
def left_to_itself(fact: RevocationFact, signer: Certificate) -> str | None:
    """A list tells of its own signer only where that one's issuer sends everybody to it, and nowhere else.

    RFC 5280 asks that the path of a list's signer holds, and has no words for a signer of whom his own list
    tells. His key, once it is in other hands, signs a list that says good. Where his issuer tells of him in
    any other way, that is what is to be asked; a certificate of which every distribution point names its own
    subject as the issuer of the list says that there is no other way, and to refuse what his issuer decided
    would be to refuse it for good (NIST PKITS, 4.14.30). The list can say revoked there as well: then it
    counts for nobody. Where the signer has his issuer's name, as after new keys, that name says nothing
    of the kind: it is what a point without it means. Answers by OCSP have id-pkix-ocsp-nocheck for that
    (RFC 6960, 4.2.2.2.1).
    """
    named = [
        {one.value for one in point.crl_issuer if isinstance(one.value, DistinguishedName)}
        for point in signer.crl_distribution_points
    ]
    elsewhere = signer.ocsp_urls or not named or any(one != {signer.subject} for one in named)
    elsewhere = elsewhere or signer.is_self_issued
    if isinstance(fact.tokens[-1], OcspAnswer) or elsewhere:
        return "The revocation data is signed with the key of the certificate that it tells of."
    return None


@implements("RFC5280:6.3.3-SIGNER-SELF", disabled=lambda statuses: (*statuses,))
def others_first(statuses: Sequence[Status]) -> tuple[Status, ...]:
    """What signers say for themselves is left out where anybody else tells of them."""
    others = any(not one.self_told for one in statuses)
    return tuple(one for one in statuses if not (others and one.self_told and one.fact.status == "good"))
