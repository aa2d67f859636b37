"""EU DSS and we judge the same signed files, by the same policy, with the same evidence, at the same time.

Each signature, time-stamp and evidence record is compared by itself. In what the two differ is declared, with
the reason, in dss/differences.toml: a difference that is not there fails, and one that is no more fails too.
"""

from __future__ import annotations

import os
import tomllib
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from dss_judge import Case, answers, changed_policy, default_policy, judge
from judged_house import judged_here, written
from judged_making import ALIKE
from judged_scenarios import SCENARIOS
from validated_corpus import cases, corpus_is_there
from verdicts_compared import PARTS, Compared, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("corpus")]

WRITTEN: Final = "TRUSTWORKS_AGREEMENT"
"""Names the file for the tables of docs/validation-agreement.md; where it is set, all cases are judged."""
SAMPLE: Final = 4
"""In the usual run, one of so many documents of the corpus is judged, and each scenario in one format."""
DIFFERENCES: Final = Path(__file__).with_name("dss") / "differences.toml"
REACHED: Final = {
    *("TOTAL-PASSED", "HASH_FAILURE", "SIG_CRYPTO_FAILURE", "FORMAT_FAILURE"),
    *("REVOKED", "EXPIRED", "NOT_YET_VALID", "REVOKED_NO_POE", "REVOKED_CA_NO_POE", "TRY_LATER"),
    *("OUT_OF_BOUNDS_NOT_REVOKED", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
    *("TIMESTAMP_ORDER_FAILURE", "CHAIN_CONSTRAINTS_FAILURE", "SIG_CONSTRAINTS_FAILURE"),
    *("CERTIFICATE_CHAIN_GENERAL_FAILURE", "NO_CERTIFICATE_CHAIN_FOUND", "SIGNED_DATA_NOT_FOUND"),
}
"""Verdicts about signatures that EU DSS gives of our house at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """A file that both have judged: its name in the list of differences, and the row in which it counts."""

    name: str
    row: str
    ours: dict[str, Any]
    theirs: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """All files, as one run of EU DSS judged them."""

    corpus: Sequence[One]
    house: Sequence[One]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    judge()
    folder = tmp_path_factory.mktemp("dss")
    policy = folder / "policy.xml"
    policy.write_bytes(changed_policy(default_policy(), ALIKE))
    whole = WRITTEN in os.environ
    asked: list[tuple[str, str, Case]] = []
    known = cases() if corpus_is_there() else []
    documents = list(dict.fromkeys(one.row["document"] for one in known))
    judged = set(documents if whole else documents[::SAMPLE])
    asked.extend(
        (one.row["document"], one.format, replace(one.case, policy=policy))
        for one in known
        if one.row["document"] in judged
    )
    of_corpus = len(asked)
    for scenario in SCENARIOS:
        # By the name, so that a further scenario changes nothing of the others.
        formats = scenario.formats if whole else [min(scenario.formats, key=partial(_drawn, scenario.name))]
        for format_ in formats:
            name = f"{scenario.path}: {scenario.name}"
            asked.append((f"{name} ({format_})", scenario.path, written(scenario, format_, folder)))
    theirs = answers([case for _, _, case in asked], folder)
    every = [
        One(name=name, row=row, ours=judged_here(case), theirs=said)
        for (name, row, case), said in zip(asked, theirs, strict=True)
    ]
    return Both(corpus=every[:of_corpus], house=every[of_corpus:])


def _drawn(name: str, format_: str) -> int:
    return zlib.crc32(f"{name} {format_}".encode())


def differences(found: Compared, every: Iterable[One]) -> list[str]:
    return [
        f"{one.name}: {apart}" for one in every for apart in compare(found, one.row, one.ours, one.theirs)
    ]


def declared(kind: str, every: Sequence[One]) -> set[str]:
    """What is declared of the files that were judged."""
    told = tomllib.loads(DIFFERENCES.read_text(encoding="utf-8")).get(kind, [])
    names = tuple(f"{one.name}: " for one in every)
    return {line for one in told for line in one["where"] if line.startswith(names)}


def test_dss_says_the_same_of_the_corpus(both: Both) -> None:
    if not both.corpus:
        pytest.skip("NOT TESTED, because the corpus of signed files is not there: ../shared/corpus/dss")
    seen, listed = set(differences(Compared(), both.corpus)), declared("corpus", both.corpus)
    assert sorted(seen - listed) == [], "not declared"
    assert sorted(listed - seen) == [], "declared, and no longer so"


def test_dss_says_the_same_of_our_house(both: Both) -> None:
    seen, listed = set(differences(Compared(), both.house)), declared("house", both.house)
    assert sorted(seen - listed) == [], "not declared"
    assert sorted(listed - seen) == [], "declared, and no longer so"


def test_the_house_reaches_the_paths_of_the_algorithm(both: Both) -> None:
    assert REACHED - set(verdicts(both.house, "theirs", "signatures")) == set()


def test_what_is_declared_is_of_something() -> None:
    told = tomllib.loads(DIFFERENCES.read_text(encoding="utf-8"))
    assert all(one["why"] and one["where"] for kind in told.values() for one in kind)
    names = tuple(f"{one.path}: {one.name} ({format_}): " for one in SCENARIOS for format_ in one.formats)
    assert set(told) <= {"corpus", "house"}
    lines = [line for one in told.get("house", []) for line in one["where"]]
    assert [line for line in lines if not line.startswith(names)] == []
    assert len(set(names)) == len(names)


def test_the_tables_are_written(both: Both) -> None:
    """Where the page of documentation is to be renewed."""
    if not both.corpus:
        pytest.skip("NOT TESTED, because the corpus of signed files is not there: ../shared/corpus/dss")
    corpus, house = Compared(), Compared()
    differences(corpus, both.corpus)
    differences(house, both.house)
    text = "\n\n".join(
        [
            "## Files of others",
            corpus.tables("format"),
            "## Our house, by path of the algorithm",
            house.tables("path"),
            "## Which verdicts are reached",
            _reached(both),
        ]
    )
    assert f"{house.counted['passed', 'indication']}" in text
    if WRITTEN in os.environ:
        Path(os.environ[WRITTEN]).write_text(f"{text}\n", encoding="utf-8")


def verdicts(every: Iterable[One], whose: str, part: str) -> Counter[str]:
    """How often each sub-indication, or indication without one, is given."""
    return Counter(
        str(one["sub_indication"] or one["indication"]).replace("TOTAL_", "TOTAL-")
        for answer in every
        for one in getattr(answer, whose).get(part, ())
    )


def _reached(both: Both) -> str:
    """How many verdicts of each kind EU DSS gives, and we."""
    columns: dict[str, Counter[str]] = {}
    for title, every in (("others", both.corpus), ("house", both.house)):
        for _, ours, theirs, _ in PARTS:
            name = f"{title}: {theirs.replace('_', '-' if theirs == 'time_stamps' else ' ')}"
            columns[name] = verdicts(every, "theirs", theirs)
            columns[f"{name}, here"] = verdicts(every, "ours", ours)
    names = [name for name in columns if not name.endswith(", here")]
    lines = ["| verdict | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for verdict in sorted({one for found in columns.values() for one in found}):
        cells = []
        for name in names:
            there, here = columns[name][verdict], columns[f"{name}, here"][verdict]
            cells.append(
                "" if not there and not here else str(there) if there == here else f"{there} ({here})"
            )
        lines.append(f"| {verdict} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
