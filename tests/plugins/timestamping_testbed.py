"""A small PKI and a clock that tests steer, for time-stamping units whose keys are in a real module."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustworks.core.errors import Unavailable
from trustworks.core.time import ClockStatus, TimeEvidence, TrustedTime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.core.module import Key

NCP_PLUS = "0.4.0.2042.1.2"
NOW = datetime(2026, 5, 4, 3, 2, 0, tzinfo=UTC)


def name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TEST Trust Service Provider"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@dataclass
class SteeredClock:
    """A clock that gives the times of `moments`, then `step` after the last one; `refuses` stops it."""

    mode: Any = "enforce"
    utc: datetime = NOW
    step: timedelta = timedelta(microseconds=150)
    moments: list[datetime] = field(default_factory=list)
    bound_us: int = 700
    refuses: str | None = None

    def now(self) -> TrustedTime:
        if self.refuses is not None:
            raise Unavailable(self.refuses, "The clock gives no time.")
        self.utc = self.moments.pop(0) if self.moments else self.utc + self.step
        if self.mode == "lab":
            return TrustedTime(self.utc, 0, TimeEvidence("lab", "none", ("unchecked",), None, "unchecked"))
        evidence = TimeEvidence("enforce", "boot/17", ("kernel", "chrony"), self.bound_us, "none")
        return TrustedTime(self.utc, self.bound_us, evidence)

    def status(self) -> ClockStatus:
        code = self.refuses or "ok"
        return ClockStatus(ok=code == "ok", mode=self.mode, code=code, reason="as the test says")


@dataclass
class Stopwatch:
    """A monotonic clock on which no time goes by but what tests add, and `step` at each look at it."""

    seconds: float = 0.0
    step: float = 0.0

    def __call__(self) -> float:
        self.seconds += self.step
        return self.seconds


class Pki:
    """A root, an issuing CA below it, and certificates for units."""

    def __init__(self, folder: Path, now: datetime = NOW) -> None:
        self.folder = folder
        self.now = now.replace(microsecond=0)
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._issuing_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._ca("TEST Root CA", self._root_key, None)
        self.issuing = self._ca("TEST Issuing CA", self._issuing_key, self.root)
        self.root_file = self._write("root", self.root)
        self.chain_file = self._write("issuing", self.issuing)

    def _write(self, label: str, certificate: x509.Certificate) -> Path:
        file = self.folder / f"{label}.pem"
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return file

    def _ca(
        self, common_name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name))
            .issuer_name(issuer.subject if issuer else name(common_name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=100))
            .not_valid_after(self.now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return builder.sign(self._root_key, hashes.SHA256())

    def certify(
        self,
        key: Key,
        *,
        purposes: Sequence[x509.ObjectIdentifier] | None = (ExtendedKeyUsageOID.TIME_STAMPING,),
        critical: bool = True,
        key_usage: x509.KeyUsage | None = None,
        starts: timedelta = timedelta(days=-1),
        lasts: timedelta = timedelta(days=800),
        key_lasts: timedelta | None = timedelta(days=365),
        key_starts: timedelta | None = None,
        policies: Sequence[str] = (NCP_PLUS,),
        authority: bool = False,
        label: str | None = None,
    ) -> Path:
        """The file of a certificate for a unit's key; days are counted from the clock's now."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(f"TEST {key.label}"))
            .issuer_name(self.issuing.subject)
            .public_key(key.public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + starts)
            .not_valid_after(self.now + lasts)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(key_usage or usage(digital_signature=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuing_key.public_key()),
                critical=False,
            )
        )
        if purposes is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
        if key_lasts is not None:
            period = x509.PrivateKeyUsagePeriod(
                not_before=None if key_starts is None else (self.now + key_starts).replace(tzinfo=None),
                not_after=(self.now + key_lasts).replace(tzinfo=None),
            )
            builder = builder.add_extension(period, critical=False)
        if policies:
            informations = [x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in policies]
            builder = builder.add_extension(x509.CertificatePolicies(informations), critical=False)
        certificate = builder.sign(self._issuing_key, hashes.SHA256())
        return self._write(label or f"{key.label}-{certificate.serial_number:x}", certificate)


def usage(**given: bool) -> x509.KeyUsage:
    names = (
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
    return x509.KeyUsage(**{one: given.get(one, False) for one in names})
