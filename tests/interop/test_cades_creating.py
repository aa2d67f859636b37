"""What is built as CAdES, before others: `openssl cms -verify -cades`, and EU DSS at every level."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from dss_judge import Case, answers
from evidence_graphs import NOW
from extended_forms import of_cades
from signed_making import AT, SCHEMES, SIGNING_TIME, certificate, house, sign, stamp

from trustworks.core.ports import ValidationData
from trustworks.formats.augmenting import Kind, Opened
from trustworks.formats.cades.creating.signature import (
    Options,
    counter_sign,
    prepare,
)
from trustworks.formats.cades.creating.unsigned import (
    Target,
    octets_to_archive,
    octets_to_stamp,
    with_archive_time_stamp,
    with_time_stamp,
    with_values,
)
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets, Stored
from trustworks.formats.evidence import PolicyReference
from trustworks.formats.read import read

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop

CONTENT = Octets(b"what is signed", "content.bin")
CLAIMS = Claims(signing_time=SIGNING_TIME)
EVERYTHING = Claims(
    signing_time=SIGNING_TIME,
    location={"country": "LV", "locality": "Riga", "postal-address": "Brivibas 1\nRiga"},
    policy=PolicyReference(
        identifier="1.2.3.4.5",
        digest_algorithm="sha256",
        digest=Octets(b"policy").digest("sha256"),
        uri="https://example.org/policy",
        user_notice="By these rules.",
    ),
    claimed_roles=("director", "owner"),
    commitments=("1.2.840.113549.1.9.16.6.1", "1.2.840.113549.1.9.16.6.5"),
)
LEVELS = ("B", "T", "LT", "LTA")


def built(scheme: str = "ECDSA_SHA256", *, inside: bool = True, claims: Claims = CLAIMS) -> bytes:
    options = Options(scheme=scheme)
    if claims is EVERYTHING:
        token = stamp(CONTENT.content, SIGNING_TIME - timedelta(hours=1))
        options = replace(options, mime_type="text/plain", time_stamps=[token])
    made = prepare(CONTENT, [certificate(scheme), house().ca.der], claims, options)
    return made.complete(sign(made.dtbs), content=CONTENT if inside else None)


def augmented(structure: bytes, level: str, *, inside: bool = True) -> bytes:
    of = Target(structure=structure, beside=() if inside else [CONTENT])
    steps = LEVELS[1 : LEVELS.index(level) + 1]
    if "T" in steps:
        of = replace(of, structure=with_time_stamp(of, stamp(octets_to_stamp(of))))
    if "LT" in steps:
        data = ValidationData(certificates=house().authorities, lists=house().lists)
        of = replace(of, structure=with_values(of, data))
    if "LTA" in steps:
        for hours in (1, 2):
            token = stamp(octets_to_archive(of), NOW - timedelta(days=10 - hours))
            of = replace(of, structure=with_archive_time_stamp(of, token))
    return of.structure


def parallel() -> bytes:
    structure = built()
    made = prepare(CONTENT, [certificate("RSA_PSS_SHA256")], CLAIMS, Options(scheme="RSA_PSS_SHA256"))
    return made.join(sign(made.dtbs), structure)


def countersigned() -> bytes:
    structure = built()
    options = Options(scheme="RSA_PKCS1_SHA256")
    made = counter_sign(structure, 0, [certificate("RSA_PKCS1_SHA256")], CLAIMS, options)
    return made.join_counter(sign(made.dtbs), structure, 0)


def openssl(structure: bytes, folder: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    root = house().root.certificate.public_bytes(Encoding.PEM)
    (folder / "root.pem").write_bytes(root)
    (folder / "signed.p7s").write_bytes(structure)
    (folder / "content.bin").write_bytes(CONTENT.content)
    at = str(int(AT.timestamp()))
    return subprocess.run(
        [
            *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "signed.p7s"),
            *("-CAfile", "root.pem", "-purpose", "any", "-attime", at, *options),
        ],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=60,
    )


# OpenSSL 3.0 verifies no CMS with EdDSA.
@pytest.mark.parametrize("level", ["B", "LTA"])
@pytest.mark.parametrize("scheme", [one for one in SCHEMES if one != "ED25519"])
def test_openssl_verifies_what_is_built(scheme: str, level: str, tmp_path: Path) -> None:
    inside = openssl(augmented(built(scheme), level), tmp_path)
    assert (inside.returncode, inside.stdout) == (0, CONTENT.content), inside.stderr.decode()
    detached = augmented(built(scheme, inside=False), level, inside=False)
    assert openssl(detached, tmp_path, "-content", "content.bin").returncode == 0
    changed = bytearray(detached)
    changed[detached.index(b"Somebody") - 400] ^= 1
    assert openssl(bytes(changed), tmp_path, "-content", "root.pem").returncode != 0


@pytest.mark.parametrize("make", [parallel, countersigned, lambda: built(claims=EVERYTHING)])
def test_openssl_verifies_several_signers_and_all_attributes(make: object, tmp_path: Path) -> None:
    assert callable(make)
    said = openssl(make(), tmp_path)
    assert said.returncode == 0, said.stderr.decode()


def documents() -> dict[str, tuple[bytes, bool, str]]:
    found: dict[str, tuple[bytes, bool, str]] = {}
    for level in LEVELS:
        found[f"inside-{level}"] = augmented(built(), level), True, f"CAdES-BASELINE-{level}"
        structure = augmented(built(inside=False), level, inside=False)
        found[f"detached-{level}"] = structure, False, f"CAdES-BASELINE-{level}"
    for scheme in SCHEMES:
        found[f"scheme-{scheme}"] = augmented(built(scheme), "LTA"), True, "CAdES-BASELINE-LTA"
    found["everything"] = augmented(built(claims=EVERYTHING), "LTA"), True, "CAdES-BASELINE-LTA"
    for inside in (False, True):
        for older in (False, True):
            made = of_cades(inside=inside, alone=inside, older=older)
            kind = f"extended-{'inside' if inside else 'detached'}-{'v2' if older else 'v3'}"
            found |= {f"{kind}-{level}": (one, inside, f"CAdES-{level}") for level, one in made.items()}
    found["parallel"] = parallel(), True, "CAdES-BASELINE-B"
    found["countersigned"] = countersigned(), True, "CAdES-BASELINE-B"
    return found


def test_eu_dss_finds_the_levels_that_were_built(tmp_path: Path) -> None:
    made = documents()
    anchor, content = tmp_path / "root.crt", tmp_path / "content.bin"
    anchor.write_bytes(house().root.der)
    content.write_bytes(CONTENT.content)
    cases = []
    for name, (structure, inside, _) in made.items():
        file = tmp_path / f"{name}.p7s"
        file.write_bytes(structure)
        cases.append(Case(file=file, anchors=(anchor,), detached=() if inside else (content,), at=AT))
    differences = []
    for name, said in zip(made, answers(cases, tmp_path), strict=True):
        structure, inside, level = made[name]
        evidence = read(Octets(structure), detached=() if inside else [CONTENT])
        if len(said.get("signatures", ())) != len(evidence.signatures):
            differences.append(f"{name}: {said}")
            continue
        wanted = {"level": level, "intact": True, "valid": True, "data_found": True, "data_intact": True}
        differences += [
            f"{name}: {field} {signature[field]}"
            for signature in said["signatures"]
            for field, value in wanted.items()
            if signature[field] != value
        ]
        if {one.level for one in evidence.signatures} != {level}:
            differences.append(f"{name}: here {[one.level for one in evidence.signatures]}")
        imprints = [one["imprint_intact"] for one in said["time_stamps"]]
        if imprints != [True] * len(evidence.time_stamps):
            differences.append(f"{name}: imprints {imprints}")
        if any(one["indication"] == "TOTAL_FAILED" for one in said["signatures"]):
            differences.append(f"{name}: failed")
    assert not differences, "\n".join(differences)


def test_a_large_document_inside_is_read_by_others(tmp_path: Path) -> None:
    """The structure is written in portions; openssl and EU DSS read it as one that was put together."""
    content = Stored(tmp_path / "content", "content")
    content.path.write_bytes(bytes(range(256)) * (17 * 4096))
    prepared = prepare(content, [certificate(), house().ca.der], CLAIMS, Options(scheme="ECDSA_SHA256"))
    with (tmp_path / "large.p7m").open("wb") as stream:
        stream.writelines(prepared.around(sign(prepared.dtbs), content).portions())
    (target,) = Opened(Stored(tmp_path / "large.p7m", "large.p7m")).targets
    stamped = target.with_time_stamp(stamp(target.octets_to_stamp(Kind.SIGNATURE).octets()))
    with (tmp_path / "stamped.p7m").open("wb") as stream:
        stream.writelines(stamped.data.portions())
    (tmp_path / "root.pem").write_bytes(house().root.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "root.crt").write_bytes(house().root.der)
    for name in ("large.p7m", "stamped.p7m"):
        said = subprocess.run(
            [
                *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", name),
                *("-CAfile", "root.pem", "-purpose", "any", "-attime", str(int(AT.timestamp()))),
                *("-out", "out"),
            ],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr.decode()
        assert (tmp_path / "out").read_bytes() == content.path.read_bytes()
    asked = [
        Case(file=tmp_path / name, anchors=(tmp_path / "root.crt",), at=AT)
        for name in ("large.p7m", "stamped.p7m")
    ]
    found = [one["signatures"][0] for one in answers(asked, tmp_path)]
    assert [one["level"] for one in found] == ["CAdES-BASELINE-B", "CAdES-BASELINE-T"]
    assert all(one["intact"] and one["valid"] and one["data_intact"] for one in found)
