"""A sealed validation report, before others: the schema of TS 119 102-2, xmlsec1, EU DSS."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from dss_judge import Case, answers
from report_schema import faults
from signed_making import AT, SIGNING_TIME, certificate, house, sign, stamp

from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.dtbs import Dtbs
from trustworks.formats.xades import names
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.signature import Options, prepare
from trustworks.validation import validate
from trustworks.validation.report.seal.sealing import Seal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop


class Unit:
    """The house's time-stamping unit."""

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        return stamp(b"", digest=digest, hash_name=hash_name)


def seal(scheme: str) -> Seal:
    own = certificate(scheme)
    return Seal(
        certificates=(own, house().ca.der),
        scheme=scheme,
        sign=lambda octets: sign(Dtbs(data=Octets(octets), scheme=scheme, certificate=own)),
        clock=lambda: SIGNING_TIME,
    )


@pytest.fixture(scope="module")
def reports() -> dict[str, bytes]:
    """Reports about a signature that is valid, sealed at each level."""
    prepared = prepare(
        packaging.enveloped(b"<doc>signed</doc>"),
        [certificate()],
        Claims(signing_time=SIGNING_TIME),
        Options(scheme="ECDSA_SHA256"),
    )
    document = prepared.complete(sign(prepared.dtbs))
    report = validate(Octets(document), trust=house().trust, at=AT, offline=True)
    found = {}
    for scheme in ("ECDSA_SHA256", "RSA_PSS_SHA256", "RSA_PKCS1_SHA256"):
        found[f"B {scheme}"] = report.etsi(seal=seal(scheme))
        found[f"T {scheme}"] = report.etsi(seal=replace(seal(scheme), stamper=Unit()))
    return found


def test_sealed_reports_fit_the_schema(reports: dict[str, bytes]) -> None:
    assert {name: faults(report) for name, report in reports.items() if faults(report)} == {}


def test_xmlsec1_verifies_the_seal(reports: dict[str, bytes], tmp_path: Path) -> None:
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.skip("NOT TESTED, because there is no xmlsec1")
    (tmp_path / "root.crt").write_bytes(house().root.der)
    at = AT.strftime("%Y-%m-%d %H:%M:%S")

    def verified(report: bytes) -> bool:
        (tmp_path / "report.xml").write_bytes(report)
        done = subprocess.run(
            [
                *(program, "--verify", "--enabled-key-data", "x509", "--trusted-der", "root.crt"),
                *("--id-attr:Id", f"{names.XADES_132}:SignedProperties"),
                *("--verification-gmt-time", at, "report.xml"),
            ],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return done.returncode == 0

    for name, report in reports.items():
        if "PSS" in name:
            continue  # it has none of those
        assert verified(report), name
        assert not verified(report.replace(b"HashOnly>false", b"HashOnly>true", 1)), name


def test_eu_dss_says_that_the_seal_holds(reports: dict[str, bytes], tmp_path: Path) -> None:
    anchor = tmp_path / "root.crt"
    anchor.write_bytes(house().root.der)
    cases = []
    for number, report in enumerate(reports.values()):
        file = tmp_path / f"{number}.xml"
        file.write_bytes(report)
        cases.append(Case(file=file, anchors=(anchor,), at=AT))
    differences = []
    for name, said in zip(reports, answers(cases, tmp_path), strict=True):
        (signature,) = said["signatures"]
        wanted = {
            "level": f"XAdES-BASELINE-{name[0]}",
            "intact": True,
            "valid": True,
            "data_intact": True,
            "b_level": True,
        }
        differences += [
            f"{name}: {field} {signature[field]}"
            for field, value in wanted.items()
            if signature[field] != value
        ]
        if [one["imprint_intact"] for one in said["time_stamps"]] != [True] * (name[0] == "T"):
            differences.append(f"{name}: {said['time_stamps']}")
    assert not differences, "\n".join(differences)
