"""Processes that validate, real ones: what they answer, and how they end when they overdo it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from signed_pdfs import token as time_stamp
from validation_desk import detached_signature, settings_of

from trustworks.core.bounded.channel import receive, send
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.validation.bounded.asked import Asked, Given, Kind, asked_of, words_of
from trustworks.validation.bounded.pool import Pool
from trustworks.validation.bounded.process import borne

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY = tuple(Kind)


@pytest.fixture(scope="module")
def signed() -> tuple[bytes, bytes]:
    """A detached signature, and what it signs."""
    data = b"what is signed\n" * 100_000
    return detached_signature(data), data


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(settings_of())
    yield made
    made.close()


def asked(signature: bytes, *detached: Given, **changes: Any) -> Asked:
    file = Given(name="a.p7s", octets=signature)
    return replace(Asked(file=file, detached=detached, policy="ades", kinds=EVERY), **changes)


def test_what_is_no_signed_file_is_malformed_and_the_process_goes_on(pool: Pool) -> None:
    with pytest.raises(Malformed, match="no signed file"):
        pool.ask(asked(b"nothing"))
    (process,) = pool._idle
    with pytest.raises(Malformed):
        pool.ask(asked(b""))
    assert pool._idle == [process]


def test_a_policy_that_is_not_offered_is_rejected(pool: Pool, signed: tuple[bytes, bytes]) -> None:
    with pytest.raises(Rejected) as raised:
        pool.ask(asked(signed[0], policy="none"))
    assert raised.value.code == "validation.policy"


def test_octets_open_files_and_digests_are_validated_alike(pool: Pool, signed: tuple[bytes, bytes]) -> None:
    import hashlib  # noqa: PLC0415

    signature, data = signed
    digest = (("sha256", hashlib.sha256(data).digest()),)
    with tempfile.TemporaryFile() as stored:
        stored.write(data)
        stored.flush()
        given = [
            Given(name="data", octets=data),
            Given(name="data", descriptor=stored.fileno()),
            Given(name="data", digests=digest),
        ]
        for one in given:
            answer = pool.ask(asked(signature, one))
            (found,) = answer.plain["signatures"]
            assert (found["data_found"], found["data_intact"], found["signer"]) == (True, True, "Signer TEST")
            assert found["sub_indication"] == "NO_CERTIFICATE_CHAIN_FOUND"
            assert answer.results == ("INDETERMINATE",)
            assert answer.etsi.startswith(b"<?xml")
            assert "Signer TEST" in answer.explained
            assert answer.page["signatures"][0]["title"]
            assert answer.html.startswith(b"<!doctype html>")
            assert answer.pdf.startswith(b"%PDF-")
    wrong = pool.ask(asked(signature, Given(name="data", digests=(("sha256", bytes(32)),))))
    assert wrong.plain["signatures"][0]["data_intact"] is False


def test_only_what_is_wanted_is_made(pool: Pool, signed: tuple[bytes, bytes]) -> None:
    answer = pool.ask(asked(signed[0], kinds=()))
    assert (answer.plain, answer.explained, answer.page) == ({}, "", {})
    assert (answer.etsi, answer.html, answer.pdf) == (b"", b"", b"")


def test_a_token_alone_has_the_report_of_etsi_too(pool: Pool) -> None:
    answer = pool.ask(asked(time_stamp(b"what is stamped"), kinds=(Kind.PLAIN, Kind.ETSI)))
    assert answer.plain["signatures"] == []
    assert len(answer.plain["timestamps"]) == 1
    assert answer.etsi.startswith(b"<?xml")


@pytest.mark.req("TS119441:SVP-8.2-03")
def test_every_answer_bears_the_policy_of_the_service(signed: tuple[bytes, bytes]) -> None:
    statement = "https://provider.example/practice"
    stated = Pool(settings_of(**{"service-policy": "1.3.6.1.4.1.32473.7", "practice-statement": statement}))
    try:
        answer = stated.ask(asked(signed[0], kinds=(Kind.PLAIN, Kind.ETSI)))
    finally:
        stated.close()
    assert answer.plain["service_policy"] == "urn:oid:1.3.6.1.4.1.32473.7"
    told = etree.fromstring(answer.etsi)
    assert told.findtext(".//{*}SignatureValidationServicePolicy") == "urn:oid:1.3.6.1.4.1.32473.7"
    assert told.findtext(".//{*}SignatureValidationPracticeStatement") == statement


@pytest.mark.req("TS119441:SVP-8.2-03")
def test_what_every_answer_bears_is_the_policy_as_a_urn() -> None:
    assert borne(settings_of(**{"service-policy": "1.3.6.1.4.1.32473.7"})) == {
        "service_policy": "urn:oid:1.3.6.1.4.1.32473.7"
    }
    assert borne(settings_of()) == {}


def test_a_service_without_a_policy_of_its_own_names_none(pool: Pool, signed: tuple[bytes, bytes]) -> None:
    answer = pool.ask(asked(signed[0], kinds=(Kind.PLAIN, Kind.ETSI)))
    assert "service_policy" not in answer.plain
    assert b"SignatureValidationServicePolicy" not in answer.etsi


def test_nothing_of_a_file_is_open_in_a_process_afterwards(pool: Pool, signed: tuple[bytes, bytes]) -> None:
    with tempfile.TemporaryFile() as stored:
        stored.write(signed[1])
        stored.flush()
        pool.ask(asked(signed[0], Given(descriptor=stored.fileno())))
        inode = os.fstat(stored.fileno()).st_ino
        (process,) = pool._idle
        folder = f"/proc/{process._process.pid}/fd"
        opened = [os.stat(f"{folder}/{one}").st_ino for one in os.listdir(folder)]  # noqa: PTH116, PTH208
        assert inode not in opened


def test_a_process_has_nothing_of_the_environment_that_it_does_not_need(
    signed: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTWORKS_TEST_SECRET", "s3cret")
    made = Pool(settings_of())
    try:
        made.ask(asked(signed[0]))
        (process,) = made._idle
        folder = Path(f"/proc/{process._process.pid}")
        environment = (folder / "environ").read_bytes()
        assert b"s3cret" not in environment
        assert b"PATH=" in environment
        limits = (folder / "limits").read_text()
        assert int(re.search(r"Max open files +(\d+)", limits)[1]) <= 1024  # type: ignore[index]
        # An answer that is kept has 16 MiB at most.
        assert int(re.search(r"Max file size +(\d+)", limits)[1]) == 17 << 20  # type: ignore[index]
        assert "NoNewPrivs:\t1" in (folder / "status").read_text()
    finally:
        made.close()


@pytest.mark.parametrize("number", [signal.SIGXCPU, signal.SIGKILL])
def test_a_process_that_the_kernel_ends_is_told_as_too_much_and_replaced(
    signed: tuple[bytes, bytes], number: int
) -> None:
    made = Pool(settings_of())
    try:
        with pytest.raises(Malformed):
            made.ask(asked(b""))
        (process,) = made._idle
        process._process.send_signal(number)
        process._process.wait()
        with pytest.raises(Rejected) as raised:
            made.ask(asked(signed[0]))
        assert raised.value.code == "validation.too-much"
        assert ("processor" in str(raised.value)) == (number == signal.SIGXCPU)
        assert ("memory" in str(raised.value)) == (number == signal.SIGKILL)
        assert made._idle == []
    finally:
        made.close()


def hanging(seconds: float) -> Pool:
    return Pool(settings_of(limits={"seconds": seconds, "cpu-seconds": 1}))


SPINNING = """
import sys
from trustworks.validation.bounded import process
def spin(offer, asked):
    while True:
        pass
def hoard(offer, asked):
    found = []
    while True:
        found.append(bytearray(64 << 20))
def wait(offer, asked):
    import time
    time.sleep(600)
process._answer = globals()[sys.argv.pop(1)]
process.main()
"""


@pytest.mark.parametrize(
    ("does", "code"),
    [("spin", "validation.too-much"), ("hoard", "validation.too-much"), ("wait", "validation.time")],
)
def test_time_and_memory_are_bounded(does: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.Popen

    def start(command: tuple[str, ...], **options: Any) -> Any:
        return started((command[0], "-c", SPINNING, does, *command[3:]), **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    # One that waits is given up as soon as its socket says so, without the other limits.
    made = hanging(5.0 if does == "wait" else 60.0)
    try:
        with pytest.raises((Rejected, Unavailable)) as raised:
            made.ask(asked(b"x"))
        assert getattr(raised.value, "code", "") == code
        assert made._busy == set()
        assert made._idle == []
    finally:
        made.close()


def test_a_process_that_ends_by_itself_is_told_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.Popen

    def start(command: tuple[str, ...], **options: Any) -> Any:
        return started((command[0], "-c", "raise SystemExit(3)"), **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    made = Pool(settings_of())
    with pytest.raises(Unavailable) as raised:
        made.ask(asked(b"x"))
    assert raised.value.code == "validation.process"
    made.close()


def test_a_pool_that_is_closed_ends_what_runs_and_starts_nothing(signed: tuple[bytes, bytes]) -> None:
    made = Pool(settings_of())
    with pytest.raises(Malformed):
        made.ask(asked(b""))
    (process,) = made._idle
    made.close()
    assert process._process.poll() is not None
    with pytest.raises(Unavailable):
        made.ask(asked(signed[0]))


def test_what_is_trusted_and_cannot_be_read_is_no_fault_of_the_file(
    tmp_path: Path, signed: tuple[bytes, bytes]
) -> None:
    anchor = tmp_path / "anchor.pem"
    anchor.write_text("no certificate")
    made = Pool(settings_of(trust=[str(anchor)]))
    try:
        with pytest.raises(Unavailable) as raised:
            made.ask(asked(signed[0]))
        assert raised.value.code == "validation.trust"
        assert str(raised.value) == "What is trusted cannot be read now. Try again later."
    finally:
        made.close()


def test_threads_take_a_process_each(pool: Pool, signed: tuple[bytes, bytes]) -> None:
    with ThreadPoolExecutor(2) as threads:
        barrier = threading.Barrier(2)

        def ask(_: int) -> tuple[str, ...]:
            barrier.wait()
            return pool.ask(asked(signed[0], kinds=())).results

        assert list(threads.map(ask, range(2))) == [("INDETERMINATE",)] * 2


def test_a_request_comes_over_the_socket_as_it_was() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as stored:
        request = Asked(
            file=Given(name="a", octets=b"\x00one"),
            detached=(Given(name=None, descriptor=stored.fileno()), Given(octets=b"two")),
            records=(Given(digests=(("sha256", b"\x01"),)),),
            policy="p",
            at=datetime(2026, 1, 31, tzinfo=UTC),
            kinds=EVERY,
            certificate=b"\x30\x00",
        )
        octets = b"".join(one.octets for one in request.files)
        send(ours, words_of(request), octets, [stored.fileno()])
        words, got, descriptors = receive(theirs)
        found = asked_of(words, got, descriptors)
        assert os.fstat(descriptors[0]).st_ino == os.fstat(stored.fileno()).st_ino
        os.close(descriptors[0])
        same = replace(request, detached=(Given(descriptor=descriptors[0]), request.detached[1]))
        assert found == same
        ours.close()
        with pytest.raises(EOFError):
            receive(theirs)
