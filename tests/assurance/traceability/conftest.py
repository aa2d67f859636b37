from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.assurance.traceability import Places

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'standard = "STD 1"\nversion = "V1"\nprefix = "STD"\n'


class Product:
    """A small product on disk: a register, one module of code, one module of tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.results = root / ".trace" / "results.json"
        self.places = Places(
            root=root,
            register=root / "requirements",
            code=root / "src" / "product",
            tests=root / "tests",
            results=self.results,
        )
        self.places.register.mkdir()
        self.places.code.mkdir(parents=True)
        (root / "tests").mkdir()

    def register(self, text: str, name: str = "std.toml", head: str = HEAD) -> None:
        (self.places.register / name).write_text(head + text, encoding="utf-8")

    def entry(self, identifier: str, **changes: str | None) -> str:
        fields: dict[str, str | None] = {
            "id": identifier,
            "words": "What must hold.",
            "fulfilled_by": "product",
            "service": "core",
            "source_status": "verified",
            **changes,
        }
        lines = [f'{name} = "{value}"' for name, value in fields.items() if value is not None]
        return "\n".join(["[[requirement]]", *lines, ""])

    def code(self, text: str, name: str = "rules.py") -> None:
        (self.places.code / name).write_text(text, encoding="utf-8")

    def tests(self, text: str, name: str = "test_rules.py") -> None:
        (self.root / "tests" / name).write_text(text, encoding="utf-8")


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path)
