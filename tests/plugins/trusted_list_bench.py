"""Trusted lists made for tests: as XML signed with throw-away keys, and as services in the model."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from trustworks.core.pki.trusted_lists.uris import CA_QC, EU_GENERIC, EU_LIST_OF_LISTS, GRANTED, XML_LIST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PUBLICATION = "https://journal.example/oj-1"
LOTL = "https://lists.example/lotl.xml"

_HEAD = (
    '<tsl:TrustServiceStatusList xmlns:tsl="http://uri.etsi.org/02231/v2#" '
    'xmlns:tslx="http://uri.etsi.org/02231/v2/additionaltypes#" '
    'xmlns:sie="http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#" '
    'xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '
    'Id="L1" TSLTag="http://uri.etsi.org/19612/TSLTag">'
)
_SIGNATURE = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="S1"><ds:SignedInfo>\
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>\
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>\
<ds:Reference URI=""><ds:Transforms>\
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>\
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>\
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>\
<ds:Reference URI="#P1" Type="http://uri.etsi.org/01903#SignedProperties"><ds:Transforms>\
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>\
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>\
</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object>\
<xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#S1">\
<xades:SignedProperties Id="P1"><xades:SignedSignatureProperties>\
<xades:SigningTime>2026-02-01T00:00:00Z</xades:SigningTime><xades:SigningCertificateV2><xades:Cert>\
<xades:CertDigest><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>\
<ds:DigestValue>{digest}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>\
</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object>\
</ds:Signature>"""


@dataclass(frozen=True)
class Party:
    """A name with a key and a certificate of its own making."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@cache
def party(name: str, country: str = "EL") -> Party:
    """The same party for the same name, within one process."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} certificate"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2010, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return Party(key, certificate)


def base64_of(octets: bytes) -> str:
    """Octets as they stand in XML."""
    return base64.b64encode(octets).decode()


def time_of(moment: datetime) -> str:
    """A moment as it stands in XML."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def pointer(territory: str, location: str, *signers: Party, mime_type: str = XML_LIST) -> str:
    """A pointer to another list."""
    identities = "".join(
        "<tsl:ServiceDigitalIdentity><tsl:DigitalId><tsl:X509Certificate>"
        f"{base64_of(one.der)}</tsl:X509Certificate></tsl:DigitalId></tsl:ServiceDigitalIdentity>"
        for one in signers
    )
    return (
        f"<tsl:OtherTSLPointer><tsl:ServiceDigitalIdentities>{identities}</tsl:ServiceDigitalIdentities>"
        f"<tsl:TSLLocation>{escape(location)}</tsl:TSLLocation><tsl:AdditionalInformation>"
        f"<tsl:OtherInformation><tsl:SchemeTerritory>{territory}</tsl:SchemeTerritory></tsl:OtherInformation>"
        f"<tsl:OtherInformation><tslx:MimeType>{mime_type}</tslx:MimeType></tsl:OtherInformation>"
        "</tsl:AdditionalInformation></tsl:OtherTSLPointer>"
    )


def state(
    *certificates: bytes,
    service_type: str = CA_QC,
    status: str = GRANTED,
    since: datetime = datetime(2017, 1, 1, tzinfo=UTC),
    name: str = "Service",
    extensions: str = "",
    more: str = "",
) -> str:
    """What is in a service's information, and in an instance of its history alike."""
    identities = "".join(
        f"<tsl:DigitalId><tsl:X509Certificate>{base64_of(one)}</tsl:X509Certificate></tsl:DigitalId>"
        for one in certificates
    )
    return (
        f"<tsl:ServiceTypeIdentifier>{service_type}</tsl:ServiceTypeIdentifier><tsl:ServiceName>"
        f'<tsl:Name xml:lang="en">{escape(name)}</tsl:Name></tsl:ServiceName>'
        f"<tsl:ServiceDigitalIdentity>{identities}{more}</tsl:ServiceDigitalIdentity>"
        f"<tsl:ServiceStatus>{status}</tsl:ServiceStatus>"
        f"<tsl:StatusStartingTime>{time_of(since)}</tsl:StatusStartingTime>"
        f"<tsl:ServiceInformationExtensions>{extensions}</tsl:ServiceInformationExtensions>"
    )


def service(current: str, *history: str) -> str:
    """A service with its history."""
    past = "".join(f"<tsl:ServiceHistoryInstance>{one}</tsl:ServiceHistoryInstance>" for one in history)
    return (
        f"<tsl:TSPService><tsl:ServiceInformation>{current}</tsl:ServiceInformation>"
        f"<tsl:ServiceHistory>{past}</tsl:ServiceHistory></tsl:TSPService>"
    )


def provider(name: str, *services: str) -> str:
    """A provider with its services."""
    return (
        f'<tsl:TrustServiceProvider><tsl:TSPInformation><tsl:TSPName><tsl:Name xml:lang="en">{escape(name)}'
        '</tsl:Name></tsl:TSPName><tsl:TSPTradeName><tsl:Name xml:lang="en">VATEL-1</tsl:Name>'
        f"</tsl:TSPTradeName></tsl:TSPInformation><tsl:TSPServices>{''.join(services)}</tsl:TSPServices>"
        "</tsl:TrustServiceProvider>"
    )


def list_xml(
    territory: str = "EL",
    *,
    number: int = 5,
    version: int | str = 6,
    issued: datetime = datetime(2026, 2, 1, tzinfo=UTC),
    next_update: datetime | None = datetime(2026, 7, 1, tzinfo=UTC),
    uris: Iterable[str] = (),
    pointers: Iterable[str] = (),
    providers: Iterable[str] = (),
    scheme_extensions: str = "",
) -> str:
    """A list without a signature."""
    kind = EU_LIST_OF_LISTS if territory == "EU" else EU_GENERIC
    update = "" if next_update is None else f"<tsl:dateTime>{time_of(next_update)}</tsl:dateTime>"
    information = "".join(f'<tsl:URI xml:lang="en">{escape(one)}</tsl:URI>' for one in uris)
    listed = "".join(providers)
    return (
        f"{_HEAD}<tsl:SchemeInformation><tsl:TSLVersionIdentifier>{version}</tsl:TSLVersionIdentifier>"
        f"<tsl:TSLSequenceNumber>{number}</tsl:TSLSequenceNumber><tsl:TSLType>{kind}</tsl:TSLType>"
        '<tsl:SchemeOperatorName><tsl:Name xml:lang="en">Operator</tsl:Name></tsl:SchemeOperatorName>'
        f"<tsl:SchemeInformationURI>{information}</tsl:SchemeInformationURI>"
        f"<tsl:SchemeTerritory>{territory}</tsl:SchemeTerritory>"
        "<tsl:HistoricalInformationPeriod>65535</tsl:HistoricalInformationPeriod>"
        f"<tsl:PointersToOtherTSL>{''.join(pointers)}</tsl:PointersToOtherTSL>"
        f"<tsl:ListIssueDateTime>{time_of(issued)}</tsl:ListIssueDateTime>"
        f"<tsl:NextUpdate>{update}</tsl:NextUpdate>"
        f"<tsl:SchemeExtensions>{scheme_extensions}</tsl:SchemeExtensions></tsl:SchemeInformation>"
        + (f"<tsl:TrustServiceProviderList>{listed}</tsl:TrustServiceProviderList>" if listed else "")
        + "</tsl:TrustServiceStatusList>"
    )


def sign(xml: str, signer: Party) -> bytes:
    """The list with an enveloped signature."""
    root = etree.fromstring(xml.encode())
    whole = hashlib.sha256(_canonical(root.getroottree())).digest()
    text = _SIGNATURE.format(
        certificate=base64_of(signer.der), digest=base64_of(hashlib.sha256(signer.der).digest())
    )
    root.append(etree.fromstring(text))
    (properties,) = root.iter("{http://uri.etsi.org/01903/v1.3.2#}SignedProperties")
    digests = root.iter("{http://www.w3.org/2000/09/xmldsig#}DigestValue")
    next(digests).text = base64_of(whole)
    next(digests).text = base64_of(hashlib.sha256(_canonical(properties)).digest())
    (info,) = root.iter("{http://www.w3.org/2000/09/xmldsig#}SignedInfo")
    (value,) = root.iter("{http://www.w3.org/2000/09/xmldsig#}SignatureValue")
    r, s = utils.decode_dss_signature(signer.key.sign(_canonical(info), ec.ECDSA(hashes.SHA256())))
    value.text = base64_of(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _canonical(node: etree._Element | etree._ElementTree) -> bytes:
    return etree.tostring(node, method="c14n", exclusive=True, with_comments=False)


def list_of_lists(
    national: Mapping[str, Party],
    *,
    signer: Party,
    named: Iterable[Party] = (),
    uris: Iterable[str] = (PUBLICATION,),
    location: str = LOTL,
    number: int = 300,
    next_update: datetime = NOW + timedelta(days=90),
    issued: datetime = NOW - timedelta(days=30),
) -> bytes:
    """A signed list of lists that points to itself, and to the lists of territories with their signers."""
    pointers = [
        pointer("EU", location, *(tuple(named) or (signer,))),
        *(pointer(one, f"https://lists.example/{one}.xml", by) for one, by in national.items()),
    ]
    return sign(
        list_xml("EU", number=number, uris=uris, pointers=pointers, next_update=next_update, issued=issued),
        signer,
    )
