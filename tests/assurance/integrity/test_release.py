"""A release: built twice with one hash, with bills of materials, attested so that others can verify it."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from forked_program import run
from integrity_testbed import Installation

from trustworks.assurance.integrity import attestation
from trustworks.assurance.integrity.bom import (
    ModuleOfKeys,
    as_octets,
    certification_levels,
    cryptography_bom,
    software_bom,
)
from trustworks.assurance.integrity.identity import ProductIdentity
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.keys.model import KeyEntry
from trustworks.core.module.certified import Certification
from trustworks.core.module.states import KeyState

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
_SPEC: Any = spec_from_file_location("release_tool", ROOT / "tools" / "release.py")
TOOL: Any = module_from_spec(_SPEC)
_SPEC.loader.exec_module(TOOL)
PRODUCT = ProductIdentity(version="0.1.0", build="b" * 64)
CERTIFIED = Certification(
    fips_140_3=3, cc_eal="4+", protection_profiles=("EN 419221-5",), certificates=("1",)
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(TOOL.release(tmp_path_factory.mktemp("release") / "dist"))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-REPRODUCIBLE")
def test_two_builds_in_two_places_give_one_wheel(made: Path) -> None:
    names = sorted(one.name for one in made.parent.iterdir())
    assert [one.partition("-0.")[0] for one in names] == ["trustworks"] * 3
    assert {one.rpartition(".")[2] for one in names} == {"whl", "json"}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-REPRODUCIBLE")
def test_another_source_gives_another_wheel(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = iter([made, tmp_path / "other.whl"])
    (tmp_path / "other.whl").write_bytes(b"other")
    monkeypatch.setattr(TOOL, "built", lambda *_, **__: next(wheels))
    with pytest.raises(Rejected, match="The builds of the same sources differ"):
        TOOL.release(tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


# Bills of materials


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-BOM")
def test_the_bill_of_software_lists_what_is_needed_and_no_more(made: Path) -> None:
    document = json.loads(next(made.parent.glob("*.sbom.json")).read_bytes())
    names = {one["name"].lower() for one in document["components"]}
    assert {"cryptography", "cffi", "sqlalchemy", "uvloop", "pycparser", "lxml"} <= names
    assert not {"pytest", "mypy", "ruff", "trustworks"} & names
    references = {one["bom-ref"] for one in document["components"]}
    root = document["metadata"]["component"]
    edges = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    assert set(edges) == references | {root["bom-ref"]}
    assert all(set(needs) <= references for needs in edges.values())
    assert re.fullmatch(r"[0-9a-f]{64}", root["properties"][0]["value"])
    assert all(one.get("licenses") for one in document["components"])


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-BOM")
@pytest.mark.parametrize(
    ("module", "levels"),
    [
        ({"certification": CERTIFIED}, ("fips140-3-l3", "cc-eal4+")),
        ({"certification": Certification(fips_140_2=3)}, ("fips140-2-l3",)),
        ({"certification": Certification()}, ("unknown",)),
        ({}, ("unknown",)),
        ({"certification": CERTIFIED, "software": True}, ("none",)),
    ],
)
def test_software_has_no_level_whatever_is_declared(module: dict[str, Any], levels: tuple[str, ...]) -> None:
    given: dict[str, Any] = {"token": "tsu", "software": False, "library": "x.so", "library_sha256": "0" * 64}
    assert certification_levels(ModuleOfKeys(**given | module)) == levels


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-BOM")
def test_the_bill_of_cryptography_has_module_and_keys() -> None:
    document = cryptography()
    kinds = [one.get("cryptoProperties", {}).get("assetType", one["type"]) for one in document["components"]]
    assert {"algorithm", "library", "related-crypto-material"} == set(kinds)
    (key,) = [one for one in document["components"] if one["bom-ref"].startswith("key:")]
    material = key["cryptoProperties"]["relatedCryptoMaterialProperties"]
    assert (material["state"], material["algorithmRef"]) == ("active", "algorithm:ECDSA_SHA256:P-256")
    assert material["algorithmRef"] in {one["bom-ref"] for one in document["components"]}
    assert as_octets(document) == as_octets(cryptography())


def cryptography() -> dict[str, Any]:
    module = ModuleOfKeys(
        token="tsu", software=False, library="x.so", library_sha256="0" * 64, certification=CERTIFIED
    )
    key = KeyEntry(
        spki_sha256="1" * 64,
        label="tsu-1",
        key_id="01",
        algorithm="P-256",
        entered_at=datetime(2026, 1, 1, tzinfo=UTC),
        state=KeyState.OPERATIONAL,
    )
    return cryptography_bom(PRODUCT, [module], [key])


@pytest.mark.interop
@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-BOM")
@pytest.mark.parametrize("kind", ["software", "cryptography", "cryptography of a release"])
def test_the_schema_of_cyclonedx_accepts_the_bills(kind: str) -> None:
    validation = pytest.importorskip(
        "cyclonedx.validation.json", reason="NOT TESTED, cyclonedx-python-lib is missing"
    )
    schema = pytest.importorskip("cyclonedx.schema")
    documents: dict[str, Callable[[], dict[str, Any]]] = {
        "software": lambda: software_bom(PRODUCT),
        "cryptography": cryptography,
        "cryptography of a release": lambda: cryptography_bom(PRODUCT),
    }
    judge = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert judge.validate_str(as_octets(documents[kind]()).decode()) is None
    assert judge.validate_str('{"bomFormat": "CycloneDX", "specVersion": "1.6", "more": 1}') is not None


def test_the_command_prints_the_bills(tmp_path: Path) -> None:
    printed = run("integrity", "bom", "--cryptography", "--without-configuration", cwd=tmp_path)
    assert json.loads(printed.stdout)["specVersion"] == "1.6"
    assert run("integrity", "bom", "--out", "sbom.json", cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "sbom.json").read_bytes())["components"]
    assert "No configuration found" in run("integrity", "bom", "--cryptography", cwd=tmp_path).stderr


# Attestations


@pytest.fixture
def attested(tmp_path: Path) -> Installation:
    bed = Installation(tmp_path)
    for name in ("x-1-py3-none-any.whl", "x.sbom.json", "uv.lock"):
        (tmp_path / name).write_bytes(name.encode())
    done = run(
        *("integrity", "attest", "x-1-py3-none-any.whl", "x.sbom.json", "--key", bed.key_file),
        *("--commit", "a" * 40, "--epoch", 1, "--builder", "urn:example:somebody", "--out", "x.jsonl"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    return bed


def check(bed: Installation, *files: str) -> subprocess.CompletedProcess[str]:
    folder = bed.tree.parent
    return run("integrity", "check-attestation", "x.jsonl", *files, "--key", bed.public_file, cwd=folder)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-ATTESTED")
def test_a_release_is_attested_and_verified_without_a_network(attested: Installation) -> None:
    folder = attested.tree.parent
    found = check(attested, "x-1-py3-none-any.whl", "x.sbom.json")
    assert (found.returncode, found.stderr) == (0, "")
    assert "2 files are as attested, in 2 statements" in found.stdout
    lines = (folder / "x.jsonl").read_bytes().splitlines()
    source, published = (json.loads(base64.b64decode(json.loads(one)["payload"])) for one in lines)
    definition = source["predicate"]["buildDefinition"]
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": "a" * 40}
    assert definition["resolvedDependencies"][1]["digest"] == {"sha256": sha256(b"uv.lock").hexdigest()}
    assert source["predicate"]["runDetails"]["builder"] == {"id": "urn:example:somebody"}
    assert [one["name"] for one in published["subject"]] == ["x-1-py3-none-any.whl"]
    (folder / "x.sbom.json").write_bytes(b"other")
    refused = check(attested, "x-1-py3-none-any.whl", "x.sbom.json")
    assert (refused.returncode, "x.sbom.json has another content" in refused.stderr) == (1, True)
    (folder / "y.whl").write_bytes(b"")
    assert "y.whl is not among the attested files" in check(attested, "y.whl").stderr


@pytest.mark.interop
@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-ATTESTED")
def test_openssl_verifies_an_envelope(attested: Installation, tmp_path: Path) -> None:
    envelope = json.loads((attested.tree.parent / "x.jsonl").read_bytes().splitlines()[0])
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    (tmp_path / "pae").write_bytes(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    said = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", attested.public_file, "-signature", "sig", "pae"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.strip() == "Verified OK"


@pytest.mark.req("TRUSTWORKS:ASSURANCE-RELEASE-ATTESTED")
def test_what_the_key_did_not_attest_is_refused(tmp_path: Path) -> None:
    bed = Installation(tmp_path)
    key = bed.private.public_key()
    good = attestation.attest({"x": "0" * 64}, attestation.PROVENANCE, {"a": 1}, bed.signer)
    assert attestation.check_files(good, key, {"x": "0" * 64})
    with pytest.raises(Rejected, match="not signed by this key"):
        attestation.check_files(good, ec.generate_private_key(ec.SECP256R1()).public_key(), {})
    envelope = json.loads(good)
    payload = base64.b64encode(base64.b64decode(envelope["payload"]).replace(b'"a":1', b'"a":2')).decode()
    with pytest.raises(Rejected, match="not signed by this key"):
        attestation.opened(json.dumps(envelope | {"payload": payload}).encode(), key)
    other = attestation.attest({"x": "0" * 64}, attestation.PUBLISH, None, bed.signer)
    with pytest.raises(Rejected, match="another content"):
        attestation.check_files(good + other, key, {"x": "1" * 64})


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\n", b"{}", b"[]", b"null", b"x", b"[" * 100_000, b'{"payload": 1}', b"\xff", b"{}\n" * 200),
        b'{"payload":"","payloadType":"x","signatures":[]}',
        b'{"payload":"","payloadType":"x","signatures":[1]}',
    ],
)
def test_what_is_no_attestation_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Malformed):
        attestation.check_files(content, Installation(tmp_path).private.public_key(), {})
