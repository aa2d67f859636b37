"""A token that differs from the approved one signs nothing in any process, while these run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from laboratory import Lab, failure, openssl, until

from trustworks.core.durable import put

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

PROBE = "trustworks-probe"
APPROVAL = "state/module-approval.json"


@pytest.fixture
def watched(copied: Lab) -> Lab:
    """A laboratory whose modules were approved, and are looked at each half second."""
    copied.set_up()
    text = copied.config.read_text("utf-8")
    put(copied.config, text.replace("[module]\n", f'[module]\napproval = "{APPROVAL}"\nlook-every = 0.5\n'))
    copied.run("module", "approve", "--operator", "TEST officer")
    copied.start()
    until(copied.well, what="that everything is well")
    return copied


def ocsp(lab: Lab, folder: Path) -> str:
    """What OpenSSL says of an answer with a nonce, which no cache has."""
    trust = lab.folder / "trust"
    return openssl(
        *("ocsp", "-issuer", trust / "issuing.pem", "-cert", lab.folder / "certs" / "tls.pem"),
        *("-url", f"{lab.url}/ocsp", "-CAfile", trust / "root.pem", "-respout", folder / "ocsp.der"),
    )


@pytest.mark.req("TRUSTWORKS:MODULE-BARRED", "TRUSTWORKS:MODULE-WATCHED")
def test_a_probe_key_destroyed_and_an_approval_taken_away_stop_every_process_that_signs(
    watched: Lab, request_der: bytes, tmp_path: Path
) -> None:
    lab = watched
    assert failure(lab.stamp(request_der)) is None
    assert "good" in ocsp(lab, tmp_path)

    # A probe key that somebody destroys under the services that run.
    for token in ("tsu", "services", "issuing", "audit"):
        what = ("--token", token, "--label", PROBE, "--reason", "test", "--confirm", PROBE)
        lab.run("module", "destroy-key", *what)
    until(lambda: failure(lab.stamp(request_der)) == "systemFailure", what="that no time-stamp is signed")
    until(lambda: "trylater" in ocsp(lab, tmp_path), what="that no OCSP answer is signed")
    found = until(lambda: {"module.issuing", "module.tsu", "jobs"} <= set(told := lab.unwell()) and told)
    assert "there is no probe key" in found["module.tsu"]
    assert httpx.get(f"{lab.url}/healthz").status_code == 503
    # Put right while all run: no restart.
    lab.run("module", "health", "--make-probe-key")
    until(lambda: failure(lab.stamp(request_der)) is None, what="that time-stamps are signed again")
    until(lab.well, what="that everything is well again")

    # An approval that is gone, or cannot be read, is none: nothing is signed by anybody.
    approval = lab.folder / APPROVAL
    kept = approval.read_bytes()
    approval.unlink()
    until(lambda: failure(lab.stamp(request_der)) == "systemFailure", what="that no time-stamp is signed")
    until(lambda: "trylater" in ocsp(lab, tmp_path), what="that no OCSP answer is signed")
    refused = lab.run("crl", "publish", check=False)
    assert refused.returncode != 0
    assert "signs nothing" in refused.stderr
    approval.write_bytes(kept)
    until(lab.well, what="that everything is well again")

    told = lab.run("audit", "list", "--limit", "500").stdout
    assert "module.barred" in told
    assert "module.signs-again" in told
    assert "The log is sound." in lab.run("audit", "verify").stdout
