"""The last result of every test that carries a requirement, as test runs leave it in ``.trace/``.

Each result keeps a digest of the test's file and of those of the rules that it shows, so that a result of an
older test, or of an older rule, does not count for the newer one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from trustworks.assurance.traceability.scan import Mark

Outcome: TypeAlias = Literal["passed", "failed", "skipped"]
OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a test, over all its parameter sets: `at` is UTC (ISO 8601), `seconds` their sum.

    `skipped` names the parameter sets that were skipped, as pytest does: a test that passed on one database
    and was skipped on the other did not pass on both.
    """

    outcome: Outcome
    at: str
    seconds: float
    digest: str
    skipped: tuple[str, ...] = ()


class Digests:
    """What tells one version of a test from another: its file, and the files of the rules that it shows."""

    def __init__(self, root: Path, rules: Iterable[Mark], tests: Iterable[Mark]) -> None:
        self._root = root
        self._rules: dict[str, set[str]] = defaultdict(set)
        for mark in rules:
            for identifier in mark.ids:
                self._rules[identifier].add(mark.file)
        self._ids: dict[str, set[str]] = defaultdict(set)
        for mark in tests:
            self._ids[mark.node].update(mark.ids)
        self._known: dict[str, bytes] = {}

    def of(self, node: str) -> str:
        """The digest of a test, by pytest's name of it."""
        rules = {file for identifier in self._ids.get(node, ()) for file in self._rules[identifier]}
        files = [node.partition("::")[0], *sorted(rules)]
        return hashlib.sha256(b"".join(self._file(file) for file in files)).hexdigest()

    def of_rules(self, identifier: str) -> str:
        """The digest of the rules of a requirement, by its id: the same wherever the package lies."""
        files = sorted(self._rules.get(identifier, ()))
        return hashlib.sha256(b"".join(self._file(file) for file in files)).hexdigest()

    def _file(self, file: str) -> bytes:
        if file not in self._known:
            self._known[file] = hashlib.sha256((self._root / file).read_bytes()).digest()
        return self._known[file]


def load_results(file: Path) -> dict[str, Result]:
    """The results by pytest's name of the test (without parameters); empty when no test ran yet.

    Raises:
        Malformed: the file is not what the test run writes.
    """
    try:
        return {
            node: Result(**{**entry, "skipped": tuple(entry.get("skipped", ()))})
            for node, entry in json.loads(file.read_bytes())["tests"].items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(
            f"{file} holds no test results ({error}); remove it and run the tests again."
        ) from error


def merge_results(file: Path, results: Mapping[str, Result]) -> None:
    """Put `results` in the place of older ones of the same tests; the others stay."""
    try:
        merged = load_results(file)
    except Malformed:
        merged = {}
    merged.update(results)
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_name(f"{file.name}.{os.getpid()}")
    document = {"tests": {node: asdict(result) for node, result in sorted(merged.items())}}
    written.write_text(json.dumps(document, indent=1), encoding="utf-8")
    written.replace(file)
