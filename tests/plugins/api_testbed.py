"""A client of the JSON API, and what it sends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from issuance_testbed import START, make_csr

from trustworks.core.http import RawRequest, RawResponse
from trustworks.core.roles import jws
from trustworks.core.roles.model import Factor
from trustworks.issuance.enrolment.clients import SIGN_IN_TYPE, sign_in_payload
from trustworks.issuance.http.api import ROOT, Api, Edge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from issuance_testbed import PlacedClock

    from trustworks.core.module.algorithms import SignatureScheme


def signer_of(key: ec.EllipticCurvePrivateKey) -> jws.Signer:
    """A key in memory, as the key of an operator's file would be."""

    def sign(data: bytes, scheme: SignatureScheme) -> bytes:
        del scheme
        return key.sign(data, ec.ECDSA(hashes.SHA256()))

    return jws.Signer(public_key=key.public_key(), sign=sign, factors=frozenset({Factor.POSSESSION}))


def certificate_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "integrator TEST")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=365))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def csr_pem(key: Any = None) -> str:
    return x509.load_der_x509_csr(make_csr(key)).public_bytes(Encoding.PEM).decode("ascii")


def wanted(**changes: Any) -> dict[str, Any]:
    """A request for a certificate of a TLS server."""
    return {
        "profile": "tls-server",
        "csr": csr_pem(),
        "subject": {"commonName": "TEST server"},
        "alternative_names": ["DNS:tsp.example.com"],
        **changes,
    }


@dataclass
class Integrator:
    """A client with its key, its secret, and the token that it got last."""

    api: Api
    clock: PlacedClock
    name: str
    key: ec.EllipticCurvePrivateKey
    secret: str
    token: str = ""
    edge: Edge = field(init=False)

    def __post_init__(self) -> None:
        self.edge = Edge(self.api)

    def jws(self, **changes: Any) -> str:
        payload = json.loads(sign_in_payload(self.name, self.secret, self.api.audience, self.clock.moment))
        return jws.sign(json.dumps({**payload, **changes}).encode(), signer_of(self.key), typ=SIGN_IN_TYPE)

    def sign_in(self) -> None:
        answer = self.send("POST", "sessions", {"jws": self.jws()})
        assert answer.status == 201, answer.body
        self.token = json.loads(answer.body)["token"]

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        secure: bool = False,
    ) -> RawResponse:
        request = self.request(method, path, body, query=query, headers=headers, secure=secure)
        return asyncio.run(self.edge.handle(request))

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        secure: bool = False,
    ) -> RawRequest:
        octets = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return RawRequest(
            method=method,
            path=ROOT + path,
            raw_path=(ROOT + path).encode(),
            headers={**({"authorization": f"Bearer {self.token}"} if self.token else {}), **dict(headers)},
            body=octets,
            query=query,
            secure=secure,
        )

    def done(self, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
        answer = self.send(method, path, body, **more)
        assert answer.status == status, answer.body
        return json.loads(answer.body)
