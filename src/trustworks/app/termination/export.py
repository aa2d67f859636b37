"""What is left of a provider for others: records, status, log, documents, and a signed list of all.

`SHA256SUMS` names every file, and `sha256sum -c` reads it; `SHA256SUMS.sig` is its signature by the audit
log's key, which `openssl dgst` verifies. Nothing in it needs Trustworks to be read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from sqlalchemy import select

from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.export import export_lines
from trustworks.core.durable import put_new, synchronise
from trustworks.core.errors import Rejected
from trustworks.core.store import metadata
from trustworks.core.trace import implements
from trustworks.issuance import records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Table

    from trustworks.core.module import Key

# Sessions, challenges, nonces and secrets are no records; the log is exported in its own form.
RECORDS: Final = (
    "api_clients",
    "applications",
    "authorities",
    "blocked_keys",
    "ceremonies",
    "ceremony_entries",
    "certificates",
    "crls",
    "device_evidence",
    "device_losses",
    "domain_validations",
    "enrolment_requests",
    "identity_evidence",
    "key_lists",
    "key_successions",
    "last_answers",
    "mailbox_validations",
    "module_key_backups",
    "module_key_history",
    "module_keys",
    "notices",
    "registration_contents",
    "registration_decisions",
    "revocation_requests",
    "role_approvals",
    "role_changes",
    "role_credentials",
    "role_grants",
    "role_operators",
    "statements",
    "terminated_authorities",
    "termination_steps",
    "timestamp_tokens",
)
SUMS: Final = "SHA256SUMS"
_ABOUT: Final = """What a trust service provider left.

plan.json               the termination plan, as it was approved and carried out
audit.jsonl             the audit log: trustworks audit verify --export audit.jsonl
records/*.jsonl         the records, a JSON object for each row; octets in Base64
authorities/*.pem       the certificates of the authorities
lists/*.crl             the newest revocation lists: openssl crl -inform DER -CAfile authorities/NAME.pem
                        the last OCSP answers are in records/last_answers.jsonl, a line for each certificate
                        and hash function by which requests name the issuer: jq -r .der | base64 -d
documents/              terms, practices, policies, reports

All files are in SHA256SUMS, which is signed:

    openssl dgst -sha256 -verify signer.pem -signature SHA256SUMS.sig SHA256SUMS
    sha256sum -c SHA256SUMS

`trustworks termination verify FOLDER` does this and compares records, lists and answers with each other.
"""


class Exporter:
    """Writes the folder. `key` is the audit log's, which signs."""

    def __init__(self, folder: Path, *, key: Key) -> None:
        self._folder = folder
        self._part = folder.with_name(f".{folder.name}.part")
        self._key = key
        self._sums: dict[str, str] = {}

    def write(self, connection: Connection, *, plan: bytes, documents: Iterable[tuple[str, Path]]) -> None:
        """Write everything, sign it, and give the folder its name.

        Raises `Rejected` (termination.export) where something of that name is there, or nothing can be
        written. What an earlier try left is written anew.
        """
        if self._folder.exists():
            raise Rejected("termination.export", f"{self._folder} exists already; name another folder.")
        try:
            shutil.rmtree(self._part, ignore_errors=True)
            self._part.mkdir(parents=True, mode=0o700)
            self._write_all(connection, plan, documents)
            self._sign()
            self._part.rename(self._folder)
            synchronise(self._folder.parent)
        except OSError as error:
            raise Rejected(
                "termination.export", f"{self._folder} cannot be written: {error.strerror or error}."
            ) from None

    def _write_all(self, connection: Connection, plan: bytes, documents: Iterable[tuple[str, Path]]) -> None:
        self._put("README.txt", [_ABOUT.encode()])
        self._put("plan.json", [plan])
        self._put("audit.jsonl", export_lines(DatabaseSource(connection)))
        for table in _kept():
            self._put(f"records/{table.name}.jsonl", _rows(connection, table))
        for authority in records.list_authorities(connection):
            certificate = x509.load_der_x509_certificate(authority.certificate)
            self._put(f"authorities/{authority.name}.pem", [certificate.public_bytes(Encoding.PEM)])
            self._lists(connection, authority.name)
        for kind, file in documents:
            self._put(f"documents/{kind}-{file.name}", [file.read_bytes()])

    @implements("EN319411-2:CSS-6.3.10-08", disabled=None)
    def _lists(self, connection: Connection, name: str) -> None:
        shards: list[int | None] = [None, *range(1, records.last_shard(connection, name) + 1)]
        for shard in shards:
            found = records.last_crl(connection, name, shard=shard)
            if found is not None:
                part = "" if shard is None else f"-{shard}"
                self._put(f"lists/{name}{part}.crl", [found.der])

    def _put(self, name: str, content: Iterable[bytes]) -> None:
        digest = hashlib.sha256()

        def told() -> Iterator[bytes]:
            for piece in content:
                digest.update(piece)
                yield piece

        file = self._part / name
        file.parent.mkdir(parents=True, exist_ok=True)
        put_new(file, told(), mode=0o600)
        self._sums[name] = digest.hexdigest()

    def _sign(self) -> None:
        public = load_der_public_key(self._key.spki).public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        self._put("signer.pem", [public])
        sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._sums.items())).encode()
        put_new(self._part / SUMS, [sums], mode=0o600)
        put_new(self._part / f"{SUMS}.sig", [self._key.sign(sums)], mode=0o600)
        put_new(self._part / f"{SUMS}.scheme", [self._key.scheme.name.encode()], mode=0o600)


@implements("EN319411-1:OVR-6.4.9-02", disabled=())
def _kept() -> tuple[Table, ...]:
    """The tables of records that are kept after the end."""
    return tuple(metadata.tables[name] for name in RECORDS if name in metadata.tables)


def _rows(connection: Connection, table: Table) -> Iterator[bytes]:
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=500)
    for row in connection.execute(query):
        values = {name: _value(value) for name, value in row._mapping.items()}  # noqa: SLF001 - its public name
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _value(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.isoformat()
        case _:
            return value
