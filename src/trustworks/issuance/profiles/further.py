"""Extensions that only some profiles have: of short-term certificates, of web sites' organisations.

Source: EN 319 412-1, 5.2.3; RFC 9608, 2; CA/Browser Forum EV Guidelines, 7.1.2.2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cryptography import x509

from trustworks.core.der import cabf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.issuance.model.requests import Template

NO_REV_AVAIL: Final = "2.5.29.56"
VALIDITY_ASSURED: Final = "0.4.0.194121.2.1"
NULL: Final = b"\x05\x00"

_REGISTERED: Final = re.compile(r"([A-Z]{3})([A-Z]{2})(?:\+([A-Z0-9]{1,3}))?-(.+)")


def further_extensions(template: Template) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """The extensions with their criticality: none of these is critical."""
    if template.profile.short_term:
        yield from _status_not_needed()
    if template.profile.kind == "web":
        yield from _organization_identifier(template)


def _status_not_needed() -> Iterator[tuple[x509.ExtensionType, bool]]:
    for oid in (NO_REV_AVAIL, VALIDITY_ASSURED):
        yield x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), NULL), False


def _organization_identifier(template: Template) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """The subject's registration again, in parts, as the EV Guidelines want it beside the attribute."""
    value = next((one.value for one in template.subject if one.type == "organizationIdentifier"), None)
    found = None if value is None else _REGISTERED.fullmatch(value)
    if found is not None:
        written = cabf.write_organization_identifier(found[1], found[2], found[3], found[4])
        yield x509.UnrecognizedExtension(x509.ObjectIdentifier(cabf.ORGANIZATION_IDENTIFIER), written), False
