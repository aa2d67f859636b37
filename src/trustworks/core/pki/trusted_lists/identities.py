"""Digital identities in trusted lists (TS 119 612, 5.5.3), with certificates that strict parsers reject."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lxml import etree

from trustworks.core.der.elements import elements as der_elements
from trustworks.core.der.elements import enter
from trustworks.core.errors import Malformed
from trustworks.core.pki.trusted_lists.markup import DS, TSL, Findings, content, elements, local_name, octets
from trustworks.core.pki.trusted_lists.model import DigitalIdentity, ListedCertificate

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_SEQUENCE = 0x30
_VERSION = 0xA0
_SUBJECT, _KEY = 4, 5  # places in TBSCertificate after the version: serial, algorithm, issuer, validity, ...


def listed_certificate(der: bytes) -> ListedCertificate:
    """A certificate by its octets, whatever they are: without subject and key where it is none."""
    try:
        begin, end = enter(der, 0, _SEQUENCE)
        fields = der_elements(der, *enter(der, begin, _SEQUENCE))
        fields = fields[1:] if fields and fields[0][0] == _VERSION else fields
        if end > len(der) or len(fields) <= _KEY or fields[_SUBJECT][0] != _SEQUENCE:
            fields = []
    except (Malformed, IndexError):
        fields = []
    subject, key = (fields[_SUBJECT], fields[_KEY]) if fields else (b"", b"")
    return ListedCertificate(der=der, sha256=hashlib.sha256(der).digest(), subject=subject, key=key)


class Identities:
    """Reads identities; a certificate that stands in a list many times is read once."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._known: dict[str, ListedCertificate | None] = {}

    def read(self, element: Element | None) -> DigitalIdentity:
        """A ServiceDigitalIdentity."""
        certificates: dict[bytes, ListedCertificate] = {}
        names, identifiers, key_values, other = [], [], [], []
        for one in elements(element):
            for part in elements(one):
                if part.tag == TSL + "X509Certificate":
                    found = self._certificate(part)
                    if found is not None:
                        certificates.setdefault(found.sha256, found)
                elif part.tag == TSL + "X509SubjectName":
                    names.append(content(part))
                elif part.tag == TSL + "X509SKI":
                    identifier = octets(content(part))
                    if identifier is None:
                        self._findings.add("identity-not-base64", part, "A key identifier is not in Base64.")
                    else:
                        identifiers.append(identifier)
                elif part.tag == DS + "KeyValue":
                    key_values.append(etree.tostring(part, method="c14n", exclusive=True).decode())
                elif part.tag == TSL + "Other":
                    other.append(content(part) or next((local_name(e) for e in elements(part)), ""))
        return DigitalIdentity(
            certificates=tuple(certificates.values()),
            subject_names=tuple(names),
            key_identifiers=tuple(identifiers),
            key_values=tuple(key_values),
            other=tuple(other),
        )

    def _certificate(self, element: Element) -> ListedCertificate | None:
        text = content(element)
        if text not in self._known:
            der = octets(text)
            self._known[text] = None if der is None else listed_certificate(der)
        found = self._known[text]
        if found is None:
            self._findings.add("identity-not-base64", element, "A certificate is not in Base64.")
        elif not found.key:
            self._findings.add("identity-no-certificate", element, "These octets are no certificate.")
        return found
