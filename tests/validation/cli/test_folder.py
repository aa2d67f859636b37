"""`trustworks validate FOLDER`: data beside signatures, found by its name."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from evidence_records import digest, record, stamp
from qualified_reports import KEYS, NOW, certify
from typer.testing import CliRunner

from trustworks.validation.cli import judging
from trustworks.validation.cli.exits import Exit
from trustworks.validation.cli.judging import Means, One, Told, judge_in_processes
from trustworks.validation.cli.validate import app

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path

DATA = b"what is signed"


def signed(*, detached: bool) -> bytes:
    """A signature in CMS by a certificate that the tests trust."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(DATA).add_signer(SIGNER, KEYS["signer"], hashes.SHA256())
    options = [pkcs7.PKCS7Options.Binary, *([pkcs7.PKCS7Options.DetachedSignature] if detached else [])]
    return builder.sign(Encoding.DER, options)


SIGNER = certify("signer")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "inbox"
    found.mkdir()
    return found


def lines(folder: Path, *more: str) -> tuple[int, list[str], str]:
    result = CliRunner().invoke(app, [str(folder), "--offline", *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr


def plain(folder: Path, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code, out, _ = lines(folder, "--json", *more)
    return code, {one["file"]: one for one in map(json.loads, out)}


@pytest.mark.parametrize("ending", [".p7s", ".sig", ".P7S"])
def test_data_is_found_beside_its_signature_by_its_name(folder: Path, ending: str) -> None:
    (folder / "contract.txt").write_bytes(DATA)
    (folder / f"contract.txt{ending}").write_bytes(signed(detached=True))
    code, found = plain(folder)
    signature = found[f"contract.txt{ending}"]
    assert signature["data"] == ["contract.txt"]
    assert signature["signatures"][0]["data_intact"] is True
    assert found["contract.txt"]["data_of"] == f"contract.txt{ending}"
    assert code == 2  # nobody is trusted: the data by itself makes it no 3
    _, told, err = lines(folder)
    assert told[0] == f"contract.txt: not signed itself; by its name it is the data of contract.txt{ending}"
    assert told[1].endswith("(over contract.txt)")
    assert err == "2 files: 1 indeterminate, 1 not signed, the data of others.\n"


def test_data_that_was_changed_is_taken_and_fails(folder: Path) -> None:
    (folder / "contract.txt").write_bytes(DATA + b" and more")
    (folder / "contract.txt.p7s").write_bytes(signed(detached=True))
    code, found = plain(folder)
    assert code == 1
    assert found["contract.txt.p7s"]["data"] == ["contract.txt"]
    assert found["contract.txt.p7s"]["signatures"][0]["data_intact"] is False


def test_data_that_nothing_is_over_is_left_out_and_no_objection(folder: Path) -> None:
    (folder / "contract.txt").write_bytes(b"something else")
    (folder / "contract.txt.p7s").write_bytes(signed(detached=False))
    _, found = plain(folder)
    one = found["contract.txt.p7s"]
    assert one["data"] == []
    assert one["signatures"][0]["data_intact"] is True
    assert "given.uncovered" not in json.dumps(one)
    assert lines(folder)[1][1].endswith("(not over contract.txt)")


def test_a_name_beside_does_not_hide_the_data_that_was_given(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(DATA)
    (folder / "contract.txt").write_bytes(b"something else")
    (folder / "contract.txt.p7s").write_bytes(signed(detached=True))
    (folder / "alone.p7s").write_bytes(signed(detached=True))
    _, found = plain(folder, "--detached", str(tmp_path / "given"))
    assert found["contract.txt.p7s"]["signatures"][0]["data_intact"] is True
    assert (found["alone.p7s"]["data"], found["alone.p7s"]["signatures"][0]["data_intact"]) == ([], True)


def test_only_the_same_folder_and_the_whole_name_count(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "contract.txt").write_bytes(DATA)
    (folder / "contract.txt.p7s").write_bytes(signed(detached=True))
    (folder / "contract").write_bytes(DATA)
    code, found = plain(folder)
    assert found["contract.txt.p7s"]["signatures"][0]["data_found"] is False
    assert "data_of" not in found["contract"]
    assert code != 0


def test_evidence_records_have_their_data_beside_them_too(folder: Path) -> None:
    (folder / "a.txt").write_bytes(DATA)
    (folder / "a.txt.ers").write_bytes(record([stamp([[digest(DATA)]])]))
    (folder / "b.txt").write_bytes(DATA)
    (folder / "b.txt.tst").write_bytes(b"no token")
    _, found = plain(folder)
    assert found["a.txt.ers"]["evidence_records"][0]["data_intact"] is True
    assert found["a.txt.ers"]["data"] == ["a.txt"]
    assert "error" in found["b.txt.tst"]


def test_a_name_is_shown_as_a_terminal_may_have_it(folder: Path) -> None:
    (folder / "a\u202e.txt").write_bytes(b"text")
    assert lines(folder)[1][0].startswith("a\\u202e.txt: not readable")


def several(folder: Path) -> None:
    """Files of every kind that a folder may hold."""
    for number in range(5):
        (folder / f"{number}.p7m").write_bytes(signed(detached=False))
    (folder / "5.txt").write_bytes(DATA)
    (folder / "5.txt.p7s").write_bytes(signed(detached=True))
    (folder / "6.txt").write_bytes(b"another text")
    (folder / "6.txt.p7s").write_bytes(signed(detached=True))
    (folder / "7.bin").write_bytes(b"nothing that is signed")
    (folder / "anchor.crt").write_bytes(SIGNER.public_bytes(Encoding.DER))


def test_several_processes_say_what_one_says_in_the_same_order(folder: Path, tmp_path: Path) -> None:
    several(folder)
    (tmp_path / "more.txt").write_bytes(DATA)
    more = ("--trust", str(folder / "anchor.crt"), "--at", f"{NOW:%Y-%m-%dT%H:%M:%SZ}")
    detached = ("--detached", str(tmp_path / "more.txt"))
    for options in ((), ("--json",)):
        alone = lines(folder, *more, *options, *detached)
        assert lines(folder, "--jobs", "2", *more, *options, *detached) == alone
        assert len(alone[1]) == 11


class Ends(One):
    """A file that ends the process that takes it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (1,)


def test_a_process_that_ends_is_told_of_its_file_alone(folder: Path) -> None:
    several(folder)
    files = [One(name=one.name, file=one) for one in sorted(folder.iterdir())]
    means = Means(options={"policy": "ades", "at": None, "trust": (), "untrusted": (), "offline": True})
    given = [*files[:2], Ends(name="ends", file=folder), *files[2:]]
    told = list(judge_in_processes(given, means, 2))
    assert [one.said["file"] for one in told] == [one.name for one in given]
    assert [one.code for one in told].count(Exit.FAULT) == 1
    assert told[2].line == "ends: not judged: The process that judged it ended. Please report it."


def kill(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool, and return once it has noticed."""
    pool.submit(os.getpid).result()
    for process in list(pool._processes.values()):
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    with contextlib.suppress(BrokenProcessPool):
        pool.submit(os.getpid).result()


@pytest.mark.parametrize("pools_that_end", [(0,), (0, 1)])
def test_processes_that_are_killed_between_two_answers_are_no_end_of_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pools_that_end: tuple[int, ...]
) -> None:
    """The first ends while its answers are taken, others before anything is asked of them again."""
    given = [One(name=str(number), file=folder / f"{number}.bin") for number in range(11)]
    for one in given:
        one.file.write_bytes(b"nothing that is signed")
    made: list[ProcessPoolExecutor] = []

    def pool(means: Means, jobs: int) -> ProcessPoolExecutor:
        found = real(means, jobs)
        if jobs > 1:
            made.append(found)
            if len(made) > 1 and len(made) - 1 in pools_that_end:
                kill(found)
        return found

    real = judging._pool
    monkeypatch.setattr(judging, "_pool", pool)
    means = Means(options={"policy": "ades", "at": None, "trust": (), "untrusted": (), "offline": True})
    told: list[Told] = []
    for answer in judge_in_processes(given, means, 2):
        told.append(answer)
        if len(told) == 2:
            kill(made[0])
    assert [(one.said["file"], one.code) for one in told] == [(one.name, Exit.UNREADABLE) for one in given]
    assert len(made) == len(pools_that_end) + 1


def test_a_single_file_takes_no_jobs(folder: Path) -> None:
    (folder / "a.p7m").write_bytes(signed(detached=False))
    result = CliRunner().invoke(app, [str(folder / "a.p7m"), "--offline", "--jobs", "2"])
    assert (result.exit_code, "--jobs is for a folder" in result.stderr) == (Exit.USAGE, True)
