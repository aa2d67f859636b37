"""Everything that a laboratory issues as it comes passes pkilint's own commands at WARNING and above."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest
from pkilint_commands import pkilint

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.interop]

NATURAL = "C=XX, GN=Anna, SN=Muster, serialNumber=TEST-1, CN=Anna Muster TEST"
SEAL = "C=XX, O=TEST Works, organizationIdentifier=NTRXX-TEST-2, CN=TEST Seal"


@pytest.mark.parametrize(
    ("profile", "subject", "kind"),
    [
        ("natural", NATURAL, "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE"),
        ("legal-seal", SEAL, "NCP-LEGAL-PERSON-CERTIFICATE"),
    ],
)
def test_certificates_of_people_and_seals(
    lab: Lab, tmp_path: Path, profile: str, subject: str, kind: str
) -> None:
    key, csr, out = tmp_path / "key.pem", tmp_path / "request.csr", tmp_path / "certificate.pem"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    subprocess.run(
        ["openssl", "req", "-new", *curve, "-keyout", key, "-subj", "/", "-out", csr],
        check=True,
        capture_output=True,
    )
    lab.run(
        "certificate",
        "issue",
        "--profile",
        profile,
        "--csr",
        str(csr),
        "--subject",
        subject,
        "--out",
        str(out),
    )
    assert pkilint("lint_etsi_cert", "-t", kind, out) == (0, "")


@pytest.mark.parametrize(
    "name", ["certs/issuing", "certs/tsu-1", "certs/ocsp", "certs/audit", "certs/tls", "trust/root"]
)
def test_certificates_of_the_laboratory_itself(lab: Lab, tmp_path: Path, name: str) -> None:
    text = (lab.folder / f"{name}.pem").read_text(encoding="ascii")
    first, end, _ = text.partition("-----END CERTIFICATE-----\n")
    (tmp_path / "certificate.pem").write_text(first + end, encoding="ascii")  # the server's file is a chain
    assert pkilint("lint_pkix_cert", tmp_path / "certificate.pem") == (0, "")


@pytest.mark.parametrize(("authority", "kind"), [("issuing", "CRL"), ("root", "ARL")])
def test_revocation_lists(lab: Lab, tmp_path: Path, authority: str, kind: str) -> None:
    file = tmp_path / "list.crl"
    file.write_bytes(httpx.get(f"{lab.url}/crl/{authority}.crl").raise_for_status().content)
    assert pkilint("lint_crl", "-t", kind, "-p", "PKIX", file) == (0, "")


def test_answers_about_status(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "answer.der"
    issuer, certificate = lab.folder / "trust/issuing.pem", lab.folder / "certs/tls.pem"
    subprocess.run(
        [
            "openssl",
            "ocsp",
            "-issuer",
            issuer,
            "-cert",
            certificate,
            "-url",
            f"{lab.url}/ocsp",
            "-respout",
            file,
            "-noverify",
        ],
        check=True,
        capture_output=True,
    )
    assert pkilint("lint_ocsp_response", file) == (0, "")
