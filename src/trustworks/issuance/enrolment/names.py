"""Names as requests have them, as this authority speaks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from trustworks.core.errors import Rejected
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.profiles.tbs import NAME_OIDS

if TYPE_CHECKING:
    from cryptography.x509 import Name

_NAMES = {oid.dotted_string: name for name, oid in NAME_OIDS.items()}


def attributes_of(name: Name) -> tuple[NameAttribute, ...]:
    """The attributes of a subject. `Rejected` (issuance.subject-attribute) for one that is not certified."""
    found = []
    for attribute in name:
        known = _NAMES.get(attribute.oid.dotted_string)
        if known is None or not isinstance(attribute.value, str):
            raise Rejected(
                "issuance.subject-attribute",
                f"The attribute {attribute.oid.dotted_string} is not certified here; leave it out.",
            )
        found.append(NameAttribute(known, attribute.value))
    return tuple(found)


def alternative_names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and addresses in a certificate of ours, as ``DNS:name`` and ``IP:address``."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = (f"DNS:{name}" for name in found.get_values_for_type(x509.DNSName))
    return (*dns, *(f"IP:{address}" for address in found.get_values_for_type(x509.IPAddress)))
