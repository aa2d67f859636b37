"""Others judge what was augmented: EU DSS every format and level, xmlsec1, openssl, pyHanko, unzip."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from augmented_files import CASES, augmented, of_cms, of_pdf, of_xml, twice_signed_container, values
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dss_judge import Case, answers
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext
from signed_corpus import CORPUS, anchors_of, cases
from signed_making import AT, certificate, house, private_key, stamp
from signed_stories import token

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.asic.creating import Sign
from trustworks.formats.augmenting import Kind, Opened, Target
from trustworks.formats.data import Octets, Stored
from trustworks.signing.create.levels import Means, raised
from trustworks.signing.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

LEVELS: Final = ("T", "LT", "LTA", "LTA")
SUFFIXES: Final = {"XAdES": "xml", "CAdES": "p7s", "JAdES": "json", "PAdES": "pdf", "ASiC-": "asi"}
SAMPLE: Final = 8
"""Files of each folder of the corpus."""


def of_ours() -> Iterator[tuple[str, Target, str]]:
    """Every format at every level, with what it is called and the level that was asked for."""
    for name, case in CASES.items():
        suffix = SUFFIXES[name[:5]] + {"ASiC-S": "cs", "ASiC-E": "ce"}.get(name[:6], "")
        (target,) = Opened(Octets(case.make(), f"a.{suffix}"), detached=case.detached).targets
        for number, (level, one) in enumerate(zip(LEVELS, augmented(target), strict=True)):
            yield f"{name} {number}.{suffix}", one, f"{case.format}-BASELINE-{level}"


def test_eu_dss_finds_the_level_that_was_asked_for(tmp_path: Path) -> None:
    made = list(of_ours())
    anchor = tmp_path / "root.crt"
    anchor.write_bytes(house().root.der)
    asked = []
    for name, target, _ in made:
        file = tmp_path / name
        file.write_bytes(target.data.octets())
        beside = [tmp_path / (one.name or "") for one in target.opened.detached]
        for path, one in zip(beside, target.opened.detached, strict=True):
            path.write_bytes(one.octets())
        asked.append(Case(file=file, anchors=(anchor,), detached=tuple(beside[1:]), at=AT))
    differences = []
    for (name, target, level), said in zip(made, answers(asked, tmp_path), strict=True):
        signature: dict[str, Any] = next(iter(said.get("signatures", ())), {})
        wanted = {"level": level, "intact": True, "valid": True, "data_found": True, "data_intact": True}
        differences += [
            f"{name}: {field} {signature.get(field)} {signature.get('sub_indication')}"
            for field, value in wanted.items()
            if signature.get(field) != value
        ]
        if signature.get("indication") not in {"TOTAL_PASSED", "INDETERMINATE"}:
            differences.append(f"{name}: {signature.get('sub_indication')}")
        if [one["imprint_intact"] for one in said.get("time_stamps", ())] != [True] * len(target.time_stamps):
            differences.append(f"{name}: {said}")
    assert not differences, "\n".join(differences)


def sample() -> Iterator[tuple[str, Target, Target, dict[str, Any]]]:
    """Signatures of others, before and after each was given what it can be given."""
    folders = ["dss-xades", "dss-cades", "dss-pades", "dss-jades", "dss-asic-cades", "dss-asic-xades"]
    for folder in folders:
        count = 0
        for case in cases(folder):
            path = CORPUS / case.document
            if count == SAMPLE or path.stat().st_size > 1_000_000:
                continue
            opened = Opened(
                Stored(path, path.name),
                detached=[Stored(CORPUS / name, Path(name).name) for name in case.detached],
                anchors=anchors_of(case.fields),
            )
            try:
                target = opened.targets[0]
                time = datetime(2026, 5, 20, tzinfo=UTC)
                after = target.with_time_stamp(stamp(b"", digest=target.digest(Kind.SIGNATURE)))
                after = after.with_values(values())
                after = after.with_archive_time_stamp(stamp(b"", time, digest=after.digest(Kind.ARCHIVE)))
            except (Rejected, Malformed, IndexError):
                continue
            count += 1
            yield f"{folder}-{count}{path.suffix}", target, after, case.fields


def test_eu_dss_finds_intact_what_was_so_before_in_files_of_others(tmp_path: Path) -> None:
    made = list(sample())
    asked = []
    for name, before, after, _ in made:
        beside = []
        for one in before.opened.detached:
            beside.append(tmp_path / f"{name}-beside" / (one.name or "a"))
            beside[-1].parent.mkdir(exist_ok=True)
            beside[-1].write_bytes(one.octets())
        for prefix, target in (("before", before), ("after", after)):
            file = tmp_path / f"{prefix}-{name}"
            file.write_bytes(target.data.octets())
            asked.append(Case(file=file, detached=tuple(beside), at=AT))
    said = answers(asked, tmp_path)
    assert len(made) > 5 * SAMPLE - SAMPLE // 2
    differences = []
    for (name, before, after, _), was, is_ in zip(made, said[::2], said[1::2], strict=True):
        differences += compared(name, was, is_, len(after.time_stamps) - len(before.time_stamps))
    assert not differences, "\n".join(differences)


def compared(name: str, was: dict[str, Any], is_: dict[str, Any], more: int) -> list[str]:
    """What EU DSS says otherwise of a file after it was augmented; `more` time-stamps are to be intact."""
    known = {one["key"]: one for one in is_.get("signatures", ())}
    differences = [
        f"{name}: {field} was {one[field]}"
        for one in was.get("signatures", ())
        for field in ("intact", "valid", "data_found", "data_intact")
        if known.get(one["key"], {}).get(field) != one[field]
    ]
    intact = [sum(one["imprint_intact"] for one in said.get("time_stamps", ())) for said in (was, is_)]
    if intact[1] < intact[0] + more or more == 0:
        differences.append(f"{name}: {intact} imprints, {more} more")
    return differences


def run(program: str, *arguments: str, folder: Path) -> int:
    if shutil.which(program) is None:
        pytest.skip(f"NOT TESTED, because there is no {program}")
    return subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, check=False, timeout=60
    ).returncode


def last(octets: bytes, number: int = 0) -> bytes:
    return augmented(Opened(Octets(octets, "a")).targets[number])[-1].data.octets()


def test_xmlsec1_verifies_what_was_augmented(tmp_path: Path) -> None:
    ids = [
        argument
        for name in (
            "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
            "http://www.w3.org/2000/09/xmldsig#:Object",
        )
        for argument in ("--id-attr:Id", name)
    ]
    (tmp_path / "root.crt").write_bytes(house().root.der)
    (tmp_path / "ca.crt").write_bytes(house().ca.der)
    time = ["--verification-gmt-time", AT.strftime("%Y-%m-%d %H:%M:%S"), "a.xml"]
    given = [
        "--verify",
        "--enabled-key-data",
        "x509",
        "--trusted-der",
        "root.crt",
        "--untrusted-der",
        "ca.crt",
        *ids,
        *time,
    ]
    for octets in (of_xml(), of_xml().replace(b' Id="S1-value"', b"")):
        (tmp_path / "a.xml").write_bytes(last(octets))
        assert run("xmlsec1", *given, folder=tmp_path) == 0
    (tmp_path / "a.xml").write_bytes(last(of_xml()).replace(b"02:01Z", b"02:02Z"))
    assert run("xmlsec1", *given, folder=tmp_path) != 0


def test_openssl_verifies_what_was_augmented(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(house().root.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "a.p7s").write_bytes(last(of_cms()))
    time = str(int(AT.timestamp()))
    given = ["cms", "-verify", "-cades", "-inform", "DER", "-in", "a.p7s", "-CAfile", "root.pem", "-binary"]
    given += ["-attime", time, "-purpose", "any", "-out", "out"]
    assert run("openssl", *given, folder=tmp_path) == 0
    assert (tmp_path / "out").read_bytes() == b"what is signed"


class Service:
    """A `Stamper` whose tokens hold the certificate of the signer's issuer, and evidence about everybody."""

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        return token(house().tsa, b"", AT, house().ca, house().root, hash_name=hash_name, digest=digest)

    def evidence_of(
        self, certificate: bytes, *_: object, time_stamp: bool = False, **__: object
    ) -> ValidationData:
        above = house().authorities[1:] if time_stamp else house().authorities
        return ValidationData(certificates=(certificate, *above), lists=house().lists)


@pytest.mark.parametrize("by", ["openssl", "ours"])
@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_openssl_finds_the_issuer_of_the_signer_that_a_time_stamp_brought(
    by: str, level: Level, tmp_path: Path
) -> None:
    """It does not look inside of tokens: the path of a signer alone in his structure is put into that."""
    (tmp_path / "root.pem").write_bytes(house().root.certificate.public_bytes(Encoding.PEM))
    if by == "ours":
        octets = of_cms()
    else:
        (tmp_path / "leaf.pem").write_bytes(
            x509.load_der_x509_certificate(certificate()).public_bytes(Encoding.PEM)
        )
        (tmp_path / "key.pem").write_bytes(
            private_key("p256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (tmp_path / "content").write_bytes(b"what is signed")
        given = ["cms", "-sign", "-cades", "-binary", "-nodetach", "-in", "content", "-outform", "DER"]
        given += ["-signer", "leaf.pem", "-inkey", "key.pem", "-out", "signed"]
        assert run("openssl", *given, folder=tmp_path) == 0
        octets = (tmp_path / "signed").read_bytes()
    (target,) = Opened(Octets(octets, "a.p7m")).targets
    service = Service()
    after = raised(target, level, Means(clock=lambda: AT, stamper=service, evidence=service))
    assert after.level == f"CAdES-BASELINE-{level.value[2:]}"
    (tmp_path / "a.p7m").write_bytes(after.data.octets())
    given = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "a.p7m", "-CAfile", "root.pem"]
    given += ["-attime", str(int(AT.timestamp())), "-purpose", "any", "-out", "out"]
    assert run("openssl", *given, folder=tmp_path) == 0
    assert (tmp_path / "out").read_bytes() == b"what is signed"


def test_pyhanko_takes_a_pdf_of_which_the_earlier_signature_was_augmented() -> None:
    octets = of_pdf(of_pdf())
    first, _ = Opened(Octets(octets, "a.pdf")).targets
    found = augmented(first)[-1].data.octets()
    reader = PdfFileReader(io.BytesIO(found))
    context = ValidationContext(trust_roots=[], moment=AT, allow_fetching=False)
    said = [
        (validate_pdf_timestamp if one.sig_object_type == "/DocTimeStamp" else validate_pdf_signature)(
            one, context
        )
        for one in reader.embedded_signatures
    ]
    assert len(said) == 5
    assert {(one.intact, one.valid) for one in said} == {(True, True)}
    assert said[1].modification_level is ModificationLevel.LTA_UPDATES


@pytest.mark.parametrize("sign_as", [Sign.CADES, Sign.XADES])
def test_unzip_takes_a_container_of_which_one_signature_was_augmented(sign_as: Sign, tmp_path: Path) -> None:
    before = twice_signed_container(sign_as)
    for number in (0, 1):
        (tmp_path / "a.zip").write_bytes(last(before, number))
        assert run("unzip", "-t", "a.zip", folder=tmp_path) == 0
