"""The routes of the enrolment protocols that the configuration has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustworks.core.http import Route
    from trustworks.issuance.enrolment.ra import RegistrationAuthority


def routes(authority: RegistrationAuthority) -> list[Route]:
    """The routes of every enrolment protocol in use (`IssuanceSettings.protocols`)."""
    found: list[Route] = []
    if authority.settings.cmp is not None:
        from trustworks.issuance.http import cmp  # noqa: PLC0415 - only where it is configured

        found += cmp.routes(authority, authority.settings.cmp)
    if authority.settings.est is not None:
        from trustworks.issuance.http import est  # noqa: PLC0415 - as above

        found += est.routes(authority, authority.settings.est)
    if authority.settings.acme is not None:
        from trustworks.issuance.enrolment.acme.service import acme_server  # noqa: PLC0415 - where it is spoken
        from trustworks.issuance.http import acme  # noqa: PLC0415

        found += acme.routes(acme_server(authority, authority.settings.acme))
    if authority.settings.api is not None:
        from trustworks.issuance.http import api  # noqa: PLC0415 - only where it is configured

        found += api.routes(authority, authority.settings.api)
    return found
