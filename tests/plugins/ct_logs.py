"""Logs of Certificate Transparency that live in this process: each with a key, an operator and a temper."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import httpx
from asn1crypto import x509 as ber
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POISON = "1.3.6.1.4.1.11129.2.4.3"


class FakeLog:
    """Answers add-pre-chain as RFC 6962, 4.2 says, after it looked at what came.

    `temper`: what it does instead: ``down``, ``busy``, ``junk``, ``long``, ``other`` (signs something else),
    ``future``, ``version``.
    """

    def __init__(self, name: str, operator: str, *, kind: str = "ec") -> None:
        self.url = f"https://{name}.example/log"
        self.operator = operator
        self.temper = ""
        self.seen: list[x509.Certificate] = []
        self.logged: list[bytes] = []
        self._key: Any = (
            ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
        )
        self.key = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def listed(self, **more: Any) -> dict[str, Any]:
        return {"key": base64.b64encode(self.key).decode(), "url": self.url, **more}

    def answer(self, request: httpx.Request, now: datetime) -> httpx.Response:
        if self.temper == "down":
            raise httpx.ConnectError("nobody there")
        if self.temper == "busy":
            return httpx.Response(503, text="busy")
        if self.temper == "junk":
            return httpx.Response(200, text="{")
        if self.temper == "long":
            return httpx.Response(200, content=b" " * 100_000)
        chain = [
            x509.load_der_x509_certificate(base64.b64decode(one))
            for one in json.loads(request.content)["chain"]
        ]
        precertificate, issuer = chain[0], chain[1]
        precertificate.verify_directly_issued_by(issuer)
        poison = precertificate.extensions.get_extension_for_class(x509.PrecertPoison)
        if not poison.critical:
            return httpx.Response(400, text="no poison")
        self.seen.append(precertificate)
        stamp = int(now.timestamp() * 1000) + (86_400_000 if self.temper == "future" else 0)
        tbs = without_poison(precertificate)
        self.logged.append(tbs)
        if self.temper == "other":
            tbs = b"\x30\x00"
        issuer_key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        signed = (
            b"\0\0"
            + stamp.to_bytes(8, "big")
            + b"\0\1"
            + hashlib.sha256(issuer_key).digest()
            + len(tbs).to_bytes(3, "big")
            + tbs
            + b"\0\0"
        )
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            algorithm, signature = b"\4\3", self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        else:
            algorithm, signature = b"\4\1", self._key.sign(signed, PKCS1v15(), hashes.SHA256())
        struct = algorithm + len(signature).to_bytes(2, "big") + signature
        return httpx.Response(
            200,
            json={
                "sct_version": 1 if self.temper == "version" else 0,
                "id": base64.b64encode(hashlib.sha256(self.key).digest()).decode(),
                "timestamp": stamp,
                "extensions": "",
                "signature": base64.b64encode(struct).decode(),
            },
        )


def without_poison(precertificate: x509.Certificate) -> bytes:
    """The TBSCertificate that is logged, by another library than the product's."""
    tbs = ber.Certificate.load(precertificate.public_bytes(Encoding.DER))["tbs_certificate"]
    kept = [one for one in tbs["extensions"] if one["extn_id"].dotted != POISON]
    tbs["extensions"] = ber.Extensions(kept)
    dumped: bytes = tbs.dump(force=True)
    return dumped


class FakeLogs:
    """Several logs behind one transport, as `httpx` takes it."""

    def __init__(self, *logs: FakeLog, now: datetime) -> None:
        self.logs = logs
        self.now = now
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        for log in self.logs:
            if str(request.url) == f"{log.url}/ct/v1/add-pre-chain":
                return log.answer(request, self.now)
        return httpx.Response(404)

    def list(self, **more: Any) -> bytes:
        """The list of them, as browsers publish it."""
        operators = sorted({log.operator for log in self.logs})
        return json.dumps(
            {
                "version": "1",
                "operators": [
                    {
                        "name": name,
                        "logs": [log.listed(**more) for log in self.logs if log.operator == name],
                    }
                    for name in operators
                ],
            }
        ).encode()


def at(year: int) -> datetime:
    """The first second of a year."""
    return datetime(year, 1, 1, tzinfo=UTC)
