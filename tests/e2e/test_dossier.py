"""The dossier of a laboratory: made by its keys, verified by itself, by OpenSSL, and after tampering."""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from laboratory import openssl, until

from trustworks.assurance.dossier import manifest
from trustworks.assurance.dossier.chapters import TEST_MODULE
from trustworks.assurance.dossier.verify import Verdict, verify
from trustworks.core.errors import TrustworksError
from trustworks.core.pki.certificates import load_pem_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from laboratory import Lab

pytestmark = pytest.mark.e2e
PERSON = "vera.muster@example.com"


@pytest.fixture(scope="module")
def dossier(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dossier as a folder, of a laboratory with one registered module and a file with an address."""
    folder = tmp_path_factory.mktemp("dossier")
    (folder / "contact.txt").write_text(f"ask {PERSON}\n", encoding="utf-8")
    (folder / "guidance.txt").write_text("how to set it up\n", encoding="utf-8")
    of = ("assurance", "product", "add", "hsm-tsu")
    lab.run(
        *of, "--name", "Module of the time-stamping unit", "--token", "pkcs11:token=tsu", "--owner", PERSON
    )
    lab.run("assurance", "binding", "add", "timestamps", "tsu_key_use", "hsm-tsu", "--function", "sign")
    for name in ("contact.txt", "guidance.txt"):
        lab.run("assurance", "document", "add", "vendor-guidance", "hsm-tsu", str(folder / name))
    until(lambda: lab.run("audit", "checkpoint", check=False).returncode == 0, what="a checkpoint")
    out = folder / "dossier"
    lab.run("assurance", "dossier", "--dir", str(lab.folder), "--out", str(out))
    return out


@pytest.fixture(scope="module")
def container(lab: Lab, dossier: Path) -> Path:
    """The same in one file."""
    out = dossier.with_name("dossier.asice")
    lab.run("assurance", "dossier", "--out", str(out))
    return out


@pytest.fixture
def copy(dossier: Path, tmp_path: Path) -> Path:
    return shutil.copytree(dossier, tmp_path / "copy")


def trusted(lab: Lab, place: Path) -> Verdict:
    return verify(place, trust=[lab.folder / "trust" / "root.pem"])


def findings(lab: Lab, place: Path) -> list[str]:
    """What is told of a dossier, be it that it cannot be read."""
    try:
        return trusted(lab, place).findings
    except TrustworksError as error:
        return [str(error)]


def flipped(file: Path, at: int = -1) -> None:
    octets = bytearray(file.read_bytes())
    octets[at] ^= 1
    file.write_bytes(octets)


def values(dossier: Path, name: str) -> Any:
    return json.loads((dossier / name).read_bytes())


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-SEALED")
def test_it_is_as_it_was_sealed_at_level_lta_by_the_laboratorys_root(lab: Lab, dossier: Path) -> None:
    found = trusted(lab, dossier)
    assert found.findings == []
    assert {(one.over, one.level, one.trusted) for one in found.seals} == {
        ("manifest.json", "CAdES-BASELINE-LTA", True),
        ("dossier.pdf", "PAdES-BASELINE-LTA", True),
    }
    assert all(one.time_stamps == 2 for one in found.seals)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-BELIEVED")
def test_who_is_not_trusted_is_not_believed_and_without_trust_that_is_said(
    lab: Lab, dossier: Path, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(load_pem_file(lab.folder / "certs" / "tls.pem")[0].public_bytes(Encoding.PEM))
    strangers = verify(dossier, trust=[stranger])
    assert any("is not believed" in one for one in strangers.findings)
    assert all(one.trusted is False for one in strangers.seals)
    nobody = lab.run("dossier", "verify", str(dossier))
    assert "nobody was trusted" in nobody.stdout


def test_openssl_verifies_the_seal_over_the_manifest(lab: Lab, dossier: Path) -> None:
    content = ("-content", dossier / manifest.NAME, "-out", dossier.with_name("out"))
    trust = ("-CAfile", lab.folder / "trust" / "root.pem", "-purpose", "any")
    openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", dossier / manifest.SEAL, *content, *trust)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-WHOLE")
def test_one_octet_of_any_file_is_told_with_its_name(copy: Path) -> None:
    _, listed = manifest.read((copy / manifest.NAME).read_bytes())
    for one in listed:
        flipped(copy / one.name)
    found = verify(copy)
    told = " ".join(found.findings)
    assert len(listed) > 40
    assert [one.name for one in listed if f"{one.name!a} was changed" not in told] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda one: flipped(one / manifest.NAME, 500), "manifest"),
        (lambda one: flipped(one / manifest.SEAL, 3000), "seal"),
        (lambda one: flipped(one / "dossier.pdf", 3000), "dossier.pdf"),
        (lambda one: (one / "register.csv").unlink(), "'register.csv' is missing"),
        (lambda one: (one / "evil.txt").write_text("x"), "'evil.txt' is not in the manifest"),
        (lambda one: (one / "keys.json").rename(one / "key.json"), "'keys.json' is missing"),
    ],
    ids=["manifest", "seal", "paper", "removed", "added", "renamed"],
)
@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-SEALED")
def test_each_kind_of_tampering_fails(
    lab: Lab, copy: Path, change: Callable[[Path], object], told: str
) -> None:
    change(copy)
    found = findings(lab, copy)
    assert any(told in one for one in found), found


def test_a_manifest_that_was_written_anew_is_under_no_seal(lab: Lab, copy: Path) -> None:
    said = values(copy, manifest.NAME)
    said["files"] = [one for one in said["files"] if one["name"] != "keys.json"]
    (copy / manifest.NAME).write_text(json.dumps(said), encoding="utf-8")
    (copy / "keys.json").unlink()
    assert any("manifest.json does not hold" in one for one in trusted(lab, copy).findings)


def test_the_container_is_one_signature_over_every_file(lab: Lab, container: Path) -> None:
    found = trusted(lab, container)
    assert found.findings == []
    assert {one.level for one in found.seals} == {"XAdES-BASELINE-LTA", "PAdES-BASELINE-LTA"}
    octets = container.read_bytes()
    for at in range(30, len(octets), len(octets) // 24):
        flipped(container, at)
        assert findings(lab, container), at
        container.write_bytes(octets)


def test_a_member_that_was_added_to_the_container_is_told(container: Path, tmp_path: Path) -> None:
    file = tmp_path / "added.asice"
    shutil.copy(container, file)
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr("META-INF/evil.xml", "<a/>")
        opened.writestr("evil.txt", "x")
    found = verify(file)
    for name in ("META-INF/evil.xml", "evil.txt"):
        assert any(f"'{name}' is not in the manifest" in one for one in found.findings)


def test_the_module_is_told_to_be_for_tests_on_every_page(dossier: Path) -> None:
    assert f"{TEST_MODULE} (hsm-tsu" in (dossier / "dossier.html").read_text(encoding="utf-8")
    assert values(dossier, "about.json")["banners"][0].startswith(TEST_MODULE)
    for report in values(dossier, "verdicts.json")["reports"]:
        named = {one["product"] for one in report["products"]}
        assert {"hsm-tsu", "module-root", "module-issuing"} <= named
        assert {one["verdict"] for one in report["products"]} == {"insufficient"}


def test_live_evidence_checkpoint_and_pack_of_the_laboratory_are_in_it(lab: Lab, dossier: Path) -> None:
    kinds = {one["kind"] for one in values(dossier, "evidence/live.json")}
    assert {"module-identity", "module-health", "clock", "audit-log", "key-inventory"} <= kinds
    lab.run("audit", "verify", "--against", str(dossier / "audit/checkpoint.json"))
    points = {one["number"]: one["state"] for one in values(dossier, "annex-iii/index.json")["points"]}
    for number in ("9", "10(a)", "10(b)", "10(c)", "13(a)", "13(c)", "13(l)", "13(m)", "20"):
        assert points[number] == "present"
    assert points["13(h)"] == "missing"
    assert values(dossier, "statements.json")["standards"]
    (report,) = values(dossier, "annex-iii/20/validation-report.json")["signatures"]
    assert report["indication"] == "TOTAL-PASSED"
    identities = {one["name"]: one for one in values(dossier, "annex-iii/09/identities.json")}
    assert identities["root"]["role"] == "root certification authority"
    assert identities["issuing"]["above"] == "root"
    drawn = (dossier / "annex-iii/10/hierarchy.svg").read_text(encoding="utf-8")
    assert "2.5.4." not in drawn + "".join(one["subject"] for one in identities.values())
    assert "organizationIdentifier=" in drawn
    for kind in ("root certification authority", "Time-stamping unit", "OCSP responder"):
        assert f": {kind}</text>" in drawn
    (root,) = load_pem_file(lab.folder / "trust" / "root.pem")
    (told,) = load_pem_file(dossier / "annex-iii/09/root.pem")
    assert told == root


def test_the_page_tells_why_and_what_the_software_says_of_each_standard(dossier: Path) -> None:
    page = (dossier / "dossier.html").read_text(encoding="utf-8")
    for report in values(dossier, "verdicts.json")["reports"]:
        assert f"Why: {report['title']}, {report['at']}" in page
    for statement in values(dossier, "statements.json")["standards"]:
        assert f"What the software says of {statement['standard']}, {statement['version']}" in page
        assert [one["id"] for one in statement["lines"] if f"<td>{one['id']}</td>" not in page] == []


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-PERSONS")
def test_no_address_of_a_person_is_in_it(dossier: Path) -> None:
    for file in dossier.rglob("*"):
        if file.is_file():
            assert PERSON.encode() not in file.read_bytes(), file.name
    kept = {one["name"]: one for one in values(dossier, "evidence/index.json")}
    assert kept["contact.txt"]["file"] is None
    assert kept["contact.txt"]["withheld"]
    assert (dossier / kept["guidance.txt"]["file"]).read_text(encoding="utf-8") == "how to set it up\n"


def test_each_export_is_in_the_audit_log(lab: Lab, dossier: Path) -> None:
    events = lab.run("audit", "list", "--type", "assurance.dossier-exported", "--json").stdout.splitlines()
    (known,) = {verify(dossier).manifest}
    found = [json.loads(one) for one in events]
    assert known in {one["event"]["subject"]["manifest"] for one in found if "event" in one} | {
        one["subject"]["manifest"] for one in found if "subject" in one
    }


def test_the_paper_is_a_pdf_with_one_seal_that_is_not_seen(dossier: Path) -> None:
    with pikepdf.open(dossier / "dossier.pdf") as opened:
        assert opened.check_pdf_syntax() == []
        assert str(opened.Root.Lang) == "en"
        assert "/AcroForm" in opened.Root


def test_a_dossier_as_a_folder_and_in_one_file_can_be_compared(
    lab: Lab, dossier: Path, container: Path
) -> None:
    found = lab.run("dossier", "diff", str(dossier), str(container), "--json", check=False)
    assert {one["kind"] for one in json.loads(found.stdout)} <= {"key", "document", "evidence"}
