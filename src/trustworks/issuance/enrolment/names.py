"""Names as requests have them, as this authority speaks of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.errors import Rejected
from trustworks.core.roles.rules.separation import person_of
from trustworks.core.trace import implements
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.profiles.tbs import NAME_OIDS

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509 import Name

    from trustworks.core.roles.model import Person

_NAMES = {oid.dotted_string: name for name, oid in NAME_OIDS.items()}


@implements("TRUSTWORKS:ISSUANCE-SUBJECT-ATTRIBUTES", disabled=())
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


def holder_of(certificate: x509.Certificate) -> Person:
    """Whom a certificate names, with its key: an officer who is that person does not handle it."""
    attributes = {
        known: str(one.value)
        for one in certificate.subject
        if (known := _NAMES.get(one.oid.dotted_string)) is not None
    }
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return person_of(attributes, key_ids=[hashlib.sha256(key).hexdigest()])
