"""A small provider with real keys: a root, an issuing authority, an OCSP signer, certificates as rows."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import insert

from trustworks.core.der import encode
from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.core.time.model import ClockStatus, TimeEvidence, TrustedTime
from trustworks.issuance import records
from trustworks.issuance.model import AuthorityRecord, Revocation, RevocationReason, serial_hex
from trustworks.issuance.status import CrlPublisher, Responder, StatusServices, open_signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.issuance.config import IssuanceSettings

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class TestClock:
    """A clock that stands where it is put, or refuses."""

    __test__ = False

    utc: datetime = NOW
    refusal: Unavailable | None = None
    mode: Any = "lab"

    def now(self) -> TrustedTime:
        if self.refusal is not None:
            raise self.refusal
        return TrustedTime(self.utc, 0, TimeEvidence("lab", "none", ("test",), None, "unchecked"))

    def status(self) -> ClockStatus:
        return ClockStatus(ok=self.refusal is None, mode="lab", code="ok", reason="a test's clock")


def name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Trustworks TEST Provider"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def certify(
    subject: str,
    public_key: Any,
    issuer: x509.Certificate | None,
    key: Key,
    *extensions: tuple[x509.ExtensionType, bool],
    serial: int | None = None,
    life: timedelta = 365 * DAY,
    since: datetime,
) -> x509.Certificate:
    """A certificate signed by a key of the module; `issuer` None makes it self-signed."""
    authority_key: Any = issuer.public_key() if issuer is not None else public_key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(issuer.subject if issuer is not None else name(subject))
        .public_key(public_key)
        .serial_number(serial or secrets.randbits(157) | 1 << 157)
        .not_valid_before(since)
        .not_valid_after(since + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key), critical=False)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    private = key.private_key()
    if isinstance(private, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return builder.sign(private, hashes.SHA256(), rsa_padding=pss)
    digest = hashes.SHA384() if key.algorithm is KeyAlgorithm.P384 else hashes.SHA256()
    return builder.sign(private, digest)


USAGES = (
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


def usage(*names: str) -> tuple[x509.KeyUsage, bool]:
    return x509.KeyUsage(**{one: one in names for one in USAGES}), True


OCSP_SIGNER = (
    usage("digital_signature"),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),
    (x509.OCSPNoCheck(), False),
)
AUTHORITY = ((x509.BasicConstraints(ca=True, path_length=None), True), usage("key_cert_sign", "crl_sign"))
SHA1 = hashes.SHA1()  # noqa: S303 - identifies the authority, protects nothing
SUBJECT_KEY = ec.derive_private_key(7, ec.SECP256R1()).public_key()


@dataclass
class Provider:
    """The provider. Rows are written as the issuing service writes them."""

    module: Module
    database: Database
    recorder: Recorder
    clock: TestClock
    settings: IssuanceSettings
    keys: dict[str, Key] = field(default_factory=dict)
    certificates: dict[str, x509.Certificate] = field(default_factory=dict)
    signer_certificate: x509.Certificate | None = None
    made: list[int] = field(default_factory=list)

    def set_up(self, algorithm: KeyAlgorithm = KeyAlgorithm.P256) -> Provider:
        for label in ("root", "issuing", "ocsp"):
            self.keys[label] = self.key(label, algorithm)
        root, issuing = self.keys["root"], self.keys["issuing"]
        above = self._certify("TEST Root", root, None, root, life=7300 * DAY)
        self._authority("root", above, root, None)
        below = self._certify("TEST Issuing", issuing, above, root, life=3650 * DAY)
        self._authority("issuing", below, issuing, "root")
        self.add(below, "root", "sub-ca")
        self.signer_certificate = self.new_signer()
        return self

    def key(self, label: str, algorithm: KeyAlgorithm) -> Key:
        """The token's key of that name, which another provider may have made."""
        try:
            return self.module.key(label)
        except Unavailable:
            return self.module.generate_key_pair(label=label, algorithm=algorithm)

    def _certify(
        self, subject: str, key: Key, issuer: x509.Certificate | None, by: Key, *, life: timedelta
    ) -> x509.Certificate:
        return certify(subject, key.public_key, issuer, by, *AUTHORITY, life=life, since=self.began)

    @property
    def began(self) -> datetime:
        """Ten days ago."""
        return self.clock.utc - 10 * DAY

    def _authority(self, label: str, certificate: x509.Certificate, key: Key, parent: str | None) -> None:
        self.certificates[label] = certificate
        record = AuthorityRecord(
            name=label,
            certificate=der(certificate),
            serial=serial_hex(certificate.serial_number),
            spki_sha256=key.spki_sha256,
            token="ca",
            key_label=label,
            parent=parent,
            created_at=self.began,
        )
        with self.database.begin() as connection:
            records.add_authority(connection, record)

    def new_signer(self, *extensions: tuple[x509.ExtensionType, bool], **options: Any) -> x509.Certificate:
        certificate = certify(
            "TEST OCSP",
            self.keys["ocsp"].public_key,
            self.certificates["issuing"],
            self.keys["issuing"],
            *(extensions or OCSP_SIGNER),
            **{"life": 30 * DAY, "since": self.began, **options},
        )
        self.add(certificate, "issuing", "ocsp-signer")
        return certificate

    def add(
        self,
        certificate: x509.Certificate,
        authority: str,
        profile: str = "tsu",
        *,
        state: str = "issued",
        shard: int | None = None,
        spki_sha256: bytes = bytes(32),
    ) -> str:
        """A row for a certificate; answers its serial as the tables hold it."""
        serial = serial_hex(certificate.serial_number)
        with self.database.begin() as connection:
            connection.execute(
                insert(records.certificates).values(
                    serial=serial,
                    authority=authority,
                    profile=profile,
                    subject="CN=TEST",
                    state=state,
                    not_before=certificate.not_valid_before_utc,
                    not_after=certificate.not_valid_after_utc,
                    spki_sha256=spki_sha256,
                    requested_at=self.clock.utc,
                    requested_by="test",
                    der=der(certificate) if state == "issued" else None,
                    issued_at=self.clock.utc if state == "issued" else None,
                    crl_shard=shard,
                )
            )
        return serial

    def issue(self, *, state: str = "issued", **options: Any) -> x509.Certificate:
        """A subject's certificate, issued by the issuing authority and recorded."""
        certificate = self.unrecorded(**options)
        self.add(certificate, "issuing", state=state)
        return certificate

    def unrecorded(self, **options: Any) -> x509.Certificate:
        """A certificate that the key signed and no table knows."""
        return certify(
            "TEST Subject",
            SUBJECT_KEY,
            self.certificates["issuing"],
            self.keys["issuing"],
            usage("digital_signature"),
            **{"since": self.began, **options},
        )

    def named(self, point: x509.CRLDistributionPoints, *, serial: int) -> x509.Certificate:
        """A certificate that names where its list is."""
        extensions = (usage("digital_signature"), (point, False))
        issuing, key = self.certificates["issuing"], self.keys["issuing"]
        return certify(
            "TEST Subject", SUBJECT_KEY, issuing, key, *extensions, serial=serial, since=self.began
        )

    def revoke(
        self,
        certificate: x509.Certificate,
        reason: RevocationReason = RevocationReason.keyCompromise,
        invalidity_date: datetime | None = None,
    ) -> None:
        with self.database.begin() as connection:
            assert records.set_revocation(
                connection,
                serial_hex(certificate.serial_number),
                Revocation(
                    revoked_at=self.clock.utc,
                    reason=reason,
                    recorded_at=self.clock.utc,
                    invalidity_date=invalidity_date,
                ),
                at=self.clock.utc,
            )

    def release(self, certificate: x509.Certificate) -> None:
        """Lift a hold."""
        with self.database.begin() as connection:
            serial = serial_hex(certificate.serial_number)
            assert records.set_revocation(connection, serial, None, at=self.clock.utc)

    def responder(
        self, *, look_every: float = 0, monotonic: Callable[[], float] | None = None, **changes: Any
    ) -> Responder:
        """A responder that looks at the database before every answer, unless it is told otherwise."""
        assert self.signer_certificate is not None
        with self.database.read() as connection:
            authorities = records.list_authorities(connection)
        signer = open_signer(self.keys["ocsp"], der(self.signer_certificate), authorities)
        settings = self.settings.ocsp.model_copy(update=changes)
        return Responder(
            settings,
            database=self.database,
            clock=self.clock,
            signers=(signer,),
            look_every=look_every,
            monotonic=monotonic or self._seconds,
        )

    def _seconds(self) -> float:
        return self.clock.utc.timestamp()

    def publisher(self, *authorities: str) -> CrlPublisher:
        return CrlPublisher(
            self.settings,
            public_url="http://lab.example",
            database=self.database,
            recorder=self.recorder,
            clock=self.clock,
            keys={label: self.keys[label] for label in authorities or ("root", "issuing")},
        )

    def services(self) -> StatusServices:
        return StatusServices(
            self.settings, database=self.database, clock=self.clock, responder=self.responder()
        )


def serial_of(certificate: x509.Certificate) -> str:
    """As the tables have it."""
    return serial_hex(certificate.serial_number)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def request(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    algorithm: hashes.HashAlgorithm = SHA1,
    nonce: bytes | None = None,
    *,
    critical: bool = False,
) -> bytes:
    """An OCSP request, by `cryptography`."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm)
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=critical)
    return builder.build().public_bytes(serialization.Encoding.DER)


def several(*requests: bytes) -> bytes:
    """One request about the certificates of several requests."""
    loaded = [ocsp.load_der_ocsp_request(der) for der in requests]
    listed = [
        encode.tlv(
            encode.SEQUENCE,
            encode.tlv(
                encode.SEQUENCE,
                encode.tlv(encode.SEQUENCE, encode.oid("1.3.14.3.2.26"), encode.tlv(encode.NULL)),
                encode.tlv(encode.OCTET_STRING, one.issuer_name_hash),
                encode.tlv(encode.OCTET_STRING, one.issuer_key_hash),
                encode.integer(one.serial_number),
            ),
        )
        for one in loaded
    ]
    return encode.tlv(encode.SEQUENCE, encode.tlv(encode.SEQUENCE, encode.tlv(encode.SEQUENCE, *listed)))
