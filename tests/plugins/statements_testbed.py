"""What statements are drawn from in tests, and a clock that stands where it is put."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from trustworks.app.configuration.config import parse
from trustworks.app.lab.configuration import config_text
from trustworks.app.statements import service
from trustworks.app.statements.model import Document
from trustworks.core.audit import Event, Recorder
from trustworks.core.time import LabClock
from trustworks.issuance import records
from trustworks.issuance.model import AuthorityRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.app.configuration.config import Config
    from trustworks.app.statements.model import Draft, Version
    from trustworks.core.store import Database
    from trustworks.core.time import Clock


@dataclass
class Office:
    """A configuration, its database and log, and the folder of the provider's paragraphs."""

    config: Config
    database: Database
    recorder: Recorder
    paragraphs: Path
    clock: Clock = field(default_factory=LabClock)

    @staticmethod
    def event(kind: str) -> Event:
        return Event(
            type=kind, outcome="success", actor="test", subject={}, time=datetime(2026, 1, 1, tzinfo=UTC)
        )

    def change(self, table: str, **values: Any) -> None:
        """Set values in a table of the configuration, such as ``issuance.ocsp``."""
        *above, last = table.split(".")
        self.config = cast("Config", _changed(self.config, [*above, last], values))

    def draft(self, document: Document = Document.PDS) -> Draft:
        with self.database.read() as connection:
            found = service.drafts(self.config, connection)
        return next(one for one in found if one.document is document and one.language == "en")

    def findings(self) -> list[str]:
        with self.database.read() as connection:
            return service.findings(self.config, connection)

    def publish(self, *only: Document) -> list[Version]:
        return service.publish(
            self.config,
            database=self.database,
            recorder=self.recorder,
            clock=self.clock,
            by="somebody",
            only=only,
        )


def _changed(model: Any, path: list[str], values: dict[str, Any]) -> Any:
    if not path:
        return model.model_copy(update=values)
    first, *rest = path
    return model.model_copy(update={first: _changed(getattr(model, first), rest, values)})


@cache
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


@contextmanager
def office_in(folder: Path, database: Database) -> Iterator[Office]:
    """A laboratory's configuration with a folder for paragraphs, and an authority in the database."""
    record = AuthorityRecord(
        name="issuing",
        certificate=certificate(),
        serial="01",
        spki_sha256=b"k" * 32,
        token="issuing",
        key_label="issuing",
        parent="root",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    text = config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab")
    paragraphs = folder / "paragraphs"
    paragraphs.mkdir()
    text = f'{text}\n[statements]\nparagraphs = "{paragraphs}"\n'
    config = parse(text, folder / "trustworks.toml").config
    with Recorder.open(database, "statements") as recorder:
        recorder.transact(
            Office.event("authority.created"), lambda connection: records.add_authority(connection, record)
        )
        yield Office(config=config, database=database, recorder=recorder, paragraphs=paragraphs)
