"""A running service takes the next key of a time-stamping unit into use; OpenSSL sees no gap."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from forked_program import PROGRAM, run_script
from laboratory import Lab, openssl, until
from other_days import days_away

from trustworks.app.lab.configuration import config_text
from trustworks.app.rollover.due import FOLDER
from trustworks.timestamping import wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

ROLLOVER = """
[rollover]
unattended = ["tsu"]
service-days = 366
prepare-minutes = 0
overlap-hours = 0.004
look-every = 0.2
"""


@pytest.fixture
def serving(tmp_path: Path, request_der: bytes) -> Iterator[Lab]:
    """A provider that `trustworks serve` serves, on plain HTTP alone."""
    lab = Lab(tmp_path / "lab")
    lab.folder.mkdir()
    text = config_text(f"127.0.0.1:{lab.port}", f"127.0.0.1:{lab.tls_port}", "lab")
    lab.config.write_text(text, encoding="utf-8")
    # By a clock that is half a year behind: now the unit's key is due.
    run_script(days_away(-190), *lab.command("--setup-only")[1:], cwd=tmp_path, check=True)
    kept = [one for one in text.splitlines() if not one.startswith("tls-")]
    lab.config.write_text("\n".join([*kept, ROLLOVER]).replace('"http", "tls"', '"http"'), "utf-8")
    (lab.folder / "state" / FOLDER).touch()  # in the place of the jobs' folder: they wait until it is gone
    with (tmp_path / "lab.out").open("w", encoding="utf-8") as out:
        lab.process = subprocess.Popen(
            [PROGRAM, "--config", lab.config, "serve"], stdout=out, stderr=subprocess.STDOUT, text=True
        )
    until(lambda: _answers(lab, request_der), what="the first time-stamp")
    yield lab
    assert lab.stop() == 0, lab.output


def _answers(lab: Lab, request_der: bytes) -> bool:
    assert lab.process is not None
    assert lab.process.poll() is None, lab.output
    try:
        return wire.decode_response(lab.stamp(request_der).content).token is not None
    except httpx.HTTPError:
        return False


def test_openssl_verifies_before_during_and_after_the_switch(
    serving: Lab, tmp_path: Path, request_der: bytes
) -> None:
    workers = serving.children()
    certificates: dict[int, int] = {}  # in the order in which they were first seen

    def verified() -> int:
        """The serial number of the certificate of a token that OpenSSL verified."""
        answer = tmp_path / "answer.tsr"
        answer.write_bytes(serving.stamp(request_der).content)
        root = serving.folder / "trust" / "root.pem"
        told = openssl("ts", "-verify", "-in", answer, "-data", tmp_path / "data", "-CAfile", root)
        assert "Verification: OK" in told, told
        token = wire.decode_response(answer.read_bytes()).token
        assert token is not None
        (found,) = [
            one.serial_number
            for one in load_der_pkcs7_certificates(token)
            if "TSU" in one.subject.rfc4514_string()
        ]
        return certificates.setdefault(found, found)

    def labels() -> list[str]:
        told = json.loads(serving.run("module", "keys", "--token", "tsu", "--json").stdout)
        return [key["label"] for token in told["tokens"] for key in token["keys"]]

    verified()
    (serving.folder / "state" / FOLDER).unlink()
    until(lambda: verified() and "tsu-1" not in labels(), what="the end of the first key")
    last = verified()
    assert len(certificates) == 2, "there is one certificate before the switch, and one after it"
    assert list(certificates)[-1] == last
    assert "tsu-1-2" in labels()
    assert serving.children() == workers, "nothing was started again"
    assert "The log is sound." in serving.run("audit", "verify").stdout
