"""What is built as XAdES, before others: the published schemas, xmlsec1, and EU DSS at every level."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dss_judge import Case, answers
from evidence_graphs import NOW
from extended_forms import of_xades
from lxml import etree
from report_schema import XADES, faults
from signed_making import AT, SCHEMES, SIGNING_TIME, certificate, house, sign, stamp

from trustworks.core.ports import ValidationData
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import PolicyReference
from trustworks.formats.read import read
from trustworks.formats.xades import names
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.properties import ContentTimeStamp
from trustworks.formats.xades.creating.signature import Options, counter_sign, prepare
from trustworks.formats.xades.creating.unsigned import (
    ARCHIVE_TIME_STAMP,
    Target,
    octets_of_data,
    octets_to_stamp,
    with_policy_store,
    with_time_stamp,
    with_time_stamp_validation_data,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.xades.creating.packaging import Packaged

pytestmark = pytest.mark.interop

DOCUMENT = b'<?xml version="1.0"?><doc xmlns="urn:d" xmlns:p="urn:p"><p:a Id="one">t&#13;</p:a></doc>'
FILES = (Octets(b"one", "a.txt"), Octets(b"two", "b.txt"))
PACKAGINGS: dict[str, tuple[Packaged, Sequence[Octets]]] = {
    "enveloped": (packaging.enveloped(DOCUMENT), ()),
    "parallel": (packaging.enveloped(DOCUMENT, parallel=True), ()),
    "enveloping": (packaging.enveloping(FILES), ()),
    "enveloping-elements": (packaging.enveloping([Octets(DOCUMENT)], as_xml=True), ()),
    "detached": (packaging.detached(FILES), FILES),
    "internally-detached": (packaging.internally_detached(DOCUMENT, ["one"]), ()),
    "manifest": (packaging.manifest(FILES), FILES),
}
EVERYTHING = Claims(
    signing_time=SIGNING_TIME,
    location={
        "city": "Riga",
        "street": "Brivibas 1",
        "state": "R",
        "postal-code": "LV-1010",
        "country": "LV",
    },
    policy=PolicyReference(
        identifier="1.2.3.4.5",
        digest_algorithm="sha256",
        digest=Octets(b"policy").digest("sha256"),
        uri="https://example.org/policy",
        user_notice="By these rules.",
        description="A policy",
        specification="1.2.3.4.6",
    ),
    claimed_roles=("director", "owner"),
    commitments=("1.2.840.113549.1.9.16.6.1",),
)
LEVELS = ("B", "T", "LT", "LTA")


CLAIMS = Claims(signing_time=SIGNING_TIME)


def built(packaged: Packaged, scheme: str = "ECDSA_SHA256", claims: Claims = CLAIMS, **how: Any) -> bytes:
    certificates = [certificate(scheme), house().ca.der]
    prepared = prepare(packaged, certificates, claims, Options(scheme=scheme, **how))
    return prepared.complete(sign(prepared.dtbs))


def target(document: bytes, beside: Sequence[Octets] = ()) -> Target:
    name = read(Octets(document), detached=beside).signatures[0].name
    assert name is not None
    return Target(document=document, signature=name, beside=beside)


def augmented(document: bytes, level: str, beside: Sequence[Octets] = ()) -> bytes:
    of = target(document, beside)
    steps = LEVELS[1 : LEVELS.index(level) + 1]
    if "T" in steps:
        of = replace(of, document=with_time_stamp(of, stamp(octets_to_stamp(of))))
    if "LT" in steps:
        data = ValidationData(certificates=house().authorities, lists=house().lists)
        of = replace(of, document=with_values(of, data))
    if "LTA" in steps:
        for hours in (1, 2):
            token = stamp(octets_to_stamp(of, ARCHIVE_TIME_STAMP), NOW - timedelta(days=10 - hours))
            of = replace(of, document=with_time_stamp(of, token, ARCHIVE_TIME_STAMP))
            more = ValidationData(certificates=[house().root.der])
            of = replace(of, document=with_time_stamp_validation_data(of, more))
    return of.document


def everything() -> bytes:
    packaged = packaging.enveloping(FILES)
    options = Options(scheme="ECDSA_SHA256", id="S1")
    stamps = []
    for of in ((), ("{id}-data-2",)):
        wanted = ContentTimeStamp(tokens=(), of=of)
        octets = octets_of_data(packaged, [certificate(), house().ca.der], EVERYTHING, options, wanted)
        stamps.append(replace(wanted, tokens=(stamp(octets, SIGNING_TIME - timedelta(hours=1)),)))
    document = built(packaged, claims=EVERYTHING, id="S1", time_stamps=stamps)
    document = with_policy_store(target(document), b"policy", "1.2.3.4.6")
    prepared = counter_sign(document, "S1", [certificate()], CLAIMS, Options(scheme="ECDSA_SHA256", id="S2"))
    return augmented(prepared.complete(sign(prepared.dtbs)), "LTA")


def test_what_is_built_fits_the_schemas() -> None:
    for packaged, beside in PACKAGINGS.values():
        document = etree.fromstring(augmented(built(packaged), "LTA", beside))
        (signature,) = document.iter(names.SIGNATURE)
        assert faults(etree.tostring(signature, with_tail=False), XADES[names.XADES_132]) == []
    assert faults(everything(), XADES[names.XADES_132]) == []
    for older in (False, True):
        for alone in (False, True):
            (signature,) = etree.fromstring(of_xades(older=older, alone=alone)["A"]).iter(names.SIGNATURE)
            assert faults(etree.tostring(signature, with_tail=False), XADES[names.XADES_132]) == []


@pytest.mark.parametrize("version", [names.XADES_111, names.XADES_122])
def test_what_is_built_of_older_versions_fits_their_schemas(version: str) -> None:
    claims = replace(EVERYTHING, claimed_roles=(), location={"city": "Riga", "country": "LV"})
    claims = replace(
        claims, policy=replace(claims.policy or PolicyReference(identifier=None), specification=None)
    )
    for said in (claims, Claims(signing_time=SIGNING_TIME)):
        document = augmented(built(packaging.enveloping(FILES), claims=said, version=version), "LT")
        assert faults(document, XADES[version]) == []


def xmlsec1(document: bytes, folder: Path) -> bool:
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.skip("NOT TESTED, because there is no xmlsec1")
    (folder / "root.crt").write_bytes(house().root.der)
    (folder / "signed.xml").write_bytes(document)
    ids = [
        argument
        for name in (
            f"{names.XADES_132}:SignedProperties",
            *(f"{names.DS}:{local}" for local in ("Object", "Manifest", "SignatureValue", "KeyInfo")),
            "urn:p:a",
        )
        for argument in ("--id-attr:Id", name)
    ]
    time = ["--verification-gmt-time", AT.strftime("%Y-%m-%d %H:%M:%S"), "signed.xml"]
    done = subprocess.run(
        [program, "--verify", "--enabled-key-data", "x509", "--trusted-der", "root.crt", *ids, *time],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode == 0


@pytest.mark.parametrize("name", PACKAGINGS)
def test_xmlsec1_verifies_every_packaging(name: str, tmp_path: Path) -> None:
    packaged, beside = PACKAGINGS[name]
    for one in beside:
        (tmp_path / (one.name or "")).write_bytes(one.content)
    document = built(packaged)
    assert xmlsec1(document, tmp_path)
    assert not xmlsec1(document.replace(b"02:01Z", b"02:02Z"), tmp_path)


@pytest.mark.parametrize("scheme", [one for one in SCHEMES if "PSS" not in one and one != "ED25519"])
def test_xmlsec1_verifies_every_scheme_that_it_has(scheme: str, tmp_path: Path) -> None:
    assert xmlsec1(built(packaging.enveloped(DOCUMENT), scheme=scheme), tmp_path)


def documents() -> dict[str, tuple[bytes, Sequence[Octets], str]]:
    found: dict[str, tuple[bytes, Sequence[Octets], str]] = {}
    for name, (packaged, beside) in PACKAGINGS.items():
        for level in LEVELS if name == "enveloped" else ("B", "LTA"):
            document = augmented(built(packaged), level, beside)
            found[f"{name}-{level}"] = document, beside, f"XAdES-BASELINE-{level}"
    for scheme in SCHEMES:
        document = augmented(built(packaging.enveloped(DOCUMENT), scheme=scheme), "LTA")
        found[f"scheme-{scheme}"] = document, (), "XAdES-BASELINE-LTA"
    found["everything"] = everything(), (), "XAdES-BASELINE-LTA"
    for version in (names.XADES_111, names.XADES_122):
        document = augmented(built(packaging.enveloping(FILES), version=version), "LT")
        found[f"version-{version[-6:-1]}"] = document, (), "XAdES-BASELINE-LT"
    for older in (False, True):
        for alone in (False, True):
            made = of_xades(older=older, alone=alone)
            kind = f"extended-{'older' if older else 'newer'}-{'alone' if alone else 'both'}"
            found |= {f"{kind}-{level}": (one, (), f"XAdES-{level}") for level, one in made.items()}
    first = built(PACKAGINGS["parallel"][0])
    second = built(packaging.enveloped(first, parallel=True), scheme="RSA_PSS_SHA256")
    found["two-parallel"] = second, (), "XAdES-BASELINE-B"
    return found


def test_eu_dss_finds_the_levels_that_were_built(tmp_path: Path) -> None:
    made = documents()
    anchor = tmp_path / "root.crt"
    anchor.write_bytes(house().root.der)
    for one in FILES:
        (tmp_path / (one.name or "")).write_bytes(one.content)
    cases = []
    for name, (document, beside, _) in made.items():
        file = tmp_path / f"{name}.xml"
        file.write_bytes(document)
        files = tuple(tmp_path / (one.name or "") for one in beside)
        cases.append(Case(file=file, anchors=(anchor,), detached=files, at=AT))
    differences = []
    for name, said in zip(made, answers(cases, tmp_path), strict=True):
        document, beside, level = made[name]
        evidence = read(Octets(document), detached=beside)
        signature = said.get("signatures", [{}])[0]
        wanted = {"level": level, "intact": True, "valid": True, "data_found": True, "data_intact": True}
        differences += [
            f"{name}: {field} {signature.get(field)}"
            for field, value in wanted.items()
            if signature.get(field) != value
        ]
        if evidence.signatures[0].level != level:
            differences.append(f"{name}: here {evidence.signatures[0].level}")
        if len(said.get("signatures", ())) != len(evidence.signatures):
            differences.append(f"{name}: {said}")
        imprints = [one["imprint_intact"] for one in said.get("time_stamps", ())]
        if imprints != [True] * len(evidence.time_stamps):
            differences.append(f"{name}: imprints {imprints}")
        if signature.get("indication") not in {"TOTAL_PASSED", "INDETERMINATE"}:
            differences.append(f"{name}: {signature.get('sub_indication')}")
    assert not differences, "\n".join(differences)
