"""What is signed can be had: the octets that were digested, in files whose names strangers do not choose."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from qualified_reports import CA, KEYS, certify
from signed_pdfs import document
from typer.testing import CliRunner
from validated_corpus import cases

from trustworks.core.errors import Malformed
from trustworks.formats.data import PORTION, DigestOnly, Octets, Stored
from trustworks.validation import validate
from trustworks.validation.cli.validate import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.formats.data import Data

SIGNER = certify("signer")
DATA = b"what is signed\n"
HOSTILE = "../../..\\.ssh/\x00au thor\u202eized_keys"


def signed(data: bytes = DATA, *, detached: bool = False) -> Octets:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
    builder = builder.add_signer(SIGNER, KEYS["signer"], hashes.SHA256()).add_certificate(CA)
    options = [pkcs7.PKCS7Options.Binary, *([pkcs7.PKCS7Options.DetachedSignature] if detached else [])]
    return Octets(builder.sign(Encoding.DER, options), "contract.p7m")


def written(folder: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text("utf-8"))["extracts"]
    return listed


def test_the_content_of_a_signature_is_written_with_a_manifest(tmp_path: Path) -> None:
    report = validate(signed(), offline=True)
    assert report.extract(tmp_path / "new") == 1
    (one,) = written(tmp_path / "new")
    assert (tmp_path / "new" / one["data"]["file"]).read_bytes() == DATA
    digest = hashlib.sha256(DATA).hexdigest()
    assert one["data"] == {"file": "0001-the_signed_content", "octets": len(DATA), "sha256": digest}
    assert (one["by"], one["kind"]) == (report.outcome.signatures[0].id, "signature")
    assert (one["digest_algorithm"], one["digest"], one["intact"]) == ("sha256", digest, True)


def test_names_of_strangers_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    report = validate(signed(detached=True), detached=[Octets(DATA, HOSTILE)], offline=True)
    report.extract(folder)
    (one,) = written(folder)
    assert one["name"] == HOSTILE
    assert one["data"]["file"] == "0001-au_thor_ized_keys"
    assert sorted(path.name for path in folder.iterdir()) == ["0001-au_thor_ized_keys", "manifest.json"]
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != folder] == []


@pytest.mark.parametrize("name", ["", ".", "..", "/", "manifest.json", ".hidden", "x" * 500, "\u4e00"])
def test_every_name_gives_one_that_a_file_can_have(name: str, tmp_path: Path) -> None:
    report = validate(signed(detached=True), detached=[Octets(DATA, name)], offline=True)
    assert report.extract(tmp_path) == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"evidence")
    with pytest.raises(Malformed, match="is not empty; name a folder that is, or a new one"):
        validate(signed(), offline=True).extract(tmp_path)
    with pytest.raises(Malformed, match="cannot be a folder"):
        validate(signed(), offline=True).extract(tmp_path / "kept")
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


def test_changed_data_is_written_and_said_to_be_changed(tmp_path: Path) -> None:
    changed = Octets(DATA + b"!", "data")
    validate(signed(detached=True), detached=[changed], offline=True).extract(tmp_path)
    (one,) = written(tmp_path)
    assert (one["intact"], one["data"]["octets"]) == (False, len(DATA) + 1)
    assert one["digest"] == hashlib.sha256(DATA).hexdigest() != one["data"]["sha256"]


def test_data_that_is_not_here_is_told_without_a_file(tmp_path: Path) -> None:
    known = DigestOnly((("sha256", hashlib.sha256(DATA).digest()),), "data")
    assert validate(signed(detached=True), detached=[known], offline=True).extract(tmp_path) == 0
    (one,) = written(tmp_path)
    assert (one["data"], one["intact"]) == (None, True)


def test_data_that_is_gone_since_is_told_without_a_file(tmp_path: Path) -> None:
    large = tmp_path / "data"
    large.write_bytes(DATA)
    report = validate(signed(detached=True), detached=[Stored(large, "data")], offline=True)
    large.unlink()
    assert report.extract(tmp_path / "out") == 0
    assert written(tmp_path / "out")[0]["data"] is None


def test_of_a_pdf_the_signed_octets_and_the_revision_are_had(tmp_path: Path) -> None:
    octets = document().signed_with().octets + b"% more\n"
    validate(Octets(octets, "a.pdf"), offline=True).extract(tmp_path)
    (one,) = written(tmp_path)
    start, first, second, last = one["byte_range"]
    assert (tmp_path / one["data"]["file"]).read_bytes() == octets[start:first] + octets[
        second : second + last
    ]
    assert (tmp_path / one["document"]["file"]).read_bytes() == octets[: second + last]
    assert one["data"]["sha256"] == one["digest"]


def test_large_data_is_never_held_whole(tmp_path: Path) -> None:
    class Portions:
        """Three portions, of which no two exist at a time."""

        name, size = "large", 3 * PORTION
        alive = most = 0

        def portions(self) -> Iterator[bytes]:
            yield from (bytes([number]) * PORTION for number in range(3))

        def octets(self) -> bytes:
            raise AssertionError

        def digest(self, hash_name: str) -> bytes:
            return hashlib.new(hash_name, b"".join(self.portions())).digest()

    large: Data = Portions()
    report = validate(signed(b"other", detached=True), detached=[large], offline=True)
    assert report.extract(tmp_path / "out") == 1
    (one,) = written(tmp_path / "out")
    assert one["data"]["sha256"] == large.digest("sha256").hex()
    assert (tmp_path / "out" / one["data"]["file"]).stat().st_size == 3 * PORTION


def test_by_the_command_line_what_is_signed_goes_into_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "contract.p7m"
    file.write_bytes(signed().content)
    done = CliRunner().invoke(app, [str(file), "--offline", "--extract", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "Extracted: 1 files, told in manifest.json." in done.stderr
    assert len(written(tmp_path / "out")) == 1
    done = CliRunner().invoke(app, [str(file), "--offline", "--extract", str(tmp_path / "out")])
    assert done.exit_code == 64
    assert "is not empty" in done.stderr


def test_what_is_extracted_of_the_corpus_has_the_digest_that_is_signed() -> None:
    known = {one.row["document"]: one.case for one in cases()}
    compared = 0
    for document_ in sorted(known)[::12]:
        case = known[document_]
        try:
            report = validate(Stored(case.file, case.file.name), detached=case.detached, offline=True)
        except Malformed:
            continue
        for one in report.extracts():
            if one.digest is None or one.data is None or one.digest_algorithm is None:
                continue
            compared += 1
            same = one.data.digest(one.digest_algorithm) == one.digest
            assert same == one.intact, (document_, one)
    assert compared > 20
