"""curl and OpenSSL as EST client, and OpenSSL as CMP client, against a laboratory as its user runs it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from laboratory import PROGRAM, Lab, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    found = Lab(tmp_path_factory.mktemp("enrolment") / "lab")
    found.start()
    yield found
    found.stop()


def run(*command: object, given: bytes | None = None) -> bytes:
    done = subprocess.run(
        [str(part) for part in command], input=given, check=False, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def root(lab: Lab) -> Path:
    return lab.folder / "trust" / "root.pem"


def secret(lab: Lab) -> dict[str, str]:
    done = run(PROGRAM, "cmp", "secret", "create", "--dir", lab.folder, "--json")
    found: dict[str, str] = json.loads(done)
    assert set(found) == {"reference", "secret"}
    return found


def est(lab: Lab, operation: str, *options: object) -> bytes:
    url = f"{lab.tls_url}/.well-known/est/{operation}"
    return run(
        "curl", "-sS", "--fail-with-body", "--cacert", lab.folder / "trust" / "root.pem", *options, url
    )


def certificates(answer: bytes) -> bytes:
    der = run("openssl", "base64", "-d", given=answer)
    run("openssl", "cms", "-cmsout", "-inform", "DER", "-noout", "-print", given=der)
    return run("openssl", "pkcs7", "-inform", "DER", "-print_certs", given=der)


def request(folder: Path) -> Path:
    key, file = folder / "pump.key", folder / "pump.p10"
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    der = run("openssl", "req", "-new", "-key", key, "-subj", "/CN=pump 7 TEST", "-outform", "DER")
    file.write_bytes(run("openssl", "base64", given=der))
    return file


def verify(lab: Lab, file: Path) -> None:
    trust = lab.folder / "trust"
    run("openssl", "verify", "-CAfile", trust / "root.pem", "-untrusted", trust / "issuing.pem", file)


def test_curl_gets_the_authorities_certificates(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(certificates(est(lab, "cacerts")))
    assert file.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    verify(lab, file)


def test_curl_enrols_by_a_secret(lab: Lab, tmp_path: Path) -> None:
    given, csr = secret(lab), request(tmp_path)
    options = ("-H", "Content-Type: application/pkcs10", "--data-binary", f"@{csr}")
    who = ("-u", f"{given['reference']}:{given['secret']}")
    file = tmp_path / "pump.pem"
    file.write_bytes(certificates(est(lab, "device/simpleenroll", *who, *options)))
    verify(lab, file)
    subject = run("openssl", "x509", "-in", file, "-noout", "-subject")
    assert b"pump 7 TEST" in subject
    url = f"{lab.tls_url}/.well-known/est/simpleenroll"
    quiet = ("curl", "-sS", "-o", tmp_path / "no", "-w", "%{http_code}", "--cacert", root(lab))
    assert run(*quiet, *who, *options, url) == b"403"  # the secret was for one certificate
    assert "used up" in (tmp_path / "no").read_text()


def test_nothing_is_answered_over_plain_http(lab: Lab) -> None:
    done = run("curl", "-sS", "-w", "%{http_code}", f"{lab.url}/.well-known/est/cacerts")
    assert done.endswith(b"403")


def test_openssl_reads_what_a_request_is_to_have(lab: Lab) -> None:
    der = run("openssl", "base64", "-d", given=est(lab, "device/csrattrs"))
    told = run("openssl", "asn1parse", "-inform", "DER", given=der)
    assert b"Extension Request" in told
    assert b"ecdsa-with-SHA256" in told


def test_openssl_enrols_by_cmp_as_its_user_types_it(lab: Lab, tmp_path: Path) -> None:
    given = secret(lab)
    request(tmp_path)
    key, file = tmp_path / "pump.key", tmp_path / "pump.pem"
    common = ("openssl", "cmp", "-config", "", "-server", f"127.0.0.1:{lab.port}/cmp")
    trusted = ("-trusted", lab.folder / "trust" / "root.pem")
    by = ("-ref", given["reference"], "-secret", f"pass:{given['secret']}")
    run(*common, "-cmd", "ir", *by, "-subject", "/CN=ee TEST", "-newkey", key, "-certout", file, *trusted)
    verify(lab, file)
    run(*common, "-cmd", "rr", "-cert", file, "-key", key, "-oldcert", file, "-revreason", "4", *trusted)
    trust = lab.folder / "trust"
    ask = ("openssl", "ocsp", "-CAfile", trust / "root.pem", "-issuer", trust / "issuing.pem")
    until(lambda: b"revoked" in run(*ask, "-cert", file, "-url", f"{lab.url}/ocsp"), what="OCSP says revoked")
