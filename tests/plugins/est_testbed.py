"""Requests to the EST server's routes, and what their answers hold."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from trustworks.core.http import RawRequest, RawResponse
from trustworks.issuance.config import EstSettings
from trustworks.issuance.http.est import PREFIX, routes

if TYPE_CHECKING:
    from cmp_testbed import Server


def request_of(key: Any, subject: str | x509.Name, *names: str) -> bytes:
    """A PKCS#10 in DER for a subject, or for a common name."""
    common = [] if isinstance(subject, x509.Name) else [x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]
    named = subject if isinstance(subject, x509.Name) else x509.Name(common)
    builder = x509.CertificateSigningRequestBuilder().subject_name(named)
    if names:
        value = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(value, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def certificates_in(answer: RawResponse) -> list[bytes]:
    assert answer.status == 200, answer.body
    assert answer.content_type == "application/pkcs7-mime; smime-type=certs-only"
    found = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer.body))
    return [one.public_bytes(Encoding.DER) for one in found]


class Est:
    """The routes, as the HTTP application calls them."""

    def __init__(self, server: Server, **settings: Any) -> None:
        self.server = server
        made = routes(server.authority, EstSettings.model_validate(settings))
        self.routes = {one.method: one for one in made}

    def ask(self, method: str, operation: str, body: bytes = b"", **changes: Any) -> RawResponse:
        headers = changes.pop("headers", {})
        if method == "POST":
            headers = {"content-type": "application/pkcs10", **headers}
        path = PREFIX + operation
        fields: dict[str, Any] = {"secure": True, "body": body, "raw_path": path.encode(), **changes}
        request = RawRequest(method=method, path=path, headers=headers, **fields)

        async def call() -> RawResponse:
            return await self.routes[method].handler(request)

        return asyncio.run(call())

    def get(self, operation: str, **changes: Any) -> RawResponse:
        return self.ask("GET", operation, **changes)

    def enrol(
        self,
        csr: bytes,
        given: dict[str, str] | None = None,
        *,
        operation: str = "simpleenroll",
        **changes: Any,
    ) -> RawResponse:
        if given is not None:
            pair = f"{given['reference']}:{given['secret']}".encode()
            changes["headers"] = {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return self.ask("POST", operation, base64.encodebytes(csr), **changes)
