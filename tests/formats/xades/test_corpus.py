"""The reader against signed files of many makers, and what EU DSS expects of each (../shared/corpus/dss).

What a row says is compared with what the reader finds: how many signatures and time-stamps, levels,
whether data is found and intact, whether the value is that of the identified certificate, imprints of
time-stamps. The list was made by program from the tests of EU DSS: a field that is absent means that all
is well.
"""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from signed_corpus import anchors_of

from trustworks.core.errors import Malformed
from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.evidence import ReferenceKind, TimeStampKind
from trustworks.formats.limits import DEFAULT
from trustworks.formats.verification import candidates, is_value_of
from trustworks.formats.xades import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.evidence import Evidence, Signature

SHARED = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "dss"
EXPLAINED = tomllib.loads(Path(__file__).with_name("corpus.toml").read_text(encoding="utf-8"))


def evidence_of(case: dict[str, Any]) -> Evidence:
    document = SHARED / case["document"]
    collector = Collector(anchors_of(case))
    if document.suffix == ".xml":
        detached = [_octets(SHARED / name) for name in case.get("detached", ())]
        read(_octets(document), collector, detached=detached, limits=DEFAULT)
        return collector.evidence()
    with zipfile.ZipFile(document) as container:
        members = {name: container.read(name) for name in container.namelist() if not name.endswith("/")}
    inside = [name for name in members if name.startswith("META-INF/") and "signatures" in name.lower()]
    signed = [Octets(content, name=name) for name, content in members.items()]
    for name in inside:
        if name.endswith(".xml"):
            read(Octets(members[name], name=name), collector, detached=signed, limits=DEFAULT, file=name)
    return collector.evidence()


def _octets(path: Path) -> Octets:
    return Octets(path.read_bytes(), name=path.name)


def said(column: str | None, what: str) -> set[bool] | None:
    """The values that a column expects; None where it says nothing that can be compared."""
    if column is None:
        return {True}
    found = {
        part.endswith("=T")
        for part in column.split("|")
        if part.removeprefix("super+").startswith(what + "=")
    }
    if found:
        return found
    return {True} if column == "super+" else None


def holds(signature: Signature, evidence: Evidence) -> bool:
    """Whether the value verifies with one of the certificates that the signature may be of."""
    return any(
        is_value_of(signature, evidence.certificates[one.id].der) for one in candidates(signature, evidence)
    ) or bool(
        signature.identifier is not None
        and signature.identifier.public_key is not None
        and is_value_of(signature, signature.identifier.public_key)
    )


def identified(signature: Signature, evidence: Evidence) -> bool:
    return any(
        one.reference is not None and one.reference.digest is True for one in candidates(signature, evidence)
    )


def mismatches(case: dict[str, Any]) -> Iterator[str]:
    if "throws" in case and "Illegal" in case["throws"]:
        try:
            evidence_of(case)
        except Malformed:
            return
        yield "is not refused"
        return
    try:
        evidence = evidence_of(case)
    except Malformed as error:
        yield f"is refused: {error}"
        return
    signatures = evidence.signatures
    if not signatures:
        yield "has no signature"
    if "n_signatures" in case and len([one for one in signatures if one.parent is None]) != int(
        case["n_signatures"]
    ) != len(signatures):
        yield f"{len(signatures)} signatures, not {case['n_signatures']}"
    kinds = [one.kind for one in evidence.time_stamps]
    # Some rows count those of evidence records, others do not.
    counts = {len(kinds), len(kinds) - kinds.count(TimeStampKind.EVIDENCE_RECORD)}
    if "n_timestamps" in case and int(case["n_timestamps"]) not in counts:
        yield f"{len(evidence.time_stamps)} time-stamps, not {case['n_timestamps']}"
    if "levels" in case:
        expected = {name.replace("_", "-") for name in case["levels"].split(";")}
        if {one.level for one in signatures} != expected:
            yield f"levels {sorted(one.level for one in signatures)}, not {sorted(expected)}"
    yield from _about_data(case, evidence)
    yield from _about_time_stamps(case, evidence)


def _about_data(case: dict[str, Any], evidence: Evidence) -> Iterator[str]:
    column = case.get("blevel")
    references = [one for each in evidence.signatures for one in each.references if one.mandatory]
    found, intact = all(one.found for one in references), all(one.intact for one in references)
    values = [holds(one, evidence) for one in evidence.signatures]
    for what, actual in (("isDataFound", found), ("isDataIntact", intact)):
        expected = said(column, what)
        if expected is not None and actual is not (expected == {True}):
            yield f"{what} is {actual}: {[(one.kind, one.why) for one in references if not one.intact]}"
    expected = said(column, "isSignatureIntact")
    if expected == {True} and not all(values):
        yield f"values {values}"
    if expected == {False} and all(values) and intact:
        yield "all values and references hold"
    names = said(case.get("signing_cert"), "isSigningCertificateIdentified")
    fits = {identified(one, evidence) for one in evidence.signatures if one.signing_certificate}
    if names == {True} and False in fits:
        yield "the signing certificate does not fit its reference"
    if names == {False} and False not in fits:
        yield "the signing certificate fits its reference"


def _about_time_stamps(case: dict[str, Any], evidence: Evidence) -> Iterator[str]:
    column = case.get("timestamps_check")
    if column is not None and (column in {"custom", "skipped"} or "=F" in column):
        return
    if case["expect"] == "custom" and column is None:
        return
    for one in evidence.time_stamps:
        if one.kind is TimeStampKind.EVIDENCE_RECORD:
            continue
        imprint = one.references[0]
        assert imprint.kind is ReferenceKind.IMPRINT
        if not imprint.intact:
            yield f"imprint of {one.kind} {one.form} found {imprint.found}: {imprint.why}"


def _cases() -> list[dict[str, Any]]:
    cases = json.loads((SHARED / "cases.json").read_text(encoding="utf-8"))
    return [one for one in cases if one["document"].split("/")[0] in {"dss-xades", "dss-asic-xades"}]


def test_every_case_is_read_as_expected_or_its_mismatch_is_explained() -> None:
    if not SHARED.is_dir():
        pytest.skip("NOT TESTED, because the corpus is not there: it lies in ../shared/corpus/dss")
    surprises, unneeded = [], set(EXPLAINED)
    for case in _cases():
        name = f"{Path(case['document']).name}#{case['test_class']}"
        found = list(mismatches(case))
        if found and name not in EXPLAINED:
            surprises += [f"{name}: {one}" for one in found]
        if found:
            unneeded.discard(name)
    assert not surprises, "\n".join(surprises)
    assert not unneeded, f"explained, but not there: {unneeded}"
