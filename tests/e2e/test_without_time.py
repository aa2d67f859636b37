"""A key is lost while the clock is: the revocation is recorded, and told as soon as there is trusted time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from laboratory import openssl, until

if TYPE_CHECKING:
    from laboratory import Lab

CONFIRMED = ("--confirmed-how", "called back")


pytestmark = pytest.mark.e2e


def test_a_revocation_without_trusted_time_is_recorded_and_told_later(copied: Lab) -> None:
    text = copied.config.read_text(encoding="utf-8")
    copied.config.write_text(text.replace('mode = "lab"', 'mode = "enforce"'), encoding="utf-8")
    assert copied.run("time", "status", check=False).returncode == 1
    certificate = copied.folder / "certs" / "tls.pem"
    serial = f"{x509.load_pem_x509_certificates(certificate.read_bytes())[0].serial_number:040x}"
    said = copied.run("certificate", "revoke", serial, "--reason", "keyCompromise", *CONFIRMED).stdout
    assert "There is no trusted time (clock." in said
    assert json.loads(copied.run("certificate", "show", serial, "--json").stdout)["status"] == "revoked"
    lists = copied.run("crl", "list", check=False)
    assert "There is no trusted time (clock." in lists.stderr
    assert "number 1" in lists.stdout
    for command in (("crl", "publish"), ("certificate", "release", serial)):
        refused = copied.run(*command, check=False)
        assert refused.returncode == 1
        assert "Unavailable (clock." in refused.stderr

    copied.start("--clock", "lab")
    until(
        lambda: " 1 entries" in copied.run("crl", "list", check=False).stdout, what="the list with the entry"
    )
    trust = copied.folder / "trust"
    told = openssl(
        *("ocsp", "-CAfile", trust / "root.pem", "-issuer", trust / "issuing.pem"),
        *("-serial", f"0x{serial}", "-url", f"{copied.url}/ocsp"),
    )
    assert "Response verify OK" in told
    assert f"0x{serial}: revoked" in told
    assert "Reason: keyCompromise" in told
