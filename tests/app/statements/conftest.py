"""The configuration of a laboratory, and a database with an authority in it; nothing of it runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from statements_testbed import Office

from trustworks.app.configuration.config import parse
from trustworks.app.lab.layout import config_text
from trustworks.core.audit import Recorder
from trustworks.issuance import records
from trustworks.issuance.model import AuthorityRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.store import Database


@pytest.fixture(scope="session")
def certificate() -> bytes:
    """A self-signed certificate with the name of an authority."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example_TEST *CA*")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=3650))
        .sign(key, hashes.SHA384())
        .public_bytes(serialization.Encoding.DER)
    )


@pytest.fixture
def office(database: Database, certificate: bytes, tmp_path: Path) -> Iterator[Office]:
    """Everything that statements are drawn from, and what publishes them."""
    with Recorder.open(database, "statements") as recorder:
        recorder.transact(
            Office.event("authority.created"),
            lambda connection: records.add_authority(
                connection,
                AuthorityRecord(
                    name="issuing",
                    certificate=certificate,
                    serial="01",
                    spki_sha256=b"k" * 32,
                    token="issuing",
                    key_label="issuing",
                    parent="root",
                    created_at=datetime(2026, 1, 1, tzinfo=UTC),
                ),
            ),
        )
        text = config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab")
        paragraphs = tmp_path / "paragraphs"
        paragraphs.mkdir()
        config = parse(
            f'{text}\n[statements]\nparagraphs = "{paragraphs}"\n', tmp_path / "trustworks.toml"
        ).config
        yield Office(config=config, database=database, recorder=recorder, paragraphs=paragraphs)
