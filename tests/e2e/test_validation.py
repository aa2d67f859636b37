"""Validation as a laboratory serves it: a PDF of one of its certificates, time-stamped by its authority."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pikepdf
import pytest
from chromium import Chromium, find_browser
from laboratory import openssl
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from report_schema import faults

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Lab

pytestmark = pytest.mark.e2e

SUBJECT = "C=XX, GN=Vera, SN=Muster, serialNumber=TEST-V, CN=Vera Muster TEST"


@pytest.fixture(scope="module")
def signed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed and time-stamped PDF."""
    folder = tmp_path_factory.mktemp("signed")
    openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
        folder / "v.key", "-subj", "/", "-out", folder / "v.csr",
    )  # fmt: skip
    where = ("--csr", str(folder / "v.csr"), "--out", str(folder / "v.pem"))
    lab.run("certificate", "issue", "--profile", "natural", *where, "--subject", SUBJECT)
    blank, written = pikepdf.new(), io.BytesIO()
    blank.add_blank_page()
    blank.save(written)
    signer = signers.SimpleSigner.load(  # type: ignore[no-untyped-call]
        str(folder / "v.key"), str(folder / "v.pem"), ca_chain_files=(str(lab.folder / "trust/issuing.pem"),)
    )
    assert signer is not None
    done = signers.sign_pdf(
        IncrementalPdfFileWriter(written),
        signers.PdfSignatureMetadata(field_name="S", subfilter=fields.SigSeedSubFilter.PADES),
        signer=signer,
        timestamper=timestamps.HTTPTimeStamper(f"{lab.url}/tsa"),
    )
    file = folder / "signed.pdf"
    file.write_bytes(done.getvalue())
    return file


def post(lab: Lab, octets: bytes, accept: str = "application/json") -> httpx.Response:
    files = {"file": ("signed.pdf", octets, "application/pdf")}
    return httpx.post(f"{lab.url}/validation", files=files, headers={"accept": accept}, timeout=120)


def test_a_signature_of_the_laboratory_passes_and_the_log_tells_nothing_of_it(lab: Lab, signed: Path) -> None:
    answer = post(lab, signed.read_bytes())
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["signatures"]
    assert (found["indication"], found["signer"]) == ("TOTAL-PASSED", "Vera Muster TEST")
    assert found["best_signature_time_proven_by"] == found["timestamps"][0]["id"]
    changed = bytearray(signed.read_bytes())
    changed[20] ^= 1
    (found,) = post(lab, bytes(changed)).json()["signatures"]
    assert (found["indication"], found["sub_indication"]) == ("TOTAL-FAILED", "HASH_FAILURE")
    told = lab.run("audit", "list", "--type", "validation.performed").stdout
    assert "validation.performed" in told
    assert "Vera" not in told
    assert list((lab.folder / "run" / "uploads").glob("*")) == []
    assert 'trustworks_validations_total{result="passed"}' in httpx.get(f"{lab.url}/metrics").text


def test_the_protocol_and_each_form_of_report_are_served(lab: Lab, signed: Path) -> None:
    octets = signed.read_bytes()
    assert post(lab, octets, "application/pdf").content.startswith(b"%PDF-")
    assert b"ValidationReport" in post(lab, octets, "application/xml").content
    message = {"inDocs": {"doc": [{"b64Data": {"val": base64.b64encode(octets).decode()}}]}}
    found: Any = httpx.post(f"{lab.url}/validation/ts119442", json=message, timeout=120).json()
    assert found["result"]["maj"].endswith(":Success")
    assert found["result"]["min"].endswith(":OnAllDocuments")


def verified(report: Path, lab: Lab) -> bool:
    """Whether xmlsec1 says that the seal holds, with the root of the laboratory as anchor."""
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.skip("NOT TESTED, because there is no xmlsec1")
    done = subprocess.run(
        [
            *(program, "--verify", "--enabled-key-data", "x509"),
            *("--trusted-pem", str(lab.folder / "trust" / "root.pem")),
            *("--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", str(report)),
        ],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode == 0


@pytest.mark.req("TS119441:SVR-8.4-16")
@pytest.mark.parametrize("way", ["http", "page", "ts119442", "command"])
def test_every_report_has_a_seal_that_holds_before_others(
    lab: Lab, signed: Path, tmp_path: Path, way: str
) -> None:
    report = tmp_path / "report.xml"
    report.write_bytes(sealed_by(way, lab, signed, report))
    assert faults(report.read_bytes()) == []
    assert verified(report, lab)
    lists = tmp_path / "lists"
    lists.mkdir()
    for name in ("root", "issuing"):  # where certificates say that they are is no address of this machine
        (lists / f"{name}.crl").write_bytes(httpx.get(f"{lab.url}/crl/{name}.crl", timeout=30).content)
    own = ("--trust", str(lab.folder / "trust" / "root.pem"), "--untrusted", str(lists), "--offline")
    found = json.loads(lab.run("validate", str(report), *own, "--json", check=False).stdout)
    (seal,) = found["signatures"]
    assert (seal["level"], seal["signer"]) == ("XAdES-BASELINE-T", "Trustworks TEST validation reports")
    assert seal["cryptographically_valid"]
    assert seal["data_intact"]
    assert seal["indication"] == "TOTAL-PASSED", seal
    changed = report.read_bytes().replace(b"HashOnly>false", b"HashOnly>true", 1)
    assert changed != report.read_bytes()
    report.write_bytes(changed)
    assert not verified(report, lab)


def sealed_by(way: str, lab: Lab, signed: Path, report: Path) -> bytes:
    """The report about a file, asked for in one of the ways there are."""
    octets = signed.read_bytes()
    match way:
        case "http":
            return post(lab, octets, "application/xml").content
        case "page":
            links = re.findall(
                r'href="data:application/xml;base64,([^"]+)"', post(lab, octets, "text/html").text
            )
            return base64.b64decode(html.unescape(links[0]))
        case "ts119442":
            message = {
                "inDocs": {"doc": [{"b64Data": {"val": base64.b64encode(octets).decode()}}]},
                "optInp": {"returnValReport": {"signIt": True}},
            }
            told = httpx.post(f"{lab.url}/validation/ts119442", json=message, timeout=120).json()
            assert told["optOutp"]["validationReport"]["isSigned"] is True
            return base64.b64decode(told["optOutp"]["validationReport"]["etsiTS11910202XMLReport"])
        case _:
            trust = ("--trust", str(lab.folder / "trust" / "root.pem"), "--offline")
            lab.run(
                "validate", str(signed), *trust, "--etsi", "--sealed", "--output", str(report), check=False
            )
            return report.read_bytes()


def test_the_key_of_the_seal_is_looked_after_like_others(lab: Lab) -> None:
    found = {one["name"]: one for one in json.loads(lab.run("keys", "due", "--json").stdout)["keys"]}
    assert "[validation.seal]" in found["Seal on reports report-seal"]["how"]


def test_what_is_no_signed_file_is_told_in_a_sentence(lab: Lab) -> None:
    answer = post(lab, b"nothing that is signed")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "no signed file" in answer.json()["detail"]


@pytest.mark.parametrize("width", [1200, 390])
def test_a_file_is_chosen_and_its_verdict_shown_in_a_browser(
    lab: Lab, signed: Path, tmp_path: Path, width: int
) -> None:
    program = find_browser()
    if program is None:
        pytest.skip("NOT TESTED, no Chromium: apt-get install chromium")
    with Chromium(program, tmp_path / "profile") as browser:
        browser.go(f"{lab.url}/validation")
        document = browser.call("DOM.getDocument")["root"]["nodeId"]
        field = browser.call("DOM.querySelector", nodeId=document, selector="#file")["nodeId"]
        browser.call("DOM.setFileInputFiles", files=[str(signed)], nodeId=field)
        browser.run("document.querySelector('form.upload button').click()")
        shown = "document.querySelector('.verdict h1') && document.querySelector('.verdict h1').textContent"
        assert browser.until(shown) == "The signature holds"
        assert browser.run("document.title").startswith("Passed")
        assert browser.run("document.activeElement.id") == "content"
        assert browser.run("document.querySelectorAll('a[download]').length") == 4
        browser.screenshot(tmp_path / "verdict.png", width=width, height=1200)
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert browser.run(wide)
