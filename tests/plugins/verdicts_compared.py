"""Our verdicts about a file beside those of EU DSS, each signature, time-stamp and evidence record by itself.

They are matched by what they are: the value of a signature, the octets of a token or a record. Where the two
read the octets otherwise (BER, canonical XML), by the time of a token, and at last by the order in the file.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.validation.service import Report

OF_SIGNATURES: Final = {
    "level": "level",
    "cryptographically_valid": "valid",
    "data_found": "data_found",
    "data_intact": "data_intact",
    "indication": "indication",
    "sub_indication": "sub_indication",
    "best_signature_time": "best_signature_time",
}
"""Our name of a field, and that of the judge."""
OF_TIME_STAMPS: Final = {
    "time": "time",
    "data_found": "imprint_found",
    "data_intact": "imprint_intact",
    "indication": "indication",
    "sub_indication": "sub_indication",
}
OF_RECORDS: Final = {
    "data_found": "data_found",
    "data_intact": "data_intact",
    "indication": "indication",
    "sub_indication": "sub_indication",
    "time": "time",
}
_FRACTION: Final = re.compile(r"(?<=T\d\d:\d\d:\d\d)\.\d+Z$")
PARTS: Final = (
    ("signature", "signatures", "signatures", OF_SIGNATURES),
    ("time-stamp", "timestamps", "time_stamps", OF_TIME_STAMPS),
    ("evidence record", "evidence_records", "evidence_records", OF_RECORDS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One comparison in which we and the judge differ; `where` is such as ``signature 1 indication``."""

    where: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        return f"{self.where}: here {self.ours}, there {self.theirs}"


@dataclass(slots=True)
class Compared:
    """How often we agree, by kind of case and by field."""

    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    agreed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, kind: str, name: str, *, same: bool) -> None:
        self.counted[kind, name] += 1
        self.agreed[kind, name] += same

    def tables(self, first: str) -> str:
        """How many of how many agree: a table about files and signatures, one about all else, in Markdown."""
        names = list(dict.fromkeys(name for _, name in self.counted))
        others = [name for name in names if name.startswith(("time-stamp", "evidence record"))]
        of_signatures = [name for name in names if name not in others]
        return f"{self._table(first, of_signatures)}\n\n{self._table(first, others)}"

    def _table(self, first: str, names: Sequence[str]) -> str:
        lines = [f"| {first} | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
        for kind in sorted({kind for kind, _ in self.counted}):
            cells = [
                f"{self.agreed[kind, name]} / {self.counted[kind, name]}" if self.counted[kind, name] else ""
                for name in names
            ]
            if any(cells):
                lines.append(f"| {kind} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def told(report: Report) -> dict[str, Any]:
    """Our answer in the shape of `trustworks validate --json`, with the keys that the judge has."""
    answer, evidence = report.plain(), report.evidence
    keys = {
        **{one.id: _digest(one.value) for one in evidence.signatures},
        **{one.id: _digest(one.der) for one in evidence.time_stamps},
        **{one.id: _digest(one.octets) for one in evidence.evidence_records},
    }
    for _, ours, _, _ in PARTS:
        for one in answer[ours]:
            one["key"] = keys[one["id"]]
    return answer


def _digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def compare(found: Compared, kind: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[Apart]:
    """Each field in which the two differ, in the order of our answer; all comparisons are counted."""
    differ = []

    def take(where: str, name: str, here: object, there: object) -> None:
        found.take(kind, name, same=here == there)
        if here != there:
            differ.append(Apart(where=where, ours=here, theirs=there))

    refused = ("error" in ours, "error" in theirs)
    if any(refused):
        take("readable", "readable", *(not one for one in refused))
        return differ
    take("readable", "readable", True, True)
    for part, our_list, their_list, fields in PARTS:
        here, there = ours[our_list], theirs[their_list]
        if here or there:
            take(f"{part}s", f"{part}s", len(here), len(there))
        for number, (one, other) in enumerate(pairs(here, there), 1):
            for name, their_name in fields.items():
                if name == "time" and "PASSED" not in {one["indication"], other["indication"]}:
                    continue  # of what proves nothing there is no time here, and that of validation there
                of_part = name if part == "signature" else f"{part} {name}"
                take(f"{part} {number} {name}", of_part, _plain(one[name]), _plain(other[their_name]))
    return differ


def pairs(
    ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What is the same signature, token or record, in our order; what has no other half is left out."""
    rest = list(theirs)
    matched: dict[int, dict[str, Any]] = {}
    for names in (("key", "indication", "sub_indication"), ("key",), ("time",), ()):
        for number, one in enumerate(ours):
            if number in matched:
                continue
            for other in rest:
                if all(one.get(name) == _plain(other.get(name)) for name in names):
                    matched[number] = other
                    rest.remove(other)
                    break
    return ((ours[number], matched[number]) for number in sorted(matched))


def _plain(value: object) -> object:
    """Indications with a hyphen, times in whole seconds."""
    if not isinstance(value, str):
        return value
    if value.startswith("TOTAL_"):
        return value.replace("_", "-", 1)
    return _FRACTION.sub("Z", value)
