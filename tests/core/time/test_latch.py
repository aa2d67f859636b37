"""The latched stop's files: who may have written them, what is durable, which release lifts what."""

from __future__ import annotations

import errno
import json
import os
import pwd
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.time import TrustedDay, release, rules
from trustworks.core.time.day import DAY_NAME
from trustworks.core.time.latch import RELEASES_NAME, REPORTED_NAME, LatchFiles
from trustworks.core.time.stop import new_latch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.time.conftest import World


def damage(world: World, content: bytes) -> None:
    """The file of the stop is spoilt, and is another file than the last one."""
    file = world.folder / "clock.latched"
    file.unlink(missing_ok=True)
    file.write_bytes(content)
    file.chmod(0o600)


def latched(world: World) -> LatchFiles:
    """A stop stands, and no collector runs."""
    files = LatchFiles(world.folder)
    files.set(new_latch("clock.jump", "It jumped.", found_by="t", realtime_ns=0, boot="b", detail={}))
    return files


@pytest.mark.req("EN319421:OVR-7.13-04")
@pytest.mark.parametrize("content", [b"{damaged again, months later", b"{damaged"])
def test_the_release_of_an_unreadable_stop_lifts_no_later_one(world: World, content: bytes) -> None:
    files = LatchFiles(world.folder)
    damage(world, b"{damaged")
    release(world.folder, "Test Operator", "checked against UTC")
    damage(world, content)
    os.utime(files.path, ns=(1, 1))  # a file system that gives the same number again
    later = files.read()
    assert later is not None
    assert later == files.read()
    assert not rules.may_resume(later.id, files.lifted())


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_one_release_lifts_a_stop_whose_file_was_damaged(world: World) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector)
    world.jump(1)
    with pytest.raises(Unavailable, match="jumped"):
        guard.now()  # and from now on this one looks no more until the end
    world.ticks(collector)
    damage(world, b"{")
    assert world.ticks(collector).code == "clock.jump"  # mended from what the collector knows
    assert LatchFiles(world.folder).read().code == "clock.jump"  # type: ignore[union-attr]
    damage(world, b"{")  # and this time released before the collector has seen it
    release(world.folder, "Test Operator", "checked against UTC", world.settings.lease_path(world.folder))
    assert world.ticks(collector, 2).code == "ok"
    guard.now()


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_the_release_of_a_mended_stop_holds_for_a_worker_that_saw_it_damaged(world: World) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(1)
    world.ticks(collector)
    workers = []
    for content in (b"{", b"{again"):
        damage(world, content)
        workers.append(world.guard())  # looks once, and not again before the release
        world.ticks(collector)
    release(world.folder, "Test Operator", "checked against UTC")
    assert world.ticks(collector, 2).code == "ok"
    for worker in workers:
        worker.now()
    assert not LatchFiles(world.folder).stands()
    stops = [(kind, detail) for kind, detail in world.events if kind in {"clock.latched", "clock.released"}]
    assert [kind for kind, _ in stops] == ["clock.latched", "clock.released"]
    lifted = stops[1][1]
    assert lifted["latch"] == stops[0][1]["id"]
    assert [one.startswith("unreadable-") for one in lifted["also"]] == [True, True]


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_stop_that_was_released_meanwhile_is_not_mended(world: World) -> None:
    files = latched(world)
    known = files.read()
    damage(world, b"{")
    damaged = files.read()
    assert known is not None
    assert damaged is not None
    release(world.folder, "Test Operator", "checked against UTC")  # after the collector's look at the file
    assert files.mend(known, damaged) is None
    assert not files.stands()


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_stop_is_not_mended_while_it_is_lifted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    files = latched(world)
    known = files.read()
    damage(world, b"{")
    damaged = files.read()
    assert known is not None
    assert damaged is not None
    genuine, threads = Path.unlink, []

    def unlink(path: Path, *more: Any, **options: Any) -> None:
        if path == files.path:  # recorded, and about to be removed
            threads.append(threading.Thread(target=files.mend, args=(known, damaged)))
            threads[0].start()
            threads[0].join(0.05)  # what it must not do takes it less
            assert files.read() == damaged
        genuine(path, *more, **options)

    monkeypatch.setattr(Path, "unlink", unlink)
    release(world.folder, "Test Operator", "checked against UTC")
    threads[0].join()
    assert not files.stands()


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_release_lifts_no_other_stop_than_the_one_that_was_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = latched(world)

    def another() -> str:
        files.path.unlink()
        latched(world)
        return ""

    with monkeypatch.context() as patched:
        patched.setattr("trustworks.core.time.latch.account", another)
        with pytest.raises(Rejected, match=r"`trustworks time status`.*release what stands") as caught:
            release(world.folder, "Test Operator", "checked against UTC")
    assert caught.value.code == "clock.stop-changed"
    assert files.stands()
    assert files.releases() == []


@pytest.mark.req("EN319421:OVR-7.13-04")
@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO])
def test_a_machine_without_files_or_memory_for_a_moment_is_not_stopped_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    world.ticks(world.collector())
    genuine = os.open

    def failing(path: Any, *more: Any, **options: Any) -> int:
        if str(path).endswith(("clock.latched", RELEASES_NAME, REPORTED_NAME)):
            raise OSError(number, os.strerror(number))
        return genuine(path, *more, **options)

    files = LatchFiles(world.folder)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", failing)
        guard = world.guard()
        for act, file in (
            (guard.now, "clock.latched"),
            (files.read, "clock.latched"),
            (files.releases, RELEASES_NAME),
            (files.reported, REPORTED_NAME),
        ):
            with pytest.raises(
                Unavailable, match=rf"{file} cannot .*{os.strerror(number)}.*look at the machine"
            ) as caught:
                act()
            assert caught.value.code == "clock.state-unreadable"
    guard.now()
    assert not files.stands()


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_stop_that_cannot_be_read_for_a_moment_is_not_another_stop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    files = latched(world)
    for call, act in (("read", files.read), ("lstat", files.stands)):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, failing)
            with pytest.raises(Unavailable) as caught:
                act()
            assert caught.value.code == "clock.state-unreadable"
    assert files.stands()
    assert files.read().code == "clock.jump"  # type: ignore[union-attr]


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_two_threads_that_keep_the_same_stop_are_not_in_each_other_s_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = LatchFiles(world.folder)
    latch = new_latch("clock.jump", "It jumped.", found_by="t", realtime_ns=0, boot="b", detail={})
    genuine, others = os.link, iter([files.set])

    def link(*arguments: Any, **options: Any) -> None:
        for overtaking in others:
            assert overtaking(latch) == latch
        genuine(*arguments, **options)

    monkeypatch.setattr(os, "link", link)
    assert files.set(latch) == latch
    assert [path.name for path in world.folder.glob("*latched*")] == ["clock.latched"]


@pytest.mark.req("EN319421:OVR-7.13-04")
@pytest.mark.parametrize("content", [b"[]", b"3", b"{}", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_stop_is_one_and_can_be_released(world: World, content: bytes) -> None:
    files = latched(world)
    values = {**json.loads(files.path.read_bytes()), "detail": [1]}
    for damaged in (content, json.dumps(values).encode("ascii")):
        damage(world, damaged)
        found = files.read()
        assert found is not None
        assert found.code == "clock.latch-unreadable"
        release(world.folder, "Test Operator", "checked against UTC")
        assert not files.stands()


@pytest.mark.req("EN319421:OVR-7.13-04")
@pytest.mark.parametrize(
    "spoilt",
    [
        {"id": 3},
        {"reason": None},
        {"reason": "\ud800"},
        {"code": "ok"},
        {"detail": {"x": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}},
        {"boot": ["b"]},
        {"detail": None},
        {"detail": {"mended": 5}},
        {"detail": {"mended": None}},
        {"detail": {"mended": "abc"}},
        {"detail": {"mended": [1]}},
        {"detail": {"step_ns": float("nan")}},
        {"more": "than is known"},
    ],
)
def test_a_stop_with_values_of_other_kinds_is_unreadable_and_can_be_released(
    world: World, spoilt: dict[str, Any]
) -> None:
    files = latched(world)
    damage(world, json.dumps({**json.loads(files.path.read_bytes()), **spoilt}).encode("ascii"))
    found = files.read()
    assert found is not None
    assert found.code == "clock.latch-unreadable"
    release(world.folder, "Test Operator", "checked against UTC")
    assert not files.stands()


@pytest.mark.req("EN319421:TIS-7.7.2-04")
def test_a_stop_that_others_could_write_stands_and_is_named(world: World) -> None:
    files = latched(world)
    files.path.chmod(0o666)
    found = files.read()
    assert found is not None
    assert found.code == "clock.latch-unreadable"
    assert "is not trusted (others than its owner can write it (mode 0666))" in found.reason
    files.path.unlink()
    files.path.symlink_to(world.folder / "elsewhere")
    assert files.stands()
    assert files.read() is not None


@pytest.mark.req("EN319421:TIS-7.7.2-04")
def test_releases_that_others_could_write_lift_nothing(world: World) -> None:
    files = latched(world)
    guard = world.guard()
    release(world.folder, "Test Operator", "checked against UTC")
    (world.folder / RELEASES_NAME).chmod(0o622)
    for act in (files.releases, lambda: world.collector().tick(), guard.now):
        with pytest.raises(Unavailable, match=r"clock\.releases is not trusted: .*mode 0622") as caught:
            act()
        assert caught.value.code == "clock.releases-unprotected"
    (world.folder / RELEASES_NAME).chmod(0o600)
    assert len(files.releases()) == 1


@pytest.mark.req("EN319421:TIS-7.7.2-04")
def test_a_note_that_others_could_write_keeps_no_release_out_of_the_log(world: World) -> None:
    files = latched(world)
    release(world.folder, "Test Operator", "checked against UTC")
    (done,) = files.releases()
    files.mark_reported(done.name)
    assert files.reported() == done.name
    (world.folder / REPORTED_NAME).chmod(0o622)
    world.ticks(world.collector())
    assert [kind for kind, _ in world.events if kind == "clock.released"] == ["clock.released"]
    assert files.reported() == done.name  # by the collector's own note


@pytest.mark.req("EN319421:TIS-7.7.2-04")
def test_without_a_folder_of_its_own_the_clock_gives_no_time(world: World) -> None:
    collector, early = world.collector(), world.guard()
    world.ticks(collector)
    early.now()
    world.folder.chmod(0o777)  # others can remove a stop
    guard = world.guard()
    for act in (guard.now, collector.tick, LatchFiles(world.folder).stands):
        with pytest.raises(Unavailable, match=r"is not trusted: .*mode 0777.*mode 0700") as caught:
            act()
        assert caught.value.code == "clock.state-unprotected"
    assert guard.status().code == "clock.state-unprotected"
    with pytest.raises(Unavailable, match="is not trusted"):
        release(world.folder, "Test Operator", "checked against UTC")
    world.folder.chmod(0o700)
    guard.now()
    latched(world)
    world.folder.chmod(0o777)
    guard = world.guard()
    world.folder.chmod(0o700)
    with pytest.raises(Unavailable, match="It jumped"):
        guard.now()


@pytest.mark.req("EN319421:TIS-7.7.2-04")
def test_a_command_in_another_account_is_told_which_one_to_use(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    latched(world)
    own = os.geteuid()
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: own + 12345)
        if own:
            expected = rf"belongs to user {own}.*Run this in the account {pwd.getpwuid(own).pw_name} "
        else:
            os.chown(world.folder, 12346, -1)
            expected = r"belongs to user 12346.*Run this in the account uid 12346 "
        with pytest.raises(Unavailable, match=expected):
            release(world.folder, "Test Operator", "checked against UTC")


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_what_root_writes_belongs_to_the_services_account(world: World) -> None:
    if os.geteuid():
        pytest.skip("NOT TESTED, because only root can give files away.")
    os.chown(world.folder, 12345, 12346)
    files = latched(world)
    world.ticks(world.collector())
    release(world.folder, "Test Operator", "checked against UTC")
    files.mark_reported(files.releases()[0].name)
    world.ticks(world.opened[0])
    assert world.guard().status().code != "clock.lease-unprotected"
    TrustedDay(world.guard())()
    names = {path.name: path.stat() for path in world.folder.iterdir() if path.name.startswith("clock.")}
    assert set(names) == {"clock.lease", RELEASES_NAME, REPORTED_NAME, DAY_NAME}
    assert {(one.st_uid, one.st_gid) for one in names.values()} == {(12345, 12346)}


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_stop_and_its_release_are_durable_before_they_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def seen(call: Callable[..., None], name: str) -> Callable[..., None]:
        def act(what: Any, *more: Any, **options: Any) -> None:
            path = str(Path(f"/proc/self/fd/{what}").readlink() if isinstance(what, int) else what)
            steps.append(f"{name} {path.removeprefix(str(world.folder)).lstrip('/') or 'folder'}")
            call(what, *more, **options)

        return act

    for name in ("fsync", "link", "unlink"):
        monkeypatch.setattr(os, name, seen(getattr(os, name), name))
    latched(world)
    new = steps[0].removeprefix("fsync ")
    assert re.fullmatch(r"\.clock\.latched\.[0-9a-f]+", new)
    assert steps == [f"fsync {new}", f"link {new}", f"unlink {new}", "fsync folder"]
    steps.clear()
    release(world.folder, "Test Operator", "checked against UTC")
    assert steps == ["fsync clock.releases", "fsync folder", "unlink clock.latched", "fsync folder"]


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_release_by_a_name_that_is_no_text_is_refused_and_the_stop_stands(world: World) -> None:
    files = latched(world)
    broken = os.fsdecode(b"M\xfcller")
    for operator, reason in ((broken, "checked against UTC"), ("Test Operator", f"asked {broken}")):
        with pytest.raises(Malformed, match="no UTF-8"):
            release(world.folder, operator, reason)
    assert files.stands()
    assert files.releases() == []


@pytest.mark.req("EN319421:OVR-7.13-04")
@pytest.mark.parametrize(
    "spoilt",
    [
        {"operator": "M\udcfcller"},
        {"operator": 5},
        {"reason": float("nan")},
        {"boottime": "x"},
        {"boottime": True},
        {"latch": ["x"]},
        {"also": "x"},
        {"more": "than is known"},
    ],
)
def test_a_line_that_the_log_could_not_take_releases_nothing_and_ends_nothing(
    world: World, spoilt: dict[str, Any]
) -> None:
    collector = world.collector()
    world.ticks(collector)
    world.jump(10)
    world.ticks(collector)
    release(world.folder, "Test Operator", "checked against UTC")
    record = world.folder / RELEASES_NAME
    record.write_text(json.dumps({**json.loads(record.read_bytes()), **spoilt}) + "\n", encoding="ascii")
    world.kinds()
    assert world.ticks(collector).code == "clock.jump"
    world.kill(collector)
    assert world.ticks(world.collector()).code == "clock.jump"
    assert "clock.released" not in world.kinds()
    release(world.folder, "Test Operator", "checked against UTC")
    assert world.ticks(world.opened[0]).code == "ok"
    assert "clock.released" in world.kinds()


def test_a_record_that_was_cut_is_told_and_hides_no_release(world: World) -> None:
    collector = world.collector()
    for _ in range(2):
        world.ticks(collector)
        world.jump(10)
        world.ticks(collector)
        release(world.folder, "Test Operator", "checked against UTC")
        world.ticks(collector)
    assert world.kinds().count("clock.released") == 2
    record = world.folder / RELEASES_NAME
    record.write_bytes(record.read_bytes().splitlines(keepends=True)[0])
    world.ticks(collector)
    assert world.kinds() == ["clock.releases-removed", "clock.released"]
    world.ticks(collector)
    assert world.kinds() == []
    record.unlink()
    world.kill(collector)
    collector = world.collector()
    world.ticks(collector)
    assert world.kinds().count("clock.releases-removed") == 1
    world.jump(10)
    world.ticks(collector)
    release(world.folder, "Test Operator", "checked against UTC")
    world.ticks(collector)
    kinds = world.kinds()
    assert (kinds.count("clock.released"), kinds.count("clock.releases-removed")) == (1, 0)


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_a_stop_that_no_file_and_no_log_takes_stays_the_same_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = world.collector()
    world.ticks(collector, 2)
    world.kinds()
    world.chrony_offset = "0.500000000"  # far beyond the bound, at every look

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("trustworks.core.time.latch.put_new", full)
        world.audit_fails = True
        assert {world.ticks(collector).latch for _ in range(5)} == {world.ticks(collector).latch}
        world.audit_fails = False
    world.ticks(collector)
    assert world.kinds().count("clock.latched") == 1


@pytest.mark.req("EN319421:OVR-7.13-04")
def test_threads_that_see_a_release_at_the_same_time_all_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector, guard = world.collector(), world.guard()
    world.ticks(collector, 2)
    world.jump(10)
    world.ticks(collector)
    with pytest.raises(Unavailable, match="jumped"):
        guard.now()
    release(world.folder, "Test Operator", "checked against UTC")
    assert world.ticks(collector).code == "ok"
    both, genuine = threading.Barrier(2), guard._require_release

    def together() -> None:
        both.wait(10)  # both have seen the stop, and neither the release
        genuine()

    monkeypatch.setattr(guard, "_require_release", together)
    with ThreadPoolExecutor(2) as pool:
        given = [one.result() for one in [pool.submit(guard.now) for _ in range(2)]]
    assert {one.evidence.mode for one in given} == {"enforce"}
