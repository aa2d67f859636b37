"""The results that come with a wheel of a release: which test shows a rule, and what last came of it.

A wheel has no tests with it. So who releases joins the table in a checkout, whose tests he ran, and puts what
the table knows of the tests into the wheel, as one JSON file beside the register: the commit, the moment of
the last result, the counts, each test with its last result, and for each requirement a digest of the files of
its rules, so that a result does not count for rules that are not those that were tested.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.traceability.results import OUTCOMES
from trustworks.assurance.traceability.scan import Mark
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from trustworks.assurance.traceability.join import Trace

NAME: Final = "results.json"  # in the folder of the register, in a wheel
FORMAT: Final = "trustworks-results/1"
MOST_OCTETS: Final = 32 << 20  # thousands of tests have less than one
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOST_TOLD: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedTest:
    """A test as it stood at the release; `last` is what came of it (None: nothing), `at` when (UTC)."""

    mark: Mark
    last: str | None
    at: str | None
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a wheel brings: results by requirement, each with the digest of the rules that were tested.

    `commit` is what was tested, in hexadecimal; `at` the moment of the newest result (ISO 8601, UTC), empty
    where no test ran; `sha256` that of the table without this member.
    """

    commit: str
    at: str
    sha256: str
    rules: Mapping[str, str]
    tests: Mapping[str, tuple[ReleasedTest, ...]]

    @property
    def sentence(self) -> str:
        """Where the results come from, for people."""
        last = f", the newest of {self.at[:10]}" if self.at else ""
        return (
            f"Results of tests came with the package: of commit {self.commit[:12]}{last}, table "
            f"{self.sha256[:12]}. The tests were not run here."
        )

    def as_dict(self) -> dict[str, str]:
        """What names the table, as JSON values."""
        return {"commit": self.commit, "at": self.at, "sha256": self.sha256}


@implements("TRUSTWORKS:ASSURANCE-RELEASE-RESULTS", disabled=None)
def check_releasable(found: Trace) -> None:
    """Refuse to release with a table that has findings, or without any result. Raises `Rejected`."""
    if found.findings:
        more = len(found.findings) - _MOST_TOLD
        raise Rejected(
            "release.results",
            f"The table of requirements has findings: {' '.join(found.findings[:_MOST_TOLD])}"
            f"{f' And {more} more.' if more > 0 else ''} Mend these, and run the tests again.",
        )
    if not found.has_results:
        raise Rejected(
            "release.results",
            "No result of a test is known, so there is none to release. Run the tests here first.",
        )


def released(found: Trace, *, commit: str, rules: Callable[[str], str]) -> bytes:
    """The file for a wheel, in its one form; `rules` answers the digest of the rules of a requirement's id.

    Raises:
        Malformed: `commit` is no whole hash.
        Rejected: release.results.
    """
    check_commit(commit)
    check_releasable(found)
    of_requirements, of_tests = {}, {}
    for line in found.lines:
        counts = Counter(test.last or "not run" for test in line.tests)
        if line.rules or line.tests:
            of_requirements[line.requirement.id] = {
                "state": line.state.value,
                "rules": rules(line.requirement.id),
                "counts": dict(sorted(counts.items())),
                "tests": [test.mark.node for test in line.tests],
            }
        for test in line.tests:
            of_tests[test.mark.node] = {
                "line": test.mark.line,
                "last": test.last,
                "at": test.at,
                "skipped": list(test.skipped),
            }
    document = {
        "format": FORMAT,
        "commit": commit,
        "at": max((test.at for line in found.lines for test in line.tests if test.at), default=""),
        "counts": dict(sorted(Counter(line.state.value for line in found.lines).items())),
        "requirements": of_requirements,
        "tests": of_tests,
    }
    return _octets(document | {"sha256": _digest(document)})


@implements("TRUSTWORKS:ASSURANCE-RELEASE-RESULTS", disabled=True)
def shows_these_rules(came: Released, identifier: str, digest: str) -> bool:
    """Whether what came with the package was found with the rules that are installed (`digest`)."""
    return came.rules.get(identifier) == digest


def check_commit(commit: str) -> None:
    """Refuse what is no whole hash of a commit. Raises `Malformed`."""
    if not _COMMIT.fullmatch(commit):
        raise Malformed(
            f"{commit!a:.80} names no commit: write its whole hash in hexadecimal, as git rev-parse HEAD "
            "does."
        )


def load_released(file: Path) -> Released | None:
    """The results that came with the package; None where none did. Raises `Malformed`."""
    try:
        with file.open("rb") as opened:
            octets = opened.read(MOST_OCTETS + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from None
    return read_released(octets, str(file))


def read_released(octets: bytes, name: str) -> Released:
    """The results of a release; `name` is what a sentence calls the file. Raises `Malformed`."""
    try:
        return _read(octets)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed(
            f"{name} holds no results of a release ({error}). Install the package anew from its wheel."
        ) from None


def _read(octets: bytes) -> Released:
    """Raises ValueError, KeyError, TypeError, AttributeError, RecursionError."""
    if len(octets) > MOST_OCTETS:
        raise ValueError(f"it is longer than {MOST_OCTETS >> 20} MiB")
    document: dict[str, Any] = json.loads(octets)
    if document["format"] != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    told = document["sha256"]
    if _digest({name: value for name, value in document.items() if name != "sha256"}) != told:
        raise ValueError("it was changed since it was made")
    if not _COMMIT.fullmatch(document["commit"]):
        raise ValueError("it names no commit")
    ids: dict[str, list[str]] = {}
    for identifier, entry in document["requirements"].items():
        for node in entry["tests"]:
            ids.setdefault(node, []).append(identifier)
    tests = {node: _test(node, entry, ids.get(node, ())) for node, entry in document["tests"].items()}
    return Released(
        commit=document["commit"],
        at=_moment(document["at"]) or "",
        sha256=told,
        rules={identifier: str(entry["rules"]) for identifier, entry in document["requirements"].items()},
        tests={
            identifier: tuple(tests[node] for node in entry["tests"])
            for identifier, entry in document["requirements"].items()
        },
    )


def _test(node: str, entry: dict[str, Any], ids: Iterable[str]) -> ReleasedTest:
    file, _, name = node.partition("::")
    last, line = entry["last"], entry["line"]
    if last not in {None, *OUTCOMES, "older"} or not isinstance(line, int):
        raise ValueError(f"{node!a:.80} has no result that tests have")
    return ReleasedTest(
        mark=Mark(file=file, line=line, name=name, ids=tuple(ids)),
        last=last,
        at=_moment(entry["at"]),
        skipped=tuple(str(one) for one in entry["skipped"]),
    )


def _moment(text: str | None) -> str | None:
    if text:
        datetime.fromisoformat(text)  # raises for what is no moment
    return text or None


def _digest(document: Mapping[str, Any]) -> str:
    return sha256(_octets(document)).hexdigest()


def _octets(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{text}\n".encode()
