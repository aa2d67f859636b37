"""A signer that may not answer for an authority is refused before it answers anything."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from status_provider import OCSP_SIGNER, certify, der, usage

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.issuance import records
from trustworks.issuance.status import StatusServices, open_signer

if TYPE_CHECKING:
    from pathlib import Path

    from status_provider import Provider

    from trustworks.issuance.model import AuthorityRecord

# The databases differ for lists (test_publisher.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)

PURPOSE = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
SELF_REFERENCE = (
    x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.test/ocsp")
            )
        ]
    ),
    False,
)


def authorities(provider: Provider) -> list[AuthorityRecord]:
    with provider.database.read() as connection:
        return records.list_authorities(connection)


@pytest.mark.parametrize(
    ("extensions", "requirement"),
    [
        pytest.param(
            (usage("digital_signature"), (x509.OCSPNoCheck(), False)),
            "RFC6960:4.2.2.2",
            marks=pytest.mark.req("RFC6960:4.2.2.2"),
        ),
        pytest.param((PURPOSE,), "RFC6960:4.2.2.2.1", marks=pytest.mark.req("RFC6960:4.2.2.2.1")),
        pytest.param(
            (PURPOSE, (x509.OCSPNoCheck(), False), SELF_REFERENCE),
            "EN319411-1:CSS-6.6.3-01B",
            marks=pytest.mark.req("EN319411-1:CSS-6.6.3-01B"),
        ),
    ],
)
def test_a_certificate_that_breaks_a_requirement_is_refused_by_name(
    provider: Provider, extensions: Any, requirement: str
) -> None:
    certificate = provider.new_signer(*extensions)
    with pytest.raises(Refused) as caught:
        open_signer(provider.keys["ocsp"], der(certificate), authorities(provider))
    assert caught.value.requirement == requirement


@pytest.mark.req("RFC6960:4.2.2.2")
def test_a_certificate_in_the_authoritys_name_by_another_key_is_refused(provider: Provider) -> None:
    forged = certify(
        "TEST OCSP",
        provider.keys["ocsp"].public_key,
        provider.certificates["issuing"],
        provider.keys["root"],
        *OCSP_SIGNER,
        since=provider.began,
    )
    with pytest.raises(Refused, match="not issued directly by the authority"):
        open_signer(provider.keys["ocsp"], der(forged), authorities(provider))


def test_a_certificate_of_another_key_or_of_nobody_is_rejected(provider: Provider) -> None:
    known = authorities(provider)
    with pytest.raises(Rejected, match="is not for the key"):
        open_signer(provider.keys["issuing"], der(provider.new_signer()), known)
    with pytest.raises(Rejected, match="cannot be read"):
        open_signer(provider.keys["ocsp"], b"\x30\x00", known)
    stranger = certify(
        "TEST OCSP",
        provider.keys["ocsp"].public_key,
        None,
        provider.keys["ocsp"],
        *OCSP_SIGNER,
        since=provider.began,
    )
    with pytest.raises(Rejected, match="no authority of this provider"):
        open_signer(provider.keys["ocsp"], der(stranger), known)


def test_the_services_open_with_what_the_configuration_names(provider: Provider, tmp_path: Path) -> None:
    def opened(**ocsp: Any) -> StatusServices:
        named = provider.settings.ocsp.model_copy(update=ocsp)
        return StatusServices.open(
            provider.settings.model_copy(update={"ocsp": named}),
            module=provider.module,
            database=provider.database,
            clock=provider.clock,
            base=tmp_path,
        )

    with pytest.raises(Unavailable, match="issue one with the profile ocsp-signer"):
        opened()
    with pytest.raises(Unavailable, match="cannot be read"):
        opened(certificate="ocsp.pem")
    file = tmp_path / "ocsp.pem"
    file.write_text("nothing", encoding="ascii")
    with pytest.raises(Unavailable, match="no certificate in PEM"):
        opened(certificate="ocsp.pem")
    assert provider.signer_certificate is not None
    file.write_bytes(provider.signer_certificate.public_bytes(serialization.Encoding.PEM))
    services = opened(certificate="ocsp.pem")
    services.responder.ping()


def test_a_signer_is_not_used_before_its_certificate_begins(provider: Provider) -> None:
    provider.signer_certificate = provider.new_signer(since=provider.clock.utc + timedelta(days=1))
    with pytest.raises(Unavailable, match="is valid from"):
        provider.responder().ping()
