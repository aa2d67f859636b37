"""The Python on the pages: it compiles, and mypy finds in it what it uses."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path
from typing import Final

import pytest
from mypy import api

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md")), *ROOT.glob("src/**/README.md"))
BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def _in_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of mypy name folders of the tree from there."""
    monkeypatch.chdir(ROOT)


def blocks() -> list[tuple[str, str, list[str]]]:
    """Each block with its place and the imports of the blocks before it on the page, which it may use."""
    found = []
    for page in PAGES:
        imports: list[str] = []
        for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1):
            place = re.sub(r"\W", "_", f"{page.relative_to(ROOT).with_suffix('')}_{number}")
            found.append((place, block, list(imports)))
            imports += [line for line in block.splitlines() if line.startswith(("from ", "import "))]
    return found


def missing(source: str) -> list[str]:
    """The names that a block uses and does not bind: what its reader brings."""
    tree = ast.parse(source)
    names = [one for one in ast.walk(tree) if isinstance(one, ast.Name)]
    bound = {one.id for one in names if isinstance(one.ctx, ast.Store)} | set(dir(builtins))
    for one in ast.walk(tree):
        if isinstance(one, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in one.names}
        elif isinstance(one, ast.FunctionDef | ast.ClassDef):
            bound.add(one.name)
        elif isinstance(one, ast.arg):
            bound.add(one.arg)
    return sorted({one.id for one in names} - bound)


def checked(source: str, imports: list[str]) -> str:
    """A module of a block: what the reader brings may be of any type, the rest is what it is."""
    whole = "\n".join([*imports, source])
    brought = [f"{name}: Any" for name in missing(whole)]
    head = ["# mypy: allow-redefinition, disable-error-code=possibly-undefined", "from typing import Any"]
    return "\n".join([*head, *brought, whole])


def complaints(modules: dict[str, str], folder: Path) -> list[str]:
    """What mypy says of these modules, with the settings of the project."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    given = ["--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary", "--follow-imports=silent"]
    # A cache of its own: the settings of a run are part of one, and processes share none.
    given += ["--cache-dir", str(folder / "cache"), *(str(folder / f"{name}.py") for name in modules)]
    said, trouble, _ = api.run(given)
    assert trouble == ""
    return [line.removeprefix(f"{folder}/") for line in said.splitlines() if ": note:" not in line]


def test_python_on_the_pages_is_right(tmp_path: Path) -> None:
    found = blocks()
    assert len(found) > 10
    assert complaints({place: checked(block, imports) for place, block, imports in found}, tmp_path) == []


def test_a_name_that_is_not_there_is_found(tmp_path: Path) -> None:
    wrong = (
        "from trustworks.formats.limits import DEFAULT\n"
        "print(DEFAULT.signatures, DEFAULT.no_such_limit, limits.anything)\n"
    )
    (said,) = complaints({"wrong": checked(wrong, [])}, tmp_path)
    assert '"Limits" has no attribute "no_such_limit"' in said
