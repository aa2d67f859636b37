"""EU DSS judges JAdES signatures and containers of our making: what it finds in them is what we read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from asic_vectors import ASIC_E, ASIC_S, Maker, container, file_list, manifest
from dss_judge import Case, answers
from jades_vectors import PAYLOAD, Signer, b64, component, digest, standard
from signed_corpus import signer, verifies

from trustworks.formats.data import Stored
from trustworks.formats.evidence import Format, Weight
from trustworks.formats.read import read

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.formats.evidence import Evidence

pytestmark = pytest.mark.interop

FILES = {"a.txt": b"first", "folder/b.txt": b"second"}
URI = "http://uri.etsi.org/19182/ObjectIdByURI"


def jades(ours: Signer) -> dict[str, bytes]:
    """Files that are JAdES, by their names; detached data is a.txt."""
    made: dict[str, Any] = {"compact": ours.compact(), "flattened": ours.flattened()}
    first = ours.flattened()
    general = {"payload": first["payload"], "signatures": [first, ours.flattened(ours.header(cty="json"))]}
    for one in general["signatures"]:
        one.pop("payload")
    made["general"] = general
    made["changed-payload"] = first | {"payload": b64(b"changed")}
    detached = ours.flattened(payload=FILES["a.txt"])
    del detached["payload"]
    made["detached"] = detached
    unencoded = ours.header(b64=False, crit=["b64"])
    protected, value = ours.parts(unencoded, b"in-clear")
    made["unencoded"] = f"{protected}.in-clear.{value}".encode()
    for name, sign, hashed in (
        ("by-uri", {"mId": URI, "pars": ["a.txt"]}, b64(FILES["a.txt"]).encode()),
        ("by-hash", _by_hash(digest(b64(FILES["a.txt"]).encode())), b""),
        ("by-hash-changed", _by_hash(digest(b"another")), b""),
    ):
        protected, value = ours.parts(ours.header(sigD=sign, crit=["sigD"]), hashed)
        made[name] = f"{protected}..{value}".encode()
    counter = ours.flattened(payload=ours.value(b"another"))
    del counter["payload"]
    made["counter-changed"] = first | {"header": {"etsiU": [component({"cSig": counter})]}}
    made["long-term"] = _long_term(ours)
    made["long-term-changed"] = made["long-term"] | {
        "header": {"etsiU": made["long-term"]["header"]["etsiU"][1:]}
    }
    return {
        f"{name}.json": octets if isinstance(octets, bytes) else json.dumps(octets).encode()
        for name, octets in made.items()
    }


def _by_hash(value: str) -> dict[str, Any]:
    return {"mId": f"{URI}Hash", "pars": ["a.txt"], "hashM": "S256", "hashV": [value]}


def _long_term(ours: Signer) -> dict[str, Any]:
    flattened = ours.flattened(ours.header(adoTst=ours.token(b64(PAYLOAD).encode())))
    value = flattened["signature"].encode()
    etsi_u = [
        component({"sigTst": ours.token(value)}),
        component({"xVals": [{"x509Cert": {"val": standard(ours.authority.ca)}}]}),
        component({"rVals": {"crlVals": [{"val": standard(ours.revocation_list("CA"))}]}}),
    ]
    over = b".".join(
        [b64(PAYLOAD).encode(), flattened["protected"].encode(), value, "".join(etsi_u).encode()]
    )
    return flattened | {"header": {"etsiU": [*etsi_u, component({"arcTst": ours.token(over)})]}}


def containers(ours: Maker) -> dict[str, bytes]:
    """Files that are ASiC, by their names."""
    signature, stamp = "META-INF/signature001.p7s", "META-INF/timestamp001.tst"
    said = manifest(signature, FILES, root="a.txt")
    extended = FILES | {"META-INF/ASiCManifest001.xml": said, signature: ours.cades(said)}
    covered = {name: extended[name] for name in (signature, "META-INF/ASiCManifest001.xml", *FILES)}
    archive = manifest(stamp, covered)
    archived = extended | {"META-INF/ASiCArchiveManifest.xml": archive, stamp: ours.token(archive)}
    listed = {"META-INF/manifest.xml": file_list(*FILES)}
    package = container(FILES, None)
    stamped = manifest(stamp, FILES)
    return {
        "extended.asice": container(extended, ASIC_E),
        "changed.asice": container(extended | {"a.txt": b"changed"}, ASIC_E),
        "absent.asice": container({name: extended[name] for name in extended if name != "a.txt"}, ASIC_E),
        "no-manifest.asice": container(FILES | {signature: ours.cades(said)}, ASIC_E),
        "archived.asice": container(archived, ASIC_E),
        "archived-changed.asice": container(archived | {"folder/b.txt": b"changed"}, ASIC_E),
        "stamped.asice": container(
            FILES | {"META-INF/ASiCManifest001.xml": stamped, stamp: ours.token(stamped)}, ASIC_E
        ),
        "simple.asics": container(
            {"a.txt": b"first", "META-INF/signature.p7s": ours.cades(b"first")}, ASIC_S
        ),
        "simple-two.asics": container(FILES | {"META-INF/signature.p7s": ours.cades(b"first")}, ASIC_S),
        "package.asics": container({"p.zip": package, "META-INF/signature.p7s": ours.cades(package)}, ASIC_S),
        "simple-stamped.asics": container(
            {"a.txt": b"first", "META-INF/timestamp.tst": ours.token(b"first")}, ASIC_S
        ),
        "xml.asice": container(FILES | listed | {"META-INF/signatures001.xml": ours.xml(FILES)}, ASIC_E),
        "xml-changed.asice": container(
            FILES | listed | {"META-INF/signatures001.xml": ours.xml(FILES | {"a.txt": b"x"})}, ASIC_E
        ),
        "xml-no-list.asice": container(FILES | {"META-INF/signatures001.xml": ours.xml(FILES)}, ASIC_E),
    }


def level_of(name: str) -> str:
    """A level as far as T: above, EU DSS looks at what the status data is worth, and a reader does not."""
    return name.replace("-LTA", "-T").replace("-LT", "-T")


def ours_of(found: Evidence) -> dict[str, Any]:
    """What EU DSS says, in its words, out of our evidence."""
    signatures = []
    for signature in found.signatures:
        references = signature.references
        intact = all(one.found and one.intact for one in references)
        value = verifies(signature, signer(found, signature))
        of_data = [one for one in references if one.kind.value != "manifest-entry"]
        whole = all(one.found and one.intact for one in of_data)
        signatures.append(
            {
                "level": level_of(signature.level),
                "counter_signature": signature.parent is not None,
                "intact": value and (whole or signature.format is Format.JADES),
                "data_intact": intact,
                "time_stamps": len(signature.time_stamps),
                "format_failure": any(one.weight is Weight.FATAL for one in signature.findings),
            }
        )
    stamps = [
        {"imprint_found": one.references[0].found, "imprint_intact": one.references[0].intact}
        for one in found.time_stamps
    ]
    return {"signatures": signatures, "time_stamps": stamps}


def theirs_of(said: dict[str, Any]) -> dict[str, Any]:
    """The same fields, of what EU DSS says."""
    keys = {"counter_signature", "intact", "data_intact", "time_stamps"}
    return {
        "signatures": [
            {key: one[key] for key in keys}
            | {"level": level_of(one["level"])}
            | {"format_failure": one["sub_indication"] == "FORMAT_FAILURE"}
            for one in said["signatures"]
        ],
        "time_stamps": [
            {key: one[key] for key in ("imprint_found", "imprint_intact")} for one in said["time_stamps"]
        ],
    }


def test_eu_dss_finds_what_we_find(tmp_path: Path) -> None:
    maker = Maker(Signer(issuer="CA"))
    beside = tmp_path / "a.txt"
    beside.write_bytes(FILES["a.txt"])
    asked = []
    for name, octets in {**jades(maker.signer), **containers(maker)}.items():
        path = tmp_path / name
        path.write_bytes(octets)
        takes = name.startswith(("detached", "by-"))
        asked.append(Case(file=path, detached=(beside,) if takes else ()))
    differ = {}
    for case, said in zip(asked, answers(asked, tmp_path), strict=True):
        found = read(Stored(case.file), detached=[Stored(path, name=path.name) for path in case.detached])
        ours = ours_of(found)
        theirs = said.get("error") or theirs_of(said)
        if ours != theirs:
            differ[case.file.name] = {"ours": ours, "theirs": theirs}
    assert not differ, json.dumps(differ, indent=1)
