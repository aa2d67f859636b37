"""EU DSS judges the documents that the reader is tested with: levels, references, time-stamps."""

from __future__ import annotations

from typing import Any

import pytest
from dss_judge import Case, answers
from lxml import etree
from xades_documents import (
    C14N,
    Making,
    Referring,
    add_property,
    archived,
    canonical,
    certificate_values,
    complete,
    complete_references,
    enveloped,
    find,
    revocation_list,
    revocation_values,
    sign,
    time_stamp,
    value_of,
)

from trustworks.formats.data import Octets
from trustworks.formats.read import read

pytestmark = pytest.mark.interop

COUNTERSIGNED = "http://uri.etsi.org/01903#CountersignedSignature"


def lta() -> etree._Element:
    making = Making()
    root = sign(making)
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root)))
    add_property(root, certificate_values())
    add_property(root, revocation_values(revocation_list()))
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making), prefix="xades141"))
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making), prefix="xades141"))
    return root


def older() -> etree._Element:
    making = Making()
    root = sign(making)
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making, objects=False)))
    return root


def with_references() -> etree._Element:
    root = sign()
    value = value_of(root)
    add_property(root, time_stamp("SignatureTimeStamp", value))
    for xml in complete_references(revocation_list()):
        add_property(root, xml)
    stamped = [canonical(one, C14N) for one in find(root, ".//{*}UnsignedSignatureProperties")]
    add_property(root, time_stamp("SigAndRefsTimeStamp", b"".join([value, *stamped])))
    add_property(root, time_stamp("RefsOnlyTimeStamp", b"".join(stamped[1:])))
    return root


def countersigned(uri: str) -> etree._Element:
    root = sign()
    reference = Referring(uri=uri, type=COUNTERSIGNED)
    inner = Making(id="C1", objects="", references=[reference], data_properties="")
    add_property(root, f"<xades:CounterSignature>{inner.xml()}</xades:CounterSignature>")
    complete(root, inner)
    return root


def moved() -> etree._Element:
    root = sign()
    document = etree.Element("document")
    part = find(root, "{*}Object[1]")
    document.extend([root, part])
    return document


def doubled() -> etree._Element:
    document = etree.Element("document")
    document.append(sign())
    etree.SubElement(document, "fake").set("Id", "O1")
    return document


DOCUMENTS = {
    "object": sign(),
    "enveloped": enveloped(),
    "lta": lta(),
    "older": older(),
    "references": with_references(),
    "countersigned": countersigned("#V-S1"),
    "countersigned-else": countersigned("#O1"),
    "no-format": sign(Making(data_properties="")),
    "no-time": sign(Making(signing_time="")),
    "moved": moved(),
    "doubled": doubled(),
    "stamped-wrong": sign(Making(data_properties=time_stamp("AllDataObjectsTimeStamp", b"other"))),
}

# Of an identifier that two elements have, EU DSS takes one and says that it is ambiguous; here it is of none.
# Without trust anchors it wants revocation data of time-stamping units for level LT, too.
_ELSEWHERE = {("doubled", "data_found"), ("lta", "level")}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("dss")
    cases = []
    for name, root in DOCUMENTS.items():
        file = folder / f"{name}.xml"
        file.write_bytes(etree.tostring(root))
        cases.append(Case(file=file))
    return dict(zip(DOCUMENTS, answers(cases, folder), strict=True))


def test_signatures_and_time_stamps_are_what_eu_dss_finds(judged: dict[str, dict[str, Any]]) -> None:
    differences = []
    for name, root in DOCUMENTS.items():
        evidence, theirs = read(Octets(etree.tostring(root))), judged[name]
        for one, other in zip(evidence.signatures, theirs["signatures"], strict=True):
            references = [reference for reference in one.references if reference.mandatory]
            ours = {
                "counter_signature": one.parent is not None,
                "data_found": all(reference.found for reference in references),
                "data_intact": all(reference.intact for reference in references),
                "time_stamps": len(one.time_stamps),
                "level": one.level,
            }
            differences += [
                f"{name}: {field} {value}, EU DSS {other[field]}"
                for field, value in ours.items()
                if value != other[field] and (name, field) not in _ELSEWHERE
            ]
        imprints = [stamp.references[0].intact for stamp in evidence.time_stamps]
        if imprints != [stamp["imprint_intact"] for stamp in theirs["time_stamps"]]:
            differences.append(f"{name}: imprints {imprints}")
    assert not differences, "\n".join(differences)


def test_what_is_ambiguous_is_a_failure_of_format_to_eu_dss_too(judged: dict[str, dict[str, Any]]) -> None:
    assert judged["doubled"]["signatures"][0]["sub_indication"] == "FORMAT_FAILURE"
    assert judged["moved"]["signatures"][0]["sub_indication"] == "SIGNED_DATA_NOT_FOUND"
    assert judged["countersigned-else"]["signatures"][1]["sub_indication"] in {"HASH_FAILURE", None, "null"}
