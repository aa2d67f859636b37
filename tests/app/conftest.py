"""A page source with made-up values, so that pages are tested without any service."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from trustworks.app.health.findings import Finding, Health, Well
from trustworks.app.web.overview import (
    Download,
    EventRow,
    KeyRow,
    ListRow,
    LogState,
    Overview,
    ServiceRow,
)
from trustworks.assurance.integrity.identity import ProductIdentity
from trustworks.core.errors import Unavailable
from trustworks.core.time import ClockStatus

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
BANNERS = (
    (
        "Laboratory",
        "Nothing that is issued here has legal effect; every name says TEST",
    ),
    ("Test module", "The keys lie in SoftHSM2, which protects nothing against somebody who reads the disk"),
    ("Unchecked clock", "Time-stamps carry a laboratory policy: nobody proves that this clock is right"),
)
_CURL = (
    "openssl ts -query -data README.md -sha256 -cert -out q.tsq\n"
    "curl -s -H 'Content-Type: application/timestamp-query' --data-binary @q.tsq "
    "http://127.0.0.1:8080/tsa -o r.tsr"
)


def sample(*, failing: bool = False) -> Overview:
    """A whole page of values."""
    findings = (
        Finding(name="clock", ok=True, sentence="The laboratory's clock is not checked."),
        Finding(name="module.tsu", ok=True, sentence="Signs and verifies in 96 µs."),
        Finding(name="module.services", ok=True, sentence="Signs and verifies in 101 µs."),
        Finding(name="store", ok=True, sentence="SQLite answers; the schema is version 0005."),
        Finding(name="audit", ok=True, sentence="Events are written to the stream http-1-29ab."),
        Finding(name="crl.issuing", ok=True, sentence="List 12 is fresh until 16:00."),
        Finding(name="jobs", ok=True, sentence="4 tasks, all well."),
    )
    if failing:
        why = "No token 'tsu' is in the module. Insert it, or correct [tokens] tsu."
        findings = (
            findings[0],
            Finding(name="module.tsu", ok=False, code="module.token-absent", sentence=why),
            *findings[2:],
        )
    services = (
        ServiceRow(
            title="Time-stamping",
            state="refusing" if failing else "serving",
            sentence="No token is issued: the module's token is absent."
            if failing
            else "Unit tsu-1 is ready.",
            address="POST http://127.0.0.1:8080/tsa",
            speaks="RFC 3161 and 5816, EN 319 421, EN 319 422",
            command=_CURL,
        ),
        ServiceRow(
            title="Certificate status",
            state="serving",
            sentence="Answers come from the issuance database.",
            address="POST http://127.0.0.1:8080/ocsp",
            speaks="OCSP: RFC 6960 and 9654",
            command="openssl ocsp -issuer trust/issuing.pem -cert certs/tls.pem -url http://127.0.0.1:8080/ocsp",
        ),
        ServiceRow(
            title="Revocation lists",
            state="serving",
            sentence="Published every hour.",
            address="GET http://127.0.0.1:8080/crl/issuing.crl",
            speaks="RFC 5280, 5",
        ),
        ServiceRow(
            title="Validation",
            state="absent",
            sentence="This configuration has no such service.",
            address="none",
            speaks="EN 319 102-1",
        ),
    )
    return Overview(
        provider="Trustworks TEST Provider",
        version="0.1.0",
        now=NOW,
        banners=BANNERS,
        services=services,
        clock=ClockStatus(
            ok=True, mode="lab", code="ok", reason="The laboratory's clock gives time without any proof."
        ),
        findings=findings,
        keys=tuple(
            KeyRow(
                use=use,
                token=token,
                label=label,
                algorithm=algorithm,
                subject=subject,
                not_after=NOW + timedelta(days=days),
                key_ends=NOW + timedelta(days=364) if token == "tsu" else None,
            )
            for use, token, label, algorithm, subject, days in (
                ("Root CA", "root", "root", "P-384", "Trustworks TEST Root CA", 7300),
                ("Issuing CA", "issuing", "issuing", "P-256", "Trustworks TEST Issuing CA", 3650),
                ("Time-stamping unit", "tsu", "tsu-1", "P-256", "Trustworks TEST TSU 1", 1095),
                ("OCSP responder", "services", "ocsp", "P-256", "Trustworks TEST OCSP", 89),
            )
        ),
        lists=(
            ListRow(
                authority="issuing",
                number=12,
                this_update=NOW - timedelta(minutes=9),
                next_update=NOW + timedelta(hours=23, minutes=51),
                entries=3,
                path="/crl/issuing.crl",
            ),
        ),
        events=tuple(
            EventRow(
                time=NOW - timedelta(seconds=7 * number),
                type=kind,
                outcome=outcome,
                actor="http-1",
                about="serial 3b1f9c0a77d14e0b9d1e",
            )
            for number, (kind, outcome) in enumerate(
                (
                    ("timestamp.issued", "success"),
                    ("timestamp.refused", "refused"),
                    ("crl.published", "success"),
                    ("certificate.issued", "success"),
                    ("audit.stream-opened", "success"),
                )
            )
        ),
        log=LogState(
            size=48_211,
            root="5e1f" * 16,
            checkpoint_size=48_190,
            checkpoint_time=NOW - timedelta(seconds=8),
            time_stamped=True,
        ),
        downloads=(
            Download(title="Root certificate", path="/trust/root.pem", note="The trust anchor, PEM"),
            Download(title="Chain", path="/trust/chain.pem", note="Issuing CA and root, PEM"),
        ),
    )


PRODUCT = ProductIdentity(version="0.1.0", build="b" * 64, manifest="c" * 64)


@dataclass
class SampleSource:
    """A page source of `sample`."""

    failing: bool = False
    banners: tuple[tuple[str, str], ...] = BANNERS
    product: ProductIdentity = PRODUCT
    health: Health = field(init=False)

    def __post_init__(self) -> None:
        def absent() -> Well:
            if self.failing:
                raise Unavailable("module.token-absent", "No token 'tsu' is in the module. Insert it.")
            return Well(sentence="Signs and verifies in 96 µs.")

        self.health = Health(
            {"clock": lambda: Well(sentence="The clock gives time."), "module.tsu": absent}, kept=0
        )

    @property
    def version(self) -> str:
        return self.product.line

    def overview(self) -> Overview:
        return replace(sample(failing=self.failing), banners=self.banners)

    def trust_file(self, name: str) -> bytes | None:
        return b"-----BEGIN CERTIFICATE-----\n" if name == "root.pem" else None


@pytest.fixture
def source() -> SampleSource:
    return SampleSource()
