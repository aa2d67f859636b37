"""A CMP server with what it stands on, and clients of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cmp_client import CmpClient, SignedBy, common_name, new_key
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from issuance_testbed import PUBLIC_URL

from trustworks.core.der.cmp import Body
from trustworks.core.module.requests import certification_request
from trustworks.issuance.config import CmpSettings
from trustworks.issuance.enrolment.cmp.exchange import Exchange
from trustworks.issuance.enrolment.ra import RegistrationAuthority
from trustworks.issuance.enrolment.secrets import Credentials, NewCredential, open_credentials
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request

if TYPE_CHECKING:
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Key


@dataclass
class Server:
    """The server, with what it stands on."""

    provider: Provider
    authority: RegistrationAuthority
    credentials: Credentials
    exchange: Exchange
    certificate: bytes
    settings: CmpSettings

    def client(self, **changes: Any) -> CmpClient:
        """A client whose clock is right."""
        return CmpClient(**{"exchange": self.exchange, "time": self.provider.clock.moment, **changes})

    def secret(
        self, subject: str = "CN=* TEST", *, profile: str = "device", **changes: Any
    ) -> dict[str, str]:
        new = NewCredential(**{"profile": profile, "subject": subject, "uses": 10, **changes})
        reference, secret = self.credentials.create_secret(new)
        return {"reference": reference, "secret": secret}

    def new(self, **changes: Any) -> NewCredential:
        """What a credential is for."""
        return NewCredential(**{"profile": "device", "subject": "CN=* TEST", "uses": 10, **changes})

    def enrolled(self, subject: str = "pump 1 TEST") -> SignedBy:
        """A client's key with a certificate that it confirmed."""
        client = self.client(**self.secret())
        key = new_key()
        reply = client.enrol(Body.ir, key, common_name(subject))
        assert reply.certificate is not None, reply.text
        assert client.confirm(sha256(reply.certificate)).body is Body.pkiconf
        return SignedBy(key=key, certificate=reply.certificate)

    def serials(self) -> set[str]:
        """The certificates that were issued to clients."""
        return {one.serial for one in self.provider.issuance.list(profile="device", state="issued")}

    def is_revoked(self, certificate: bytes) -> bool:
        status = self.provider.issuance.status(serial_of(certificate))
        return status is not None and status.revocation is not None


def serial_of(certificate: bytes) -> str:
    return f"{x509.load_der_x509_certificate(certificate).serial_number:040x}"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def open_server(provider: Provider, cmp_key: Key, folder: Path, **changes: Any) -> Server:
    """The server, whose key has a certificate of this provider."""
    der = provider.issuance.issue(
        Request(
            profile="cmp-server",
            csr=certification_request(cmp_key),
            subject=(NameAttribute("commonName", "TEST CMP"),),
            requested_by="ceremony",
            door=Door.OFFICER,
        )
    ).certificate
    file = folder / "cmp.pem"
    file.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    provider.clock.advance(minutes=1)
    settings = CmpSettings.model_validate({"certificate": "cmp.pem", **changes})
    authority = RegistrationAuthority(
        settings=provider.issuance.settings.model_copy(update={"cmp": settings}),
        public_url=PUBLIC_URL,
        issuance=provider.issuance,
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        lab=True,
        service_key=lambda _: cmp_key,
        service_module=lambda: cmp_key._module,
        base=folder,
        state_dir=folder,
    )
    credentials = open_credentials(authority)
    return Server(
        provider=provider,
        authority=authority,
        credentials=credentials,
        exchange=Exchange(authority, settings, credentials),
        certificate=der,
        settings=settings,
    )
