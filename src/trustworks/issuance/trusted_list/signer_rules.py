"""What the certificate must be that a list is signed with: pure, each refuses with a sentence.

Source: TS 119 612 V2.4.1, 5.7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Refused
from trustworks.core.pki.extensions import BASIC_CONSTRAINTS
from trustworks.core.trace import implements
from trustworks.issuance.profiles.list_signer import TSL_SIGNING
from trustworks.issuance.trusted_list.contents import ORGANIZATION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.trusted_lists.model import Provider, Scheme

ISSUER: Final = "TS119612:5.7.1-1"
NAMES: Final = "TS119612:5.7.1-2"
KEY_USAGE: Final = "TS119612:5.7.1-3"
PURPOSE: Final = "TS119612:5.7.1-4"
IDENTIFIER: Final = "TS119612:5.7.1-5"
NO_AUTHORITY: Final = "TS119612:5.7.1-6"
STANDS: Final = "TRUSTWORKS:TRUSTED-LIST-SIGNER-STANDS"

COUNTRY: Final = "2.5.4.6"
_ANOTHER: Final = (
    "Issue one with the profile list-signer (`trustworks certificate issue --profile list-signer`) and name "
    "its file in [issuance.trusted-list] certificate."
)
_SIGNING: Final = frozenset({"digitalSignature", "nonRepudiation"})


def check_signer(
    signer: Certificate, scheme: Scheme, providers: Sequence[Provider], *, revoked: str | None
) -> None:
    """Refuse a certificate that must not sign this list. `revoked` says why and since when it is revoked."""
    check_stands(signer, scheme.issued, revoked)
    check_names(signer, scheme)
    check_key_usage(signer)
    check_purpose(signer)
    check_identifier(signer)
    check_no_authority(signer)
    check_issuer(signer, providers)


@implements(STANDS)
def check_stands(signer: Certificate, now: datetime, revoked: str | None) -> None:
    """Refuse a certificate that is not valid now, or that is revoked."""
    if revoked is not None:
        raise Refused(
            STANDS, f"The certificate of the list signer is revoked ({revoked}). {_ANOTHER} Use a new key."
        )
    if not signer.not_before <= now <= signer.not_after:
        raise Refused(
            STANDS,
            f"The certificate of the list signer is valid from {signer.not_before:%Y-%m-%d %H:%M} to "
            f"{signer.not_after:%Y-%m-%d %H:%M} UTC, not now. {_ANOTHER}",
        )


@implements(NAMES)
def check_names(signer: Certificate, scheme: Scheme) -> None:
    """Refuse a subject that is not of the territory, or not the scheme operator (5.7.1)."""
    countries, organizations = signer.subject.values(COUNTRY), signer.subject.values(ORGANIZATION)
    if countries != (scheme.territory,):
        raise Refused(
            NAMES,
            f"The certificate of the list signer is of {', '.join(countries) or 'no country'}, and the list "
            f"of {scheme.territory}. {_ANOTHER}",
        )
    operators = {one.value for one in scheme.operators}
    if not operators.intersection(organizations):
        raise Refused(
            NAMES,
            f"The certificate of the list signer is {', '.join(organizations) or 'no organisation'}'s, and "
            f"the list {', '.join(sorted(operators))}'s. {_ANOTHER}",
        )


@implements(KEY_USAGE)
def check_key_usage(signer: Certificate) -> None:
    """Refuse a key usage that is not for signatures alone (5.7.1)."""
    usage = signer.key_usage
    if not usage or not usage <= _SIGNING:
        told = ", ".join(sorted(usage or ())) or "nothing"
        raise Refused(
            KEY_USAGE,
            f"The key of the list signer is for {told}, and has to be for signatures alone. {_ANOTHER}",
        )


@implements(PURPOSE)
def check_purpose(signer: Certificate) -> None:
    """Refuse a certificate whose extended key usage is not the signing of trusted lists alone (5.7.1)."""
    if signer.extended_key_usage != (TSL_SIGNING,):
        told = ", ".join(signer.extended_key_usage or ()) or "none"
        raise Refused(
            PURPOSE,
            "The certificate of the list signer is not for trusted lists alone: its extended key usage is "
            f"{told}, and has to be id-tsl-kp-tslSigning ({TSL_SIGNING}). {_ANOTHER}",
        )


@implements(IDENTIFIER)
def check_identifier(signer: Certificate) -> None:
    """Refuse a certificate that does not identify its subject's key (5.7.1)."""
    if signer.subject_key_identifier is None:
        raise Refused(
            IDENTIFIER, f"The certificate of the list signer has no subject key identifier. {_ANOTHER}"
        )


@implements(NO_AUTHORITY)
def check_no_authority(signer: Certificate) -> None:
    """Refuse the certificate of an authority, and one that leaves open whether it is one's (5.7.1)."""
    if signer.is_ca or not signer.has(BASIC_CONSTRAINTS):
        raise Refused(
            NO_AUTHORITY,
            "The certificate of the list signer does not say that it is no authority's (basic constraints). "
            f"{_ANOTHER}",
        )


@implements(ISSUER)
def check_issuer(signer: Certificate, providers: Sequence[Provider]) -> None:
    """Refuse a certificate that neither the operator nor a service on the list issued (5.7.1)."""
    listed = {
        certificate.subject
        for one in providers
        for service in one.services
        for certificate in service.current.identity.certificates
    }
    if not signer.is_self_signed and signer.issuer.der not in listed:
        raise Refused(
            ISSUER,
            f"The certificate of the list signer is from {signer.issuer.text}, which is not on the list. "
            f"{_ANOTHER}",
        )
