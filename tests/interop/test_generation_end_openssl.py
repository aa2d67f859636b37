"""The first generation of an issuing authority ends; OpenSSL judges what it leaves."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from forked_program import run_script
from laboratory import Lab, openssl
from other_days import days_away

from trustworks.app.lab.configuration import config_text
from trustworks.app.wiring import Wiring
from trustworks.issuance import records

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("generation-end")]
LATER = 560  # days: the next generation was made, and issues
CONFIRMED = ("--confirmed-how", "the operator's own")
SETTINGS = """
[issuance.issuing]
years = 3

[rollover]
unattended = ["authority"]
authority-days = 1185
authority-prepare-days = 0
"""
# What the jobs do on that day.
FOLLOWED = """
from contextlib import ExitStack
from pathlib import Path
from trustworks.app.processes import rolling
from trustworks.app.processes.rounds import Tokens
from trustworks.app.processes.tasks import _publisher
from trustworks.app.wiring import Wiring
import sys

wiring = Wiring.lazy(Path(sys.argv[2]))
with ExitStack() as stack:
    look = rolling.authority(wiring, Tokens(wiring), stack)
    look()
    _publisher(wiring, Tokens(wiring), stack)()
    look()
"""
KILLED = """
import os, signal
from trustworks.issuance.status.crl import CrlPublisher
CrlPublisher.publish_all = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
"""


class House:
    def __init__(self, folder: Path) -> None:
        self.lab = Lab(folder / "lab")
        self.lab.folder.mkdir()
        text = config_text(f"127.0.0.1:{self.lab.port}", f"127.0.0.1:{self.lab.tls_port}", "lab")
        self.lab.config.write_text(text + SETTINGS, encoding="utf-8")
        self.lab.set_up()

    def later(
        self, *arguments: str, before: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """A command on that day."""
        given = ("--config", self.lab.config, *arguments)
        done = run_script(days_away(LATER, before=before), *given, cwd=self.lab.folder.parent)
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return done

    def end(self, *, before: str = "") -> subprocess.CompletedProcess[str]:
        command = ("keys", "rollover", "end", "issuing", "--confirm", "issuing", "--json")
        return self.later(*command, before=before, check=False)

    def destroy(self) -> subprocess.CompletedProcess[str]:
        command = ("module", "destroy-key", "--token", "issuing", "--label", "issuing")
        return self.later(*command, "--confirm", "issuing", "--reason", "it has ended", check=False)

    def valid(self) -> list[str]:
        """Serials of what the services have from the first generation, but for the responder's."""
        told = json.loads(self.later("certificate", "list", "--json").stdout)
        return [
            one["serial"]
            for one in told
            if (one["authority"], one["status"]) == ("issuing", "good") and one["profile"] != "ocsp-signer"
        ]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("generation"))


@pytest.mark.crash
@pytest.mark.req(
    "TRUSTWORKS:ROLLOVER-END",
    "TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST",
    "EN319411-2:CSS-6.3.10-07",
    "EN319411-2:CSS-6.3.10-08",
)
def test_a_generation_ends_with_its_last_status_and_only_then_its_key(house: House, tmp_path: Path) -> None:
    assert "no authority has followed it" in house.end().stderr
    house.later("config", "check", before=FOLLOWED, check=False)
    assert "issuing-2" in house.lab.run("keys", "rollover", "show").stdout
    refused = house.end()
    assert "are valid until" in refused.stderr
    assert "last list is not published and last answers" in house.destroy().stderr
    serials = house.valid()
    for serial in serials:
        house.later("certificate", "revoke", serial, "--reason", "superseded", *CONFIRMED)
    assert house.end(before=KILLED).returncode == -signal.SIGKILL
    assert "last list is not published:" in house.destroy().stderr
    done = json.loads(house.end().stdout)
    assert (done["followed_by"], done["state"], done["tokens_left"]) == (
        "issuing-2",
        "deactivated",
        ["issuing"],
    )
    assert house.end().returncode == 0, "what is done is not done again"
    due = house.later("keys", "due", check=False).stdout
    assert "keys ceremony plan destroy" in due
    destroyed = house.destroy()
    assert destroyed.returncode == 0, destroyed.stderr
    assert "authority issuing:" not in house.later("keys", "due", check=False).stdout
    assert "The log is sound." in house.lab.run("audit", "verify").stdout
    judge(house, tmp_path, serials)


def judge(house: House, folder: Path, serials: list[str]) -> None:
    """What OpenSSL says of the last list, and of the last answers that are given out without a key."""
    with Wiring.lazy(house.lab.config).open_database() as database, database.read() as connection:
        authority = records.authority(connection, "issuing")
        root = records.authority(connection, "root")
        last = records.last_crl(connection, "issuing")
        known = [records.certificate(connection, serial) for serial in serials]
        answers = [records.last_answer(connection, "issuing", serial, "sha1") for serial in serials]
    assert authority is not None
    assert root is not None
    assert last is not None
    for name, der in (("issuing", authority.certificate), ("root", root.certificate)):
        pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        (folder / f"{name}.pem").write_bytes(pem)
    (folder / "last.crl").write_bytes(last.der)
    listed = ("crl", "-inform", "DER", "-in", folder / "last.crl", "-noout", "-nextupdate")
    said = openssl(*listed, "-CAfile", folder / "issuing.pem")
    assert "verify OK" in said
    assert "nextUpdate=Dec 31 23:59:59 9999 GMT" in said
    assert {f"{one.serial_number:040x}" for one in x509.load_der_x509_crl(last.der)} >= set(serials)
    for one, answer in zip(known, answers, strict=True):
        assert one is not None
        assert one.der is not None
        assert answer is not None
        pem = x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM)
        (folder / "subject.pem").write_bytes(pem)
        (folder / "answer.der").write_bytes(answer[0])
        asked = ("-issuer", folder / "issuing.pem", "-cert", folder / "subject.pem", "-no_nonce")
        trusted = ("-CAfile", folder / "root.pem", "-no_check_time", "-validity_period", "99999999")
        said = openssl("ocsp", "-respin", folder / "answer.der", *asked, *trusted)
        assert "Response verify OK" in said, said
        assert ": revoked" in said
        assert "Next Update: Dec 31 23:59:59 9999 GMT" in said
