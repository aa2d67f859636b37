"""What a certificate states beside the name, and what of it evidence shows.

A limit is what the applicant wants. What a payment service provider may do is what the register of its
competent authority shows. How a subject was identified is what was done.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.registration.model import About, Comparison, SubjectKind, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.issuance.model.requests import Declarations, PaymentServices
    from trustworks.issuance.registration.model import Application, MethodTerms

# An organizationIdentifier by the authorization of a payment service provider (TS 119 495, 5.2.1).
_AUTHORIZED: Final = re.compile(r"PSD[A-Z]{2}-[A-Z]{2,8}-(.+)")


@implements("TS119495:REG-6.2.2-1", disabled=())
def payment_services(application: Application) -> tuple[Comparison, ...]:
    """What a payment service provider asks to have stated, each part beside what its register shows.

    The number is that in its organizationIdentifier. A role is shown by itself.
    """
    asked = application.asked.declarations.payment_services
    if asked is None:
        return ()
    pieces = application.about(About.ORGANIZATION)
    found = []
    for name, value in payment_attributes(application.subject, asked):
        values = shown(pieces, name)
        found.append(Comparison(name, value, values, value in values))
    return tuple(found)


def payment_attributes(
    subject: Sequence[NameAttribute], services: PaymentServices
) -> tuple[NameAttribute, ...]:
    """What is stated of a payment service provider, by the names that evidence has for it."""
    numbers = [
        found[1]
        for name, value in subject
        if name == "organizationIdentifier" and (found := _AUTHORIZED.fullmatch(value)) is not None
    ]
    return (
        NameAttribute("competentAuthorityName", services.authority_name),
        NameAttribute("competentAuthorityIdentifier", services.authority),
        *(NameAttribute("authorizationNumber", one) for one in numbers),
        *(NameAttribute("paymentServiceRole", one) for one in services.roles),
    )


def stated(application: Application, methods: Mapping[str, MethodTerms], *, qualified: bool) -> Declarations:
    """What the certificate will state: what is asked for, and how the subject was identified."""
    asked = application.asked.declarations
    return replace(asked, identification=_identification(application, methods) if qualified else None)


@implements("TRUSTWORKS:IDENTIFICATION-FOLLOWS", disabled=None)
def _identification(application: Application, methods: Mapping[str, MethodTerms]) -> str | None:
    """The method of Article 24 by which the person was identified whom the certificate rests on.

    That is the subject, and of a legal person its representative. Where evidence came by several that are
    stated differently, or by one that is not stated, nothing is: a statement would be true in part.
    """
    natural = application.asked.kind is SubjectKind.NATURAL
    pieces = application.about(About.SUBJECT if natural else About.REPRESENTATIVE)
    found = {None if (terms := methods.get(one.method)) is None else terms.stated_as for one in pieces}
    return found.pop() if len(found) == 1 else None


def check_identification_follows(declared: Declarations) -> None:
    """`Rejected` (registration.identification) for an applicant who says how he was identified."""
    if declared.identification is not None:
        raise Rejected(
            "registration.identification",
            "How the subject was identified is not asked for: it follows from the evidence. Leave it out.",
        )
