"""The page of refusals has what the product raises: also a code that has a name in the source."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from trustworks.signing import desk
from trustworks.signing.bounded import pool
from trustworks.signing.rules.clients import QUOTAS
from trustworks.validation.bounded import pool as validation_pool

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "refusals.md"
AT_RUN_TIME = {"NOT_SUPPORTED"}  # put together of an address and a word


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    return importlib.import_module("refusals")


@pytest.mark.parametrize(
    "code",
    [
        *(pool.TOO_MUCH, pool.TOO_SLOW, pool.NO_PROCESS, desk.BUSY),
        *(validation_pool.TOO_MUCH, "signature.own", *sorted(QUOTAS)),
    ],
)
def test_a_refusal_that_is_known_at_run_time_is_on_the_page(code: str) -> None:
    assert f"| `{code}` |" in PAGE.read_text(encoding="utf-8")


def test_a_code_is_found_by_its_name_here_and_where_it_is_imported_from(tool: Any, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "__init__.py").write_text('BEFORE = "code.of-the-package"\n')
    (folder / "own.py").write_text(
        'FIRST, SECOND = "code.first", "code.second"\nNAMED: Final = "code.named"\n'
        'def one() -> None:\n    raise Rejected(FIRST, "It is the first.")\n'
    )
    (folder / "other.py").write_text(
        "from some import BEFORE\nfrom some.own import NAMED as WHY, SECOND\n"
        'def two() -> None:\n    raise Unavailable(WHY, "It is named.") from Refused(SECOND, "No.")\n'
        'def three(code: str) -> None:\n    raise Rejected(BEFORE, "It was before.") from Rejected(code)\n'
    )
    page = tool.refusals_page(tmp_path)
    for row in (
        "| `code.first` | It is the first. |",
        "| `code.named` | It is named. |",
        "| `code.second` | No. |",
        "| `code.of-the-package` | It was before. |",
    ):
        assert row in page


def test_no_code_that_is_a_constant_is_left_out(tool: Any) -> None:
    constants = tool.Constants(ROOT / "src")
    missed = set()
    for path, tree in constants.trees.items():
        seen = constants.seen_from(path)
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Name(id="Rejected" | "Refused" | "Unavailable"), args=[ast.Name(id=name), *_]
                ) if name.isupper() and name not in seen:
                    missed.add(name)
                case _:
                    pass
    assert missed == AT_RUN_TIME
