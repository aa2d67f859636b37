"""The last result of every test that carries a requirement, as test runs leave it in ``.trace/``.

Each result keeps the digest of the test's file, so that a result of an older test does not count for the
newer one.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Outcome: TypeAlias = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a test, over all its parameter sets: `at` is UTC (ISO 8601), `seconds` their sum."""

    outcome: Outcome
    at: str
    seconds: float
    digest: str


def file_digest(file: Path) -> str:
    """What tells one version of a test's file from another."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def load_results(file: Path) -> dict[str, Result]:
    """The results by pytest's name of the test (without parameters); empty when no test ran yet.

    Raises:
        Malformed: the file is not what the test run writes.
    """
    try:
        return {node: Result(**entry) for node, entry in json.loads(file.read_bytes())["tests"].items()}
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
