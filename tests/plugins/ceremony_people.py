"""Operators with keys of their own, for ceremonies in tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.roles import Approval, Credential, Factor, Operator, Role, new_content, sign_approval
from trustworks.core.roles.jws import Signer, key_id_of

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Somebody:
    """An operator and the private key that is only his."""

    operator: Operator
    key: ec.EllipticCurvePrivateKey

    @property
    def signer(self) -> Signer:
        return Signer(
            public_key=self.key.public_key(),
            sign=lambda data, _: self.key.sign(data, ec.ECDSA(hashes.SHA256())),
            factors=frozenset(Factor),
        )

    def approves(self, what: str, digest: str, *, at: datetime, role: Role | None = None) -> Approval:
        held = role or next(iter(self.operator.roles))
        content = new_content(what=what, sha256=digest, operator=self.operator.name, role=held, time=at)
        return sign_approval(content, self.signer)


def somebody(name: str, *roles: Role) -> Somebody:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} TEST")])
    certificate = (
        x509.CertificateBuilder(
            issuer_name=subject,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=LONG_AGO,
            not_valid_after=LONG_AGO + timedelta(days=3650),
        )
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    credential = Credential(
        key_id=key_id_of(key.public_key()),
        operator=name,
        kind="certificate",
        label="certificate",
        public=certificate,
        added_at=LONG_AGO,
        added_by="bootstrap",
    )
    operator = Operator(
        name=name,
        state="active",
        roles=frozenset(roles),
        credentials=(credential,),
        enrolled_at=LONG_AGO,
        enrolled_by="bootstrap",
    )
    return Somebody(operator, key)


def crew() -> dict[str, Somebody]:
    """The people of the templates."""
    return {
        "anna": somebody("anna", Role.SECURITY_OFFICER),
        "boris": somebody("boris", Role.SYSTEM_ADMINISTRATOR),
        "clara": somebody("clara", Role.OPERATOR),
        "wanda": somebody("wanda", Role.AUDITOR),
    }
