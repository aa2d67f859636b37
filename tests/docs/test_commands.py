"""The documentation tells every command, every option and every key, as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import BaseModel

from trustworks.app.configuration.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.e2e
@pytest.mark.usefixtures("softhsm")
def test_outputs_in_the_documentation_are_what_the_product_prints() -> None:
    done = subprocess.run(
        [sys.executable, "tools/renew_outputs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def tables(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, str]]:
    """All (table, key) of the configuration."""
    for field_name, field in model.model_fields.items():
        key = field.alias or field_name
        inner = next(iter(models(field.annotation)), None)
        if inner is None:
            yield name, key
        else:
            yield from tables(inner, f"{name}.{key}".removeprefix("."))


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models(inner)


@pytest.mark.parametrize(("table", "key"), list(tables(Config)))
def test_every_key_of_the_configuration_is_documented(table: str, key: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert f"[{table}]" in page or f"[[{table}]]" in page
    assert re.search(rf"`[\w.\[\]-]*\b{re.escape(key)}`", page)


def test_every_key_says_what_it_means() -> None:
    def silent(model: type[BaseModel], name: str = "") -> Iterator[str]:
        for field_name, field in model.model_fields.items():
            inner = next(iter(models(field.annotation)), None)
            if inner is not None:
                yield from silent(inner, f"{name}{field_name}.")
            elif not field.description:
                yield f"{name}{field_name}"

    assert list(silent(Config)) == []
