"""Extensions of the CA/Browser Forum as typed data (EV Guidelines, 7.1.2.2)."""

from __future__ import annotations

from typing import Annotated, Final

from cryptography.hazmat import asn1

from trustworks.core.errors import Malformed

ORGANIZATION_IDENTIFIER: Final = "2.23.140.3.1"


@asn1.sequence
class OrganizationIdentifier:
    """CABFOrganizationIdentifier: register, country, part of the country, number."""

    registration_scheme_identifier: asn1.PrintableString
    registration_country: asn1.PrintableString
    registration_state_or_province: Annotated[asn1.PrintableString | None, asn1.Implicit(0)]
    registration_reference: str


def write_organization_identifier(scheme: str, country: str, state: str | None, reference: str) -> bytes:
    """The extension's value."""
    return asn1.encode_der(
        OrganizationIdentifier(
            registration_scheme_identifier=asn1.PrintableString(scheme),
            registration_country=asn1.PrintableString(country),
            registration_state_or_province=None if state is None else asn1.PrintableString(state),
            registration_reference=reference,
        )
    )


def read_organization_identifier(der: bytes) -> str:
    """The extension's value as an organizationIdentifier writes it. Raises `Malformed`."""
    try:
        found = asn1.decode_der(OrganizationIdentifier, der)
    except ValueError as error:
        raise Malformed("This is not the DER of an organisation's identifier.") from error
    state = found.registration_state_or_province
    part = "" if state is None else f"+{state.as_str()}"
    return (
        f"{found.registration_scheme_identifier.as_str()}{found.registration_country.as_str()}{part}"
        f"-{found.registration_reference}"
    )
