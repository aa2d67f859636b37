"""No credential is usable that anybody knows: by no default of the configuration, and by no program."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import trustworks
from trustworks.app.configuration.explain import settings
from trustworks.app.lab.layout import new_pin
from trustworks.core.module.pin import KNOWN_PINS, check_pin

SOURCES = Path(trustworks.__file__).parent
SECRET = re.compile(r"(^|[-_.])(so-?pin|pin|password|passphrase|secret|token|credential)s?($|[-_.])")

# Settings whose names speak of secrets, and that are none: each with what it is.
NO_SECRETS = {
    "http.proxy.secret-header": "the name of a header",
}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NO-DEFAULT-CREDENTIALS")
def test_no_setting_that_names_a_secret_has_a_default() -> None:
    found = [one for one in settings() if SECRET.search(one.path.rpartition(".")[2])]
    assert len(found) > 5
    given = {
        one.path: one.default
        for one in found
        if one.default not in {"not set", "none, it must be given", "[]"}
    }
    assert set(given) <= set(NO_SECRETS), given


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NO-DEFAULT-CREDENTIALS")
def test_the_program_has_no_credential_in_it() -> None:
    found = []
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            for name, value in _given(node):
                text = value.decode(errors="replace") if isinstance(value, bytes) else value
                if SECRET.search(name.lower()) and text.lower() in KNOWN_PINS - {name.lower()}:
                    found.append(f"{file.relative_to(SOURCES)}: {name} = {text!r}")
    assert found == []


def _given(node: ast.AST) -> list[tuple[str, str | bytes]]:
    """Names with the texts that the program gives them."""
    pairs: list[tuple[str | None, ast.expr | None]] = []
    if isinstance(node, ast.keyword):
        pairs = [(node.arg, node.value)]
    elif isinstance(node, ast.Assign):
        pairs = [(ast.unparse(target), node.value) for target in node.targets]
    elif isinstance(node, ast.AnnAssign):
        pairs = [(ast.unparse(node.target), node.value)]
    elif isinstance(node, ast.arguments):
        names = [one.arg for one in (*node.posonlyargs, *node.args)]
        pairs = [*zip(reversed(names), reversed(node.defaults), strict=False)]
        pairs += [(one.arg, value) for one, value in zip(node.kwonlyargs, node.kw_defaults, strict=True)]
    return [
        (name, value.value)
        for name, value in pairs
        if name and isinstance(value, ast.Constant) and isinstance(value.value, str | bytes)
    ]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NO-DEFAULT-CREDENTIALS")
def test_the_pins_of_a_laboratory_are_drawn() -> None:
    drawn = {new_pin() for _ in range(20)}
    assert len(drawn) == 20
    for pin in drawn:
        check_pin(pin.encode(), whose="a laboratory's token", lab=False)


def test_the_scan_finds_what_it_is_for() -> None:
    program = 'def open(pin: str = "1234"): ...\nopen(so_pin=b"12345678")\nPASSWORD: str = "changeit"\n'
    found = [pair for node in ast.walk(ast.parse(program)) for pair in _given(node)]
    assert sorted(name for name, value in found if SECRET.search(name.lower())) == [
        "PASSWORD",
        "pin",
        "so_pin",
    ]
