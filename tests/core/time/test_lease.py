"""The lease page: whole or refused, whoever wrote it, however it was torn."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import threading
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Unavailable
from trustworks.core.time import rules
from trustworks.core.time.lease import HEAD, MAGIC, PAGE, Lease, LeaseReader, LeaseWriter, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.core.time.conftest import World

LEASE = Lease(
    number=7,
    boot="0123456789abcdef",
    code="ok",
    reason="fine",
    written=10,
    until=20,
    bound=30,
    realtime=40,
    raw=50,
    suspended=60,
    held=True,
    sources=("kernel", "chrony:192.0.2.1"),
    window=(1, 2),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a lease will be."""
    return tmp_path / "state" / "clock.lease"


def test_what_is_written_is_read(path: Path) -> None:
    writer, reader = LeaseWriter(path), LeaseReader(path)
    assert writer.previous() is None
    with pytest.raises(Unavailable, match="torn or damaged"):
        reader.read()
    writer.write(LEASE)
    assert reader.read() == LEASE
    assert reader.read() is reader.read()
    writer.write(replace(LEASE, number=8))
    assert reader.read().number == 8
    assert reader.read().name == "01234567-8"
    assert writer.previous() == replace(LEASE, number=8)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    writer.close()
    reader.close()


@given(
    st.builds(
        Lease,
        number=st.integers(0, 2**63),
        boot=st.text(),
        code=st.text(),
        reason=st.text(max_size=50),
        written=st.integers(0, 2**63),
        until=st.integers(0, 2**63),
        bound=st.integers(0, 2**63),
        realtime=st.integers(),
        raw=st.integers(),
        suspended=st.integers(),
        held=st.booleans(),
        sources=st.lists(st.text(max_size=20), max_size=3).map(tuple),
        leap=st.sampled_from(["none", "insert"]),
        leap_at=st.none() | st.integers(),
        window=st.none() | st.tuples(st.integers(), st.integers()),
        last_leap=st.none() | st.integers(),
        leap_file_expires=st.none() | st.text(max_size=10),
        latch=st.none() | st.text(max_size=16),
    )
)
def test_any_lease_survives_the_page(lease: Lease) -> None:
    assert decode(encode(lease)) == lease


def test_a_lease_too_large_for_its_page_is_a_bug() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode(replace(LEASE, reason="x" * PAGE))


def test_a_torn_write_is_refused_and_mended_by_the_next_writer(path: Path) -> None:
    writer, reader = LeaseWriter(path), LeaseReader(path)
    writer.write(LEASE)
    reader.read()
    # The writer died in the middle: the number is odd, half of the body is new.
    HEAD.pack_into(writer._map, 0, MAGIC, writer._sequence + 1, 100, 0)
    writer._map[HEAD.size : HEAD.size + 50] = b"x" * 50
    with pytest.raises(Unavailable) as caught:
        LeaseReader(path).read()
    assert caught.value.code == "clock.lease-damaged"
    # Who has the lease before keeps it, until it expires.
    assert reader.read() == LEASE
    writer.close()
    writer = LeaseWriter(path)
    assert writer.previous() is None
    writer.write(replace(LEASE, number=8))
    assert reader.read().number == 8
    assert writer._sequence % 2 == 0
    writer.close()


@given(place=st.integers(0, HEAD.size + 200), value=st.integers(0, 255))
def test_a_changed_byte_is_never_believed(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    path = tmp_path_factory.mktemp("lease") / "clock.lease"
    writer = LeaseWriter(path)
    writer.write(LEASE)
    page = bytearray(path.read_bytes())
    writer.close()
    page[place] = value
    path.write_bytes(page)
    # A change of the head's number from one even number to another says nothing false.
    with contextlib.suppress(Unavailable):
        assert LeaseReader(path).read() == LEASE


@pytest.mark.parametrize("body", [b"{}", b"[]", b"nonsense", b"null", b'{"sources":1,"window":null}'])
def test_a_page_that_is_no_lease_is_refused_although_its_checksum_fits(path: Path, body: bytes) -> None:
    writer = LeaseWriter(path)
    writer._map[HEAD.size : HEAD.size + len(body)] = body
    HEAD.pack_into(writer._map, 0, MAGIC, 2, len(body), zlib.crc32(body))
    with pytest.raises(Unavailable, match="torn or damaged"):
        LeaseReader(path).read()
    assert writer.previous() is None
    writer.close()


def test_a_reader_beside_a_busy_writer_never_sees_a_mixture(path: Path) -> None:
    writer, reader = LeaseWriter(path), LeaseReader(path)
    writer.write(LEASE)
    done = threading.Event()

    def write() -> None:
        for number in range(3000):
            writer.write(replace(LEASE, number=number, until=number, reason="x" * (number % 500)))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = 0
    while not done.is_set():
        lease = reader.read()
        assert lease == LEASE or (lease.number == lease.until and len(lease.reason) == lease.number % 500)
        seen += 1
    thread.join()
    assert seen
    writer.close()


def test_another_process_reads_the_same_lease(path: Path) -> None:
    writer = LeaseWriter(path)
    writer.write(LEASE)
    program = (
        "import sys; from pathlib import Path; from trustworks.core.time.lease import LeaseReader; "
        "print(LeaseReader(Path(sys.argv[1])).read().name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == LEASE.name
    writer.close()


def test_one_writer_at_a_time(path: Path) -> None:
    writer = LeaseWriter(path)
    with pytest.raises(Unavailable) as caught:
        LeaseWriter(path)
    assert caught.value.code == "clock.collector-running"
    writer.close()
    LeaseWriter(path).close()


def test_a_lease_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be written"):
        LeaseWriter(tmp_path / "file" / "clock.lease")


@pytest.mark.parametrize("call", ["ftruncate", "posix_fallocate"])
def test_a_collector_that_finds_no_room_lets_the_lease_go(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(Unavailable, match="No space left") as caught:
        LeaseWriter(path)
    assert caught.value.code == "clock.lease-file"
    monkeypatch.undo()
    LeaseWriter(path).close()  # the lock is free again


def test_the_page_of_a_lease_has_no_holes(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    os.truncate(path, PAGE)  # as it was left by one that found a full disk
    LeaseWriter(path).close()
    assert path.stat().st_blocks * 512 >= PAGE


def test_a_full_disk_ends_no_collector(tmp_path: Path) -> None:
    """On a file system of its own, in a process of its own: a write to a hole is a signal, not an error."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED, because a small file system cannot be mounted here.")
    try:
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        code = (
            "import sys; from pathlib import Path; from trustworks.core.errors import Unavailable\n"
            "from trustworks.core.time.lease import LeaseWriter\n"
            "try: LeaseWriter(Path(sys.argv[1]))\n"
            "except Unavailable as error: print(error.code, error)\n"
        )
        command = [sys.executable, "-c", code, str(disk / "clock.lease")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("clock.lease-file The lease ")
    assert "No space left on device" in done.stdout


def test_a_missing_or_strange_file_is_explained(path: Path) -> None:
    reader = LeaseReader(path)
    with pytest.raises(Unavailable, match="trustworks time collect"):
        reader.read()
    path.parent.mkdir()
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(Unavailable, match="has 5 bytes"):
        reader.read()
    path.unlink()
    path.symlink_to(path.parent / "elsewhere")
    with pytest.raises(Unavailable, match="cannot be read"):
        reader.read()


def test_a_replaced_file_is_found(path: Path) -> None:
    writer, reader = LeaseWriter(path), LeaseReader(path)
    writer.write(LEASE)
    reader.read()
    reader.reopen_if_replaced()
    assert reader.read() == LEASE
    path.unlink()
    writer.close()
    writer = LeaseWriter(path)
    writer.write(replace(LEASE, number=9))
    assert reader.read().number == 7
    reader.reopen_if_replaced()
    assert reader.read().number == 9
    path.unlink()
    reader.reopen_if_replaced()
    with pytest.raises(Unavailable):
        reader.read()
    writer.close()


def test_a_worker_finds_a_replaced_lease_by_itself(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    guard.now()
    (world.folder / "clock.lease").unlink()
    world.kill(collector)
    collector = world.collector()
    world.run(10)
    world.ticks(collector)
    with pytest.raises(Unavailable, match="no longer valid"):
        guard.now()
    guard.now()


@pytest.mark.req("EN319421:TIS-7.7.2-04")
@pytest.mark.parametrize(("mode", "message"), [(0o620, "mode 0620"), (0o602, "mode 0602")])
def test_a_lease_that_others_can_write_is_refused(path: Path, mode: int, message: str) -> None:
    writer = LeaseWriter(path)
    writer.write(LEASE)
    path.chmod(mode)
    with pytest.raises(Unavailable, match=message) as caught:
        LeaseReader(path).read()
    assert caught.value.code == "clock.lease-unprotected"
    writer.close()


@pytest.mark.req("EN319421:TIS-7.7.2-04")
def test_a_lease_of_another_user_is_refused() -> None:
    assert rules.protection_findings(1000, 0o100600, (0, 1000)) == ()
    assert rules.protection_findings(1001, 0o100600, (0, 1000)) == ("it belongs to user 1001",)


def test_a_damaged_file_is_taken_over_by_the_next_collector(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    (world.folder / "clock.lease").write_bytes(b"\xff" * PAGE)
    assert world.ticks(world.collector()).code == "ok"
