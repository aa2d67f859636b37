"""How our answers about signed files of others compare with what is known of them, field by field."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from dss_judge import Case
from evidence_graphs import NOW

from trustworks.core.errors import Malformed
from trustworks.validation import validate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

CORPUS: Final = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "dss"
FORMATS: Final = {
    "dss-xades": "XAdES",
    "dss-cades": "CAdES",
    "dss-pades": "PAdES",
    "dss-jades": "JAdES",
    "dss-asic-cades": "ASiC with CAdES",
    "dss-asic-xades": "ASiC with XAdES",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A case of the corpus, and what its table says of it; see the table's README on what absence means."""

    case: Case
    row: dict[str, Any]

    @property
    def format(self) -> str:
        """What the document is."""
        return FORMATS[self.row["document"].split("/")[0]]


def corpus_is_there() -> bool:
    """Whether there are files of others to be judged."""
    return (CORPUS / "cases.json").is_file()


def cases() -> list[Expected]:
    """All cases. Skips the test where the corpus is not there."""
    table = CORPUS / "cases.json"
    if not corpus_is_there():
        pytest.skip("NOT TESTED, because the corpus of signed files is not there: ../shared/corpus/dss")
    return [Expected(case=_case(row), row=row) for row in json.loads(table.read_text("utf-8"))]


def _case(row: dict[str, Any]) -> Case:
    return Case(
        file=CORPUS / row["document"],
        anchors=tuple(CORPUS / one for one in row.get("trust", ())),
        detached=tuple(CORPUS / one for one in row.get("detached", ())),
        at=_time(row.get("validation_time")) or NOW,
    )


def _time(text: str | None) -> datetime | None:
    """The time of validation out of the test's source; None where it has no moment in it: then `NOW` is."""
    if text is None or '"' not in text:
        return None
    return datetime.fromisoformat(text.split('"')[1]).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One comparison in which we and another differ."""

    kind: str
    what: str
    name: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}: {self.name}: ours {self.ours}, theirs {self.theirs}"


@dataclass(slots=True)
class Agreement:
    """How often we agree, by format and field, and where we do not."""

    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    agreed: Counter[tuple[str, str]] = field(default_factory=Counter)
    apart: list[Apart] = field(default_factory=list)

    def take(self, kind: str, name: str, what: str, ours: object, theirs: object) -> None:
        """Count one comparison."""
        self.counted[kind, name] += 1
        if ours == theirs:
            self.agreed[kind, name] += 1
        else:
            self.apart.append(Apart(kind=kind, what=what, name=name, ours=ours, theirs=theirs))

    def table(self) -> str:
        """Formats down, fields across: how many of how many agree."""
        names = list(dict.fromkeys(name for _, name in self.counted))
        kinds = sorted({kind for kind, _ in self.counted})
        lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
        for kind in kinds:
            cells = [f"{self.agreed[kind, name]} / {self.counted[kind, name]}" for name in names]
            lines.append(f"| {kind} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def of(self, names: Collection[str]) -> Agreement:
        """The comparisons of some fields alone."""
        return Agreement(
            counted=Counter({pair: count for pair, count in self.counted.items() if pair[1] in names}),
            agreed=Counter({pair: count for pair, count in self.agreed.items() if pair[1] in names}),
            apart=[one for one in self.apart if one.name in names],
        )

    def without(self, left_out: Collection[tuple[str, str]]) -> Agreement:
        """Without the differences about some documents in some fields, which are not counted then."""
        gone = [one for one in self.apart if (one.what, one.name) in left_out]
        counted = self.counted - Counter((one.kind, one.name) for one in gone)
        return Agreement(
            counted=counted,
            agreed=Counter(self.agreed),
            apart=[one for one in self.apart if one not in gone],
        )

    def share(self, kind: str, name: str) -> float:
        """The share that agrees, 1 where nothing was compared."""
        return self.agreed[kind, name] / self.counted[kind, name] if self.counted[kind, name] else 1.0


# A row of one value speaks of all signatures; one of both, of some that hold and some that do not. What DSS
# calls intact is with what the value protects, as our validity is.
FIELDS: Final = {
    "isSignatureIntact": "cryptographically_valid",
    "isSignatureValid": "cryptographically_valid",
    "isDataFound": "data_found",
    "isDataIntact": "data_intact",
}


@cache
def judged_by_us(case: Case) -> dict[str, Any]:
    """Our answer about a case, in the shape of `trustworks validate --json`; worked out once."""
    try:
        report = validate(case.file, detached=case.detached, trust=case.anchors, at=case.at, offline=True)
    except Malformed as error:
        return {"error": str(error), "signatures": [], "timestamps": [], "evidence_records": []}
    return report.plain()


def against_labels(found: Agreement, expected: Expected, ours: dict[str, Any]) -> None:
    """Compare our answer with what the table says; what it does not say is not compared."""
    for name, value, wanted in _labelled(expected.row, ours):
        found.take(expected.format, name, expected.row["document"], value, wanted)


def _labelled(row: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Field, our value, the value of the table."""
    signatures = ours["signatures"]
    told = str(row.get("blevel", ""))
    if row["expect"] == "all-signatures-cryptographically-valid" and "=F" not in told:
        for name in ("cryptographically_valid", "data_found", "data_intact"):
            yield name, all(one[name] for one in signatures), True
    for name, ours_name in FIELDS.items():
        if f"{name}=F" in told:
            yield ours_name, all(one[ours_name] for one in signatures), False
    # Of files with evidence records the table counts the time-stamps of the records, of some those of all.
    counted = () if ours["evidence_records"] else (("n_timestamps", "timestamps"),)
    for name, ours_name in (("n_signatures", "signatures"), *counted):
        if name in row:
            yield ours_name, len(ours[ours_name]), int(row[name])
    if "levels" in row:
        levels = {_hyphens(one) for one in row["levels"].split(";")}
        yield "level", sorted({one["level"] for one in signatures}), sorted(levels)
    yield from _indicated(row, ours)


def _indicated(row: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Indications that the table names, each of which some signature, time-stamp or record has."""
    for name, ours_name in (("indications", "indication"), ("subindications", "sub_indication")):
        there = {one[ours_name] for one in _results(ours)}
        for value in row.get(name, "").split(";"):
            wanted = _hyphens(value) if name == "indications" else value
            if wanted:
                yield ours_name, wanted if wanted in there else sorted(map(str, there)), wanted


def _results(ours: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from ours["signatures"]
    yield from ours["timestamps"]
    yield from ours["evidence_records"]


def _hyphens(text: str) -> str:
    return text.replace("_", "-")
