"""The rules on the list signer's certificate, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from listed_services import a_provider, a_service, a_state
from trusted_list_house import NOW, making, operator

from trustworks.core.errors import Refused
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.identities import listed_certificate
from trustworks.core.pki.trusted_lists.model import DigitalIdentity
from trustworks.issuance.profiles.list_signer import TSL_SIGNING
from trustworks.issuance.trusted_list import signer_rules as rules
from trustworks.issuance.trusted_list.contents import identity, list_scheme

SCHEME = list_scheme(operator(), making())
OPERATOR = "Trustworks TEST Provider"
_KEY = ec.generate_private_key(ec.SECP256R1())
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def name(country: str | None = "XX", organization: str | None = OPERATOR, common: str = "TEST") -> x509.Name:
    given = (
        (NameOID.COUNTRY_NAME, country),
        (NameOID.ORGANIZATION_NAME, organization),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in given if value is not None])


def signer(**changes: Any) -> Certificate:
    given: dict[str, Any] = {
        "subject": name(),
        "issuer": name(common="TEST CA"),
        "usage": ("digital_signature",),
        "purposes": (TSL_SIGNING,),
        "identified": True,
        "ca": False,
        "since": NOW - timedelta(days=1),
        "until": NOW + timedelta(days=1),
        **changes,
    }
    builder = (
        x509.CertificateBuilder()
        .subject_name(given["subject"])
        .issuer_name(given["issuer"])
        .public_key(_KEY.public_key())
        .serial_number(1)
        .not_valid_before(given["since"])
        .not_valid_after(given["until"])
    )
    if given["usage"] is not None:
        usage = x509.KeyUsage(**{one: one in given["usage"] for one in _USAGES})
        builder = builder.add_extension(usage, critical=True)
    if given["purposes"]:
        purposes = [x509.ObjectIdentifier(one) for one in given["purposes"]]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if given["identified"]:
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(_KEY.public_key()), critical=False
        )
    if given["ca"] is not None:
        builder = builder.add_extension(x509.BasicConstraints(given["ca"], None), critical=True)
    return Certificate.read(builder.sign(_KEY, hashes.SHA256()).public_bytes(Encoding.DER))


def listed(issuer: x509.Name) -> tuple[Any, ...]:
    """A provider with a service of that name."""
    service = Certificate.read(signer(subject=issuer, issuer=issuer).der)
    state = a_state(since=NOW)
    certificates = DigitalIdentity(certificates=(listed_certificate(service.der),))
    return (a_provider(a_service(replace(state, identity=certificates))),)


LISTED = listed(name(common="TEST CA"))


def refused(requirement: str, certificate: Certificate, **changes: Any) -> str:
    with pytest.raises(Refused) as found:
        rules.check_signer(
            certificate, SCHEME, changes.get("providers", LISTED), revoked=changes.get("revoked")
        )
    assert found.value.requirement == requirement
    assert "profile list-signer" in str(found.value)
    return str(found.value)


def test_a_good_signer_passes() -> None:
    rules.check_signer(signer(), SCHEME, LISTED, revoked=None)
    both = signer(usage=("digital_signature", "content_commitment"))
    rules.check_signer(both, SCHEME, LISTED, revoked=None)


@pytest.mark.req("TRUSTWORKS:TRUSTED-LIST-SIGNER-STANDS")
def test_a_signer_is_valid_and_not_revoked() -> None:
    assert "superseded" in refused(rules.STANDS, signer(), revoked="superseded since yesterday")
    second = timedelta(seconds=1)
    refused(rules.STANDS, signer(until=NOW - second))
    refused(rules.STANDS, signer(since=NOW + second))


@pytest.mark.req("TS119612:5.7.1-1")
def test_a_signers_issuer_is_on_the_list_or_itself() -> None:
    refused(rules.ISSUER, signer(), providers=())
    refused(rules.ISSUER, signer(issuer=name(common="TEST stranger")))
    rules.check_signer(signer(issuer=name()), SCHEME, (), revoked=None)


@pytest.mark.req("TS119612:5.7.1-2")
@pytest.mark.parametrize(
    "subject", [name(country="ZZ"), name(country=None), name(organization="TEST"), name(organization=None)]
)
def test_a_signer_has_country_and_organisation_of_the_scheme(subject: x509.Name) -> None:
    refused(rules.NAMES, signer(subject=subject))


@pytest.mark.req("TS119612:5.7.1-3")
@pytest.mark.parametrize("usage", [None, ("digital_signature", "crl_sign"), ("key_agreement",)])
def test_a_signers_key_is_for_signatures_alone(usage: tuple[str, ...] | None) -> None:
    refused(rules.KEY_USAGE, signer(usage=usage))


@pytest.mark.req("TS119612:5.7.1-4")
@pytest.mark.parametrize("purposes", [(), ("1.3.6.1.5.5.7.3.8",), (TSL_SIGNING, "1.3.6.1.5.5.7.3.8")])
def test_a_signer_is_for_trusted_lists_alone(purposes: tuple[str, ...]) -> None:
    assert TSL_SIGNING in refused(rules.PURPOSE, signer(purposes=purposes))


@pytest.mark.req("TS119612:5.7.1-5")
def test_a_signer_identifies_its_key() -> None:
    refused(rules.IDENTIFIER, signer(identified=False))


@pytest.mark.req("TS119612:5.7.1-6")
@pytest.mark.parametrize("ca", [None, True])
def test_a_signer_says_that_it_is_no_authority(*, ca: bool | None) -> None:
    refused(rules.NO_AUTHORITY, signer(ca=ca))


def test_a_key_without_identifier_is_identified_by_its_digest() -> None:
    bare, with_one = signer(identified=False), signer()
    assert len(identity(bare.der).key_identifiers[0]) == 20
    assert identity(with_one.der).key_identifiers == (with_one.subject_key_identifier,)
