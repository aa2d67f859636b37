"""The routes of the enrolment protocols that the configuration has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustworks.core.http import Route
    from trustworks.issuance.enrolment.ra import RegistrationAuthority


def routes(authority: RegistrationAuthority) -> list[Route]:
    """The routes of every enrolment protocol in use (`IssuanceSettings.protocols`)."""
    del authority
    return []
