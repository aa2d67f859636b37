"""A dossier that is not as it was sealed, without seals: what the manifest and the files say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from dossier_testbed import NOW, facts, material
from typer.testing import CliRunner

from trustworks.app.commands.dossier import app
from trustworks.assurance.dossier import manifest
from trustworks.assurance.dossier.diff import Change, changes, diff, direction
from trustworks.assurance.dossier.model import Draft, File
from trustworks.assurance.dossier.opened import opened
from trustworks.assurance.dossier.packing import check_place, is_container, make, write
from trustworks.assurance.dossier.verify import differences, faults_of, objections_of, verify
from trustworks.assurance.evidence import Outcome
from trustworks.assurance.report import as_values
from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.data import Octets
from trustworks.validation.service import Validator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.assurance.dossier.model import Material
    from trustworks.validation.service import Report

FILES = (
    File(name="dossier.pdf", content=b"%PDF", about="paper"),
    File(name="annex-iii/09/root.pem", content=b"pem", about="certificate"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "dossier"
    for one in FILES:
        (place / one.name).parent.mkdir(parents=True, exist_ok=True)
        (place / one.name).write_bytes(one.content)
    (place / manifest.NAME).write_bytes(manifest.write(FILES, {"provider": "Example TEST"}))
    (place / manifest.SEAL).write_bytes(b"no seal")
    (place / manifest.SUM).write_bytes(manifest.checksum(b"no seal"))
    return place


def found(place: Path) -> list[str]:
    there = opened(place)
    _, listed = manifest.read(there.octets(manifest.NAME))
    return [*there.faults, *differences(listed, there)]


def test_what_is_as_it_was_has_no_findings(folder: Path) -> None:
    assert found(folder) == []


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-WHOLE")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda one: (one / "annex-iii/09/root.pem").write_bytes(b"pen"), "root.pem' was changed"),
        (lambda one: (one / "annex-iii/09/root.pem").write_bytes(b"pem "), "root.pem' was changed"),
        (lambda one: (one / "annex-iii/09/root.pem").unlink(), "root.pem' is missing"),
        (lambda one: (one / "annex-iii/more.txt").write_bytes(b""), "more.txt' is not in the manifest"),
        (lambda one: (one / manifest.SEAL).write_bytes(b"no seals"), "do not belong together"),
        (lambda one: (one / manifest.SUM).write_bytes(b""), "do not belong together"),
        (lambda one: (one / manifest.SUM).unlink(), "sha256 is missing"),
        (lambda one: (one / "link").symlink_to("dossier.pdf"), "'link' is a link"),
        (lambda one: (one / "folder").symlink_to("annex-iii"), "'folder' is a link"),
    ],
    ids=["changed", "longer", "removed", "added", "seal", "sum", "no sum", "link", "link to a folder"],
)
def test_each_kind_of_change_is_told_with_the_name(
    folder: Path, change: Callable[[Path], object], told: str
) -> None:
    change(folder)
    (one,) = found(folder)
    assert told in one


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-WHOLE")
def test_a_manifest_without_the_paper_is_told(folder: Path) -> None:
    (folder / manifest.NAME).write_bytes(manifest.write(FILES[1:], {}))
    (folder / "dossier.pdf").unlink()
    assert "does not name dossier.pdf" in found(folder)[0]


def test_a_seal_that_is_none_is_a_finding_and_no_crash(folder: Path) -> None:
    verdict = verify(folder)
    assert not verdict.ok
    assert any("seal" in one for one in verdict.findings)


@pytest.mark.parametrize("missing", [manifest.NAME, manifest.SEAL])
def test_a_folder_that_is_no_dossier_is_refused_with_what_to_do(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(Malformed, match="Get it again from who made it"):
        verify(folder)


@pytest.mark.parametrize("octets", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_container_is_refused(tmp_path: Path, octets: bytes) -> None:
    file = tmp_path / "dossier.asice"
    file.write_bytes(octets)
    with pytest.raises(Malformed):
        verify(file)
    with pytest.raises(Malformed):
        verify(tmp_path / "nothing")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"kind": "trustworks.dossier", "version": 2, "files": []}',
        b'{"kind": "trustworks.dossier", "version": 1, "files": [1]}',
        b"[" * 100_000,
        json.dumps(
            {
                "kind": "trustworks.dossier",
                "version": 1,
                "files": [{"name": "a", "sha256": "0", "size": 1}] * 2,
            }
        ).encode(),
    ],
    ids=["empty", "list", "nothing", "version", "entry", "deep", "twice"],
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        manifest.read(text)


def test_a_name_says_whether_a_dossier_is_a_folder(tmp_path: Path) -> None:
    assert is_container(tmp_path / "a.asice")
    assert not is_container(tmp_path / "a.d")
    with pytest.raises(Rejected, match="exists"):
        check_place(tmp_path)
    with pytest.raises(Rejected, match="There is no folder"):
        check_place(tmp_path / "nothing" / "dossier")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-DIFF")
def test_what_came_went_and_changed_is_told() -> None:
    assert list(changes("verdict", {"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"})) == [
        Change(kind="verdict", about="a", before="1", after="absent"),
        Change(kind="verdict", about="c", before="3", after="4"),
        Change(kind="verdict", about="d", before="absent", after="5"),
    ]


class _NoKey:
    """Stands for the key: what it seals is not looked at here."""

    name = "none"

    def paper(self, pdf: bytes) -> bytes:
        return pdf

    def beside(self, listed: bytes) -> bytes:
        return listed


def made(place: Path, given: Material) -> Path:
    sealer: Any = _NoKey()
    write(make(given, sealer, container=False), place)
    return place


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-DIFF")
def test_verdicts_products_documents_keys_and_points_are_compared(tmp_path: Path) -> None:
    before, known = material(), facts(test_module=False)
    product = replace(known.products[0], firmware="9.9", certificates=("fips:1",))
    after = replace(
        material(known=replace(known, products=(product,))),
        keys=(replace(before.keys[0], state="destroyed"),),
        papers=(replace(before.papers[0], version="4", sha256="5" * 64),),
        identities=(),
        provider=replace(before.provider, build="b" * 64),
    )
    old, new = made(tmp_path / "old", before), made(tmp_path / "new", after)
    assert diff(old, old) == ()
    found = {(one.kind, one.about): (one.before, one.after) for one in diff(old, new)}
    assert found["about", "build"] == ("missing", "b" * 64)
    assert found["product", "13(m) hsm-1, firmware"] == ("2.6", "9.9")
    assert found["product", "13(m) hsm-1, certificates"] == ("missing", "fips:1")
    assert found["key", f"tsu-1 {'3' * 16}"] == (
        "P-256, operational, on tsu",
        "P-256, destroyed, on tsu",
    )
    document = "Practices (cps, en)"
    assert found["document", document] == (
        f"version 3, of 2026-11-20, SHA-256 {'2' * 16}",
        f"version 4, of 2026-11-20, SHA-256 {'5' * 16}",
    )
    assert found["identity", "root"][1] == "absent"
    assert found["point", "9"] == ("present", "missing")
    assert {one.kind for one in diff(old, new)} == {
        "about",
        "verdict",  # nobody says of the new product that it is software
        "product",
        "document",
        "key",
        "identity",
        "point",
    }


def evaluated(old: str, new: str) -> Change:
    return Change(kind="verdict", about="a", before=old, after=new)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("strong", "insufficient", "fell"),
        ("partial", "unknown", "fell"),
        ("unknown", "insufficient", "fell"),
        ("insufficient", "partial", "rose"),
        ("absent", "strong", "new"),
        ("strong", "absent", "gone"),
    ],
)
@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-FELL")
def test_a_verdict_fell_or_rose_or_is_new_or_gone(old: str, new: str, told: str) -> None:
    assert direction(evaluated(old, new)) == told


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-FELL")
def test_verdicts_that_fell_come_first_with_why_and_evidence_with_its_sentence(tmp_path: Path) -> None:
    before = material()
    item = replace(before.items[0], outcome=Outcome.FINDING, sentence="Its serial number differs.")
    reports = [as_values(one) for one in before.reports]
    for one in reports[0]["services"]:
        for process in one["processes"]:
            process["verdict"] = "strong" if process["product"] else process["verdict"]
    old, new = made(tmp_path / "old", before), made(tmp_path / "new", replace(before, items=(item,)))
    (old / "verdicts.json").write_text(json.dumps({"reports": reports}), encoding="utf-8")
    found = diff(old, new)
    fell = [one for one in found if one.kind == "verdict"]
    assert {one.after for one in fell} == {"insufficient"}
    assert all(one.note.startswith("fell. It is a test module") for one in fell)
    assert found[0] == fell[0]
    (evidence,) = (one for one in found if one.kind == "evidence")
    assert (evidence.before, evidence.after, evidence.note) == ("ok", "finding", item.sentence)

    told = CliRunner().invoke(app, ["diff", str(old), str(new)])
    assert told.exit_code == 1
    assert told.output.startswith("Before: Example TEST, made 2026-11-20T12:00:00+00:00, manifest ")
    assert f"Verdicts: {len(fell)} fell, 0 rose, 0 new or gone." in told.output
    assert "Its serial number differs." in told.output
    values = json.loads(CliRunner().invoke(app, ["diff", str(old), str(new), "--json"]).output)
    assert values[0]["note"].startswith("fell")
    same = CliRunner().invoke(app, ["diff", str(old), str(old)])
    assert same.exit_code == 0
    assert same.output.endswith("Nothing differs.\n")


def test_a_draft_of_a_notice_that_is_new_is_told(tmp_path: Path) -> None:
    before = material()
    after = replace(before, drafts=(Draft(name="incident-1", text="Draft"),))
    (found,) = diff(made(tmp_path / "old", before), made(tmp_path / "new", after))
    assert (found.kind, found.about, found.after) == ("notice", "incident-1", "drafted")


def test_a_dossier_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    place = made(tmp_path / "dossier", material())
    assert {one.name for one in tmp_path.iterdir()} == {"dossier"}
    assert (place / "annex-iii" / "index.json").is_file()
    (tmp_path / "closed").write_bytes(b"")
    with pytest.raises(Rejected, match="cannot be written"):
        made(tmp_path / "closed" / "dossier", material())


def test_a_file_that_cannot_be_compared_is_told(folder: Path) -> None:
    values: dict[str, Any] = {"reports": [{}]}
    (folder / "verdicts.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(Malformed, match="cannot be compared"):
        diff(folder, folder)


@pytest.fixture(scope="module")
def level_b() -> Report:
    """The report of a seal of level B that holds, by somebody whom nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST stranger")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    listed = manifest.write(FILES, {})
    seal = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(listed)
        .add_signer(certificate, key, hashes.SHA256())
        .sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
    )
    validator = Validator.by_options(policy="ades", at=None, trust=(), untrusted=(), offline=True)
    return validator.validate(Octets(seal, manifest.SEAL), detached=[Octets(listed, manifest.NAME)])


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-SEALED")
def test_a_seal_without_time_stamps_is_of_too_low_a_level(level_b: Report) -> None:
    (one,) = [told for told in faults_of(level_b, manifest.NAME) if "B-LTA" in told]
    assert "manifest.json is of the level" in one
    assert not any("does not hold" in told for told in faults_of(level_b, manifest.NAME))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-BELIEVED")
def test_a_seal_by_nobody_who_is_trusted_is_not_believed(level_b: Report) -> None:
    (one,) = objections_of(level_b, manifest.NAME)
    assert "manifest.json is not believed (INDETERMINATE, NO_CERTIFICATE_CHAIN_FOUND" in one
