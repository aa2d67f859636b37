"""Signatures by a laboratory as it comes: sealed, completed, raised; qualified by its own trusted list."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import forked_program
import httpx
import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Lab

pytestmark = pytest.mark.e2e

XML = b"<contract>TEST</contract>"
PATIENCE = 120.0  # seconds: evidence of level LT is newer than the signature, and so is waited for


def a_pdf() -> bytes:
    blank, written = pikepdf.new(), io.BytesIO()
    blank.add_blank_page()
    blank.save(written)
    return written.getvalue()


def encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def token(lab: Lab) -> str:
    return (lab.folder / "secrets" / "client.token").read_text(encoding="ascii").strip()


def post(lab: Lab, path: str, body: dict[str, Any]) -> Any:
    """What the service answers to the laboratory's client."""
    headers = {"authorization": f"Bearer {token(lab)}"}
    answer = httpx.post(f"{lab.url}{path}", json=body, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def judged(lab: Lab, octets: bytes, policy: str) -> dict[str, Any]:
    """What the laboratory's own validation says of the one signature of a file."""
    answer = httpx.post(
        f"{lab.url}/validation",
        files={"file": ("signed", octets)},
        data={"policy": policy},
        headers={"accept": "application/json"},
        timeout=PATIENCE,
    )
    (found,) = answer.json()["signatures"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("form", "level", "document", "named"),
    [
        ("pades", "B-LTA", a_pdf(), "PAdES-BASELINE-LTA"),
        ("xades", "B-T", XML, "XAdES-BASELINE-T"),
    ],
)
def test_a_seal_of_the_laboratory_is_qualified_by_its_own_list(
    lab: Lab, form: str, level: str, document: bytes, named: str, tmp_path: Path
) -> None:
    asked = {"seal": "main", "format": form, "level": level, "documents": [{"content": encoded(document)}]}
    told = post(lab, "/seals", asked)
    assert told["level"] == named
    for policy in ("ades", "qualified"):
        found = judged(lab, base64.b64decode(told["content"]), policy)
        assert (found["indication"], found["qualification"]) == ("TOTAL-PASSED", "QESeal"), found
        assert found["level"] == named
        assert found["warnings"] == []
        assert {one for stamp in found["timestamps"] for one in stamp["qualification"]} == {"Qualified"}
    events = lab.run("audit", "list", "--type", "signing.sealed").stdout
    assert "signing.sealed" in events
    if level == "B-LTA":
        # It holds also for who trusts the root alone, above what the laboratory's own list names.
        file = tmp_path / "sealed.pdf"
        file.write_bytes(base64.b64decode(told["content"]))
        root = ("--trust", lab.folder / "trust" / "root.pem", "--network", "127.0.0.0/8")
        said = forked_program.run("validate", file, *root, "--json", cwd=tmp_path).stdout
        (own,) = json.loads(said)["signatures"]
        assert (own["indication"], own["level"]) == ("TOTAL-PASSED", named)


def certified(lab: Lab, folder: Path) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """A signer's own key, and its certificate (DER) of the laboratory's authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    (folder / "signer.csr").write_bytes(request.public_bytes(Encoding.PEM))
    lab.run(
        *("certificate", "issue", "--profile", "natural-qcp-n", "--csr", str(folder / "signer.csr")),
        *("--subject", "C=XX, GN=Ada, SN=Muster, serialNumber=TEST-A, CN=Ada Muster TEST"),
        *("--out", str(folder / "signer.pem")),
    )
    certificate = x509.load_pem_x509_certificates((folder / "signer.pem").read_bytes())[0]
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "Ada Muster TEST"
    return key, certificate.public_bytes(Encoding.DER)


def test_a_key_elsewhere_signs_in_three_steps_and_the_signature_is_raised(lab: Lab, tmp_path: Path) -> None:
    key, certificate = certified(lab, tmp_path)
    documents = [{"content": encoded(XML), "name": "contract.xml"}]
    prepared = post(
        lab,
        "/signing/prepare",
        {"format": "xades", "documents": documents, "certificates": [encoded(certificate)]},
    )
    assert (prepared["scheme"], prepared["hash"]) == ("ECDSA_SHA256", "sha256")
    value = key.sign(base64.b64decode(prepared["data_to_be_signed"]), ec.ECDSA(hashes.SHA256()))
    step = {"prepared": prepared["prepared"], "value": encoded(value), "documents": documents}
    done = post(lab, "/signing/complete", step)
    assert done["level"] == "XAdES-BASELINE-B"

    raised = post(lab, "/augmentation", {"file": {"content": done["content"]}, "level": "B-LTA"})
    (change,) = raised["signatures"]
    assert (change["before"], change["level"]) == ("XAdES-BASELINE-B", "XAdES-BASELINE-LTA")
    found = judged(lab, base64.b64decode(raised["content"]), "qualified")
    # The key is in no device that anybody vouches for.
    assert (found["indication"], found["qualification"]) == ("TOTAL-PASSED", "AdESig-QC"), found
    assert (found["level"], found["signer"]) == ("XAdES-BASELINE-LTA", "Ada Muster TEST")


def test_the_page_on_which_people_sign_shows_a_document_to_who_has_the_token(lab: Lab) -> None:
    assert "/sign" in lab.output
    page = httpx.get(f"{lab.url}/sign", timeout=PATIENCE)
    assert page.status_code == 200
    assert 'name="token"' in page.text
    parts: Any = [("token", (None, token(lab))), ("file", ("contract.txt", b"Nobody owes anything."))]
    shown = httpx.post(f"{lab.url}/sign/read", files=parts, timeout=PATIENCE)
    assert shown.status_code == 200, shown.text
    assert "Nobody owes anything." in shown.text
    assert "Trustworks TEST seal" in shown.text
    parts[0] = ("token", (None, "guessed"))
    refused = httpx.post(f"{lab.url}/sign/read", files=parts, timeout=PATIENCE)
    assert "Nobody owes anything." not in refused.text
    assert "Nobody knows this token" in refused.text


def test_nobody_else_has_documents_sealed(lab: Lab) -> None:
    body = {"seal": "main", "format": "cades", "documents": [{"content": encoded(b"x")}]}
    for headers in ({}, {"authorization": "Bearer guessed"}):
        assert httpx.post(f"{lab.url}/seals", json=body, headers=headers).status_code == 401
