"""A container seals what others handed in under any name, and verifies by itself."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from dossier_testbed import NOW, material
from lxml import etree
from signing_house import house

from trustworks.assurance.dossier.model import Kept
from trustworks.assurance.dossier.packing import make, write
from trustworks.assurance.dossier.sealing import Sealer, media_type_of
from trustworks.assurance.dossier.verify import verify
from trustworks.signing.create.process import Creation, Terms

if TYPE_CHECKING:
    from pathlib import Path

MISNAMED = {
    "cert.pdf": b"this is a text\n",
    "metadata.json": b"{not json",
    "list.xml": b"no element",
}


def kept(name: str, content: bytes) -> Kept:
    known = hashlib.sha256(content).hexdigest()
    return Kept(sha256=known, name=name, source="a person", retrieved=NOW, size=len(content), content=content)


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dossier in one file, with kept files that are not what their names say, and a paper that is none."""
    person = house().person()
    sealer = Sealer(
        name="main",
        creation=Creation(means=house().means, terms=Terms(lab=True)),
        signer=person.signer,
        sign=person.sign,
    )
    files = tuple(kept(name, content) for name, content in MISNAMED.items())
    given = replace(material(), files=files, installation=b"no json either")
    out = tmp_path_factory.mktemp("sealed") / "dossier.asice"
    write(make(given, sealer, container=True), out)
    return out


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-SEALED")
def test_files_that_are_not_what_their_names_say_are_sealed_and_verified(container: Path) -> None:
    found = verify(container)
    assert found.findings == []
    assert {one.level for one in found.seals} == {"XAdES-BASELINE-LTA", "PAdES-BASELINE-LTA"}


def test_nothing_is_said_of_the_kind_of_a_file_that_others_made(container: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(container.read_bytes())) as opened:
        listed = etree.fromstring(opened.read("META-INF/manifest.xml"))
    space = f"{{{listed.nsmap['manifest']}}}"
    said = {one.get(f"{space}full-path"): one.get(f"{space}media-type") for one in listed}
    of_others = [name for name in said if str(name).endswith(tuple(MISNAMED))]
    assert len(of_others) == len(MISNAMED)
    assert {said[name] for name in of_others} == {"application/octet-stream"}
    assert said["evidence/index.json"] == "application/json"
    assert said["dossier.pdf"] == "application/pdf"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("evidence/0123-cert.pdf", "application/octet-stream"),
        ("evidence/live.json", "application/json"),
        ("annex-iii/13/13-a-cps-en-3.pdf", "application/octet-stream"),
        ("annex-iii/documents.json", "application/json"),
        ("installation/manifest.json", "application/octet-stream"),
        ("oscal/component-definition.json", "application/json"),
        ("annex-iii/10/hierarchy.svg", "image/svg+xml"),
    ],
)
def test_the_media_type_is_that_of_what_the_dossier_itself_made(name: str, said: str) -> None:
    assert media_type_of(name) == said
