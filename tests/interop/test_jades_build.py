"""joserfc, EU DSS and the schemas of TS 119 182-1 judge JAdES signatures that are built here."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dss_judge import Case, answers
from extended_forms import of_jades
from jades_vectors import Signer
from joserfc import jws
from joserfc.jwk import ECKey
from jsonschema import Draft7Validator

from trustworks.core.ports import ValidationData
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import PolicyReference
from trustworks.formats.jades.creating import (
    Options,
    Target,
    data_to_stamp,
    parallel,
    prepare,
    signing_input,
    value_to_countersign,
    with_counter_signature,
    with_time_stamp,
    with_values,
)
from trustworks.formats.jades.creating.payloads import Payload, beside, by_hash, by_uri, within

if TYPE_CHECKING:
    from trustworks.formats.jades.creating.signing import Serialization

pytestmark = pytest.mark.interop

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
CONTENT = b'{"title": "Hello"}'
SIGNER = Signer(issuer="CA")
CLAIMS = Claims(signing_time=WHEN)
OPTIONS = Options(scheme="ECDSA_SHA256")
FURTHER = replace(OPTIONS, hash_name="sha512", type="jose+json", content_type="json")
DESCRIBED = replace(
    CLAIMS,
    location={"addressCountry": "ZZ"},
    commitments=("http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin",),
    claimed_roles=("director",),
)
WITH_POLICY = replace(
    DESCRIBED,
    certified_roles=(b"an attribute certificate",),
    policy=PolicyReference(
        identifier="https://policy.example/1",
        digest_algorithm="sha256",
        digest=b"\1" * 32,
        uri="https://policy.example/1",
        user_notice="By these rules.",
        description="A policy",
    ),
)
FILE = Octets(b"first", "a.txt")
SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "schemas" / "jades"


def made(
    payload: Payload,
    serialization: Serialization = "flattened",
    claims: Claims = CLAIMS,
    options: Options = OPTIONS,
) -> bytes:
    prepared = prepare(payload, [SIGNER.certificate, SIGNER.authority.ca], claims, options)
    over = signing_input(prepared.header, payload).octets()
    return prepared.complete(SIGNER.key.sign(over, ec.ECDSA(hashes.SHA256())), serialization)


def token(over: bytes) -> bytes:
    return base64.b64decode(SIGNER.token(over)["tstTokens"][0]["val"])


def long_term(octets: bytes) -> bytes:
    target = Target(file=octets, beside=[FILE])
    target = replace(target, file=with_time_stamp(target, token(data_to_stamp(target).octets())))
    status = ValidationData(certificates=[SIGNER.authority.ca], lists=[SIGNER.revocation_list("CA")])
    target = replace(target, file=with_values(target, status))
    return with_time_stamp(target, token(data_to_stamp(target, "arcTst").octets()), "arcTst")


def files() -> dict[str, tuple[bytes, int, int]]:
    """Files by their names, with the number of signatures and of time-stamps; detached data is a.txt."""
    inside, digested = within(CONTENT), by_hash([FILE])
    flattened = made(inside)
    return {
        "compact": (made(inside, serialization="compact"), 1, 0),
        "flattened": (flattened, 1, 0),
        "general": (made(inside, serialization="general"), 1, 0),
        "described": (made(inside, claims=DESCRIBED, options=FURTHER), 1, 0),
        "parallel": (parallel(flattened, made(inside)), 2, 0),
        "unencoded": (made(within(b"in-clear", encoded=False), serialization="compact"), 1, 0),
        "detached": (made(beside(FILE)), 1, 0),
        "by-uri": (made(by_uri([FILE]), serialization="compact"), 1, 0),
        "by-hash": (made(digested, serialization="compact"), 1, 0),
        "long-term": (long_term(flattened), 1, 2),
        "extended-references": (of_jades(alone=True)["A"], 1, 3),
        "extended": (of_jades(alone=False)["A"], 1, 3),
        "by-hash-long-term": (long_term(made(digested)), 1, 2),
        "countered": (
            with_counter_signature(
                Target(file=flattened), made(beside(Octets(value_to_countersign(Target(file=flattened)))))
            ),
            2,
            0,
        ),
    }


def test_joserfc_takes_values() -> None:
    key = ECKey.import_key(
        SIGNER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    registry = jws.JWSRegistry(strict_check_header=False, algorithms=["ES256"])
    registry.max_header_length = 100_000
    found = jws.deserialize_compact(made(within(CONTENT), serialization="compact"), key, registry=registry)
    assert found.payload == CONTENT
    whole: Any = json.loads(made(within(CONTENT)))
    assert jws.deserialize_json(whole, key, registry=registry).payload == CONTENT


def test_headers_and_components_are_as_the_schemas_say() -> None:
    file = SCHEMAS / "19182-jsonSchema.json"
    if not file.is_file():
        pytest.skip("NOT TESTED, because ../shared/schemas is not there")
    schema = json.loads(file.read_text(encoding="utf-8"))
    judged = set()
    described = {"described-with-policy": (made(within(CONTENT), claims=WITH_POLICY, options=FURTHER), 1, 0)}
    for octets, _, _ in (files() | described).values():
        if not octets.startswith(b"{"):
            continue
        whole = json.loads(octets)
        for one in whole.get("signatures", [whole]):
            header = json.loads(base64.urlsafe_b64decode(one["protected"] + "=="))
            parts = dict(header)
            for component in one.get("header", {}).get("etsiU", []):
                parts |= json.loads(base64.urlsafe_b64decode(component + "=="))
            for name, value in parts.items():
                if name in schema["definitions"] and name != "cSig":
                    reference = f"#/definitions/{name.replace('#', '%23')}"
                    Draft7Validator({"definitions": schema["definitions"], "$ref": reference}).validate(value)
                    judged.add(name)
    assert {
        "sigD",
        "sigPl",
        "srCms",
        "srAts",
        "sigPId",
        "x5t#o",
        "sigTst",
        "arcTst",
        "xVals",
        "rVals",
        "xRefs",
        "rRefs",
        "sigRTst",
        "rfsTst",
    } <= judged


def test_eu_dss_takes_them(tmp_path: Path) -> None:
    beside_ = tmp_path / "a.txt"
    beside_.write_bytes(FILE.content)
    cases, expected = [], []
    for name, (octets, signatures, stamps) in files().items():
        path = tmp_path / f"{name}.json"
        path.write_bytes(octets)
        takes = name.startswith(("detached", "by-"))
        cases.append(Case(file=path, detached=(beside_,) if takes else ()))
        expected.append((signatures, stamps))
    wrong = {}
    for case, said, counts in zip(cases, answers(cases, tmp_path), expected, strict=True):
        if "error" in said:
            wrong[case.file.name] = said
            continue
        signatures, stamps = said["signatures"], said["time_stamps"]
        # Above T, EU DSS looks at what the status data is worth, and a reader does not.
        level = "JAdES-BASELINE-T" if stamps else "JAdES-BASELINE-B"
        whole = all(
            one["intact"] and one["data_intact"] and (one["counter_signature"] or one["level"] == level)
            for one in signatures
        )
        whole = whole and all(one["imprint_intact"] for one in stamps)
        if (len(signatures), len(stamps)) != counts or not whole:
            wrong[case.file.name] = said
    assert not wrong, json.dumps(wrong, indent=1)
