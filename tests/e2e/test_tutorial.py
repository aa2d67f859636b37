"""The tutorial's commands, in its order, in one shell."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from laboratory import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Lab

pytestmark = pytest.mark.e2e

TRY = re.compile(r"<!-- try -->\n *```sh\n(.*?)```", re.DOTALL)


def test_every_command_of_the_tutorial_works(
    lab: Lab, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    tutorial = (request.config.rootpath / "docs" / "tutorial.md").read_text(encoding="utf-8")
    commands = TRY.findall(tutorial)
    assert len(commands) == 12
    (tmp_path / "lab").symlink_to(lab.folder)
    (tmp_path / "server.pem").write_text("of the commands that the laboratory prints", encoding="ascii")
    (tmp_path / "README.md").write_text("a readme", encoding="utf-8")
    script = "\necho =====\n".join(commands).replace("127.0.0.1:8080", f"127.0.0.1:{lab.port}")
    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"export PATH={PROGRAM.parent}:$PATH\n{script}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    said = found.stdout.split("=====")
    assert "Verification: OK" in said[0]
    assert "Valid: README.md existed at" in said[1]
    assert "1.3.6.1.4.1.32473.3161.1" in said[1], "the laboratory's policy"
    assert "server.pem: OK" in said[2]
    assert "server.pem: good" in said[3]
    assert "server.pem: revoked" in said[4]
    assert "CRL Number" in said[5]
    assert ": good" not in said[6]
    assert '"qualification": "QESeal"' in said[8]
    assert re.search(r"TOTAL-PASSED\n(.*\n)+ *qualified +QESeal", said[8])
    assert "The log is sound." in said[9]
    assert "ocsp.pem cannot be read" in said[10]
    assert "server.pem: revoked" in said[10]
    assert said[11].split() == ["200"]
