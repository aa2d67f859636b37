"""An ACME server over a provider of the tests, and a client that speaks with it message by message."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk, jws
from joserfc.registry import HeaderParameter

from trustworks.core.audit import records as audit
from trustworks.core.errors import Unavailable
from trustworks.core.http import RawRequest, RawResponse
from trustworks.issuance.config import CaaSettings
from trustworks.issuance.config.acme import AcmeSettings
from trustworks.issuance.enrolment.acme import encoding
from trustworks.issuance.enrolment.acme.nonces import Secret
from trustworks.issuance.enrolment.acme.service import AcmeServer
from trustworks.issuance.enrolment.acme.validation.queue import ValidationQueue
from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
from trustworks.issuance.enrolment.ra import RegistrationAuthority
from trustworks.issuance.http.acme import routes
from trustworks.issuance.records.acme import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from issuance_testbed import Provider

    from trustworks.issuance.enrolment.acme.model import Problem
    from trustworks.issuance.enrolment.acme.validation.attempt import Proof
    from trustworks.issuance.enrolment.caa import CaaRecord

HOST = "acme.example.com"
ORIGIN = f"https://{HOST}"
OTHER = "https://127.0.0.1:8443"
SECRET = b"a secret of the tests that is long enough"


@dataclass
class Answer:
    """What came back, and its body as JSON if it is."""

    raw: RawResponse

    @property
    def status(self) -> int:
        return self.raw.status

    @property
    def json(self) -> Any:
        return json.loads(self.raw.body)

    @property
    def type(self) -> str:
        """The type of a problem, without its prefix; what it is of must be a problem document."""
        assert self.raw.content_type == "application/problem+json", self.raw
        assert self.json["status"] == self.status
        assert self.json["detail"].strip()
        found: str = self.json["type"]
        assert found.startswith("urn:ietf:params:acme:error:")
        return found.rpartition(":")[2]

    def header(self, name: str) -> str | None:
        return next((value for one, value in self.raw.headers if one == name), None)

    def links(self, relation: str) -> list[str]:
        return [
            value.partition(">")[0].removeprefix("<")
            for one, value in self.raw.headers
            if one == "link" and value.endswith(f'rel="{relation}"')
        ]


class Wire:
    """A server as its routes show it; `validate` makes the attempts that are due."""

    def __init__(self, server: AcmeServer, validate: Callable[[], None]) -> None:
        self.server = server
        self.validate = validate
        self._routes = {route.method: route for route in routes(server)}

    def request(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        *,
        content_type: str = "application/jose+json",
        host: str | None = None,
    ) -> Answer:
        authority, _, path = url.removeprefix("https://").partition("/")
        route = self._routes["GET" if method == "HEAD" else method]
        given = RawRequest(
            method=method,
            path=f"/{path}".partition("?")[0],
            raw_path=f"/{path}".encode(),
            headers={"host": host or authority, "content-type": content_type},
            body=body,
        )

        async def call() -> RawResponse:
            return await route.handler(given)

        return Answer(asyncio.run(call()))

    def nonce(self) -> str:
        found = self.request("HEAD", f"{ORIGIN}/acme/new-nonce").header("replay-nonce")
        assert found is not None
        return found


def ec_key(curve: Any = None) -> Any:
    return ec.generate_private_key(curve or ec.SECP256R1())


def algorithm_of(key: Any) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {256: "ES256", 384: "ES384", 521: "ES512"}[key.curve.key_size]
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else "EdDSA"


def public_jwk(key: Any) -> dict[str, Any]:
    return dict(jose_key(key).as_dict(private=False))


def jose_key(key: Any) -> Any:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kind = {"ES": "EC", "RS": "RSA", "Ed": "OKP"}[algorithm_of(key)[:2]]
    return jwk.import_key(pem, kind)  # type: ignore[call-overload] # a text


class _Registry(jws.JWSRegistry):
    max_header_length = 100_000
    max_payload_length = 10_000_000

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


_ANY = _Registry(
    header_registry={name: HeaderParameter(name, "str") for name in ("nonce", "url")},
    strict_check_header=False,
)


def sign(key: Any, header: dict[str, Any], payload: Any) -> dict[str, str]:
    """A flattened JWS; `payload` is JSON values, or text or octets as they are; `key` may be octets (MAC)."""
    octets = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signer = jwk.OctKey.import_key(key) if isinstance(key, bytes) else jose_key(key)
    found: Any = jws.serialize_json({"protected": header}, octets, signer, registry=_ANY)
    return dict(found)


@dataclass
class Client:
    """A client with a key and, once it has one, an account."""

    wire: Wire
    key: Any = field(default_factory=ec_key)
    kid: str | None = None
    origin: str = ORIGIN

    def url(self, path: str) -> str:
        return f"{self.origin}/acme/{path}"

    def message(self, url: str, payload: Any, **header: Any) -> dict[str, str]:
        """A message as the RFC wants it, but for what `header` says (None takes a member away)."""
        named = {"jwk": public_jwk(self.key)} if self.kid is None else {"kid": self.kid}
        full = {"alg": algorithm_of(self.key), "nonce": self.wire.nonce(), "url": url, **named, **header}
        return sign(self.key, {k: v for k, v in full.items() if v is not None}, payload)

    def post(self, url: str, payload: Any = b"", **header: Any) -> Answer:
        return self.send(url, self.message(url, payload, **header))

    def send(self, url: str, message: Any) -> Answer:
        return self.wire.request("POST", url, json.dumps(message).encode())

    @property
    def thumbprint(self) -> str:
        members = public_jwk(self.key)
        wanted = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
        text = json.dumps(
            {name: members[name] for name in wanted[members["kty"]]}, separators=(",", ":"), sort_keys=True
        )
        return encoding.encode(hashlib.sha256(text.encode()).digest())

    def register(self, **payload: Any) -> Client:
        answer = self.post(self.url("new-account"), {"termsOfServiceAgreed": True, **payload})
        assert answer.status in {200, 201}, answer.raw
        self.kid = answer.header("location")
        return self

    def order(self, *names: str, **more: Any) -> Answer:
        identifiers = [{"type": "ip" if is_address(name) else "dns", "value": name} for name in names]
        return self.post(self.url("new-order"), {"identifiers": identifiers, **more})

    def ready(self, *names: str, **more: Any) -> tuple[str, Any]:
        """An order whose names were all validated: its URL and its values."""
        made = self.order(*names, **more)
        assert made.status == 201, made.raw
        for one in made.json["authorizations"]:
            self.answer(one)
        self.wire.validate()
        url = made.header("location")
        assert url is not None
        return url, self.post(url).json

    def answer(self, authorization: str, kind: str = "http-01") -> Answer:
        """Say that a challenge is answered, of the given kind if it is offered."""
        offered = self.post(authorization).json["challenges"]
        if all(one["status"] != "pending" for one in offered):
            return self.post(authorization)
        wanted = next((one for one in offered if one["type"] == kind), offered[0])
        return self.post(wanted["url"], {})

    def finalize(self, order: Any, csr: bytes | None = None) -> Answer:
        names = [one["value"] for one in order["identifiers"]]
        return self.post(order["finalize"], {"csr": encoding.encode(csr or csr_for(names))})

    def certificate(self, *names: str, **more: Any) -> bytes:
        """A certificate for these names, in DER."""
        _, order = self.ready(*names, **more)
        done = self.finalize(order)
        assert done.status == 200, done.raw
        pem = self.post(done.json["certificate"]).raw.body
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def csr_for(names: Iterable[str], key: Any = None, subject: str | None = None) -> bytes:
    attributes = [] if subject is None else [x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    listed: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(one)) if is_address(one) else x509.DNSName(one) for one in names
    ]
    if listed:
        builder = builder.add_extension(x509.SubjectAlternativeName(listed), critical=False)
    return builder.sign(key or ec_key(), hashes.SHA256()).public_bytes(Encoding.DER)


class _Caa:
    """A resolver of CAA records that knows what it was told; a name without a list cannot be looked up."""

    def __init__(self, known: dict[str, list[CaaRecord]]) -> None:
        self._known = known

    def caa(self, name: str) -> list[CaaRecord]:
        if name.startswith("broken."):
            raise Unavailable("caa.lookup", "no answer")
        return self._known.get(name, [])


class Acme:
    """Server, queue and what the queue finds: names in `failing` are not shown to be controlled."""

    def __init__(self, provider: Provider, **changes: Any) -> None:
        self.provider = provider
        self.failing: dict[str, Problem] = {}
        self.attempts: list[Proof] = []
        self.perspectives: list[Any] = []
        self.caa: dict[str, list[CaaRecord]] = {}
        self.configure(**changes)

    def configure(self, **changes: Any) -> None:
        given: dict[str, Any] = {
            "secret-source": "not/read",
            "base-urls": [ORIGIN, OTHER],
            "terms-of-service": f"{ORIGIN}/terms",
        }
        found = {**given, **{name.replace("_", "-"): value for name, value in changes.items()}}
        settings = AcmeSettings.model_validate({k: v for k, v in found.items() if v is not None})
        provider = self.provider
        caa = CaaSettings.model_validate({"domains": ["ca.example"]})
        self.authority = RegistrationAuthority(
            settings=provider.issuance.settings.model_copy(update={"caa": caa}),
            public_url=provider.issuance.public_url,
            issuance=provider.issuance,
            database=provider.database,
            recorder=provider.recorder,
            clock=provider.clock,
            lab=True,
        )
        self.settings = settings
        self.server = self.another_server()
        self.wire = Wire(self.server, self.validate)
        self.queue = self.another_queue()

    @property
    def corroboration(self) -> Corroboration:
        return Corroboration(self.perspectives, lab=True)

    def another_server(self) -> AcmeServer:
        return AcmeServer(
            self.authority,
            self.settings,
            Secret(lambda: SECRET),
            self.settings.base_urls,
            _Caa(self.caa),
            self.corroboration,
        )

    def another_queue(self) -> ValidationQueue:
        return ValidationQueue(
            self.settings,
            attempt=self._attempt,
            corroboration=self.corroboration,
            database=self.provider.database,
            recorder=self.provider.recorder,
            clock=self.provider.clock,
        )

    def _attempt(self, proof: Proof) -> None:
        self.attempts.append(proof)
        if proof.name in self.failing:
            raise self.failing[proof.name]

    def validate(self) -> None:
        """Make the attempts that are due, and wait for them."""
        while self.queue.round():
            self.queue.wait(60)

    def client(self, **payload: Any) -> Client:
        """A client with a new account."""
        return Client(self.wire).register(**payload)

    def stranger(self) -> Client:
        """A client without an account."""
        return Client(self.wire)

    def state(self) -> dict[str, list[Any]]:
        """Everything that ACME has recorded, but for used nonces; and all of the audit log."""
        kept = (
            tables.accounts,
            tables.external_keys,
            tables.orders,
            tables.authorizations,
            tables.order_authorizations,
            tables.challenges,
            audit.events,
        )
        with self.provider.database.read() as connection:
            return {one.name: sorted(map(repr, connection.execute(one.select()))) for one in kept}

    def events(self) -> list[str]:
        query = audit.events.select().order_by(audit.events.c.sequence)
        with self.provider.database.read() as connection:
            return [row.type for row in connection.execute(query)]
