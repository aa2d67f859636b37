"""What the qcStatements of a certificate state: by its profile, its request and the settings.

Source: EN 319 412-5, 4 and 5; EN 319 412-1, 5.1; TS 119 495, 5.1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.der import qc_statements as qcs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model.requests import Template

# How the eIDAS network writes identifiers: whose, for whom, which (SAML attribute profile, 2.4, 2.5).
_EIDAS: Final = re.compile(r"[A-Z]{2}/[A-Z]{2}/.+")
_LOCAL: Final = re.compile(r"[A-Z]{2}:")
_EIDAS_OF: Final = {
    qcs.SEMANTICS_NATURAL: qcs.SEMANTICS_EIDAS_NATURAL,
    qcs.SEMANTICS_LEGAL: qcs.SEMANTICS_EIDAS_LEGAL,
}
_IDENTIFIER: Final = {
    qcs.SEMANTICS_NATURAL: "serialNumber",
    qcs.SEMANTICS_LEGAL: "organizationIdentifier",
}


def statements(template: Template, settings: IssuanceSettings) -> list[qcs.Statement]:
    """The statements of a certificate, in order; none for most that are not qualified."""
    return [*_semantics(template, settings), *_qualified(template, settings)]


def _semantics(template: Template, settings: IssuanceSettings) -> Iterator[qcs.Statement]:
    """By which scheme the identifier is to be read, told from its form: ``DE/AT/1`` is the eIDAS network's.

    One of a local scheme (``EI:SE-1``) comes with who registers such names.
    """
    scheme = template.profile.semantics
    if not template.semantics or scheme is None:
        return
    value = next((one.value for one in template.subject if one.type == _IDENTIFIER[scheme]), "")
    registrars = settings.name_registration_authorities if _LOCAL.match(value) else ()
    yield qcs.semantics(_EIDAS_OF[scheme] if _EIDAS.fullmatch(value) else scheme, registrars)


def _qualified(template: Template, settings: IssuanceSettings) -> Iterator[qcs.Statement]:
    profile, declared = template.profile, template.declarations
    if profile.qc_type is None:
        return
    yield qcs.compliance()
    if declared.limit is not None:
        yield qcs.limit(declared.limit.currency, declared.limit.amount, declared.limit.exponent)
    if settings.retention_years is not None:
        yield qcs.retention(settings.retention_years)
    if profile.qc_sscd:
        yield qcs.sscd()
    yield qcs.qc_type(profile.qc_type)
    if settings.pds:
        yield qcs.pds([(statement.language, statement.url) for statement in settings.pds])
    if declared.identification is not None:
        yield qcs.identification(qcs.IDENTIFICATION_METHODS[declared.identification])
    if declared.payment_services is not None:
        found = declared.payment_services
        roles = [(qcs.PSP_ROLES[role], role) for role in found.roles]
        yield qcs.psd2(roles, found.authority_name, found.authority)
