"""New keys and certificates for services that run, by the operator's guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from laboratory import QUERY, Lab, openssl, query, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("renewal")]


def certified(lab: Lab, token: str, label: str, profile: str, *algorithm: str) -> None:
    """A new key on a token, its request, its certificate in its place: what the guide says to type."""
    csr, certificate = lab.folder / f"{label}.csr", lab.folder / "certs" / f"{label}.pem"
    lab.run("module", "generate-key", "--token", token, "--label", label, *algorithm)
    lab.run("module", "request", "--token", token, "--label", label, "--out", str(csr))
    subject = ("--subject", f"CN=Example {label} TEST")
    where = ("--csr", str(csr), "--out", str(certificate))
    lab.run("certificate", "issue", "--profile", profile, *where, *subject)


def take_into_use(lab: Lab, *changes: tuple[str, str]) -> None:
    """Change the configuration, look at it, start again."""
    text = lab.config.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    lab.config.write_text(text, encoding="utf-8")
    lab.run("config", "check")
    assert lab.stop() == 0
    lab.start()
    until(lab.well, what="that everything is well")


UNITS = {"tsu-2": "P-256", "tsu-3": "RSA-3072"}
SIGNERS = ("ocsp", "audit")


@pytest.fixture(scope="module")
def renewed(copied_for_all: Lab) -> Lab:
    """It has two further units, and new signers of status and of the log."""
    lab = copied_for_all
    lab.start()
    units = ""
    for name, algorithm in UNITS.items():
        certified(lab, "tsu", name, "tsu", "--algorithm", algorithm)
        units += f'[[timestamping.units]]\nname = "{name}"\ncertificate = "certs/{name}.pem"\n'
        if algorithm.startswith("RSA"):
            units += 'signature = "RSA_PKCS1_SHA256"\n'  # OpenSSL 3.0 verifies no PSS in a token
    certified(lab, "services", "ocsp-2", "ocsp-signer")
    certified(lab, "audit", "audit-2", "audit-signer")
    take_into_use(
        lab,
        ("[issuance]\n", f"{units}\n[issuance]\n"),
        *(
            (f'certificate = "certs/{one}.pem"\n', f'key = "{one}-2"\ncertificate = "certs/{one}-2.pem"\n')
            for one in SIGNERS
        ),
    )
    return lab


@pytest.mark.parametrize("unit", UNITS)
def test_a_second_unit_answers_beside_the_first(renewed: Lab, tmp_path: Path, unit: str) -> None:
    body, file, trust = query(tmp_path), tmp_path / "r.tsr", renewed.folder / "trust"
    for name in (unit, "tsu-1"):
        answer = httpx.post(f"{renewed.url}/tsa/{name}", content=body, headers=QUERY, timeout=30)
        assert answer.status_code == 200, (answer.text, renewed.output)
        file.write_bytes(answer.content)
        given = ("-queryfile", tmp_path / "q.tsq", "-in", file, "-untrusted", trust / "issuing.pem")
        assert "Verification: OK" in openssl("ts", "-verify", *given, "-CAfile", trust / "root.pem")


def test_signers_of_status_and_of_the_log_are_renewed(renewed: Lab) -> None:
    trust = renewed.folder / "trust"
    said = openssl(
        *("ocsp", "-CAfile", trust / "root.pem", "-issuer", trust / "issuing.pem", "-resp_text"),
        *("-cert", renewed.folder / "certs" / "tls.pem", "-url", f"{renewed.url}/ocsp"),
    )
    assert "Response verify OK" in said
    assert "Example ocsp-2 TEST" in said
    old, new = (("--certificate", str(renewed.folder / "certs" / f"audit{n}.pem")) for n in ("", "-2"))
    until(
        lambda: renewed.run("audit", "verify", *old, check=False).returncode == 1,
        seconds=60,
        what="a checkpoint by the new signer",
    )
    assert "The log is sound." in renewed.run("audit", "verify", *old, *new).stdout
