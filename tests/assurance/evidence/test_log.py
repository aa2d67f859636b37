"""The audit log as evidence: a real log with a real checkpoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.assurance.evidence import Outcome
from trustworks.assurance.evidence.log import Waiting, log_item
from trustworks.core.audit import checkpoint as checkpoints
from trustworks.core.module import SignatureScheme

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Signer:
    """A key of the test's own that signs a checkpoint."""

    scheme = SignatureScheme.ECDSA_SHA256

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.spki = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(SHA256()))


@pytest.fixture(scope="module")
def last() -> checkpoints.Checkpoint:
    signer = Signer()
    body = checkpoints.make_body(
        size=100, root=sha256(b"root").digest(), log=sha256(b"log").digest(), time=AT, key=signer
    )
    return checkpoints.read(body, signer.sign(body), signer.spki)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-LOG")
def test_a_checkpoint_is_verified_and_has_to_cover_the_log_in_time(last: checkpoints.Checkpoint) -> None:
    well = log_item(last, None, 100, AT + timedelta(days=9), stamps=False)
    assert well.outcome is Outcome.OK  # nothing happened since
    assert well.values["checkpoint_at"] == last.time
    assert log_item(last, None, 101, AT + timedelta(minutes=1), stamps=False).outcome is Outcome.OK
    late = log_item(last, None, 101, AT + timedelta(hours=1), stamps=False)
    assert "1 events wait for a checkpoint" in late.sentence
    cut = log_item(last, None, 99, AT, stamps=False)
    assert "some were removed" in cut.sentence
    forged = log_item(replace(last, signature=last.signature[:-1] + b"\x00"), None, 100, AT, stamps=False)
    assert "signature of the last checkpoint is not valid" in forged.sentence
    other = log_item(replace(last, certificate=b"no certificate"), None, 100, AT, stamps=False)
    assert "of another key" in other.sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-LOG")
def test_time_stamps_are_missed_only_where_they_are_made(last: checkpoints.Checkpoint) -> None:
    assert "no checkpoint has a time-stamp" in log_item(last, None, 100, AT, stamps=True).sentence.lower()
    assert log_item(last, last, 100, AT, stamps=True).outcome is Outcome.OK
    old = replace(last, size=50, time="2026-05-01T12:00:00.000000Z")
    assert "the last time-stamped" in log_item(last, old, 100, AT, stamps=True).sentence.lower()
    assert log_item(None, None, 0, AT, stamps=False).outcome is Outcome.OK
    assert "no signed checkpoint" in log_item(None, None, 3, AT, stamps=False).sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EVIDENCE-LOG")
def test_events_that_the_log_has_not_taken_in_count(last: checkpoints.Checkpoint) -> None:
    new = Waiting(events=200, since=AT)
    fresh = log_item(None, None, 0, AT, stamps=False, waiting=new)
    assert fresh.outcome is Outcome.FINDING
    assert "no signed checkpoint of 200 events, of which 200 are not in it yet" in fresh.sentence
    assert fresh.values["events_waiting"] == 200
    assert log_item(last, None, 100, AT, stamps=False, waiting=new).outcome is Outcome.OK
    late = log_item(last, None, 100, AT + timedelta(hours=1), stamps=False, waiting=new)
    assert "200 events are not in the log yet, the oldest since 2026-06-01 12:00:00 UTC" in late.sentence
