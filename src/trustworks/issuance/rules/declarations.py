"""What a request may declare beside the subject's name: limits, payment services, how one was identified."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.der.iso4217 import CURRENCIES
from trustworks.core.der.qc_statements import IDENTIFICATION_METHODS, PSP_ROLES
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from trustworks.issuance.model import Profile
    from trustworks.issuance.model.requests import Declarations, Limit, PaymentServices

MAX_EXPONENT: Final = 12
MAX_NAME: Final = 256
_AUTHORITY: Final = re.compile(r"[A-Z]{2}-[A-Z]{2,8}")


def check_declarations(profile: Profile, declared: Declarations) -> None:
    """`Rejected` (issuance.declaration) for what the profile does not know, or what says nothing true.

    Source: EN 319 412-5, 4.3; TS 119 495, 5.
    """
    if profile.qc_type is None and (declared.limit is not None or declared.identification is not None):
        raise _rejected(
            f"Certificates of the profile {profile.name} are not qualified: they state no limit and not how "
            "the subject was identified; ask for a qualified one."
        )
    if profile.psd2 and declared.payment_services is None:
        raise _rejected(
            f"A certificate of the profile {profile.name} states the payment service provider's roles and "
            "who authorised it; give all three (--psd2-role, --nca-name, --nca-id)."
        )
    if not profile.psd2 and declared.payment_services is not None:
        raise _rejected(
            f"A certificate of the profile {profile.name} states no roles of payment services; "
            "psd2-qseal and psd2-qwac do."
        )
    if declared.identification is not None and declared.identification not in IDENTIFICATION_METHODS:
        raise _rejected(
            f"{declared.identification!r} is no method of identification; use one of "
            f"{', '.join(IDENTIFICATION_METHODS)}."
        )
    if declared.limit is not None:
        _check_limit(declared.limit)
    if declared.payment_services is not None:
        _check_payment_services(declared.payment_services)


def _check_limit(limit: Limit) -> None:
    if limit.currency not in CURRENCIES:
        raise _rejected(f"{limit.currency!r} is no currency of ISO 4217; write three letters, such as EUR.")
    if limit.amount < 0 or not 0 <= limit.exponent <= MAX_EXPONENT:
        raise _rejected(
            f"The limit {limit.amount} * 10^{limit.exponent} is no amount; neither may be negative, and the "
            f"exponent is at most {MAX_EXPONENT}."
        )


def _check_payment_services(services: PaymentServices) -> None:
    unknown = [role for role in services.roles if role not in PSP_ROLES]
    if unknown or not services.roles:
        raise _rejected(
            f"{', '.join(unknown) or 'Nothing'} is no role of a payment service provider; use one or more of "
            f"{', '.join(PSP_ROLES)}."
        )
    if len(set(services.roles)) != len(services.roles) or (
        "Unspecified" in services.roles and len(services.roles) > 1
    ):
        raise _rejected("Each role is given once, and Unspecified alone.")
    name = services.authority_name
    if not 0 < len(name) <= MAX_NAME or not name.isascii() or not name.isprintable():
        raise _rejected(
            f"{name!r} is no name of a competent authority: it is written in Latin letters, in at most "
            f"{MAX_NAME} characters."
        )
    if not _AUTHORITY.fullmatch(services.authority):
        raise _rejected(
            f"{services.authority!r} does not identify a competent authority; write its country, a hyphen "
            "and 2 to 8 capital letters, such as XX-NCA."
        )


def _rejected(sentence: str) -> Rejected:
    return Rejected("issuance.declaration", sentence)
