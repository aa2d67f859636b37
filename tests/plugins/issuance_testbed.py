"""A provider's authorities over real tokens and a real database, with a clock that stands where it is put."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.core.audit import Recorder
from trustworks.core.time.model import ClockStatus, Mode, TimeEvidence, TrustedTime
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.service import Issuance
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trustworks.core.errors import Unavailable
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.issuance.ct import Transparency
    from trustworks.issuance.rules.perspectives import Sight

START = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
PUBLIC_URL = "http://tsp.example.com"
NATURAL = "C=XX, GN=Anna, SN=Muster, serialNumber=TEST-1, CN=Anna Muster TEST"
SEAL = "C=XX, O=Muster TEST Ltd, OI=NTRXX-TEST-2, CN=Muster TEST Seal"
SUBJECTS = {
    "natural-qcp-n-qscd": NATURAL,
    "legal-qcp-l-qscd": SEAL,
    "tsu": "CN=TEST TSU 1",
    "ocsp-signer": "CN=TEST OCSP",
    "audit-signer": "CN=TEST Audit",
    "tls-server": "CN=TEST server",
}
NAMES = {"tls-server": ("DNS:tsp.example.com", "IP:192.0.2.1")}


def settings(**changes: Any) -> IssuanceSettings:
    given: dict[str, Any] = {
        "organization-identifier": "NTRXX-TEST-1",
        "pds": [{"language": "en", "url": "https://tsp.example.com/pds-en.pdf"}],
    }
    return IssuanceSettings.model_validate({**given, **changes})


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


class KeyRing:
    """Opens the authorities' keys, and counts how often it was asked; a key can be swapped or missing."""

    def __init__(self, root: Key, issuing: SpyKey) -> None:
        self.keys: dict[str, Any] = {"root": root, "issuing": issuing}
        self.asked: list[str] = []

    def __call__(self, name: str) -> Any:
        self.asked.append(name)
        key = self.keys[name]
        if isinstance(key, Exception):
            raise key
        return key


class SpyKey:
    """A module's key that remembers what it signed, and can fail or lie."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self.signed: list[bytes] = []
        self.error: Exception | None = None
        self.signature: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    def sign(self, data: bytes) -> bytes:
        self.signed.append(data)
        if self.error is not None:
            raise self.error
        return self.signature or self._key.sign(data)


@dataclass
class Provider:
    """All of it."""

    issuance: Issuance
    clock: PlacedClock
    system: PlacedClock
    keys: KeyRing
    key: SpyKey
    database: Database
    recorder: Recorder

    def request(self, profile: str, csr: bytes | None = None, **changes: Any) -> Request:
        fields: dict[str, Any] = {
            "profile": profile,
            "csr": csr or make_csr(),
            "subject": changes["subject"] if "subject" in changes else read_subject(SUBJECTS[profile]),
            "requested_by": "registration-officer",
            "door": Door.OFFICER,
            "alternative_names": NAMES.get(profile, ()),
        }
        return Request(**{**fields, **changes})


@contextmanager
def open_provider(
    database: Database,
    root_key: Key,
    issuing_key: Key,
    *,
    lab: bool = True,
    of: IssuanceSettings | None = None,
    caa: Callable[[Sequence[str]], None] | None = None,
    caa_elsewhere: Callable[[Sequence[str], date], Sequence[Sight]] | None = None,
    transparency: Transparency | None = None,
    start: datetime = START,
) -> Iterator[Provider]:
    """The service over these keys; the authorities' ceremonies are still to come."""
    clock, system = PlacedClock(start), PlacedClock(start)
    spy = SpyKey(issuing_key)
    keys = KeyRing(root_key, spy)
    recorder = Recorder.open(database, "issuance", now=lambda: clock.moment)
    issuance = Issuance(
        of or settings(),
        public_url=PUBLIC_URL,
        keys=keys,
        clock=clock,
        recorder=recorder,
        database=database,
        lab=lab,
        system=system,
        caa=caa,
        caa_elsewhere=caa_elsewhere,
        transparency=transparency,
    )
    yield Provider(
        issuance=issuance,
        clock=clock,
        system=system,
        keys=keys,
        key=spy,
        database=database,
        recorder=recorder,
    )
    recorder.close()


def make_csr(key: Any = None, digest: Any = None, *extensions: x509.ExtensionType) -> bytes:
    """A request in DER, by a fresh P-256 key if none is given."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ignored")])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    signer = key or ec.generate_private_key(ec.SECP256R1())
    by = None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256()
    return builder.sign(signer, by).public_bytes(Encoding.DER)
