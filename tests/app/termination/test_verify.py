"""What a terminated provider left, as a third party looks at it: whatever was changed is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import all_tables  # noqa: F401 - declares them
import pytest

from trustworks.app.termination.export import SUMS, Exporter
from trustworks.app.termination.verify import verify
from trustworks.core.audit import Event, Recorder
from trustworks.core.errors import Malformed
from trustworks.core.module import KeyAlgorithm, Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Key, Pkcs11Uri
    from trustworks.core.store import Database

MOMENT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.req("TRUSTWORKS:TERMINATION-EXPORT")


@pytest.fixture
def key(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Key]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield module.generate_key_pair(label="audit", algorithm=KeyAlgorithm.P256)


@pytest.fixture
def left(database: Database, key: Key, tmp_path: Path) -> Path:
    """The export of a provider with one event and nothing else."""
    with Recorder.open(database, "test") as recorder:
        recorder.record(Event(type="test.done", outcome="success", actor="x", subject={}, time=MOMENT))
    folder = tmp_path / "left"
    document = tmp_path / "notice.txt"
    document.write_text("The service ends.", encoding="utf-8")
    with database.inspect() as connection:
        Exporter(folder, key=key).write(connection, plan=b"{}", documents=[("notice", document)])
    return folder


def test_what_was_left_is_whole_and_signed_by_its_key(left: Path, key: Key) -> None:
    found = verify(left, signer=key.spki)
    assert (found.findings, found.ended) == ([], [])
    assert found.files > 20
    assert found.events > 1
    assert len(found.signer) == 64


@pytest.mark.req("EN319411-1:OVR-6.4.9-02")
def test_records_of_registration_and_status_are_left(left: Path) -> None:
    there = {file.stem for file in (left / "records").iterdir()}
    assert there >= {
        *("applications", "identity_evidence", "device_evidence", "registration_contents"),
        *("domain_validations", "mailbox_validations", "certificates", "crls", "revocation_requests"),
    }


def test_another_key_is_told(left: Path, key: Key) -> None:
    found = verify(left, signer=key.spki[:-1] + bytes([key.spki[-1] ^ 1]))
    assert found.findings == ["The export is signed by another key than the one given."]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("documents/notice-notice.txt", lambda octets: octets + b" Not.", "notice.txt was altered"),
        ("plan.json", lambda _: b"[]", "plan.json was altered"),
        ("records/certificates.jsonl", lambda _: None, "certificates.jsonl"),
        ("added.txt", lambda _: b"new", "added.txt is not in SHA256SUMS: it was added"),
        (SUMS, lambda octets: octets.replace(b"0", b"1", 1), f"The signature of {SUMS} is not valid"),
        (f"{SUMS}.sig", lambda octets: octets[:-1] + bytes([octets[-1] ^ 1]), "is not valid"),
    ],
)
def test_what_was_changed_is_told(
    left: Path, name: str, change: Callable[[bytes], bytes | None], said: str
) -> None:
    file = left / name
    changed = change(file.read_bytes() if file.exists() else b"")
    file.unlink(missing_ok=True)
    if changed is None:
        with pytest.raises(Malformed, match=said):
            verify(left)
        return
    file.write_bytes(changed)
    assert any(said in one for one in verify(left).findings)


def test_another_folder_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="is no export of a terminated provider"):
        verify(tmp_path)
