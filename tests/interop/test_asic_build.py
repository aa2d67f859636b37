"""EU DSS, `unzip` and the schema of EN 319 162-1 judge the containers that are built here."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from asic_vectors import Maker, container, file_list
from dss_judge import Case, answers
from evidence_records import token_over
from jades_vectors import Signer
from lxml import etree
from signed_making import SIGNING_TIME, certificate, stamp
from signed_making import sign as sign_dtbs

from trustworks.formats.asic.creating import (
    DataObject,
    Prepared,
    Sign,
    prepare_addition,
    prepare_extended,
    prepare_simple,
)
from trustworks.formats.asic.creating.open_document import prepare, target, with_signatures
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence_record.creating import prepare_first
from trustworks.formats.xades.creating.signature import Options
from trustworks.formats.xades.creating.unsigned import octets_to_stamp, with_time_stamp

pytestmark = pytest.mark.interop

MAKER = Maker(Signer(issuer="CA"))
A = DataObject(name="a.txt", data=Octets(b"first", "a.txt"), media_type="text/plain", root=True)
B = DataObject(name="folder/b.txt", data=Octets(b"second" * 1000, "b.txt"), packed=True)
SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "schemas"
STAMPS = {Sign.TIME_STAMP, Sign.ARCHIVE_TIME_STAMP}
RECORDS = {Sign.EVIDENCE_RECORD, Sign.EVIDENCE_RECORD_XML}


def made(prepared: Prepared, *objects: DataObject) -> bytes:
    if prepared.sign in RECORDS:
        form = "asn1" if prepared.sign is Sign.EVIDENCE_RECORD else "xml"
        waiting = prepare_first(form, prepared.digests, "sha256")  # type: ignore[arg-type]
        return waiting.complete((), token_over(waiting.leaf))
    if prepared.sign is Sign.XADES:
        return MAKER.xml({one.name: one.data.octets() for one in objects})
    (covered,) = prepared.covered(objects)
    return MAKER.cades(covered.octets()) if prepared.sign is Sign.CADES else MAKER.token(covered.octets())


def finished(prepared: Prepared, *objects: DataObject) -> bytes:
    return prepared.complete(made(prepared, *objects), objects).octets()


def added(octets: bytes, sign: Sign) -> bytes:
    prepared = prepare_addition(Octets(octets), sign)
    return prepared.add(made(prepared), Octets(octets)).octets()


def containers() -> dict[str, tuple[bytes, tuple[int, int, int]]]:
    """Containers, and how many signatures, time-stamps and evidence records each has."""
    found: dict[str, tuple[bytes, tuple[int, int, int]]] = {}
    for sign in Sign:
        counts = (
            int(sign in {Sign.CADES, Sign.XADES}),
            int(sign in STAMPS | RECORDS),  # a record has a time-stamp
            int(sign in RECORDS),
        )
        if sign is not Sign.ARCHIVE_TIME_STAMP:
            found[f"{sign}.asics"] = (finished(prepare_simple(A, sign), A), counts)
        found[f"{sign}.asice"] = (finished(prepare_extended([A, B], sign), A, B), counts)
    twice = added(found["cades.asice"][0], Sign.CADES)
    found["cades-cades.asice"] = (twice, (2, 0, 0))
    stamped = added(twice, Sign.ARCHIVE_TIME_STAMP)
    found["cades-cades-archive.asice"] = (stamped, (2, 1, 0))
    found["cades-cades-archive-record.asice"] = (added(stamped, Sign.EVIDENCE_RECORD), (2, 2, 1))
    text = "application/vnd.oasis.opendocument.text"
    files = {"content.xml": b"<c/>", "Pictures/x \u00e4.png": b"png"}
    once = signed_document(container(files | {"META-INF/manifest.xml": file_list(*files)}, text), "S1")
    found["once.odt"] = (once, (1, 0, 0))
    found["twice.odt"] = (signed_document(once, "S2"), (2, 0, 0))
    document = Octets(once)
    of = target(document, "S1")
    stamped = with_signatures(document, with_time_stamp(of, stamp(octets_to_stamp(of)))).octets()
    found["stamped.odt"] = (stamped, (1, 1, 0))
    return found


def signed_document(octets: bytes, identifier: str) -> bytes:
    data = Octets(octets)
    options = Options(scheme="ECDSA_SHA256", id=identifier)
    waiting = prepare(data, [certificate()], Claims(signing_time=SIGNING_TIME), options)
    return waiting.complete(sign_dtbs(waiting.dtbs), data).octets()


def test_unzip_takes_them(tmp_path: Path) -> None:
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("NOT TESTED, because unzip is not there: install it")
    for name, (octets, _) in containers().items():
        path = tmp_path / name
        path.write_bytes(octets)
        said = subprocess.run([unzip, "-t", str(path)], capture_output=True, check=False, timeout=60)
        assert (said.returncode, b"No errors detected" in said.stdout) == (0, True), said.stdout


def test_manifests_are_as_the_schema_says(tmp_path: Path) -> None:
    file = SCHEMAS / "asic-manifest" / "en_31916201v010101.xsd"
    found = sorted(SCHEMAS.rglob("xmldsig-core-schema*.xsd"))
    if not file.is_file() or not found:
        pytest.skip("NOT TESTED, because ../shared/schemas is not there")
    # The schema imports that of XML signatures from the Internet: it is told where it lies here.
    text = file.read_text(encoding="utf-8")
    tree = etree.fromstring(text.encode())
    for one in tree.iter("{http://www.w3.org/2001/XMLSchema}import"):
        if "xmldsig" in (one.get("namespace") or ""):
            one.set("schemaLocation", found[0].as_uri())
        else:
            tree.remove(one)
    schema = etree.XMLSchema(tree)
    judged = 0
    for name, (octets, _) in containers().items():
        path = tmp_path / name
        path.write_bytes(octets)
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if "Manifest" in member:
                    assert schema.validate(etree.fromstring(archive.read(member))), schema.error_log
                    judged += 1
    assert judged >= 8


def test_eu_dss_takes_them(tmp_path: Path) -> None:
    cases, expected = [], []
    for name, (octets, counts) in containers().items():
        path = tmp_path / name
        path.write_bytes(octets)
        cases.append(Case(file=path))
        expected.append(counts)
    wrong = {}
    for case, said, counts in zip(cases, answers(cases, tmp_path), expected, strict=True):
        if "error" in said:
            wrong[case.file.name] = said
            continue
        parts = (said["signatures"], said["time_stamps"], said["evidence_records"])
        whole = (
            all(one["intact"] and one["data_intact"] for one in parts[0])
            and all(one["imprint_intact"] for one in parts[1])
            and all(one["data_intact"] for one in parts[2])
            and not any(one["sub_indication"] == "FORMAT_FAILURE" for one in (*parts[0], *parts[2]))
        )
        if tuple(map(len, parts)) != counts or not whole:
            wrong[case.file.name] = said
    assert not wrong, json.dumps(wrong, indent=1)
