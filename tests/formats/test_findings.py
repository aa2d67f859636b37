"""Every code that a reader can give is in the register, and in the documentation; no other can be given."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from trustworks import formats
from trustworks.core.xml import dsig
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.findings import FINDINGS
from trustworks.validation.policies import dss_policy

REPOSITORY: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = Path(formats.__file__).parent
CODE: Final = re.compile(r"[a-z][a-z-]*\.[a-z0-9][a-z0-9.-]*")
OF_BUILDERS: Final = frozenset({"creating", "adding.py"})
"""What builders refuse has codes too, which are no findings."""
ELSEWHERE: Final = {"jades": ("signature.py", "_objections")}
"""Where codes stand in a table without the name of their format."""


def trees() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.rglob("*.py"))
        if OF_BUILDERS.isdisjoint(path.relative_to(FOLDER).parts) and path.name != "findings.py"
    }


def takers(trees: dict[Path, ast.Module]) -> dict[tuple[str, str], int]:
    """Functions with a parameter `code`, by their folder and name, and which of their parameters it is."""
    found = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names = [one.arg for one in node.args.args if one.arg != "self"]
                if "code" in names:
                    found[path.parent.name, node.name] = names.index("code")
    return found


def text_of(node: ast.expr) -> str:
    """The text that an expression is; empty where it is none that stands there."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def given() -> set[str]:
    """Codes that stand in calls of `Finding`, or of functions that make one of them."""
    parsed = trees()
    taking, found = takers(parsed), set[str]()
    for path, tree in parsed.items():
        family = path.parent.name
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            place = taking.get((family, called(node)), -1)
            codes = [one.value for one in node.keywords if one.arg == "code"]
            codes += node.args[place : place + 1] if place >= 0 else []
            for code in filter(None, map(text_of, codes)):
                found.add(code if "." in code else f"{family}.{code}")
    return found


def composed() -> set[str]:
    """Codes that are put together: of the objections to headers of a JWS, and the problems of XML-DSig."""
    found = set[str]()
    for family, (file, function) in ELSEWHERE.items():
        tree = ast.parse((FOLDER / family / file).read_text(encoding="utf-8"))
        (made,) = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == function)
        rows = [one for one in ast.walk(made) if isinstance(one, ast.Tuple) and len(one.elts) == 3]
        found |= {f"{family}.{text_of(one.elts[0])}" for one in rows if text_of(one.elts[0])}
    tree = ast.parse(Path(dsig.__file__).read_text(encoding="utf-8"))
    (reading,) = (
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef)
        and any(isinstance(part, ast.keyword) and part.arg == "problems" for part in ast.walk(one))
        and any(isinstance(part, ast.Name) and part.id == "Signature" for part in ast.walk(one))
    )
    for node in ast.walk(reading):
        if isinstance(node, ast.Call) and called(node) == "Problem":
            (code,) = (text_of(one.value) for one in node.keywords if one.arg == "code")
            if code != "key-info.several":  # told by the reader itself
                found.add(f"xades.{code}")
    return found


def listed() -> set[str]:
    """Whole codes that stand anywhere else: in tables, by which findings are made."""
    return {
        node.value
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in FINDINGS
    }


def test_every_code_that_is_given_is_registered() -> None:
    codes = given() | composed()
    assert len(codes) > 90
    assert sorted(codes - FINDINGS.keys()) == []


def test_every_registered_code_is_given_somewhere() -> None:
    assert sorted(FINDINGS.keys() - given() - composed() - listed()) == []


def test_no_other_code_can_be_given() -> None:
    with pytest.raises(ValueError, match=r"finding xades\.no-such is not in the register"):
        Finding(code="xades.no-such", text="Something.", weight=Weight.NOTE)


def test_the_register_is_in_words() -> None:
    for code, one in FINDINGS.items():
        assert CODE.fullmatch(code)
        assert one.seen.endswith(".")
        assert set(one.weights) <= {weight.value for weight in Weight}
        assert not one.unprotected or one.weights == ("fatal",)


def test_what_the_importer_of_other_policies_names_is_registered() -> None:
    tree = ast.parse(Path(dss_policy.__file__).read_text(encoding="utf-8"))
    named = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(asic|cades|cms|jades|pades|xades)\.[a-z-]+", node.value)
    }
    assert named
    assert named <= FINDINGS.keys()


def test_the_page_of_findings_is_that_of_the_register() -> None:
    script = REPOSITORY / "docs" / "findings.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
