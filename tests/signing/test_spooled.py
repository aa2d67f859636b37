"""Large files on their way have no name, and are gone with whoever held them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Unavailable
from trustworks.formats.data import Joined, Octets, Protected, password_of
from trustworks.signing.create import spooled as module
from trustworks.signing.create.spooled import Spooled, spooled

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.formats.data import Data

CONTENT = bytes(range(256)) * 16


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 1024)


def large() -> Data:
    return Joined((Octets(CONTENT[:100]), Octets(CONTENT[100:])), "a.bin")


def test_a_large_file_can_be_read_as_often_as_it_takes(tmp_path: Path) -> None:
    kept = spooled(large(), tmp_path / "new")
    assert isinstance(kept, Spooled)
    assert (kept.name, kept.size) == ("a.bin", len(CONTENT))
    assert kept.octets() == b"".join(kept.portions()) == CONTENT
    assert list((tmp_path / "new").iterdir()) == []
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    place = kept.path
    assert place.exists()
    del kept
    assert not place.exists()


def test_a_password_stays_with_it(tmp_path: Path) -> None:
    kept = spooled(Protected(large(), "open"), tmp_path)
    assert password_of(kept) == "open"
    assert kept.octets() == CONTENT


def test_a_disk_that_does_not_take_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be put aside"):
        spooled(large(), tmp_path / "file")


_HOLDS = """
import sys
from pathlib import Path
from trustworks.formats.data import Joined, Octets
from trustworks.signing.create import spooled as module
module.IN_MEMORY = 1024
kept = module.spooled(Joined((Octets(bytes(5000)),)), Path(sys.argv[1]))
print(kept.size, flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", _HOLDS, str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"5000\n"
        process.kill()
        assert process.wait() == -9
    assert list(tmp_path.iterdir()) == []
