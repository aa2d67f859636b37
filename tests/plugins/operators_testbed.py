"""Operators for tests: keys and certificates of their own, and an authenticator in software."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from trustworks.core.audit.records import events as audit_events
from trustworks.core.roles import (
    Act,
    Credential,
    Factor,
    Operator,
    Role,
    base64url,
    new_content,
    sign_approval,
)
from trustworks.core.roles.changes import Change, NewCredential, new_change
from trustworks.core.roles.config import RolesSettings
from trustworks.core.roles.jws import Signer, key_id_of
from trustworks.core.roles.office import Office
from trustworks.core.roles.passkeys import Assertion
from trustworks.core.roles.service import Roles
from trustworks.core.time.model import ClockStatus, Mode, TimeEvidence, TrustedTime

if TYPE_CHECKING:
    from trustworks.core.audit import Recorder
    from trustworks.core.errors import Unavailable
    from trustworks.core.module.algorithms import SignatureScheme
    from trustworks.core.roles import Actor, Approval
    from trustworks.core.roles.standing import Standing
    from trustworks.core.store import Database

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORIGIN = "https://ra.tsp.example"
RP_ID = "ra.tsp.example"
BOTH = frozenset(Factor)


def new_key(kind: str = "P-256") -> Any:
    """A private key of an operator."""
    match kind:
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "RSA-3072":
            return rsa.generate_private_key(65537, 3072)
        case "brainpoolP256r1":
            return ec.generate_private_key(ec.BrainpoolP256R1())
        case _:
            curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[kind]
            return ec.generate_private_key(curve)


def certificate_of(
    key: Any, name: str, *, begin: datetime = NOW - timedelta(days=1), days: int = 365
) -> x509.Certificate:
    """A self-signed certificate."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
    )
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm)


def signer_of(key: Any, factors: frozenset[Factor] = BOTH) -> Signer:
    """The key as signatures are asked of it."""

    def sign(data: bytes, scheme: SignatureScheme) -> bytes:
        digest = None if scheme.hash is None else scheme.hash.algorithm
        match key:
            case ec.EllipticCurvePrivateKey():
                assert digest is not None
                return key.sign(data, ec.ECDSA(digest))
            case rsa.RSAPrivateKey():
                assert digest is not None
                return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
            case _:
                signature: bytes = key.sign(data)
                return signature

    return Signer(public_key=key.public_key(), sign=sign, factors=factors)


def pem_of(key: Any, passphrase: bytes | None = None) -> bytes:
    """The private key's file."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return pem


def credential_of(key: Any, operator: str, **changes: Any) -> Credential:
    """The certificate of a key as an operator's credential."""
    certificate = certificate_of(key, operator)
    made = Credential(
        key_id=key_id_of(key.public_key()),
        operator=operator,
        kind="certificate",
        label="certificate",
        public=certificate.public_bytes(Encoding.DER),
        added_at=NOW - timedelta(hours=1),
        added_by="owner",
    )
    return replace(made, **changes)


def operator_of(
    name: str, *roles: Role, credentials: tuple[Credential, ...] = (), **changes: Any
) -> Operator:
    """An active operator."""
    made = Operator(
        name=name,
        state="active",
        roles=frozenset(roles),
        credentials=credentials,
        enrolled_at=NOW - timedelta(hours=1),
        enrolled_by="owner",
    )
    return replace(made, **changes)


@dataclass
class Authenticator:
    """A security key in software: one passkey on P-256, whose flags and counter a test may set."""

    rp_id: str = RP_ID
    origin: str = ORIGIN
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: new_key("P-256"))
    handle: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_verified: bool = True
    count: int = 0

    def cose_key(self) -> bytes:
        """The public key as COSE_Key. Source: RFC 9053, 7.1."""
        numbers = self.key.public_key().public_numbers()
        octets = [one.to_bytes(32, "big") for one in (numbers.x, numbers.y)]
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: octets[0], -3: octets[1]})

    def credential(self, operator: str) -> Credential:
        """The passkey as it is registered."""
        return Credential(
            key_id=key_id_of(self.key.public_key()),
            operator=operator,
            kind="passkey",
            label="security key",
            public=self.cose_key(),
            added_at=NOW - timedelta(hours=1),
            added_by="owner",
            handle=self.handle,
            rp_id=self.rp_id,
            origin=self.origin,
        )

    def client_data(self, kind: str, challenge: bytes) -> bytes:
        """What the browser says. Source: WebAuthn Level 2, 5.8.1."""
        members = {"type": kind, "challenge": base64url.encode(challenge), "origin": self.origin}
        return json.dumps(members).encode()

    def authenticator_data(self, attested: bytes = b"") -> bytes:
        """What the authenticator says. Source: WebAuthn Level 2, 6.1."""
        self.count += 1
        flags = 0x01 | (0x04 if self.user_verified else 0) | (0x40 if attested else 0)
        rp_id_hash = hashlib.sha256(self.rp_id.encode()).digest()
        return rp_id_hash + bytes([flags]) + self.count.to_bytes(4, "big") + attested

    def get(self, challenge: bytes) -> Assertion:
        """Sign a challenge. Source: WebAuthn Level 2, 6.3.3."""
        client_data, data = self.client_data("webauthn.get", challenge), self.authenticator_data()
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return Assertion(
            handle=self.handle, client_data=client_data, authenticator_data=data, signature=signature
        )

    def create(self, challenge: bytes) -> dict[str, Any]:
        """Make the passkey, as `navigator.credentials.create` answers in JSON."""
        attested = bytes(16) + len(self.handle).to_bytes(2, "big") + self.handle + self.cose_key()
        attestation = cbor2.dumps(
            {"fmt": "none", "attStmt": {}, "authData": self.authenticator_data(attested)}
        )
        return {
            "id": base64url.encode(self.handle),
            "rawId": base64url.encode(self.handle),
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url.encode(self.client_data("webauthn.create", challenge)),
                "attestationObject": base64url.encode(attestation),
            },
        }


class PlacedClock:
    """A clock that says what it was told, or refuses."""

    mode: Mode = "lab"

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.refusal: Unavailable | None = None

    def now(self) -> TrustedTime:
        if self.refusal is not None:
            raise self.refusal
        return TrustedTime(self.moment, 0, TimeEvidence("lab", "none", ("test",), None, "unchecked"))

    def status(self) -> ClockStatus:
        return ClockStatus(ok=self.refusal is None, mode="lab", code="ok", reason="test")

    def advance(self, **time: float) -> None:
        self.moment += timedelta(**time)


class RolesProvider:
    """The service over a database, with everybody's keys."""

    def __init__(self, database: Database, recorder: Recorder, clock: PlacedClock, **settings: Any) -> None:
        self.database, self.recorder, self.clock = database, recorder, clock
        self.keys: dict[str, Any] = {}
        self.revoked: dict[int, str] = {}
        self.roles = self.service(**settings)

    def service(self, *, lab: bool = True, **settings: Any) -> Roles:
        """The service, with other settings; a laboratory's, where first operators need not be described."""
        return Roles(
            Office(
                database=self.database,
                recorder=self.recorder,
                clock=self.clock,
                settings=RolesSettings.model_validate(settings),
                lab=lab,
                system=PlacedClock(self.clock.moment),
                revoked=lambda certificate: self.revoked.get(certificate.serial_number),
            )
        )

    def new(self, name: str, **certificate: Any) -> NewCredential:
        """A new key of somebody, as a credential."""
        self.keys[name] = new_key()
        return NewCredential.of_certificate(
            certificate_of(self.keys[name], name, **certificate), "certificate"
        )

    def enrolment(self, name: str, *roles: Role) -> Change:
        """A change that enrols somebody with a new key."""
        return new_change("enrol", name, roles=frozenset(roles), credentials=(self.new(name),))

    def bootstrap(self) -> None:
        """Enrol the first three."""
        self.roles.administration.bootstrap(
            [
                self.enrolment("anna", Role.SECURITY_OFFICER),
                self.enrolment("ben", Role.SECURITY_OFFICER, Role.REGISTRATION_OFFICER),
                self.enrolment("carl", Role.SYSTEM_ADMINISTRATOR),
            ],
            by="root",
        )

    def signer(self, name: str, factors: frozenset[Factor] = BOTH) -> Signer:
        return signer_of(self.keys[name], factors)

    def actor(self, name: str, act: Act = Act.CHANGE_ROLES) -> Actor:
        return self.roles.authentication.by_key(name, self.signer(name), act)

    def approval(self, name: str, role: Role, what: str, sha256: str) -> Approval:
        content = new_content(what=what, sha256=sha256, operator=name, role=role, time=self.clock.moment)
        return sign_approval(content, self.signer(name))

    def approve(self, name: str, role: Role, sha256: str, what: str = "roles.change") -> Standing | None:
        return self.roles.approve(self.approval(name, role, what, sha256))

    def decide(self, change: Change) -> Standing | None:
        """A security officer asks for a change, and approves it with another; never whom it is about."""
        roles = {
            "anna": Role.SECURITY_OFFICER,
            "ben": Role.SECURITY_OFFICER,
            "carl": Role.SYSTEM_ADMINISTRATOR,
        }
        roles.pop(change.operator, None)
        if len(roles) == 3:
            del roles["ben"]
        first, second = roles
        self.roles.administration.request(self.actor(first), change)
        self.approve(first, roles[first], change.sha256)
        return self.approve(second, roles[second], change.sha256)

    def operator(self, name: str) -> Operator:
        return next(one for one in self.roles.office.operators() if one.name == name)

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The audit events so far, without those of the log about itself."""
        with self.database.read() as connection:
            bodies = connection.execute(
                select(audit_events.c.body).order_by(audit_events.c.stream, audit_events.c.sequence)
            ).scalars()
            found = [json.loads(body) for body in bodies]
        return [one for one in found if one["type"].startswith("roles.") and kind in {None, one["type"]}]
