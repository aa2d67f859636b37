"""A validation desk for tests of its edges: real processes, or an answer that a test chose."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from trustworks.validation.bounded.asked import Answered
from trustworks.validation.config import ValidationSettings
from trustworks.validation.desk import Arriving, Desk
from trustworks.validation.offer import Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.audit import Event
    from trustworks.validation.bounded.asked import Asked
    from trustworks.validation.report.seal.sealer import Sealer

PLAIN: dict[str, Any] = {
    "validation_time": "2026-11-28T12:00:00Z",
    "policy": "urn:x",
    "signatures": [],
    "timestamps": [],
    "evidence_records": [],
    "findings": [],
    "troubles": [],
}


def self_signed(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key and a certificate that says so itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    return key, builder.not_valid_after(datetime(2036, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())


def detached_signature(
    data: bytes,
    name: str = "Signer TEST",
    function: type[hashes.SHA256 | hashes.SHA512] = hashes.SHA256,
) -> bytes:
    """A signature over data that it does not hold (CMS)."""
    key, certificate = self_signed(name)
    made = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(certificate, key, function())
    return made.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature])


class Log:
    """A recorder that keeps its events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)


def settings_of(**tables: Any) -> ValidationSettings:
    """Settings as TOML would give them; nothing is fetched."""
    return ValidationSettings.model_validate({"fetch": {"online": False}, **tables})


@contextmanager
def desk_of(
    settings: ValidationSettings,
    log: Log | None = None,
    count: Callable[[str], None] | None = None,
    *,
    sealer: Sealer | None = None,
) -> Iterator[Desk]:
    """A desk with processes of its own."""
    recorder: Any = log or Log()
    with Desk(settings, Offer(settings), recorder, sealer=sealer, count=count) as desk:
        yield desk


class Chosen:
    """Stands in for a desk: keeps what it was asked, and answers what a test chose or raises it."""

    def __init__(self, answer: Answered | Exception | None = None, **tables: Any) -> None:
        self.settings = settings_of(**tables)
        self.sealer: Any = None
        self.offer = SimpleNamespace(policies=Offer(self.settings).policies)
        self.answer = answer or Answered(results=(), policy="urn:x", plain=PLAIN)
        self.asked: list[tuple[Asked, str]] = []
        limits = self.settings.limits
        self.files = Arriving(uploads=limits.uploads, octets=limits.uploads_octets)
        self.messages = Arriving(uploads=limits.uploads, octets=limits.uploads_octets)

    async def validate(self, asked: Asked, *, through: str) -> Answered:
        self.asked.append((asked, through))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
